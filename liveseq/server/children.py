"""Targets of the child processes. The supervisor imports this, and no model, index or audio code: they do that."""

import socket
from collections.abc import Sequence
from multiprocessing.connection import Connection

from liveseq.conductor.arguments import ConductorArguments
from liveseq.engine.arguments import EngineArguments
from liveseq.generation.arguments import GeneratorArguments
from liveseq.listener.arguments import ListenerArguments
from liveseq.streaming.arguments import StreamerArguments


def play(arguments: EngineArguments, records: Connection) -> None:
    """The engine process. records: the pipe's reading end."""
    from liveseq.engine.process import run_engine

    run_engine(arguments, records)


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
