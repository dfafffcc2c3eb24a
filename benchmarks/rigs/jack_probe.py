"""A probe at a JACK port: when each block came, and its first sample above a threshold.

JACK runs the probe, a client of its own process, after the client that fills that port, in the same cycle.
"""

import time
from collections.abc import Callable
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np

from benchmarks.rigs.jack_client import N_NOTES, NOTES_BYTES, Listener, run_listener

MAX_BLOCKS = 1 << 21
"""An hour and a half of 128 samples each: as many as a probe can note."""
THRESHOLD = 0.02


class Probe(Listener):
    """Listens to the first output port whose name matches a regular expression; to none for the empty one."""

    def __init__(self, port: str) -> None:
        super().__init__(_listen, port, n_bytes=16 * MAX_BLOCKS)

    def first_sound(self, since: int) -> tuple[int, int] | None:
        """Time (monotonic ns) of the first block from number `since` on that holds sound, and the place in it."""
        times, places = self._columns()
        sounding = np.flatnonzero(places[since : self.n_blocks] >= 0)
        if not len(sounding):
            return None
        block = since + int(sounding[0])
        return int(times[block]), int(places[block])

    def wait_for_silence(self, *, blocks: int) -> None:
        """Returns when that many blocks in a row were silent."""
        since = self.n_blocks
        while self.n_blocks - since < blocks:
            if self.first_sound(since) is not None:
                since = self.n_blocks
            time.sleep(0.001)

    def longest_silence(self, since: int) -> float:
        """Seconds of the longest silence between two blocks that hold sound, from number `since` on."""
        times, places = self._columns()
        sounding = times[since : self.n_blocks][places[since : self.n_blocks] >= 0]
        between = np.diff(sounding)
        return 1e-9 * float(between.max() - np.median(between)) if len(between) else np.inf

    def sounds(self, *, blocks: int) -> bool:
        """Whether all of so many blocks, the latest ones, hold sound."""
        _, places = self._columns()
        n = self.n_blocks
        return n >= blocks and bool((places[n - blocks : n] >= 0).all())

    def gaps(self) -> int:
        """Number of cycles that the probe itself has missed: what it says is worth less by as many."""
        times, _ = self._columns()
        return int(np.sum(np.diff(times[: self.n_blocks]) > 2 * np.median(np.diff(times[: self.n_blocks]))))

    def _columns(self) -> tuple[np.ndarray, np.ndarray]:
        return _columns_of(self._memory)


def _columns_of(memory: SharedMemory) -> tuple[np.ndarray, np.ndarray]:
    """Times of blocks, and places of their first samples above the threshold (-1: none): int64 (MAX_BLOCKS,) each."""
    columns = np.frombuffer(memory.buf, dtype=np.int64, count=2 * MAX_BLOCKS, offset=NOTES_BYTES)
    return columns[:MAX_BLOCKS], columns[MAX_BLOCKS:]


def _listen(port: str, memory_name: str, ready: Any) -> None:
    memory = SharedMemory(name=memory_name)
    notes = np.frombuffer(memory.buf, dtype=np.int64, count=N_NOTES)
    times, places = _columns_of(memory)

    def hear(now: int, blocks: list[np.ndarray]) -> None:
        place = int(notes[0]) % MAX_BLOCKS
        times[place] = now
        above = np.abs(blocks[0]) > THRESHOLD
        places[place] = int(above.argmax()) if above.any() else -1
        notes[0] += 1

    run_listener("probe", port, 1, notes, ready, hear)


def trigger_latencies(
    probe: Probe, *, trigger: Callable[[], None], release: Callable[[], None], n: int, sample_rate: int
) -> tuple[np.ndarray, np.ndarray]:
    """Triggers n times out of silence, at random moments, and times the first sound at the probe's port.

    Returns milliseconds, (n,) each, inf where nothing was heard for 0.5 s: from just before `trigger()` to the moment
    at which the block is at the port; and the same plus the place of the first changed sample in that block.
    """
    rng = np.random.default_rng(3)
    block, sample = np.full(n, np.inf), np.full(n, np.inf)
    for turn in range(n):
        release()
        probe.wait_for_silence(blocks=6)
        time.sleep(float(rng.uniform(0.002, 0.02)))
        since, began = probe.n_blocks, time.monotonic_ns()
        trigger()
        while (heard := probe.first_sound(since)) is None and time.monotonic_ns() - began < 500_000_000:
            time.sleep(0.001)
        if heard is not None:
            block[turn] = (heard[0] - began) / 1e6
            sample[turn] = block[turn] + heard[1] / sample_rate * 1e3
    return block, sample
