"""Targets of the child processes. The supervisor imports this, and no model, index or audio code: they do that."""

import socket
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from liveseq.conductor.arguments import ConductorArguments
from liveseq.engine.arguments import EngineArguments
from liveseq.generation.arguments import GeneratorArguments
from liveseq.listener.arguments import ListenerArguments
from liveseq.memory.heartbeat import Heart
from liveseq.streaming.arguments import StreamerArguments
from liveseq.terminal import never_wait

if TYPE_CHECKING:
    from liveseq.engine.spare import Spare


def begin(target: Callable[..., None], hearts: str, place: int, *arguments: Any) -> None:
    """Any of them. hearts, place: where in shared memory it beats."""
    never_wait()
    target(*arguments, Heart.attach(hearts, place))


def play(arguments: EngineArguments, records: Connection, heart: Heart) -> None:
    """The engine process. records: the pipe's reading end."""
    from liveseq.engine.process import run_engine

    run_engine(arguments, records, heart)


def stand_by(arguments: EngineArguments, records: Connection, orders: Connection, heart: Heart) -> None:
    """A spare engine's process. orders: to talk to the supervisor."""
    from liveseq.engine.realtime import calmly

    def load() -> "Spare":
        from liveseq.engine.spare import Spare

        return Spare(arguments, records, orders, heart)

    calmly(load).run()


def conduct(
    arguments: ConductorArguments,
    udp: Sequence[socket.socket],
    records: Connection,
    supervisor: Connection,
    heart: Heart,
) -> None:
    """The conductor process. records: the pipe's sending end. supervisor: to talk to it."""
    from liveseq.conductor.process import run_conductor

    run_conductor(arguments, udp, records, supervisor, heart)


def listen(arguments: ListenerArguments, heart: Heart) -> None:
    """The listener process."""
    from liveseq.listener.process import run_listener

    run_listener(arguments, heart)


def generate(arguments: GeneratorArguments, heart: Heart) -> None:
    """The generator process."""
    from liveseq.generation.process import run_generator

    run_generator(arguments, heart)


def stream(arguments: StreamerArguments, heart: Heart) -> None:
    """The streamer process."""
    from liveseq.streaming.process import run_streamer

    run_streamer(arguments, heart)
