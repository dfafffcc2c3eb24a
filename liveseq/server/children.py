"""What the children run. The supervisor imports this, and no model or index code: that is imported where it runs."""

import socket
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from liveseq.server.arguments import ConductorArguments

DEMO_SEED = 1


def play(arguments: dict[str, Any], records: Connection) -> None:
    """Target of the engine process. arguments: the fields of EngineArguments. records: the pipe's reading end."""
    from liveseq.engine.process import EngineArguments, run_engine

    run_engine(EngineArguments(**arguments), records)


def conduct(arguments: ConductorArguments, udp: socket.socket, records: Connection, supervisor: Connection) -> None:
    """Target of the conductor process: what it needs is imported there."""
    from liveseq.server.conductor import run_conductor

    run_conductor(arguments, udp, records, supervisor)


def listen(arguments: dict[str, Any]) -> None:
    """Target of the listener process. arguments: the fields of ListenerArguments."""
    from liveseq.server.listener import ListenerArguments, run_listener

    run_listener(ListenerArguments(**arguments))


def generate(arguments: dict[str, Any]) -> None:
    """Target of the generator process. arguments: the fields of GeneratorArguments."""
    from liveseq.server.generator_process import GeneratorArguments, run_generator

    run_generator(GeneratorArguments(**arguments))


def stream(arguments: dict[str, Any]) -> None:
    """Target of the streamer process. arguments: the fields of StreamerArguments."""
    from liveseq.server.streamer import StreamerArguments, run_streamer

    run_streamer(StreamerArguments(**arguments))


def compose_demo(folder: Path, sample_rate: int | None) -> None:
    """Target of the process that builds the demo corpus: it imports what no live process may.

    SIGTERM ends it, and its parent's end does: then nothing is left of what was made.
    """
    import os
    import shutil
    import signal
    import sys

    from liveseq.corpus.build import build_demo
    from liveseq.errors import LiveseqError
    from liveseq.processes import when_orphaned

    part = folder.with_name(f"{folder.name}.part")
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        when_orphaned(lambda: os.kill(os.getpid(), signal.SIGTERM))
        shutil.rmtree(part, ignore_errors=True)  # of one that was killed
        folder.parent.mkdir(parents=True, exist_ok=True)
        build_demo(part, seed=DEMO_SEED, sample_rate=sample_rate, progress=True)
        part.rename(folder)  # whole, or not there
    except (LiveseqError, OSError) as error:
        print(f"liveseq: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        shutil.rmtree(part, ignore_errors=True)
        sys.exit(130)  # the parent says so
