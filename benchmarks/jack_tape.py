"""A tape at a JACK server: every sample of two output ports, and when each block came.

A JACK client of its own process, which the server runs after the client that fills these ports, in the same cycle.
"""

import ctypes
import multiprocessing
import time
from multiprocessing.shared_memory import SharedMemory

import numpy as np

from benchmarks.jack_dummy import AUDIO, IS_INPUT, library, open_client
from liveseq.engine.realtime import prepare_process


class Tape:
    """Records a pair of output ports whose names match a regular expression, up to so many blocks."""

    def __init__(self, ports: str, *, n_blocks: int, block_size: int) -> None:
        self._shape = (n_blocks, 2, block_size)
        self._memory = SharedMemory(create=True, size=16 + 8 * n_blocks + 4 * 2 * n_blocks * block_size)
        self._notes, self._times, self._audio = _columns_of(self._memory, self._shape)
        self._notes[:] = 0
        context = multiprocessing.get_context("spawn")
        ready = context.Event()
        arguments = (ports, self._memory.name, self._shape, ready)
        self._process = context.Process(target=_record, args=arguments, daemon=True)
        self._process.start()
        if not ready.wait(60.0):
            raise RuntimeError(f"no two JACK ports match {ports}")

    @property
    def n_blocks(self) -> int:
        return int(self._notes[0])

    @property
    def n_xruns(self) -> int:
        return int(self._notes[1])

    def take(self) -> tuple[np.ndarray, np.ndarray]:
        """What it has so far: float32 (n_blocks, block_size, 2), and of each block the monotonic ns, int64."""
        n = self.n_blocks
        return self._audio[:n].transpose(0, 2, 1).copy(), self._times[:n].copy()

    def close(self) -> None:
        self._process.kill()
        self._process.join()
        del self._notes, self._times, self._audio
        self._memory.close()
        self._memory.unlink()


def _columns_of(memory: SharedMemory, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts of blocks and xruns, times, and samples."""
    n = shape[0]
    notes = np.frombuffer(memory.buf, dtype=np.int64, count=2)
    times = np.frombuffer(memory.buf, dtype=np.int64, count=n, offset=16)
    audio = np.frombuffer(memory.buf, dtype=np.float32, count=int(np.prod(shape)), offset=16 + 8 * n)
    return notes, times, audio.reshape(shape)


def _record(ports: str, memory_name: str, shape: tuple[int, int, int], ready: object) -> None:
    memory = SharedMemory(name=memory_name)
    notes, times, audio = _columns_of(memory, shape)
    times[:], audio[:] = 0, 0.0  # every page is there before the first block
    prepare_process()  # what makes JACK wait must not be the tape itself
    jack = library()
    client = open_client("tape")
    own = [jack.jack_port_register(client, f"in_{side}".encode(), AUDIO, IS_INPUT, 0) for side in range(2)]

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint32, ctypes.c_void_p)
    def process(n: int, _: object) -> int:
        block = int(notes[0])
        if block < shape[0]:
            times[block] = time.monotonic_ns()
            for side, port in enumerate(own):
                address = jack.jack_port_get_buffer(port, n)
                audio[block, side] = np.frombuffer((ctypes.c_float * n).from_address(address), dtype=np.float32)
            notes[0] = block + 1
        return 0

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
    def xrun(_: object) -> int:
        notes[1] += 1
        return 0

    jack.jack_set_xrun_callback(ctypes.c_void_p(client), xrun, None)
    jack.jack_set_process_callback(ctypes.c_void_p(client), process, None)
    jack.jack_activate(client)
    while not ((found := jack.jack_get_ports(client, ports.encode(), None, 0x2)) and found[0] and found[1]):
        time.sleep(0.05)
    for side in range(2):
        jack.jack_connect(client, found[side], f"tape:in_{side}".encode())
    time.sleep(0.5)  # connecting makes xruns of its own
    notes[:] = 0
    ready.set()  # type: ignore[attr-defined]
    while True:
        time.sleep(1.0)
