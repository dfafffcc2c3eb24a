"""Recordings that never were: descriptor frames with a rhythm, a drift and noise."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from liveseq.dsp.descriptors import BASE_NAMES
from liveseq.train.predictors.material import HOPS_PER_STEP, DescribedRecording, Material


def recording(name: str, *, n_steps: int, seed: int, group: str = "beat") -> DescribedRecording:
    rng = np.random.default_rng(seed)
    n_frames = n_steps * HOPS_PER_STEP
    n_base = len(BASE_NAMES)
    phase = rng.uniform(0, 2 * np.pi)
    pulse = np.sin(2 * np.pi * np.arange(n_frames) / 32 + phase)[:, None] * np.linspace(-3, 3, n_base)
    frames = 10.0 * np.arange(n_base) + pulse + 0.3 * rng.standard_normal((n_frames, n_base))
    return DescribedRecording(name=name, group=group, frames=frames.astype(np.float32))


@pytest.fixture
def make_material() -> Callable[..., Material]:
    def make(*, n_files: int = 8, n_steps: int = 60) -> Material:
        recordings = [recording(f"{i}.wav", n_steps=n_steps + i, seed=i, group=f"tag{i % 2}") for i in range(n_files)]
        return Material(recordings=tuple(recordings), sample_rate=48_000, hop_length=1024, description="made up")

    return make


@pytest.fixture(autouse=True)
def one_thread():
    """Sums in one order, as in the process that is killed: what is compared to the bit must not depend on the cores."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)
