"""A JACK server with the dummy driver: real time without a sound card."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack

from benchmarks.paths import ROOT
from benchmarks.rigs.started import started

SAMPLE_RATE, BLOCK_SIZE = 48_000, 128
"""Rate and block of benchmarks: a block lasts 2.67 ms."""
ENGINE_PORT = "liveseq.*:out_0"
"""Name of the engine's left output, as a regular expression."""


class JackServer:
    """A jackd of its own; a context manager. Whoever is to use it needs its `environment()`."""

    def __init__(self, *, sample_rate: int = SAMPLE_RATE, block_size: int = BLOCK_SIZE, name: str = "liveseq") -> None:
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

    def kill(self) -> None:
        """Lets it go as a device goes that is pulled out."""
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        """Asks from another process: libjack remembers a failure."""
        code = (
            "import os, benchmarks.rigs.jack_client as c; c.open_client('asks'); print('yes', flush=True); os._exit(0)"
        )
        environment = os.environ | self.environment() | {"PYTHONPATH": str(ROOT)}
        for _ in range(10):
            if self._process.poll() is not None:
                return False
            answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, timeout=20)
            if b"yes" in answer.stdout:
                return True
            time.sleep(0.2)
        return False
