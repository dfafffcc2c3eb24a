"""A spare engine: it has loaded everything, and waits until the engine that plays has died or is to make way.

It opens no device and tells nobody before that. The supervisor sends ("shards", sizes) when the corpus has grown,
("open", output, block size) and ("play",), once; it is sent ("waits",), and ("opened", text) or ("failed", reason).
"""

import contextlib
import os
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from liveseq.engine.arguments import EngineArguments
from liveseq.engine.process import DEVICE_SECONDS, Engine, begin_process
from liveseq.engine.realtime import calmly
from liveseq.errors import DeviceError
from liveseq.memory.heartbeat import Heart

BEAT_SECONDS = 0.5


class Spare:
    """The process from its start until it plays."""

    def __init__(
        self, arguments: EngineArguments, records: Connection, orders: Connection, heart: Heart | None = None
    ) -> None:
        """records, heart: see `run_engine`. orders: to talk to the supervisor. Any thread: this takes a second."""
        self._heart = heart or Heart.unheard()
        self._engine = Engine(arguments, records, self._heart)
        self._orders = orders

    def run(self) -> NoReturn:
        """Main thread."""
        begin_process()
        self._engine.stand_by()
        self._heart.go_rounds()
        try:
            self._orders.send(("waits",))
            while True:
                while not self._orders.poll(BEAT_SECONDS):
                    self._heart.beat()
                kind, *rest = self._orders.recv()
                if kind == "play":
                    break
                with self._heart.silent(DEVICE_SECONDS):
                    answer = self._prepare(kind, *rest)
                with contextlib.suppress(OSError):  # it may have been told to play meanwhile
                    self._orders.send(answer)
        except (EOFError, OSError):  # nobody is left who could want it
            os._exit(0)
        self._engine.play()

    def _prepare(self, kind: str, *rest: Any) -> tuple[str, ...]:
        """Obey, and answer."""
        if kind == "open":
            return self._open(*rest)
        calmly(partial(self._engine.know, rest[0]))
        return ("waits",)

    def _open(self, output: str, block_size: int) -> tuple[str, str]:
        try:
            return "opened", self._engine.open(output, block_size)
        except DeviceError as error:
            return "failed", str(error)
