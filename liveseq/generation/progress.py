"""Progress of the filling of a corpus: a bar on a terminal, a line now and then where stderr is a pipe or a file."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

EVERY = 10.0
"""Seconds between two lines, at least."""


@contextmanager
def progress(total: float, *, title: str) -> Iterator[Callable[[float], object]]:
    """Yields a function that is to be called with the seconds of sound that have come. total: seconds of sound."""
    with tqdm(total=round(total), unit="s", desc=title, leave=False, disable=None) as bar:
        yield _lines(total, title=title) if bar.disable else bar.update


def _lines(total: float, *, title: str) -> Callable[[float], object]:
    come, written_at = 0.0, time.monotonic()

    def write(seconds: float) -> None:
        nonlocal come, written_at
        come += seconds
        if time.monotonic() >= written_at + EVERY:
            written_at = time.monotonic()
            print(f"{title}: {come:.0f} of {total:.0f} s", file=sys.stderr, flush=True)

    return write
