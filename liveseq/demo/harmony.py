"""Pitch: the white keys, chords on them, and voices that lead from one chord to the next.

Every piece lives on the white keys in a mode of its own (A minor, D dorian, E phrygian, C major, F lydian), so that
any two of them may sound together. A `step` counts white keys: 35 is middle C (MIDI 60), 36 the D above it.
"""

from collections.abc import Sequence
from itertools import pairwise, product

WHITE = (0, 2, 4, 5, 7, 9, 11)
C, D, E, F, G, A, B = range(7)
"""Degrees: what is left of a step modulo 7."""

PROGRESSIONS: dict[int, tuple[tuple[int, ...], ...]] = {
    A: ((A, F, C, G), (A, D, F, E), (A, C, F, G), (A, E, F, D)),
    C: ((C, A, F, G), (C, F, D, G), (C, G, A, F), (C, E, F, G)),
    D: ((D, G, D, C), (D, C, G, A), (D, F, C, G), (D, A, G, C)),
    E: ((E, F, E, D), (E, F, G, F), (E, A, F, D), (E, C, F, D)),
    F: ((F, G, E, A), (F, G, F, C), (F, A, G, C), (F, C, D, G)),
}
"""Chord roots of four bars, by the degree of the tonic."""


def midi(step: int) -> int:
    """MIDI number of a white key."""
    return 12 * (step // 7) + WHITE[step % 7]


def hertz(pitch: float) -> float:
    """Frequency of a MIDI number, equal temperament, A4 = 440 Hz."""
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


def near(degree: int, around: int) -> int:
    """The step of a degree that is nearest to the step `around`."""
    down = around - (around - degree) % 7
    return down if around - down <= 3 else down + 7


def chord(root: int, size: int = 3) -> tuple[int, ...]:
    """Degrees of the chord on a root: 3 a triad, 4 a seventh, 5 a ninth."""
    return tuple((root + 2 * i) % 7 for i in range(size))


def _cost(previous: Sequence[int], voicing: Sequence[int], degrees: Sequence[int]) -> float:
    movement = sum(abs(a - b) for a, b in zip(previous, voicing, strict=True))
    missing = len(set(degrees[:4]) - {step % 7 for step in voicing})
    crossed = sum(low >= high for low, high in pairwise(voicing))
    close = sum(high - low == 1 for low, high in pairwise(voicing))
    parallel = 0
    for i in range(len(voicing) - 1):
        for j in range(i + 1, len(voicing)):
            interval = (voicing[j] - voicing[i]) % 7
            moved = voicing[i] != previous[i]
            parallel += moved and interval in (0, 4) and (previous[j] - previous[i]) % 7 == interval
    return movement + 6.0 * missing + 20.0 * crossed + 1.5 * close + 2.0 * parallel


def lead(previous: Sequence[int], degrees: Sequence[int], *, low: int, high: int) -> tuple[int, ...]:
    """The voicing of a chord that is reached from `previous` with the least movement.

    previous: steps, low to high. No voice crosses another, all chord notes sound when there are voices enough, parallel
    fifths and octaves cost.
    """
    choices = [[s for s in range(max(low, p - 4), min(high, p + 4) + 1) if s % 7 in degrees] for p in previous]
    options = [c or [near(degrees[0], p)] for c, p in zip(choices, previous, strict=True)]
    return min(product(*options), key=lambda voicing: (_cost(previous, voicing, degrees), voicing))


def voicings(
    roots: Sequence[int], *, size: int, start: Sequence[int], low: int, high: int, bass: bool = False
) -> list[tuple[int, ...]]:
    """Voiced chords on `roots`, each led from the one before; with `bass` the lowest voice sings the roots."""
    voicing, result = tuple(start), []
    for root in roots:
        if bass:
            upper = lead(voicing[1:], chord(root, size), low=low + 5, high=high)
            voicing = (near(root, start[0]), *upper)
        else:
            voicing = lead(voicing, chord(root, size), low=low, high=high)
        result.append(voicing)
    return result
