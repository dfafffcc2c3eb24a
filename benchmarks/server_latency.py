"""The way of a datagram: from `sendto` to the first changed sample at a JACK port, through a real running server.

Used by `benchmarks.latency`. Two triggers, both out of silence: `/liveseq/tag` on a stopped server (words, prediction,
selection, a new plan, events) and `/liveseq/mute F` (a control that the engine answers by itself). The corpus is noise
of full bandwidth, 10,000 units under four tags; models are the shipped ones; crossfade 1 ms, so that the fade is not
what is measured.
"""

import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pythonosc.osc_message_builder import OscMessageBuilder

from liveseq.corpus.segmentation import fixed
from liveseq.corpus.store import Corpus, NewSource
from liveseq.dsp.descriptors import describe

ROOT = Path(__file__).resolve().parents[1]
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


@contextmanager
def running_server(corpus: Path, *flags: str) -> Iterator[Callable[..., None]]:
    """`run_server.py` on any free port; yields what sends it a message."""
    command = [sys.executable, str(ROOT / "run_server.py"), "--osc-port", "auto", "--corpus", str(corpus)]
    with tempfile.TemporaryDirectory() as folder:
        state = () if "--state-dir" in flags else ("--state-dir", folder)
        server = subprocess.Popen([*command, *flags, *state], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        ready = re.search(r"osc \S+:(\d+)", server.stdout.readline())
        if ready is None:
            raise RuntimeError("run_server.py ended without a ready line")
        link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

        def send(address: str, *values: object) -> None:
            builder = OscMessageBuilder(address)
            for value in values:
                builder.add_arg(value)
            link.sendto(builder.build().dgram, ("127.0.0.1", int(ready[1])))

        try:
            yield send
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)
            link.close()
