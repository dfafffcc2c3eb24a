"""A tape at a JACK server: every sample of two output ports, and when each block came.

A JACK client of its own process, which the server runs after the client that fills these ports, in the same cycle.
"""

from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np

from benchmarks.rigs.jack_client import N_NOTES, NOTES_BYTES, Listener, run_listener

CLIENT = "tape"


class Tape(Listener):
    """Records a pair of output ports whose names match a regular expression: the last so many blocks.

    Without ports it is a device: PortAudio lists it by the name of CLIENT, and connects whoever plays there.
    """

    def __init__(self, ports: str, *, n_blocks: int, block_size: int) -> None:
        shape = (n_blocks, 2, block_size)
        super().__init__(_record, ports, n_bytes=8 + (8 + 4 * 2 * block_size) * n_blocks, shape=shape)
        self._count, self._times, self._audio = _columns_of(self._memory, shape)

    @property
    def n_blocks(self) -> int:
        """From the first one on, the tape being connected or not."""
        return int(self._count[0])

    def take(self, *, since: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Blocks that came from a moment on, float32 (n_blocks, block_size, 2), and the monotonic ns of each, int64."""
        n, length = self.n_blocks, len(self._times)
        oldest = max(0, n - length + 1) if n > length else 0  # the one before may be being written over
        places = np.arange(oldest, n) % length
        places = places[self._times[places] >= since]
        return self._audio[places].transpose(0, 2, 1), self._times[places]

    def close(self) -> None:
        del self._count, self._times, self._audio
        super().close()


def _columns_of(memory: SharedMemory, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number of blocks, int64 (1,), their times, int64 (n_blocks,), and samples, float32 in this shape: (n_blocks, 2,
    block_size)."""
    n, at = shape[0], NOTES_BYTES
    count = np.frombuffer(memory.buf, dtype=np.int64, count=1, offset=at)
    times = np.frombuffer(memory.buf, dtype=np.int64, count=n, offset=at + 8)
    audio = np.frombuffer(memory.buf, dtype=np.float32, count=int(np.prod(shape)), offset=at + 8 + 8 * n)
    return count, times, audio.reshape(shape)


def _record(ports: str, memory_name: str, ready: Any, *shape: int) -> None:
    memory = SharedMemory(name=memory_name)
    notes = np.frombuffer(memory.buf, dtype=np.int64, count=N_NOTES)
    count, times, audio = _columns_of(memory, shape)
    times[:], audio[:] = 0, 0.0  # every page is there before the first block

    def hear(now: int, blocks: list[np.ndarray]) -> None:
        place = int(count[0]) % shape[0]
        times[place] = now
        audio[place] = blocks
        count[0] += 1

    run_listener(CLIENT, ports, 2, notes, ready, hear)
