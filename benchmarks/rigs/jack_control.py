"""A second JACK server, the control, beside the one that is measured: what befalls both is the machine's doing."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmarks.rigs.jack_client import Listener, raise_threads
from benchmarks.rigs.jack_server import JackServer
from benchmarks.rigs.started import spawned
from liveseq.engine.output import open_output
from liveseq.engine.realtime import freeze_garbage, prepare_process


@contextmanager
def beside_a_player(listen: Callable[[], "Listener"]) -> Iterator["Listener"]:
    """Starts both servers, and points this process at the measured one. Yields a listener at the control.

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
    """Plays noise for ever, as the body of a process."""
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
