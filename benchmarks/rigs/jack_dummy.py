"""A JACK server with the dummy driver, and a probe that says when a sample reaches one of its ports.

The probe is a JACK client of its own process, connected to an output port. JACK runs it after the client that fills
that port, in the same cycle. For each block it notes its own time of day, and the first sample above a threshold. It
also notes the calls of JACK's xrun callback, one for each client of the server that was not done in time.
"""

import ctypes
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rigs.started import spawned, started
from liveseq.engine.realtime import MAIN_PRIORITY, freeze_garbage, prepare_process
from liveseq.engine.stream import open_output

MAX_BLOCKS = 1 << 21
"""That a probe can note: an hour and a half of 128 samples."""
MAX_XRUNS = 1 << 14
"""That a listener remembers, the latest ones."""
N_NOTES = 2 + MAX_XRUNS
"""A listener's counts of blocks and of xruns, and the monotonic ns of these; int64."""
NOTES_BYTES = 8 * N_NOTES
THRESHOLD = 0.02
_NO_START_SERVER = 0x01
AUDIO = b"32 bit float mono audio"
IS_INPUT = 0x1


class JackServer:
    """Context manager. Everything that is to use this server needs its environment: `environment()`."""

    def __init__(self, *, sample_rate: int = 48_000, block_size: int = 128, name: str = "liveseq") -> None:
        self.name = f"{name}-{os.getpid()}"
        self.sample_rate, self.block_size = sample_rate, block_size

    @staticmethod
    def is_installed() -> bool:
        return shutil.which("jackd") is not None

    @property
    def pid(self) -> int:
        return self._process.pid

    def environment(self) -> dict[str, str]:
        names = {"JACK_DEFAULT_SERVER": self.name, "JACK_NO_START_SERVER": "1", "JACK_NO_AUDIO_RESERVATION": "1"}
        return names | {"NUMPY_MADVISE_HUGEPAGE": "0"}  # what watches must not disturb: see benchmarks.live.disturbance

    def __enter__(self) -> "JackServer":
        dummy = ["-d", "dummy", "-r", str(self.sample_rate), "-p", str(self.block_size)]
        for realtime in (["-R", "-P", "60"], ["-r"]):
            with ExitStack() as stack:
                self._process = stack.enter_context(
                    started(
                        ["jackd", "-n", self.name, *realtime, *dummy],
                        env=os.environ | self.environment(),
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                    )
                )
                if self._answers():
                    self._stack = stack.pop_all()
                    return self
        raise RuntimeError("jackd does not start")

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _answers(self) -> bool:
        """Ask from another process: libjack remembers a failure."""
        code = (
            "import os, benchmarks.rigs.jack_dummy as j; j.open_client('asks'); print('yes', flush=True); os._exit(0)"
        )
        environment = os.environ | self.environment() | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
        for _ in range(10):
            if self._process.poll() is not None:
                return False
            answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, timeout=20)
            if b"yes" in answer.stdout:
                return True
            time.sleep(0.2)
        return False


@contextmanager
def beside_a_player(listen: Callable[[], "Listener"]) -> Iterator["Listener"]:
    """This process, and those that it starts, use a JACK server. Yields a listener at a second one, the control.

    The control has the chain of clients that a measured server has: Python that fills blocks through PortAudio, as the
    engine asks for its device and its priority, and behind it the listener. But its blocks are copied from a ready one.
    """
    with JackServer(name="control") as other, JackServer() as jack:
        os.environ.update(other.environment())
        ready = multiprocessing.get_context("spawn").Event()
        player = spawned(_play, other.sample_rate, other.block_size, ready)
        if not ready.wait(60.0):  # two clients that come at once can both fail
            raise RuntimeError("the control does not play")
        control = listen()
        for server in (other, jack):
            raise_threads(server.pid)
        os.environ.update(jack.environment())
        try:
            yield control
        finally:
            control.close()
            player.kill()
            player.join()


