"""The planner: the next unit of a layer, and the events that sound it.

Pure. A layer goes round: its tag's turn -> predicted horizon -> bent by the macros -> beam selection -> events of its
mode -> the units that really sound are fed back to the predictor. Feeding back what sounds, not what was predicted,
keeps long runs on the corpus.
"""

from dataclasses import astuple

import numpy as np

from liveseq.corpus.index import DEFAULT_WEIGHTS
from liveseq.sequencer.expectation import Given, Unheard
from liveseq.sequencer.foresight import PRIMING_UNITS, Foresight, Opening
from liveseq.sequencer.layers import Layer
from liveseq.sequencer.material import Reading
from liveseq.sequencer.playback import Cue
from liveseq.sequencer.repetition import Repetition, Usage
from liveseq.sequencer.selection import Query, Selection
from liveseq.sequencer.settings import Mode
from liveseq.sequencer.steering import achieved, travel
from liveseq.sequencer.timeline import Choice, Event, StopLayer

OPENING_STEPS = 3
"""Steps that the first plan of a tag looks ahead: it is waited for, and the next one looks the whole horizon ahead."""
MOST_STEPS = 32
"""Steps that are predicted for a plan that travels fast; beyond them it stays where it has come."""
PHRASE_SECONDS = (2.0, 5.0)
"""Least and most that a turn lasts where several tags share a layer."""


