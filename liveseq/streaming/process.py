"""The streamer process: it makes what layers in mode generate play, a little ahead of them.

Apart from the generator process, which has all the time in the world: what is made here sounds within the second. So it
has real-time priority where that is granted, below whatever plays, and no work beside. It is started with the first
stream that is wanted, and may die: its successor goes on where the steps end.
"""

import gc
import os
import sys
import time

from liveseq.engine.realtime import prefer_audio
from liveseq.generation.models import Models
from liveseq.memory.heartbeat import Heart
from liveseq.processes import Lifetime
from liveseq.runtime.folders import model_folder
from liveseq.streaming.arguments import StreamerArguments
from liveseq.streaming.maker import LiveStreams
from liveseq.streaming.opener import Opener
from liveseq.terminal import finish

PRIORITY = 1
"""Real-time priority, where granted: below the engine's threads and the conductor, above what else the machine does."""
POLL_SECONDS = 0.004


def run_streamer(arguments: StreamerArguments, heart: Heart) -> None:
    """Body of the process, a target for `multiprocessing` with the spawn method. heart: beats after every step."""
    lifetime = Lifetime.begin("streamer")
    sys.setswitchinterval(5e-4)  # while a model is opened its thread has the interpreter now and then
    models = Models(arguments.provider)
    opener = Opener(lambda name: models.get(model_folder(name)))
    streams = LiveStreams.attach(
        arguments.rings,
        arguments.engine,
        opener,
        sample_rate=arguments.sample_rate,
        n_layers=arguments.n_layers,
    )
    gc.collect()
    gc.freeze()
    prefer_audio(PRIORITY)
    heart.go_rounds()
    while lifetime.goes_on():
        heart.beat()
        busy = streams.tick()
        opener.end_round()
        if not busy:
            time.sleep(POLL_SECONDS)
    finish()
    os._exit(0)  # a model that is being opened is not waited for
