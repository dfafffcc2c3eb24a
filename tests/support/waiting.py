"""Waits of a test: for a condition, never for a time that a crowded machine may not keep."""

import os
import time
from pathlib import Path

PATIENCE = 120.0
"""Seconds; never reached but where something is broken."""


def wait_for(condition, *, seconds=PATIENCE, what="condition"):
    """Ask until what it returns is true, and return that; fails the test where it is not within `seconds`."""
    limit = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < limit, f"waited {seconds} s for {what}"
        time.sleep(0.005)
    return found


def denied(*pids):
    """Seconds for which the main threads of these processes, and this one, were ready to run and had no core.

    What lasts so much longer on a crowded machine lasts longer by that. Linux knows it; elsewhere it is 0.
    """
    texts = [Path(f"/proc/{pid}/schedstat") for pid in (os.getpid(), *pids)]
    return 1e-9 * sum(int(text.read_text().split()[1]) for text in texts if text.exists())
