"""The way of a datagram: from `sendto` to the first changed sample at a JACK port, through a real running server.

Used by `benchmarks.live.latency`. Two triggers, both out of silence: `/liveseq/tag` on a stopped server (words,
prediction, selection, a new plan, events) and `/liveseq/mute F` (a control that the engine answers by itself). The
corpus is noise of full bandwidth, 10,000 units under four tags; models are the shipped ones; crossfade 1 ms, so that
the fade is not what is measured.
"""

import re
import select
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

from benchmarks.rigs.started import started
from liveseq.corpus.segmentation import fixed
from liveseq.corpus.store import Corpus, NewSource
from liveseq.dsp.descriptors import describe

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_RATE, UNIT = 48_000, 8192
TAGS = ("drone", "techno", "bells", "bass")
N_SOURCES, UNITS_PER_SOURCE = 40, 250


def make_corpus(path: Path) -> Path:
    """Random signs, sources of different loudness."""
    rng = np.random.default_rng(1)
    n = UNITS_PER_SOURCE * UNIT
    signs = rng.choice(np.array([-1.0, 1.0], dtype=np.float32), (n, 2))
    frames = describe(signs[:, 0].copy(), sample_rate=SAMPLE_RATE)
    bounds = fixed(n, hop_length=1024)
    with Corpus.create(path, sample_rate=SAMPLE_RATE) as corpus:
        for number in range(N_SOURCES):
            moved = frames + rng.normal(scale=0.2, size=frames.shape).astype(np.float32)
            audio = signs * np.float32(rng.uniform(0.2, 0.4))
            tag = TAGS[number % len(TAGS)]
            corpus.add(NewSource(name=f"{tag}-{number}", audio=audio, frames=moved, bounds=bounds, tags=(tag,)))
    return path


class RunningServer:
    """`run_server.py` on any free port, in its own process. A context manager."""

    def __init__(self, corpus: Path, *flags: str) -> None:
        self._command = [sys.executable, ROOT / "run_server.py", "--osc-port", "auto", "--corpus", corpus, *flags]

    def __enter__(self) -> "RunningServer":
        with ExitStack() as stack:
            if "--state-dir" not in self._command:
                self._command += ["--state-dir", stack.enter_context(tempfile.TemporaryDirectory())]
            self._link = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            self._link.settimeout(5.0)
            self._process = stack.enter_context(started(self._command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
            assert self._process.stdout is not None
            ready = re.search(r"osc \S+:(\d+)", self._process.stdout.readline())
            if ready is None:
                raise RuntimeError("run_server.py ended without a ready line")
            self._link.connect(("127.0.0.1", int(ready[1])))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def port(self) -> int:
        return int(self._link.getpeername()[1])

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, address: str, *values: object) -> None:
        """One message."""
        builder = OscMessageBuilder(address)
        for value in values:
            builder.add_arg(value)
        self._link.send(builder.build().dgram)

    def ask(self, address: str) -> tuple[Any, ...]:
        """What the server answers at the same address."""
        while select.select([self._link], [], [], 0.0)[0]:  # what has been answered meanwhile would fill the socket
            self._link.recv(65_536)
        self.send(address)
        while True:
            for timed in OscPacket(self._link.recv(65_536)).messages:
                if timed.message.address == address:
                    return tuple(timed.message.params)
