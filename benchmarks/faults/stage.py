"""A server that plays, recorded at its output, with a performer's client: what a fault is done to."""

import math
import os
import pty
import shutil
import signal
import struct
import threading
import time
from contextlib import ExitStack, suppress
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.faults.device import Device
from benchmarks.faults.family import all_processes, family, send_signal
from benchmarks.faults.gaps import longest_gap_ms
from benchmarks.faults.home import GENERATOR, Home
from benchmarks.rigs.controller import Controller
from benchmarks.rigs.disk import Disk
from benchmarks.rigs.hearing import Hearing
from benchmarks.rigs.jack_server import BLOCK_SIZE, SAMPLE_RATE
from benchmarks.rigs.noise_corpus import TAGS
from benchmarks.rigs.running_server import RunningServer
from liveseq.osc.packets import Message, build
from liveseq.osc.rows.session import SESSION
from liveseq.osc.scheduler import ntp_time

EVERY = 0.1
"""Seconds between two tags, while it is watched whether they are answered."""
AHEAD = 0.02
"""Seconds by which a timed tag is sent ahead."""
NO_COUNTS = ("xruns", "late", "sr_nominal", "voices")
"""Whole numbers of a status that tell of no fault, or of the machine's."""
END_PATIENCE = 5.0
"""Seconds that a server may take to end, when it is of no use any more."""
SYNC_SECONDS = 5.0
PIPE_BYTES = 1 << 16
_ON_TERMINAL = """
import fcntl, os, runpy, signal, sys, termios
signal.pthread_sigmask(signal.SIG_SETMASK, ())  # a shell blocks none
os.setsid()
fcntl.ioctl(2, termios.TIOCSCTTY, 0)
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""
STATUS = tuple(tuple(field.split(":")) for field in next(row for row in SESSION if row.path == "status").reply.split())
"""Type and name of each argument of /liveseq/status."""


class Setting(Enum):
    """Surroundings of a server."""

    USUAL = "usual"
    UNREAD = "unread"
    """Its stderr is a pipe that is full, and that nobody reads."""
    TERMINAL = "terminal"
    """It was started in a terminal."""
    RECORDING = "recording"
    """It plays into a file, on a disk of its own."""


class Stage:
    """A context manager."""

    def __init__(self, home: Home, device: Device, setting: Setting = Setting.USUAL) -> None:
        self.home, self.device, self.setting = home, device, setting
        self.timed = False
        """Whether tags are sent in bundles that are to act soon."""
        self.said: list[str] = []
        """Where and how the server told of a fault, but for stderr and /log."""
        self.lost: list[str] = []
        """What a fault has cost, but for settings."""
        self.logs: set[str] = set()
        """Logs of the set, where a fault may cost them."""
        self.terminal: int | None = None
        self._number = 0
        self._stack = ExitStack()

    def __enter__(self) -> "Stage":
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="faults-")))
            self.corpus = Path(shutil.copytree(self.home.corpus, folder / "noise.corpus"))
            self.state, self.take_disk = (self._disk(stack, folder / name) for name in ("state", "takes"))
            self.server = self._start(stack)
            stack.callback(self._end)
            self.controller = stack.enter_context(Controller(self.server.port))
            self.hearing = stack.enter_context(Hearing(self.server.port, renewed=0.5))
            self.play()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @staticmethod
    def _disk(stack: ExitStack, path: Path) -> Disk:
        disk = Disk(path)
        return stack.enter_context(disk) if Disk.can_be() else disk

    def _start(self, stack: ExitStack) -> RunningServer:
        program, options = self.home.program, {"keep_errors": True}
        if self.setting is Setting.TERMINAL:
            self.terminal, follower = pty.openpty()
            stack.callback(self.hang_up)
            program, options = ("-c", _ON_TERMINAL, *program), {"errors_to": follower}
        elif self.setting is Setting.UNREAD:
            reader, follower = os.pipe()
            os.set_blocking(follower, False)
            with suppress(BlockingIOError):
                while True:
                    os.write(follower, bytes(PIPE_BYTES))
            os.set_blocking(follower, True)
            stack.callback(os.close, reader)  # after the server's end
            options = {"errors_to": follower}
        server = RunningServer(*self._flags(), **self._options(), program=program, **options)
        if "errors_to" in options:
            os.close(follower)
        return server

    def _flags(self) -> tuple[object, ...]:
        output = self.device.flags
        if self.setting is Setting.RECORDING:
            output = ("--output", f"wav:{self.take_disk.path / 'take.wav'}")
        own = ("--corpus", self.corpus, "--generator", GENERATOR, "--state-dir", self.state.path)
        return (*own, *output, "--block-size", BLOCK_SIZE, "--layers", 4)

    def _options(self) -> dict[str, Any]:
        return {"folder": self.home.folder, "environment": self.home.clock.environment}

    def start_again(self, *, patience: float) -> bool:
        """The server, after its death, at the same port and from the same state; whether it has started."""
        resume = ("--resume",) * self.home.resumes
        flags = (*self._flags(), "--osc-port", self.server.port, *resume)
        limit = time.monotonic() + patience
        while time.monotonic() < limit:  # what the old one left may need a moment to go
            with suppress(RuntimeError):
                self.server = RunningServer(*flags, **self._options(), program=self.home.program, keep_errors=True)
                return True
        return False

    def _end(self) -> None:
        """End the server in order, or what is left of it by force: a fault may have taken order from it."""
        pids = all_processes(self.server.pid)
        for pid in pids:
            send_signal(pid, signal.SIGCONT)
        self.server.process.terminate()
        limit = time.monotonic() + END_PATIENCE
        while self.server.process.poll() is None and time.monotonic() < limit:
            time.sleep(0.05)
        if self.server.process.poll() is None:
            for pid in pids:
                send_signal(pid, signal.SIGKILL)
        self.server.close()

    def hang_up(self) -> None:
        """Close the terminal."""
        if self.terminal is not None:
            os.close(self.terminal)
            self.terminal = None

    # What a performer does

    def play(self) -> None:
        """Two layers."""
        self.send("/liveseq/layer/2/tag", TAGS[3])
        self.send("/liveseq/tag", TAGS[0])
        self.controller.wait_for("playing", voices=2)
        if self.is_heard:
            self.device.sounding_from(time.monotonic_ns(), patience=10.0)
        time.sleep(1.0)

    def send(self, address: str, *arguments: Any) -> None:
        self.controller.send(address, *arguments)

    def turn(self) -> None:
        """Turn some knobs to where none was, and wait until that is obeyed; not for long, control may be gone."""
        self._number += 1
        part = self._number % 97 / 97.0
        for address, value in (
            ("/liveseq/gain", -3.0 * part),
            ("/liveseq/layer/2/pan", part),
            ("/liveseq/layer/2/query/temperature", part),
            ("/liveseq/predict/temperature", part),
        ):
            self.send(address, value)
        with suppress(AssertionError):
            self.controller.ask("/liveseq/sync", self._number, answer="/liveseq/synced", seconds=SYNC_SECONDS)

    def settings(self) -> dict[str, Any]:
        """Every value of the server, but for the tag that is changed all the time."""
        found: dict[str, Any] = {}
        limit = time.monotonic() + 5.0
        self.send("/liveseq/state/dump")
        while time.monotonic() < limit:
            for message in self.controller.receive(seconds=1.0):
                if message.address == "/liveseq/state/end":
                    return {key: value for key, value in found.items() if not _is_probed(key)}
                found[message.address] = message.arguments
        return {}

    def status(self) -> dict[str, Any]:
        """By name; nothing where it does not answer."""
        self.send("/liveseq/status")
        values = self.controller.hear("/liveseq/status", seconds=2.0)
        return {name: value for (_, name), value in zip(STATUS, values or (), strict=False)}

    def counts(self) -> dict[str, int]:
        """Those of the status that tell of a fault."""
        status = self.status()
        return {name: status[name] for kind, name in STATUS if kind == "i" and name in status if name not in NO_COUNTS}

    def control_ms(self, *, seconds: float, patience: float) -> float:
        """Longest time that a tag waited for an answer; infinity where one waited longer than `patience`.

        Tags are sent again and again for so many seconds, and longer where one is waited for.
        """
        end, worst = time.monotonic() + seconds, 0.0
        waiting: float | None = None  # since when
        while waiting is not None or time.monotonic() < end:
            now = time.monotonic()
            if waiting is not None and now - waiting > patience:
                return math.inf
            self.controller.raw(self._tag())
            waiting = now if waiting is None else waiting
            while (left := now + EVERY - time.monotonic()) > 0.0:
                if self._answered(seconds=left):
                    worst, waiting = max(worst, time.monotonic() - waiting), None
                    time.sleep(max(0.0, now + EVERY - time.monotonic()))
                    break
        return 1e3 * worst

    def _tag(self) -> bytes:
        self._number += 1
        message = build("/liveseq/tag", TAGS[self._number % len(TAGS)])
        if not self.timed:
            return message
        timetag = ntp_time(time.time() + self.home.clock.offset + AHEAD)
        return b"#bundle\0" + struct.pack(">Qi", timetag, len(message)) + message

    def _answered(self, *, seconds: float) -> bool:
        done = False
        for message in self.controller.receive(seconds=seconds):
            done |= message.address == "/liveseq/done" and message.arguments[0] == "/liveseq/tag"
            self.note_refusal(message)
        return done

    def note_refusal(self, message: Message) -> None:
        """Keep it where it is one."""
        if message.address == "/liveseq/fail":
            self.said.append(f"/fail: {' '.join(map(str, message.arguments))}")

    # What is seen and heard of it

    def note_logs(self) -> None:
        """Remember the logs of the set."""
        self.logs = {path.name for path in self.state.path.glob("log-*.jsonl") if path.stat().st_size}

    @property
    def is_heard(self) -> bool:
        return self.device.is_heard and self.setting is not Setting.RECORDING

    def family(self) -> dict[str, int]:
        return family(self.server.pid)

    def gap_ms(self, since: int, *, patience: float, until: int | None = None) -> float:
        """Longest silence from a moment on; infinity where it is still silent after so many seconds."""
        now = time.monotonic_ns()
        if until is None and self.device.sounding_from(now, patience=patience) is None:
            return math.inf
        until = until or time.monotonic_ns()
        return longest_gap_ms(*self.device.take(since=since), since=since, until=until, sample_rate=SAMPLE_RATE)

    def is_well(self) -> bool:
        """Whether it is fit for another fault."""
        if self.server.process.poll() is not None or math.isinf(self.control_ms(seconds=0.3, patience=3.0)):
            return False
        if self.is_heard and self.device.sounding_from(time.monotonic_ns(), patience=1.0) is None:
            return False
        return self.status().get("state") in ("playing", "degraded")


def _is_probed(address: str) -> bool:
    return address.removeprefix("/liveseq/").removeprefix("layer/1/") in ("tag", "tags")


class Flood(threading.Thread):
    """Ten thousand tags a second from a client of its own, while the context lasts."""

    def __init__(self, port: int, *, per_second: int = 10_000) -> None:
        super().__init__(daemon=True)
        self._port, self._per_turn = port, per_second // 100
        self._ended = threading.Event()

    def __enter__(self) -> "Flood":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        packets = [build("/liveseq/tag", tag) for tag in np.resize(TAGS, self._per_turn).tolist()]
        with Controller(self._port) as controller:
            due = time.monotonic()
            while not self._ended.is_set():
                for packet in packets:
                    controller.raw(packet)
                due += 0.01
                time.sleep(max(0.0, due - time.monotonic()))
