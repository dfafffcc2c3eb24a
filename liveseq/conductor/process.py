"""The body of the conductor process."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection

from liveseq.conductor.arguments import ConductorArguments
from liveseq.conductor.composition import compose
from liveseq.conductor.conductor import PRIORITY
from liveseq.engine.realtime import prefer_audio
from liveseq.errors import LiveseqError
from liveseq.memory.heartbeat import Heart
from liveseq.runtime.watch import Watch
from liveseq.terminal import finish

EXIT_STUCK = 70
"""A predictor hangs in the middle of a plan: start a new conductor, without it."""


def run_conductor(
    arguments: ConductorArguments,
    udp: Sequence[socket.socket],
    records: Connection,
    supervisor: Connection,
    heart: Heart,
) -> None:
    """Compose a conductor and run it: a target for `multiprocessing` with the spawn method.

    udp: bound by the supervisor, which keeps them open, so that packets wait while a conductor is replaced.
    records: the sending end of the engine's pipe. supervisor: is sent ("ready", units), ("log", path), ("grown",),
    ("shards", sizes), ("output", output, block size), ("error", text) or ("quit",), or ("stuck", name) where a
    predictor hangs that cannot be ended, before the process ends; it sends ("end",), ("log", text) or ("output",
    reason, output, block size). heart: beats in every round.
    """
    logging.basicConfig(level=logging.WARNING, format="liveseq conductor: %(message)s")
    sys.setswitchinterval(5e-4)  # the recorder's thread would hold the event loop up for ten times as long
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's business
    if arguments.resume:  # the show is on: be back soon, also where every core is busy
        prefer_audio(PRIORITY)

    def end_stuck(predictor: str) -> None:
        supervisor.send(("stuck", predictor))
        finish()
        os._exit(EXIT_STUCK)

    deadlines = Watch(end_stuck, hung=arguments.given_up, begin=lambda: prefer_audio(PRIORITY + 1))  # it preempts
    try:
        conductor = compose(arguments, udp, records, supervisor, heart=heart, deadlines=deadlines)
    except LiveseqError as error:
        supervisor.send(("error", str(error)))
        return
    signal.signal(signal.SIGTERM, lambda *_: conductor.end())  # a whole group gets it: the log wants its last entry
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(conductor.run())
