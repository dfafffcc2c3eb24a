"""What the children run. The supervisor imports this, and no model or index code: that is imported where it runs."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from liveseq.conductor.arguments import ConductorArguments

DEMO_SEED = 1


def play(arguments: dict[str, Any], records: Connection) -> None:
    """Target of the engine process. arguments: the fields of EngineArguments. records: the pipe's reading end."""
    from liveseq.engine.process import EngineArguments, run_engine

    run_engine(EngineArguments(**arguments), records)


def conduct(arguments: ConductorArguments, udp: socket.socket, records: Connection, supervisor: Connection) -> None:
    """Target of the conductor process: what it needs is imported there."""
    from liveseq.conductor.process import run_conductor

    run_conductor(arguments, udp, records, supervisor)


def listen(arguments: dict[str, Any]) -> None:
    """Target of the listener process. arguments: the fields of ListenerArguments."""
    from liveseq.listener.process import ListenerArguments, run_listener

    run_listener(ListenerArguments(**arguments))


def generate(arguments: dict[str, Any]) -> None:
    """Target of the generator process. arguments: the fields of GeneratorArguments."""
    from liveseq.generation.process import GeneratorArguments, run_generator

    run_generator(GeneratorArguments(**arguments))


def stream(arguments: dict[str, Any]) -> None:
    """Target of the streamer process. arguments: the fields of StreamerArguments."""
    from liveseq.streaming.process import StreamerArguments, run_streamer

    run_streamer(StreamerArguments(**arguments))


def compose_demo(folder: Path, sample_rate: int | None) -> None:
    """Target of the process that composes the demo corpus: it imports what no live process may.

    SIGTERM ends it, and its parent's end does: then nothing is left of what was made.
    """
    from liveseq.corpus.build import build_demo

    with _builder():
        _whole(folder, lambda part: build_demo(part, seed=DEMO_SEED, sample_rate=sample_rate, progress=True))


def generate_first(folder: Path, voices: tuple[Path, ...], sample_rate: int | None) -> None:
    """Target of the process that has generators make the first corpus. voices: their model folders.

    The folder is there as soon as it can be played; the rest is made beside the music, at the lowest priority. SIGTERM
    ends it, and its parent's end does: what is in the folder then stays, and the next call goes on.
    """
    import sys

    from liveseq.generation.first import begin, go_on
    from liveseq.processes import step_back

    with _builder():
        reports = []
        if not folder.is_dir():
            _whole(folder, lambda part: reports.append(begin(part, voices, sample_rate=sample_rate)))
        step_back()
        for report in [*reports, *go_on(folder, voices)]:
            for line in report.refused:
                print(f"liveseq: left out: {line}", file=sys.stderr)


@contextmanager
def _builder() -> Iterator[None]:
    """Ends the process with one line, and with status 2 or (stopped) 130, where what is in it does not work out."""
    import os
    import signal
    import sys

    from liveseq.errors import LiveseqError
    from liveseq.processes import when_orphaned

    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        when_orphaned(lambda: os.kill(os.getpid(), signal.SIGTERM))
        yield
    except (LiveseqError, OSError) as error:
        print(f"liveseq: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)  # the parent says so


def _whole(folder: Path, make: Callable[[Path], object]) -> None:
    """The folder as it was made, or none."""
    import shutil

    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of one that was killed
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        make(part)
        part.rename(folder)
    except BaseException:  # stopped, too
        shutil.rmtree(part, ignore_errors=True)
        raise
