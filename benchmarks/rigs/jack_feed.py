"""A musician at the input: a JACK client that plays recordings into whoever connects to its port."""

import ctypes
import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection

import numpy as np

from benchmarks.rigs.jack_client import AUDIO, IS_OUTPUT, block_at, library, open_client
from benchmarks.rigs.started import spawned
from liveseq.engine.realtime import prepare_process

PATIENCE = 60.0
"""Seconds until it must have obeyed."""


class Feed:
    """A client with this name, in its own process: what makes JACK wait must not be who measures."""

    def __init__(self, name: str, recordings: Sequence[np.ndarray]) -> None:
        """recordings: float32 (n_samples,) each."""
        self._orders, orders = multiprocessing.get_context("spawn").Pipe()
        self._process = spawned(_play, name, [y.astype(np.float32) for y in recordings], orders)
        self._wait()

    def play(self, number: int | None) -> None:
        """Plays a recording in a circle, from its begin; None is silence."""
        self._orders.send(number)
        self._wait()

    def close(self) -> None:
        self._process.kill()
        self._process.join()
        self._orders.close()

    def _wait(self) -> None:
        if not self._orders.poll(PATIENCE):
            raise RuntimeError("the musician does not play")
        self._orders.recv()


def _play(name: str, recordings: list[np.ndarray], orders: Connection) -> None:
    """Obeys for ever, as the body of a process."""
    prepare_process()
    jack = library()
    client = open_client(name)
    port = jack.jack_port_register(client, b"out", AUDIO, IS_OUTPUT, 0)
    playing: int | None = None
    place = 0

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint32, ctypes.c_void_p)
    def process(n: int, _: object) -> int:
        nonlocal place
        out = block_at(jack, port, n)
        if playing is None:
            out[:] = 0.0
            return 0
        y = recordings[playing]
        first = y[place : place + n]
        out[: len(first)] = first
        out[len(first) :] = y[: n - len(first)]
        place = (place + n) % len(y)
        return 0

    jack.jack_set_process_callback(ctypes.c_void_p(client), process, None)
    jack.jack_activate(client)
    while True:
        orders.send(playing)
        playing, place = orders.recv(), 0