class Planner:
    """Plans layers over one corpus. Holds no state between calls: what it finds goes into the layer's records."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._units = reading.material.units
        self._nothing = Usage(self._units.n_units)

    def plan(self, layer: Layer, *, now: int, until: int) -> tuple[list[Event], list[Choice]]:
        """Plan a layer that plays, up to `until`. Where its plan has fallen behind `now`, it goes on from `now`."""
        events: list[Event] = []
        choices: list[Choice] = []
        if layer.line.cursor < now:
            # The engine has gone on by itself: whatever comes next is a jump.
            layer.line.catch_up(now, keep_unit=layer.settings.mode is Mode.FREEZE)
        while layer.line.cursor < until:
            more, choice = self._next(layer)
            events += more
            choices.append(choice)
        return events, choices

    def begin_from(self, layer: Layer, given: Given) -> None:
        """Let the next plan continue what the layer was given; the predictor hears it then."""
        layer.forget_past()
        layer.expectation.begin_from(given)
        self._begin_phrase(layer, layer.tag or layer.blend.next_tag(layer.rng))
        if isinstance(given.what, int):
            having = [tag for tag in layer.weights if self.has(tag, given.what)]
            if having:
                layer.blend.move_to(layer.tag if layer.tag in having else having[0])
                layer.line.follow(given.what)

    def hear_input(self, layer: Layer, features: np.ndarray) -> None:
        """Let the layer's predictor hear steps that are played to it: raw features, float32 (n_steps, n_features)."""
        if layer.tag:
            layer.expectation.hear_features(self._foresight(layer), features, tag=layer.tag)

    def prepare(self, layer: Layer) -> bool:
        """Make one opening of a layer ahead of time, or choose its first unit. False where all are made."""
        layer.expectation.keep_under(_mark(layer))
        for tag in self._units.tags:
            if tag not in layer.expectation.firsts:
                self._make_opening(layer, tag)
                return True
        return False

    def has(self, tag: str, unit: int) -> bool:
        """Whether a unit has a tag, one of the corpus."""
        sorted_units = self._units.tag_units[tag]
        place = int(np.searchsorted(sorted_units, unit))
        return place < len(sorted_units) and int(sorted_units[place]) == unit

    def _foresight(self, layer: Layer) -> Foresight:
        return self._reading.foresights[layer.predictor]

    def _next(self, layer: Layer) -> tuple[list[Event], Choice]:
        """Plan the unit that begins at the cursor, or about there."""
        frozen = layer.settings.mode is Mode.FREEZE and layer.line.unit is not None
        if not layer.tag or (not frozen and layer.blend.is_over(layer.line.cursor)):
            self._turn(layer)
        first: Selection | None = None
        if frozen:
            expected, targets = self._hold(layer)
        elif self._opens(layer):
            future, first = self._open(layer)
            expected, targets = future[0], self._bent(layer, future, tag=layer.tag)
        else:
            future = self._future(layer)
            expected, targets = future[0], self._bent(layer, future, tag=layer.tag)
        query = self._query(layer, targets, tag=layer.tag)
        chosen = self._reading.selector.hold(query) if frozen else self._choose(layer, query, first)
        layer.expectation.move_to(expected)
        fresh = layer.line.unit is None
        cue = Cue(unit=chosen.unit, continues=chosen.continues, expected=expected)
        sounded = self._reading.player.sound(layer, cue)
        layer.usage.note(chosen.unit, clock=sounded.begin)
        layer.line.note(sounded.heard, begin=sounded.begin)
        layer.blend.note(layer.line.cursor - sounded.begin)
        self._feed_back(layer, sounded.heard, expected=expected, target=targets[0], frozen=frozen)
        silent = all(isinstance(event, StopLayer) for event in sounded.events) and layer.settings.trigger < 1.0
        reason = (
            "rest" if silent else
            "fallback" if chosen.taboo else
            "start" if fresh else
            "continue" if chosen.continues or frozen else
            "jump"
        )  # fmt: skip
        return sounded.events, self._choice(layer, chosen, target=targets[0], begin=sounded.begin, reason=reason)

    def _feed_back(
        self, layer: Layer, heard: list[int], *, expected: np.ndarray, target: np.ndarray, frozen: bool
    ) -> None:
        """Let the predictor hear the units that sound, unless it listens to something else."""
        foresight = self._foresight(layer)
        if not frozen and foresight.is_over(heard[-1], layer.tag):
            layer.forget_past()  # what has died away is no reason for silence: open anew
        elif not (frozen or layer.listening):
            bent = achieved(self._units.features[heard[0]], expected=expected, target=target)
            layer.expectation.hear_soon(Unheard(heard, layer.tag, bent))

    def _choose(self, layer: Layer, query: Query, first: Selection | None) -> Selection:
        """first: the unit that an opening has ready, which is taken unless it was heard just now."""
        settings, pool = layer.settings, layer.allowed.pool(self._units, layer.tag)
        if first is not None and not settings.steering.memory:
            rate = self._units.sample_rate
            if Repetition.under(layer.usage, settings, pool, clock=query.clock, sample_rate=rate).allows(first.unit):
                return first
        return self._reading.selector.select(query, usage=layer.usage, pool=pool, settings=settings, rng=layer.rng)

    def _query(self, layer: Layer, targets: np.ndarray, *, tag: str, fresh: bool = False) -> Query:
        """Wish for units of a tag. fresh: whatever the layer sounds."""
        settings = layer.settings
        factors = np.array(settings.weights, dtype=np.float32)
        weights = DEFAULT_WEIGHTS * np.concatenate([factors[:-1], factors[-1] * factors[:-1]])
        return Query(
            targets=targets,
            weights=weights / np.linalg.norm(weights) * self._reading.bend.emphasis(tag, settings.steering),
            tag=tag,
            after=None if fresh else layer.line.unit,
            follower=None if fresh else self._reading.player.follower(layer),
            clock=layer.line.cursor,
            samples_per_step=self._foresight(layer).samples_per_step,
            allowed=layer.allowed.filter,
        )

    def _turn(self, layer: Layer) -> None:
        """Give the next tag its phrase. If it is another one, it begins afresh, from its own material."""
        before, tag = layer.tag, layer.blend.next_tag(layer.rng)
        self._begin_phrase(layer, tag)
        if tag != before:
            layer.forget_past()

    def _begin_phrase(self, layer: Layer, tag: str) -> None:
        n_samples = int(layer.rng.uniform(*PHRASE_SECONDS) * self._units.sample_rate)
        layer.blend.begin_phrase(tag, end=layer.line.cursor + n_samples)

    def _hold(self, layer: Layer) -> tuple[np.ndarray, np.ndarray]:
        """The unit that sounds, as a future of one step: what is expected, and what is wanted."""
        assert layer.line.unit is not None
        features = self._units.features[layer.line.unit]
        return features, features[None]

    def _bent(self, layer: Layer, future: np.ndarray, *, tag: str) -> np.ndarray:
        """A future as the macros want it: raw features, (horizon, n_features)."""
        return self._reading.bend.apply(future, tag=tag, steering=layer.settings.steering)

    def _opens(self, layer: Layer) -> bool:
        """Whether the layer begins its tag with nothing before it."""
        expectation = layer.expectation
        return expectation.mixture is None and expectation.given is None and layer.line.unit is None

    def _open(self, layer: Layer) -> tuple[np.ndarray, Selection]:
        """Begin a tag: its future before any bending, raw features, float32 (horizon, n_features), and its first
        unit."""
        layer.expectation.keep_under(_mark(layer))
        self._make_opening(layer, layer.tag)
        return layer.expectation.open(layer.tag)

    def _future(self, layer: Layer) -> np.ndarray:
        """The future to plan for, before any bending: raw features, float32 (horizon, n_features)."""
        settings, expectation, foresight = layer.settings, layer.expectation, self._foresight(layer)
        expectation.catch_up(foresight)
        if expectation.mixture is None and expectation.given is not None:
            expectation.hear_given(foresight, tag=layer.tag)
        if expectation.mixture is None:
            heard = layer.line.past()[-PRIMING_UNITS:] or [layer.line.unit or 0]
            expectation.hear_anew(foresight, heard, tag=layer.tag)
        assert expectation.mixture is not None
        movement = settings.steering.movement
        future = foresight.imagine(
            expectation.mixture,
            expectation.state,
            beat=expectation.beat,
            tag=layer.tag,
            horizon=max(1, min(int(np.ceil(movement * settings.horizon)), MOST_STEPS)),
            temperature=_temperature(layer),
            rng=layer.rng,
            after=layer.line.unit,
        )
        anchor = future[0] if expectation.anchor is None else expectation.anchor
        return travel(anchor, future, movement=movement, horizon=settings.horizon)

    def _make_opening(self, layer: Layer, tag: str) -> None:
        """Have the next opening of a tag ready, and its first unit: made now where they are not there or were made for
        other settings."""
        horizon, temperature = min(layer.settings.horizon, OPENING_STEPS), _temperature(layer)
        ready: Opening | None = layer.expectation.openings.get(tag)
        if ready is None or (len(ready.future), ready.temperature) != (horizon, temperature):
            rng = layer.opening_rng(tag, 0)
            ready = self._foresight(layer).open(tag, horizon=horizon, temperature=temperature, rng=rng)
            layer.expectation.keep(tag, ready)
        if tag not in layer.expectation.firsts:
            first = self._reading.selector.select(
                self._query(layer, self._bent(layer, ready.future, tag=tag), tag=tag, fresh=True),
                usage=self._nothing,
                pool=layer.allowed.pool(self._units, tag),
                settings=layer.settings,
                rng=layer.opening_rng(tag, 1),
            )
            layer.expectation.keep_first(tag, first)

    def _choice(self, layer: Layer, chosen: Selection, *, target: np.ndarray, begin: int, reason: str) -> Choice:
        units, unit = self._units, chosen.unit
        return Choice(
            layer=layer.number,
            start=begin,
            unit=unit,
            tag=layer.tag,
            tags=tuple(layer.weights.items()),
            source=units.source_names[units.source[unit]],
            seconds=float(units.position[unit] - units.source_start[unit]) / units.sample_rate,
            duration=(layer.line.cursor - begin) / units.sample_rate,
            target=target,
            features=units.features[unit],
            distance=chosen.distance,
            join=chosen.join,
            repetition=chosen.repetition,
            rank=chosen.rank,
            reason=reason,
            mode=str(layer.settings.mode),
        )


def _mark(layer: Layer) -> tuple[object, ...]:
    """Everything but chance that the choice of an opening's first unit depends on."""
    settings = layer.settings
    return (
        settings.horizon,
        settings.predict_temperature,
        settings.k,
        settings.radius,
        settings.query_temperature,
        settings.weights,
        settings.stickiness,
        settings.beam,
        astuple(settings.steering),
        layer.allowed.n_changes,
    )


def _temperature(layer: Layer) -> float:
    """Temperature of the prediction, with the macro."""
    return layer.settings.predict_temperature * layer.settings.steering.surprise
