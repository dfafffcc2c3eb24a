"""Recordings to learn from, as far as all workshops treat them alike: each once, and said what was left out."""

import hashlib
import sys
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np

from liveseq.train.devices import is_first


class Named(Protocol):
    """A recording of any kind."""

    @property
    def name(self) -> str: ...


class Described(Protocol):
    """Recordings that were read."""

    @property
    def description(self) -> str:
        """One line."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """Sentences on what was left out or changed."""
        ...


R = TypeVar("R", bound=Named)


def each_once(
    recordings: Sequence[R],
    *,
    contents: Callable[[R], np.ndarray],
    is_long_enough: Callable[[R], bool],
    least: str,
    notes: list[str],
) -> dict[str, R]:
    """Recordings that are long enough, each once, by the SHA-256 of its contents.

    A copy of a training file among the held-out ones would flatter a model. contents: an array of any shape (...);
    least: the least length, in words. Appends to the notes what is left out.
    """
    kept: dict[str, R] = {}
    n_short = 0
    for recording in recordings:
        if not is_long_enough(recording):
            n_short += 1
            continue
        digest = hashlib.sha256(np.ascontiguousarray(contents(recording)).data).hexdigest()
        if digest in kept:
            notes.append(f"left out: {recording.name} is a copy of {kept[digest].name}")
            continue
        kept[digest] = recording
    if n_short:
        notes.append(f"left out: {n_short} recording{'s' * (n_short > 1)} shorter than {least}")
    return kept


def announce(recordings: Described) -> None:
    """Print what is learned from, and on stderr what was left out: once, however many devices there are."""
    if is_first():
        print(*recordings.notes, sep="\n", end="\n" if recordings.notes else "", file=sys.stderr)
        print(recordings.description)
