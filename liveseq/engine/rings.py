"""Streams as the audio thread reads them: rings in shared memory, which another process writes while they are read."""

import mmap
from collections.abc import Iterable
from multiprocessing.shared_memory import SharedMemory

import numpy as np

from liveseq.engine.shards import lock
from liveseq.sequencer.timeline import STREAM_SHARD

_SAMPLE_BYTES = 8  # stereo float32


class LastingMemory(SharedMemory):
    """Shared memory that arrays lie in: it stays mapped until the process ends, since they may be read until then."""

    def __del__(self) -> None:
        """The system takes it back."""


def map_rings(memory: LastingMemory, places: Iterable[tuple[int, int]]) -> dict[int, np.ndarray]:
    """The rings of all layers by their shard numbers, float32 (n_samples, 2) each; their pages are there from now on.

    places: (bytes from the memory's beginning, samples) of each.
    """
    assert memory.buf is not None
    rings = {}
    for number, (begin, n_samples) in enumerate(places, start=STREAM_SHARD):
        ring = np.frombuffer(memory.buf, dtype=np.float32, count=2 * n_samples, offset=begin).reshape(n_samples, 2)
        ring[:: mmap.PAGESIZE // _SAMPLE_BYTES].max()  # touched, whoever writes there later
        lock(ring)
        rings[number] = ring
    return rings
