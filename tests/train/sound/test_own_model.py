"""The worked example of docs/models.md is run as it stands, and what it makes is played."""

import re
from pathlib import Path

import numpy as np
import pytest

from liveseq.runtime.generator import OnnxGenerator, Stream
from liveseq.train import report as reports
from liveseq.train.graph import _quiet
from liveseq.train.sound import export

PAGE = Path(__file__).resolve().parents[3] / "docs" / "models.md"


@pytest.fixture(scope="module")
def block() -> str:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def folder(block, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("server")
    with pytest.MonkeyPatch.context() as patch, _quiet():
        patch.chdir(place)
        exec(compile(block, str(PAGE), "exec"), {"__name__": "example"})
    return place / "models" / "my-hum"


def test_the_module_is_short(block):
    module = block[block.index("class Hum") : block.index("folder =")].strip()
    assert len(module.splitlines()) <= 20


def test_it_is_streamed_repeats_with_its_seed_and_does_not_click_at_a_new_tag(folder):
    generator = OnnxGenerator(folder)
    assert (generator.tags, generator.tag_size, generator.samples_per_step) == (("drone", "bass"), 256, 8192)
    low, high = np.zeros(256, dtype=np.float32), np.zeros(256, dtype=np.float32)
    low[0], high[0] = -0.1, 0.1

    def play() -> np.ndarray:
        stream = Stream(generator, seed=5)
        return np.concatenate([stream.next(tag) for tag in (low, low, low, high, high, high)])[:, 0]

    sound = play()
    np.testing.assert_array_equal(sound, play())
    assert 0.05 < np.sqrt(np.mean(sound**2)) < 0.5
    steepest = np.abs(np.diff(sound)).max()
    assert np.abs(np.diff(sound))[3 * 8192 - 2 : 3 * 8192 + 1].max() <= steepest
    assert steepest < 0.05, "a tone of 145 Hz with three partials cannot jump"
    spectra = np.abs(np.fft.rfft(sound.reshape(2, -1) * np.hanning(3 * 8192)))
    np.testing.assert_allclose(spectra.argmax(axis=1) * 48_000 / (3 * 8192), [83.4, 145.1], atol=2.0)


def test_it_may_be_played_on_this_machine(folder, monkeypatch):
    monkeypatch.setattr(reports, "BENCHMARK_RUNS", 100)
    monkeypatch.setattr(reports, "BENCHMARK_ROUNDS", 3)
    report = export.check_sound(folder)
    assert report.role == "generator"
    assert report.real_time_factor is not None
    assert report.real_time_factor < 0.1
