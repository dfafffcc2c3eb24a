"""An engine by itself, without a server: its pipe and its shared state."""

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from benchmarks.rigs.jack_server import BLOCK_SIZE, SAMPLE_RATE
from benchmarks.rigs.started import spawned
from liveseq.engine.arguments import EngineArguments
from liveseq.engine.pipe import RecordWriter
from liveseq.engine.process import run_engine
from liveseq.engine.state import EngineState
from liveseq.sequencer.timeline import PlayUnit

N_SOURCE = 10 * SAMPLE_RATE
"""Samples of the only recording, shard 0."""
UNIT = PlayUnit(
    layer=1,
    start=0,
    length=SAMPLE_RATE,
    unit=0,
    shard=0,
    position=0,
    source_start=0,
    source_end=N_SOURCE,
    fade=0,
    gain=1.0,
)
"""The begin of that recording, at once."""


@contextmanager
def running_engine(output: str = "system") -> Iterator[tuple[RecordWriter, EngineState]]:
    """An engine on a recording of random signs at half scale: sound from the first sample on."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        signs = np.random.default_rng(1).choice(np.array([-0.5, 0.5], dtype=np.float32), (N_SOURCE, 2))
        signs.tofile(Path(folder) / "0000.f32")
        state = EngineState.create()
        stack.callback(state.close)
        arguments = EngineArguments(
            state=state.name,
            audio_folder=Path(folder),
            shards=((0, N_SOURCE),),
            sample_rate=SAMPLE_RATE,
            block_size=BLOCK_SIZE,
            output=output,
        )
        reader, sender = multiprocessing.Pipe(duplex=False)
        process = spawned(run_engine, arguments, reader)
        stack.callback(process.join, 5.0)
        stack.callback(process.terminate)
        limit = time.monotonic() + 15.0
        while state.read_status().state != "ready":
            if time.monotonic() > limit:
                raise RuntimeError(f"engine: {state.read_status()}")
            time.sleep(0.01)
        time.sleep(1.0)
        yield RecordWriter(sender), state