def _play(sample_rate: int, block_size: int, ready: Any) -> None:
    """Body of a process, for ever: noise."""
    prepare_process()
    noise = 0.1 * np.random.default_rng(1).standard_normal((block_size, 2)).astype(np.float32)

    def fill(block: np.ndarray, *_: int) -> None:
        block[:] = noise

    output = open_output("system", fill, sample_rate=sample_rate, block_size=block_size)
    freeze_garbage()
    output.start()
    ready.set()
    while True:
        time.sleep(1.0)


def raise_threads(process: int) -> None:
    """Give the least real-time priority to the threads of a process that have none.

    An xrun is told by such threads, jackd's and the client's: beside busy processes they would be late with it.
    """
    with suppress(OSError):  # no right to it
        for thread in map(int, os.listdir(f"/proc/{process}/task")):
            if os.sched_getscheduler(thread) == os.SCHED_OTHER:
                os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(MAIN_PRIORITY))


def library() -> ctypes.CDLL:
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
    client = library().jack_client_open(name.encode(), _NO_START_SERVER, None)
    if not client:
        raise RuntimeError("no JACK server")
    return int(client)


class Listener:
    """A process that is a JACK client, and shared memory in which it counts blocks and xruns, and notes them."""

    def __init__(self, listen: Callable[..., None], ports: str, *, n_bytes: int, shape: tuple[int, ...] = ()) -> None:
        """listen: body of the process, which calls `run_listener`; gets `ports`, the memory's name, an event to set
        when it hears them, and `shape`. n_bytes: of what it notes of blocks, behind the counts and xruns."""
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
        """Monotonic ns of each, int64, in order; of the latest ones, where there are too many."""
        return np.sort(self._notes[2 : 2 + self.n_xruns])

    def close(self) -> None:
        """Who has arrays over the memory drops them before."""
        self._process.kill()
        self._process.join()
        del self._notes
        self._memory.close()
        self._memory.unlink()


def run_listener(
    name: str, ports: str, n_ports: int, notes: np.ndarray, ready: Any, hear: Callable[[int, list[np.ndarray]], None]
) -> None:
    """Body of a process, for ever: a client that hears the first output ports whose names match a regular expression;
    none for the empty one.

    notes: count of blocks, which `hear` counts, and xruns, int64 (N_NOTES,). hear: gets the monotonic ns and a block of
    each port, float32 (n,), in JACK's thread.
    """
    prepare_process()  # what makes JACK wait must not be the listener itself
    jack = library()
    client = open_client(name)
    own = [jack.jack_port_register(client, f"in_{side}".encode(), AUDIO, IS_INPUT, 0) for side in range(n_ports)]

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint32, ctypes.c_void_p)
    def process(n: int, _: object) -> int:
        now = time.monotonic_ns()
        addresses = [jack.jack_port_get_buffer(port, n) for port in own]
        hear(now, [np.frombuffer((ctypes.c_float * n).from_address(at), dtype=np.float32) for at in addresses])
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
    while True:
        time.sleep(1.0)


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
        """Until that many blocks in a row were silent."""
        since = self.n_blocks
        while self.n_blocks - since < blocks:
            if self.first_sound(since) is not None:
                since = self.n_blocks
            time.sleep(0.001)

    def gaps(self) -> int:
        """Cycles that the probe itself has missed: what it says is worth less by as many."""
        times, _ = self._columns()
        return int(np.sum(np.diff(times[: self.n_blocks]) > 2 * np.median(np.diff(times[: self.n_blocks]))))

    def _columns(self) -> tuple[np.ndarray, np.ndarray]:
        return _columns_of(self._memory)


def _columns_of(memory: SharedMemory) -> tuple[np.ndarray, np.ndarray]:
    """Of each block its time, and the place of its first sample above the threshold or -1: int64 (MAX_BLOCKS,) each."""
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
    """Trigger n times out of silence, at random moments, and time the first sound at the probe's port.

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
