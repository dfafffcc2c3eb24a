"""The expectation of a layer: its predictor at one moment, after all that it has heard. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from liveseq.runtime.predictor import Mixture, State
from liveseq.sequencer.foresight import Beat, Foresight, Opening
from liveseq.sequencer.selection import Selection


@dataclass(frozen=True, slots=True)
class Given:
    """Something for a layer to continue instead of what it has played."""

    at: int
    """Sample clock."""
    what: np.ndarray | int
    """Raw features, float32 (n_steps, n_features), n_steps >= 1; or a unit."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """Units that sound and that the predictor has not heard yet: see `Foresight.hear`."""

    units: Sequence[int]
    tag: str
    shift: np.ndarray


@dataclass(kw_only=True)
class Expectation:
    """State and expectation of a layer's predictor. Its own methods alone change it."""

    listening: bool = False
    """Whether the predictor hears the input instead of what the layer plays."""
    state: State = ()
    mixture: Mixture | None = None
    """Next step, as the predictor expects it; None = it is to be asked again."""
    beat: Beat = field(default_factory=lambda: Beat(0.0, 0.0))
    """Place in the beat of what is expected next."""
    anchor: np.ndarray | None = None
    """Place of the predicted path, before any bending: raw features, float32 (n_features,); None at a fresh start."""
    given: Given | None = None
    """Something to continue; it stands until something of it sounds, whatever else is set meanwhile."""
    unheard: Unheard | None = None
    """Heard before anything is asked of the predictor: what sounds is told to the engine first."""
    openings: dict[str, Opening] = field(default_factory=dict)
    """Openings that were made ahead of time, by tag."""
    firsts: dict[str, Selection] = field(default_factory=dict)
    """Units that these openings begin with."""
    mark: tuple[object, ...] = ()
    """Settings that the units were chosen under."""
    n_opened: Counter[str] = field(default_factory=Counter)
    """Number of times that each tag has begun since the seed was set."""

    # Hearing

    def hear_soon(self, unheard: Unheard) -> None:
        """Go on from what was heard with these units, at least one, before anything is asked."""
        self.unheard = unheard

    def catch_up(self, foresight: Foresight) -> None:
        """Hear what was left for later."""
        late, self.unheard = self.unheard, None
        if late is not None:
            heard = foresight.hear(late.units, self.state, tag=late.tag, shift=late.shift)
            self.mixture, self.state, self.beat = heard

    def hear_anew(self, foresight: Foresight, units: Sequence[int], *, tag: str) -> None:
        """Hear these units, at least one, and nothing before them."""
        self.unheard = None
        self.mixture, self.state, self.beat = foresight.hear(units, tag=tag)

    def hear_features(self, foresight: Foresight, features: np.ndarray, *, tag: str) -> None:
        """Go on with steps that are no units, or begin with them where nothing is expected.

        features: raw, float32 (n_steps, n_features), n_steps >= 1; what lies beyond all measure is taken as its rim.
        """
        self.catch_up(foresight)
        features = foresight.plausible(features)
        self.anchor = features[-1]
        known = None if self.mixture is None else self.state
        self.mixture, self.state, self.beat = foresight.hear_features(features, known, tag=tag)

    def hear_given(self, foresight: Foresight, *, tag: str) -> None:
        """Hear what the layer was given, where nothing is expected."""
        assert self.given is not None
        assert self.mixture is None
        if isinstance(self.given.what, int):
            self.hear_anew(foresight, foresight.leading_to(self.given.what), tag=tag)
        else:
            self.hear_features(foresight, self.given.what, tag=tag)

    def listen(self, listening: bool) -> None:
        """Hear the input from now on, or what the layer plays."""
        self.listening = listening

    def move_to(self, anchor: np.ndarray) -> None:
        """Let the predicted path be here: raw features (n_features,)."""
        self.anchor = anchor

    # Openings

    def keep(self, tag: str, opening: Opening) -> None:
        """Have an opening ready for when the tag begins."""
        self.openings[tag] = opening
        self.firsts.pop(tag, None)

    def keep_first(self, tag: str, first: Selection) -> None:
        """Have the unit ready that the opening of a tag begins with."""
        self.firsts[tag] = first

    def keep_under(self, mark: tuple[object, ...]) -> None:
        """Let first units be chosen anew that were chosen under other settings."""
        if mark != self.mark:
            self.firsts.clear()
            self.mark = mark

    def open(self, tag: str) -> tuple[np.ndarray, Selection]:
        """Begin a tag with the opening that is ready, and expect what comes after it. Returns the opening's future,
        raw features, float32 (horizon, n_features), and its first unit."""
        opening, first = self.openings.pop(tag), self.firsts.pop(tag)
        self.n_opened[tag] += 1
        self.mixture, self.state, self.beat = opening.mixture, opening.state, opening.beat
        return opening.future, first

    def drop_openings(self) -> None:
        """Let all openings be made anew."""
        self.openings.clear()
        self.firsts.clear()

    # Forgetting

    def rewind(self, *, begun: int | None) -> None:
        """Be asked again, since the plan was cut; what is listened to is another matter.

        begun: sample clock at which the unit began that sounds there.
        """
        if self.given is not None and begun is not None and begun >= self.given.at:
            self.given = None
        if not self.listening:
            self.mixture = self.unheard = None

    def forget_past(self) -> None:
        """Expect nothing of what was played; what is listened to is another matter."""
        self.given = None
        if not self.listening:
            self.mixture = self.unheard = None
            self.anchor = None

    def give(self, given: Given) -> None:
        """Have this to continue, at the next cut."""
        self.given = given

    def begin_from(self, given: Given) -> None:
        """Continue this and nothing else."""
        self.forget_past()
        self.mixture, self.unheard, self.given = None, None, given

    def restart(self) -> None:
        """Have nothing to continue, and let the predicted path begin anew."""
        self.given = self.anchor = None

    def change_predictor(self) -> None:
        """Be asked again: another model has another state."""
        self.drop_openings()
        self.mixture = self.unheard = None

    def reseed(self) -> None:
        """Open every tag as for the first time."""
        self.drop_openings()
        self.n_opened.clear()
