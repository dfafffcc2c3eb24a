"""A tape at a JACK server: every sample of two output ports, and when each block came.

A JACK client of its own process, which the server runs after the client that fills these ports, in the same cycle.
"""

from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np

from benchmarks.rigs.jack_client import N_NOTES, NOTES_BYTES, Listener, run_listener


class Tape(Listener):
    """Records a pair of output ports whose names match a regular expression, up to so many blocks."""

    def __init__(self, ports: str, *, n_blocks: int, block_size: int) -> None:
        super().__init__(_record, ports, n_bytes=(8 + 4 * 2 * block_size) * n_blocks, shape=(n_blocks, 2, block_size))
        self._times, self._audio = _columns_of(self._memory, (n_blocks, 2, block_size))

    def take(self) -> tuple[np.ndarray, np.ndarray]:
        """The recording so far, float32 (n_blocks, block_size, 2), and the monotonic ns of each block, int64."""
        n = self.n_blocks
        return self._audio[:n].transpose(0, 2, 1).copy(), self._times[:n].copy()

    def close(self) -> None:
        del self._times, self._audio
        super().close()


def _columns_of(memory: SharedMemory, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Times, int64 (n_blocks,), and samples, float32 in this shape: (n_blocks, 2, block_size)."""
    n = shape[0]
    times = np.frombuffer(memory.buf, dtype=np.int64, count=n, offset=NOTES_BYTES)
    audio = np.frombuffer(memory.buf, dtype=np.float32, count=int(np.prod(shape)), offset=NOTES_BYTES + 8 * n)
    return times, audio.reshape(shape)


def _record(ports: str, memory_name: str, ready: Any, *shape: int) -> None:
    memory = SharedMemory(name=memory_name)
    notes = np.frombuffer(memory.buf, dtype=np.int64, count=N_NOTES)
    times, audio = _columns_of(memory, shape)
    times[:], audio[:] = 0, 0.0  # every page is there before the first block

    def hear(now: int, blocks: list[np.ndarray]) -> None:
        block = int(notes[0])
        if block < shape[0]:
            times[block] = now
            audio[block] = blocks
            notes[0] = block + 1

    run_listener("tape", ports, 2, notes, ready, hear)
