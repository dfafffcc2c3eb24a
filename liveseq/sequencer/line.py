"""The place of a layer in the corpus: what has sounded last, and where the next unit begins. Pure."""

from collections import deque
from dataclasses import dataclass, field

N_REMEMBERED = 64
"""Planned units that are kept, to know what sounds when a plan is replaced: over ten seconds of them."""


@dataclass(kw_only=True)
class Line:
    """A line of sound through the corpus. Its own methods alone change it: a player moves it on, a command cuts it."""

    cursor: int = 0
    """Sample clock at which the next unit begins."""
    entering: bool = True
    """Whether the next unit breaks in: then its fade begins at the cursor, and the unit itself one fade later."""
    unit: int | None = None
    """The unit that ends at the cursor; None at a fresh start."""
    head: float | None = None
    """Sample of its shard at which the sounding voice is at the cursor, between samples where it is resampled; None
    where no voice goes on into the next unit."""
    place: float | None = None
    """Sample of its shard at which the last unit began to be read; None where that is not known."""
    level: float = 1.0
    """Linear gain at which it is read."""
    ratio: float = 1.0
    """Samples of the source per sample of output at which it is read."""
    backwards: bool = False
    """Whether it is read backwards: then nothing follows it naturally."""
    beat_period: float | None = None
    """Samples per beat of beat mode; None = to be taken from the next unit that has a beat."""
    next_grain: float = 0.0
    """Sample clock of the next grain of a cloud."""
    _past_from: int = field(default=0, init=False)
    """Sample clock from which on what was played belongs to what comes next."""
    _planned: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=N_REMEMBERED), init=False)
    """(begin on the sample clock, unit), oldest first."""

    @property
    def begun(self) -> int | None:
        """Sample clock at which the unit began that was planned last; None where none was."""
        return self._planned[-1][0] if self._planned else None

    def past(self) -> list[int]:
        """Units that were played and belong to what comes next, oldest first."""
        return [unit for begin, unit in self._planned if begin >= self._past_from]

    # Forward: the player and the planner

    def enter(self, lead: int) -> None:
        """Let the next unit begin `lead` samples later where it breaks in: so long does its fade last."""
        if self.entering:
            self.cursor += lead
            self.entering = False

    def jump(
        self, *, place: float, head: float | None, level: float, ratio: float, backwards: bool, length: int
    ) -> None:
        """Sound a unit that is read from `place` on, for `length` samples. head: see the field."""
        self.place, self.level, self.ratio, self.backwards = place, level, ratio, backwards
        self.head = head
        self.cursor += length

    def go_on(self, *, head: float | None, level: float, length: int) -> None:
        """Sound what the voice reads next, for `length` samples. head: where it is then."""
        self.place, self.level = self.head, level
        self.head = head
        self.cursor += length

    def rest(self, length: int) -> None:
        """Be silent for `length` samples."""
        self.head = None
        self.backwards = self.entering = False
        self.cursor += length

    def scatter(self, *, place: float, next_grain: float, length: int) -> None:
        """Sound grains around a place, for `length` samples."""
        self.place, self.next_grain = place, next_grain
        self.rest(length)  # no voice goes on from a cloud

    def keep_beat(self, period: float) -> float:
        """Samples per beat: those of the first unit since the beat was free."""
        if self.beat_period is None:
            self.beat_period = period
        return self.beat_period

    def note(self, units: list[int], *, begin: int) -> None:
        """Remember what sounds from `begin` to the cursor: units in order, at least one."""
        self._planned.append((begin, units[0]))
        self.unit = units[-1]

    def follow(self, unit: int) -> None:
        """Continue this unit, whatever has sounded."""
        self.unit = unit

    def catch_up(self, now: int, *, keep_unit: bool) -> None:
        """Break in at `now`: the plan was late, and the engine has gone on by itself."""
        self.cursor = now
        self.entering = True
        self.head = None
        if not keep_unit:
            self.unit = None

    # Back: commands

    def rewind(self, at: int) -> None:
        """Forget what was planned from `at` on: the next unit begins there, after the unit that then sounds."""
        while self._planned and self._planned[-1][0] >= at:
            self._planned.pop()
        self.unit = self._planned[-1][1] if self._planned else None
        self.head = self.place = None
        self.backwards = False
        self.cursor = at
        self.next_grain = min(self.next_grain, float(at))
        self.entering = True

    def forget_past(self, *, at: int) -> None:
        """Go on after nothing: what has begun before `at` has nothing to do with what comes next."""
        self.unit = self.head = self.place = None
        self._past_from = at

    def forget_played(self) -> None:
        """Remember no unit."""
        self._planned.clear()

    def free_beat(self) -> None:
        """Take the beat from the next unit that has one."""
        self.beat_period = None

    def restart_grains(self, at: int) -> None:
        """Let the next grain of a cloud begin at `at`."""
        self.next_grain = float(at)
