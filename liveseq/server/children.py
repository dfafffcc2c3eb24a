"""Targets of the child processes. The supervisor imports this, and no model, index or audio code: they do that."""

import socket
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from liveseq.conductor.arguments import ConductorArguments
from liveseq.engine.arguments import EngineArguments
from liveseq.generation.arguments import GeneratorArguments
from liveseq.listener.arguments import ListenerArguments
from liveseq.streaming.arguments import StreamerArguments

if TYPE_CHECKING:
    from liveseq.engine.spare import Spare


def play(arguments: EngineArguments, records: Connection) -> None:
    """The engine process. records: the pipe's reading end."""
    from liveseq.engine.process import run_engine

    run_engine(arguments, records)


def stand_by(arguments: EngineArguments, records: Connection, orders: Connection) -> None:
    """A spare engine's process. orders: to talk to the supervisor."""
    from liveseq.engine.realtime import calmly

    def load() -> "Spare":
        from liveseq.engine.spare import Spare

        return Spare(arguments, records, orders)

    calmly(load).run()


def conduct(
    arguments: ConductorArguments, udp: Sequence[socket.socket], records: Connection, supervisor: Connection
) -> None:
    """The conductor process. records: the pipe's sending end. supervisor: to talk to it."""
    from liveseq.conductor.process import run_conductor

    run_conductor(arguments, udp, records, supervisor)


def listen(arguments: ListenerArguments) -> None:
    """The listener process."""
    from liveseq.listener.process import run_listener

    run_listener(arguments)


def generate(arguments: GeneratorArguments) -> None:
    """The generator process."""
    from liveseq.generation.process import run_generator

    run_generator(arguments)


def stream(arguments: StreamerArguments) -> None:
    """The streamer process."""
    from liveseq.streaming.process import run_streamer

    run_streamer(arguments)
