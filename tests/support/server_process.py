"""A running server as a test sees it: a process, and UDP."""

import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psutil

from liveseq.osc.packets import build, parse_packet

ROOT = Path(__file__).resolve().parents[2]
READY = re.compile(r"^liveseq ready: osc (\S+):(\d+), output (.+), corpus (\d+) units, (\d+) ms$")
PATIENCE = 60.0
"""Seconds; never reached but where something is broken."""


class Server:
    """run_server.py with these flags, in this folder. stdout and stderr are kept, line by line."""

    def __init__(self, folder, *flags):
        command = [sys.executable, str(ROOT / "run_server.py"), "--osc-port", "auto", *flags]
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self.errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._read_out, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        try:
            self.ready = self.lines.get(timeout=PATIENCE)
        except queue.Empty:
            self.process.kill()
            raise AssertionError(f"not ready: {self.errors}") from None
        match = READY.match(self.ready)
        assert match, (self.ready, self.errors)
        self.port = int(match[2])

    def _read_out(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put("")

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line.rstrip("\n"))

    def child(self, name):
        """Process id of the child that runs this function."""
        for process in psutil.Process(self.process.pid).children(recursive=True):
            if name in _memory_of(process):
                return process.pid
        raise AssertionError(f"no child {name}")

    def stop(self, number=signal.SIGTERM):
        """End it by a signal; returns the exit status."""
        self.process.send_signal(number)
        return self.close()

    def close(self):
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        for reader in self._readers:
            reader.join(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()
        return status


class Controller:
    """An OSC client with its own port."""

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self._server = ("127.0.0.1", port)

    def send(self, address, *arguments):
        self.raw(build(address, *arguments))

    def raw(self, data):
        self.socket.sendto(data, self._server)

    def hear(self, address, *, seconds=PATIENCE):
        """The arguments of the next message to this address; None after `seconds`."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65_536)
            except TimeoutError:
                return None
            for group in parse_packet(data):
                for message in group.messages:
                    if message.address == address:
                        return message.arguments
        return None

    def ask(self, address, *arguments, answer=None, seconds=PATIENCE):
        """Ask again every 50 ms until there is an answer: a server may be on its way back."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.send(address, *arguments)
            found = self.hear(answer or address, seconds=0.05)
            if found is not None:
                return found
        raise AssertionError(f"no answer to {address}")

    def wait_for(self, state, *, voices=None, seconds=PATIENCE):
        """Until the status says so, and so many layers sound; returns the whole status."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status = self.ask("/liveseq/status")
            if status[0] == state and voices in (None, status[10]):
                return status
        raise AssertionError(f"expected {state}, {voices} voices, found {status}")

    def close(self):
        self.socket.close()


@contextmanager
def running(folder, *flags):
    """A server, which is killed at the end where the test has not stopped it."""
    server = Server(folder, *flags)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.close()


@contextmanager
def controlling(server, *parts):
    """A controller that hears of these parts of the server."""
    controller = Controller(server.port)
    try:
        for part in parts:
            controller.ask("/liveseq/subscribe", f"/liveseq/{part}", 50.0, answer="/liveseq/done")
        yield controller
    finally:
        controller.close()


def _memory_of(process):
    """What tells the children apart: the conductor alone maps the search library, the generator models without it."""
    try:
        maps = {Path(one.path).name for one in process.memory_maps()}
    except psutil.Error:
        return ()
    if any("faiss" in name for name in maps):
        return ("conductor",)
    if any("onnxruntime" in name for name in maps):
        return ("generator",)
    return ("engine",) if any(name.endswith(".f32") for name in maps) else ()
