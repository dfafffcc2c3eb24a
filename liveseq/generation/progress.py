"""How far the filling of a corpus is: a bar on a terminal, a line now and then where stderr is a pipe or a file."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

EVERY = 10.0
"""Seconds between two lines, at least."""


@contextmanager
def progress(total: float, *, what: str) -> Iterator[Callable[[float], object]]:
    """Yields what is to be told of the seconds of sound that have come. total: seconds of sound."""
    with tqdm(total=round(total), unit="s", desc=what, leave=False, disable=None) as bar:
        yield _lines(total, what=what) if bar.disable else bar.update


def _lines(total: float, *, what: str) -> Callable[[float], object]:
    come, told_at = 0.0, time.monotonic()

    def tell(seconds: float) -> None:
        nonlocal come, told_at
        come += seconds
        if time.monotonic() >= told_at + EVERY:
            told_at = time.monotonic()
            print(f"{what}: {come:.0f} of {total:.0f} s", file=sys.stderr, flush=True)

    return tell
