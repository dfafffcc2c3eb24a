"""Patterns of sixteenths, and hands that play them.

A pattern is a string of one character per sixteenth: a digit is a velocity (9 is 1.0), a dot is a rest.
"""

from collections.abc import Callable, Sequence

import numpy as np

from liveseq.demo.grid import Grid, Loop, human

Sounds = Sequence[np.ndarray]
"""Several hits of one drum: they alternate, so that no two in a row are the same."""


def variants(make: Callable[[], np.ndarray], n_variants: int = 3) -> list[np.ndarray]:
    """Hits of one drum, (n_samples,) each: no two are the same."""
    return [make() for _ in range(n_variants)]


def hits(pattern: str) -> list[tuple[int, float]]:
    """(step, velocity) of every hit of a pattern."""
    return [(step, int(mark) / 9.0) for step, mark in enumerate(pattern) if mark != "."]


def strike(
    loop: Loop,
    sounds: Sounds,
    pattern: str,
    *,
    grid: Grid,
    bar: int,
    rng: np.random.Generator,
    gain: float = 1.0,
    pan: float = 0.0,
    loose: float = 0.0,
) -> list[int]:
    """Play a pattern in a bar; `loose` is the spread of timing in seconds. Returns the samples where it hit."""
    starts = []
    for step, velocity in hits(pattern):
        start = grid.at(bar, step) + round(abs(loose * rng.standard_normal()) * grid.sample_rate)
        level = human(rng, velocity, 0.08) ** 1.4
        loop.add(sounds[int(rng.integers(len(sounds)))], start, gain=gain * level, pan=pan)
        starts.append(start)
    return starts


def ghosts(rng: np.random.Generator, pattern: str, *, density: float, loudest: int = 4) -> str:
    """The pattern with quiet hits in some of its rests."""
    return "".join(
        str(rng.integers(2, loudest + 1)) if mark == "." and rng.random() < density else mark for mark in pattern
    )


def euclid(n_hits: int, n_steps: int, *, turn: int = 0, velocity: int = 8) -> str:
    """n_hits spread as evenly as they can be over n_steps (Toussaint 2005), starting `turn` steps later."""
    marks = [str(velocity) if (i * n_hits) % n_steps < n_hits else "." for i in range(n_steps)]
    return "".join(marks[(i - turn) % n_steps] for i in range(n_steps))
