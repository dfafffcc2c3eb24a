"""Music on paper: metres, notes, parts, phrases with their chords. Time is in quarter notes from the beginning."""

from dataclasses import dataclass

from liveseq.demo.ensemble.instruments import Instrument
from liveseq.demo.ensemble.keys import Chord, Key


@dataclass(frozen=True, kw_only=True)
class Metre:
    """How a bar is counted."""

    name: str
    bar: float
    """Length in quarter notes."""
    pulse: float
    """Length of a felt beat: 1, or 1.5 in 6/8."""
    strong: tuple[float, ...]
    """Positions that are felt as heavy, the first is 0."""

    @property
    def signature(self) -> tuple[int, int]:
        numerator, denominator = self.name.split("/")
        return int(numerator), int(denominator)

    def weight(self, at: float) -> float:
        """How heavy a moment of the bar is: 1 at its beginning, 0 between the eighths."""
        at %= self.bar
        if at < 1e-6 or self.bar - at < 1e-6:
            return 1.0
        if any(abs(at - strong) < 1e-6 for strong in self.strong):
            return 0.7
        if abs(at / self.pulse - round(at / self.pulse)) < 1e-6:
            return 0.5
        return 0.2 if abs(2 * at - round(2 * at)) < 1e-6 else 0.0


METRES: dict[str, Metre] = {
    one.name: one
    for one in (
        Metre(name="4/4", bar=4.0, pulse=1.0, strong=(0.0, 2.0)),
        Metre(name="3/4", bar=3.0, pulse=1.0, strong=(0.0,)),
        Metre(name="6/8", bar=3.0, pulse=1.5, strong=(0.0, 1.5)),
        Metre(name="5/4", bar=5.0, pulse=1.0, strong=(0.0, 3.0)),
    )
}


@dataclass(frozen=True)
class Note:
    """start and length in quarter notes, pitch a MIDI number, accent relative to its neighbours (1 is plain)."""

    start: float
    length: float
    pitch: int
    accent: float = 1.0

    @property
    def end(self) -> float:
        return self.start + self.length


@dataclass(frozen=True)
class Harmony:
    """One chord for a while."""

    start: float
    length: float
    chord: Chord


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """Four bars (or one, at the end of a piece that goes round)."""

    letter: str
    """Phrases of one letter share their motif and their chords."""
    turn: int
    """How many of this letter came before."""
    first_bar: int
    n_bars: int
    closed: bool
    """Whether it comes to rest on the tonic."""
    level: float
    """How loud it is, from 0 (very soft) to 1 (very loud)."""
    harmonies: tuple[Harmony, ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A piece before any note: key, metre, tempo, phrases."""

    key: Key
    metre: Metre
    tempo: float
    """Felt beats per minute."""
    phrases: tuple[Phrase, ...]
    pentatonic: bool = False
    """Whether melodies leave out the two degrees that make half-tones."""

    @property
    def quarters_per_minute(self) -> float:
        return self.tempo * self.metre.pulse

    @property
    def n_bars(self) -> int:
        return sum(phrase.n_bars for phrase in self.phrases)

    @property
    def end(self) -> float:
        return self.n_bars * self.metre.bar

    @property
    def last_bar(self) -> float:
        return self.end - self.metre.bar

    @property
    def harmonies(self) -> tuple[Harmony, ...]:
        return tuple(harmony for phrase in self.phrases for harmony in phrase.harmonies)

    @property
    def form(self) -> str:
        """As musicians write it: "AABA"; what only ends a piece has no letter."""
        return "".join(phrase.letter for phrase in self.phrases if phrase.n_bars > 1)

    def phrase_at(self, start: float) -> Phrase:
        bar = int(start / self.metre.bar + 1e-6)
        return next((one for one in self.phrases if bar < one.first_bar + one.n_bars), self.phrases[-1])

    def chord_at(self, start: float) -> Chord:
        found = [one for one in self.phrase_at(start).harmonies if one.start <= start + 1e-6]
        return found[-1].chord if found else self.harmonies[0].chord


@dataclass(frozen=True, kw_only=True)
class Part:
    """The part of one player, or of one hand."""

    instrument: Instrument
    role: str
    notes: tuple[Note, ...]
    level_db: float = 0.0
    pan: float = 0.0
    """-1 (left) to 1 (right)."""
    send: float = 0.4
    """To the reverb, 0 to 1."""
    legato: bool = False
    """Whether its notes run a little into each other."""


@dataclass(frozen=True, kw_only=True)
class Feel:
    """How it is played."""

    swing: float = 0.0
    """How late every second eighth (or sixteenth) is, as a part of it; 1/3 is a triplet feel."""
    swing_unit: float = 0.5
    """Length in quarter notes of what swings."""
    loose: float = 0.006
    """Spread of timing in seconds."""
    touch: float = 0.05
    """Spread of velocity."""
    rubato: float = 0.0
    """How much the tempo breathes within a phrase (0.03 is 3 %)."""
    slows: bool = False
    """Whether it slows down into its end."""
    pump: bool = False
    """Whether sustained parts duck under each beat."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """A finished composition."""

    name: str
    style: str
    tags: tuple[str, ...]
    plan: Plan
    parts: tuple[Part, ...]
    feel: Feel
    room: str
    mood: tuple[str, ...]
    dynamics: str
