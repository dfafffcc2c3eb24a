"""JACK clients of their own processes, which count the blocks that they hear and note xruns.

An xrun is a call of JACK's xrun callback, one for each client of the server that was not done in time.
"""

import ctypes
import multiprocessing
import os
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count, cycle, takewhile
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np

from benchmarks.rigs.started import spawned
from liveseq.engine.realtime import MAIN_PRIORITY, prepare_process

MAX_XRUNS = 1 << 14
"""The latest ones, which a listener remembers."""
N_NOTES = 2 + MAX_XRUNS
"""Two counts of a listener, of blocks and of xruns, and the monotonic ns of these; int64."""
NOTES_BYTES = 8 * N_NOTES
FOLLOW_SECONDS = 0.005
"""Between two looks for ports of a process that has come in place of another."""
AUDIO = b"32 bit float mono audio"
IS_INPUT, IS_OUTPUT = 0x1, 0x2
_NO_START_SERVER = 0x01


def library() -> ctypes.CDLL:
    """libjack, with the types of those functions that take or give pointers."""
    jack = ctypes.CDLL("libjack.so.0")
    jack.jack_client_open.restype = ctypes.c_void_p
    jack.jack_port_register.restype = ctypes.c_void_p
    jack.jack_port_register.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_ulong,
        ctypes.c_ulong,
    ]
    jack.jack_port_get_buffer.restype = ctypes.c_void_p
    jack.jack_port_get_buffer.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    jack.jack_get_ports.restype = ctypes.POINTER(ctypes.c_char_p)
    jack.jack_get_ports.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong]
    jack.jack_connect.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]
    jack.jack_activate.argtypes = [ctypes.c_void_p]
    return jack


def open_client(name: str) -> int:
    """A client of the server that the environment names; it is not started where there is none."""
    client = library().jack_client_open(name.encode(), _NO_START_SERVER, None)
    if not client:
        raise RuntimeError("no JACK server")
    return int(client)


def block_at(jack: ctypes.CDLL, port: int, n: int) -> np.ndarray:
    """The n samples of a port in this cycle, float32 (n,), to be read or written in the process callback only."""
    return np.frombuffer((ctypes.c_float * n).from_address(jack.jack_port_get_buffer(port, n)), dtype=np.float32)


def raise_threads(process: int) -> None:
    """Gives the least real-time priority to the threads of a process that have none.

    An xrun is reported by such threads, jackd's and the client's: beside busy processes they would be late with it.
    """
    with suppress(OSError):  # no right to it
        for thread in map(int, os.listdir(f"/proc/{process}/task")):
            if os.sched_getscheduler(thread) == os.SCHED_OTHER:
                os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(MAIN_PRIORITY))


class Listener:
    """A process that is a JACK client, and shared memory in which it counts blocks and xruns, and notes them."""

    def __init__(self, listen: Callable[..., None], ports: str, *, n_bytes: int, shape: tuple[int, ...] = ()) -> None:
        """listen: the body of the process, which calls `run_listener`; it gets `ports`, the memory's name, an event to
        set when it hears them, and `shape`. n_bytes: room for what it notes of blocks, behind counts and xruns.
        """
        self._memory = SharedMemory(create=True, size=NOTES_BYTES + n_bytes)
        self._notes = np.frombuffer(self._memory.buf, dtype=np.int64, count=N_NOTES)
        self._notes[:] = 0
        ready = multiprocessing.get_context("spawn").Event()
        self._process = spawned(listen, ports, self._memory.name, ready, *shape)
        if not ready.wait(60.0):  # where every core is busy it takes its time
            raise RuntimeError(f"no JACK ports match {ports}")

    @property
    def n_blocks(self) -> int:
        return int(self._notes[0])

    @property
    def n_xruns(self) -> int:
        return int(self._notes[1])

    def xrun_times(self) -> np.ndarray:
        """Monotonic ns of each xrun, int64, in order; only of the latest ones where there are too many."""
        return np.sort(self._notes[2 : 2 + self.n_xruns])

    def close(self) -> None:
        """Ends the process and gives the memory back; whoever has arrays over it drops them before."""
        self._process.kill()
        self._process.join()
        del self._notes
        self._memory.close()
        self._memory.unlink()


def run_listener(
    name: str, ports: str, n_ports: int, notes: np.ndarray, ready: Any, hear: Callable[[int, list[np.ndarray]], None]
) -> None:
    """Listens for ever, as the body of a process: to the first output ports whose names match a regular expression, to
    none for the empty one.

    notes: int64 (N_NOTES,), whose blocks `hear` counts. hear: gets the monotonic ns and a block of each port, float32
    (n,), in JACK's thread.
    """
    prepare_process()  # what makes JACK wait must not be the listener itself
    jack = library()
    client = open_client(name)
    own = [jack.jack_port_register(client, f"in_{side}".encode(), AUDIO, IS_INPUT, 0) for side in range(n_ports)]

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint32, ctypes.c_void_p)
    def process(n: int, _: object) -> int:
        now = time.monotonic_ns()
        hear(now, [block_at(jack, port, n) for port in own])
        return 0

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
    def xrun(_: object) -> int:
        notes[2 + notes[1] % MAX_XRUNS] = time.monotonic_ns()
        notes[1] += 1
        return 0

    jack.jack_set_xrun_callback(ctypes.c_void_p(client), xrun, None)
    jack.jack_set_process_callback(ctypes.c_void_p(client), process, None)
    jack.jack_activate(client)
    raise_threads(os.getpid())
    heard = range(n_ports if ports else 0)
    while not all((found := jack.jack_get_ports(client, ports.encode(), None, 0x2)) and found[side] for side in heard):
        time.sleep(0.05)
    for side in heard:
        jack.jack_connect(client, found[side], f"{name}:in_{side}".encode())
    time.sleep(0.5)  # connecting makes xruns of its own
    notes[:] = 0
    ready.set()
    known = set(_names(jack, client, ports))
    while True:  # a process may come in place of another, or beside it
        time.sleep(FOLLOW_SECONDS)
        names = _names(jack, client, ports)
        for one, side in zip(names, cycle(range(n_ports))):
            if one not in known:
                jack.jack_connect(client, one, f"{name}:in_{side}".encode())
        known = set(names)


def _names(jack: ctypes.CDLL, client: int, ports: str) -> list[bytes]:
    """Output ports whose names match a regular expression; none for the empty one."""
    found = jack.jack_get_ports(client, ports.encode(), None, IS_OUTPUT) if ports else None
    names = list(takewhile(bool, (found[place] for place in count()))) if found else []
    jack.jack_free(ctypes.cast(found, ctypes.c_void_p) if found else None)
    return names
