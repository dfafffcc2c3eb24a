"""What the children are told, apart from what they need: the supervisor imports this, and no model or index code."""

import socket
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

DEMO_SEED = 1


@dataclass(frozen=True, kw_only=True)
class ConductorArguments:
    """All that a conductor is told at start."""

    corpus: Path
    predictor: str
    state: str
    """Name of the engine's shared memory."""
    state_dir: Path
    sample_rate: int
    block_size: int
    n_layers: int
    seed: int
    look_ahead: float
    """Seconds."""
    allow: tuple[str, ...] = ()
    resume: bool = False
    """Go on from the session snapshot: another conductor has died."""
    play: str | None = None
    """Tag to start with; "" = the first of the corpus."""


def play(arguments: dict[str, Any], records: Connection) -> None:
    """Target of the engine process. arguments: the fields of EngineArguments. records: the pipe's reading end."""
    from liveseq.engine.process import EngineArguments, run_engine

    run_engine(EngineArguments(**arguments), records)


def conduct(arguments: ConductorArguments, udp: socket.socket, records: Connection, supervisor: Connection) -> None:
    """Target of the conductor process: what it needs is imported there."""
    from liveseq.server.conductor import run_conductor

    run_conductor(arguments, udp, records, supervisor)


def compose_demo(folder: Path, sample_rate: int | None) -> None:
    """Target of the process that builds the demo corpus: it imports what no live process may."""
    import sys

    from liveseq.corpus.build import build_demo
    from liveseq.errors import LiveseqError

    part = folder.with_name(f"{folder.name}.part")
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        build_demo(part, seed=DEMO_SEED, sample_rate=sample_rate, progress=True)
    except LiveseqError as error:
        print(f"liveseq: {error}", file=sys.stderr)
        sys.exit(2)
    part.rename(folder)  # whole, or not there
