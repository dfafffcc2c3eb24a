"""An event and an engine process with its pipe and memory, for the engine's tests."""

import multiprocessing
import sys
import time
from pathlib import Path

from liveseq.engine.arguments import EngineArguments
from liveseq.engine.events import Record
from liveseq.engine.pipe import RecordWriter
from liveseq.engine.process import run_engine
from liveseq.engine.state import EngineState
from liveseq.sequencer.timeline import Grain, GrainShape, PlayUnit
from tests.support.waiting import PATIENCE, wait_for

SAMPLE_RATE = 48_000
BLOCK_SIZE = 128
N_SHARD = 40 * SAMPLE_RATE


def play_unit(**change) -> PlayUnit:
    """An event with something in every field."""
    fields = {
        "layer": 1,
        "start": 0,
        "length": 8192,
        "unit": 3,
        "shard": 0,
        "position": 0,
        "source_start": 0,
        "source_end": N_SHARD,
        "fade": 960,
        "gain": 1.0,
    }
    return PlayUnit(**fields | change)


def grain(**change) -> Grain:
    """A grain with something in every field."""
    fields = {
        "layer": 1,
        "start": 0,
        "length": 4_800,
        "interval": 2_400,
        "unit": 5,
        "shard": 0,
        "position": 20_000,
        "source_start": 0,
        "source_end": N_SHARD,
        "attack": 2_400,
        "release": 2_400,
        "shape": GrainShape.HANN,
        "gain": 1.0,
    }
    return Grain(**fields | change)


class RunningEngine:
    """An engine process and both ends of what leads to it."""

    def __init__(self, arguments: EngineArguments, state: EngineState, pipe=None) -> None:
        context = multiprocessing.get_context("spawn")
        self.arguments, self.state = arguments, state
        self.reader, self._sender = pipe or context.Pipe(duplex=False)
        self.writer = RecordWriter(self._sender)
        self.process = context.Process(target=run_engine, args=(arguments, self.reader), daemon=True)
        self.process.start()

    def wait_until_ready(self, *, state: str = "ready", blocks: int = 5) -> None:
        generation = self.process.pid
        wait_for(lambda: self.state.read_status().pid == generation, what="the engine to start")
        wait_for(lambda: self.state.read_status().state == state, what=state)
        first = self.state.read_pulse().blocks
        wait_for(lambda: self.state.read_pulse().blocks > first + blocks, what="blocks")

    def send(self, *records: Record) -> None:
        assert self.writer.send(records) == len(records)

    def replacement(self) -> "RunningEngine":
        return RunningEngine(self.arguments, self.state, pipe=(self.reader, self._sender))

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    def close(self) -> None:
        if self.process.is_alive():
            self.process.terminate()
            self.process.join(PATIENCE)
        self.process.kill()


def main() -> None:
    """Be a parent that only waits to be killed: for the test of what its engine does then."""
    state = EngineState.create()
    arguments = EngineArguments(
        state=state.name,
        audio_folder=Path(sys.argv[1]),
        shards=((0, N_SHARD),),
        sample_rate=SAMPLE_RATE,
        block_size=BLOCK_SIZE,
        output="none",
    )
    engine = RunningEngine(arguments, state)
    engine.wait_until_ready()
    print(engine.process.pid, flush=True)
    time.sleep(60.0)


if __name__ == "__main__":
    main()
