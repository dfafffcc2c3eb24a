"""A corpus of one shard of noise, and engine processes on it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from liveseq.engine.arguments import EngineArguments
from liveseq.engine.state import EngineState
from tests.support.engine_process import N_SHARD, SAMPLE_RATE, RunningEngine
from tests.support.mixing import sine


@pytest.fixture(scope="session")
def noise() -> np.ndarray:
    """float32 (N_SHARD, 2), uncorrelated, rms 0.1."""
    return (np.random.default_rng(7).standard_normal((N_SHARD, 2)) * 0.1).astype(np.float32)


@pytest.fixture(scope="session")
def tone() -> np.ndarray:
    """float32 (4 * SAMPLE_RATE, 2), 440 Hz."""
    return sine(440.0, n_samples=4 * SAMPLE_RATE)


@pytest.fixture(scope="session")
def audio_folder(tmp_path_factory, noise) -> Path:
    folder = tmp_path_factory.mktemp("audio")
    noise.tofile(folder / "0000.f32")
    return folder


@pytest.fixture
def start_engine(audio_folder) -> Iterator[Callable[..., RunningEngine]]:
    """Start engine processes; all are ended with the test."""
    engines: list[RunningEngine] = []
    states: list[EngineState] = []

    def start(output: str = "none", *, block_size: int = 128) -> RunningEngine:
        states.append(EngineState.create())
        arguments = EngineArguments(
            state=states[-1].name,
            audio_folder=audio_folder,
            shards=((0, N_SHARD),),
            sample_rate=SAMPLE_RATE,
            block_size=block_size,
            output=output,
        )
        engines.append(RunningEngine(arguments, states[-1]))
        return engines[-1]

    yield start
    for engine in engines:
        engine.close()
    for state in states:
        state.close()
