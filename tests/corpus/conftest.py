"""Small corpora for the tests of this folder."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from liveseq.corpus.segmentation import fixed
from liveseq.corpus.store import Corpus, NewSource
from liveseq.dsp.descriptors import describe
from tests.support.fixtures import disk  # noqa: F401

RATE = 48_000


def noise(n_samples: int, *, seed: int) -> np.ndarray:
    """float32 (n_samples, 2)"""
    return (0.1 * np.random.default_rng(seed).standard_normal((n_samples, 2))).astype(np.float32)


def make_source(
    name: str = "a.wav", *, n_samples: int = 30_000, seed: int = 0, tags: tuple[str, ...] = ()
) -> NewSource:
    audio = noise(n_samples, seed=seed)
    frames = describe(audio.mean(axis=1), sample_rate=RATE)
    return NewSource(name=name, audio=audio, frames=frames, bounds=fixed(n_samples, hop_length=1024), tags=tags)


@pytest.fixture
def new_source() -> Callable[..., NewSource]:
    return make_source


@pytest.fixture(scope="session")
def small_original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "small.corpus"
    with Corpus.create(path, sample_rate=RATE) as corpus:
        for i, tags in enumerate([("drum",), ("drum", "bass"), ()]):
            corpus.add(make_source(f"{i}.wav", seed=i, tags=tags))
    return path


@pytest.fixture
def small(tmp_path: Path, small_original: Path) -> Path:
    """A corpus of three sources, 3 units each."""
    return Path(shutil.copytree(small_original, tmp_path / "small.corpus"))


@pytest.fixture
def write_sound() -> Callable[..., Path]:
    """Write a sound file of noise, its folders too."""

    def write(
        path: Path, *, n_samples: int = 20_000, seed: int = 0, sample_rate: int = RATE, channels: int = 2
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        y = 0.1 * np.random.default_rng(seed).standard_normal((n_samples, channels))
        soundfile.write(path, y, sample_rate)
        return path

    return write
