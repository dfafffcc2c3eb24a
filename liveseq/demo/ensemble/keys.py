"""Keys: the white keys in a mode, moved to any tonic; chords that may raise or lower a note of them.

Composing happens on the white keys (liveseq.demo.harmony): a `step` counts them, 35 is middle C. A key carries steps to
MIDI numbers, so that one table of progressions serves all twelve tonics.
"""

from dataclasses import dataclass

from liveseq.demo.harmony import WHITE, A, C, D, E, F, G, chord, midi

MODES: dict[str, int] = {"major": C, "minor": A, "dorian": D, "phrygian": E, "lydian": F, "mixolydian": G}
"""The white key that a mode begins on."""
TONICS = ("C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")


@dataclass(frozen=True)
class Chord:
    """A chord of a key. degrees: white keys modulo 7, root first; altered: (degree, semitones) pairs."""

    degrees: tuple[int, ...]
    altered: tuple[tuple[int, int], ...] = ()

    @property
    def root(self) -> int:
        return self.degrees[0]

    def alteration(self, step: int) -> int:
        return next((change for degree, change in self.altered if degree == step % 7), 0)

    def triad(self) -> "Chord":
        return Chord(self.degrees[:3], self.altered)


@dataclass(frozen=True)
class Key:
    """tonic: pitch class, 0 is C; mode: one of MODES."""

    tonic: int
    mode: str

    @property
    def name(self) -> str:
        return f"{TONICS[self.tonic]} {self.mode}"

    @property
    def degree(self) -> int:
        """The white key that stands for the tonic."""
        return MODES[self.mode]

    @property
    def shift(self) -> int:
        """Semitones from the white keys to this key, -5 to 6."""
        return (self.tonic - WHITE[self.degree] + 5) % 12 - 5

    @property
    def pitch_classes(self) -> frozenset[int]:
        return frozenset((white + self.shift) % 12 for white in WHITE)

    def pitch(self, step: int, chord: Chord | None = None) -> int:
        """MIDI number of a step, with the alterations of the chord that sounds."""
        return midi(step) + self.shift + (chord.alteration(step) if chord else 0)

    def steps(self, low: int, high: int) -> tuple[int, int]:
        """Lowest and highest step inside a range of MIDI numbers, however it is altered."""
        inside = [step for step in range(80) if low < midi(step) + self.shift < high]
        return inside[0], inside[-1]

    def chord(self, text: str) -> Chord:
        """A chord as progressions are written: a degree from 1, then 7 or 9 for its size, ! for a dominant.

        "2" a triad, "17" a seventh chord, "5!" a triad with a major third, "6!7" a dominant seventh.
        """
        root = (self.degree + int(text[0]) - 1) % 7
        size = {"7": 4, "9": 5}.get(text[-1], 3) if len(text) > 1 else 3
        degrees = chord(root, size)
        return Chord(degrees, _dominant(degrees) if "!" in text else ())


def _dominant(degrees: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Changes that give a chord a major third, a perfect fifth and a minor seventh."""
    altered = []
    for degree, wanted in zip(degrees[1:4], (4, 7, 10), strict=False):
        change = wanted - (WHITE[degree] - WHITE[degrees[0]]) % 12
        if change:
            altered.append((degree, change))
    return tuple(altered)
