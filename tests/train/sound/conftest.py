"""The smallest graph of sound, exported; recordings of a beat and of single hits, and their tracks."""

import shutil
from pathlib import Path

import pytest

from liveseq.train import report as reports
from liveseq.train.sound import export
from liveseq.train.sound.frames.tracks import Framing, make_tracks
from liveseq.train.sound.material.reading import Recording
from tests.train.sound.clicks import FRONT_END, clicks
from tests.train.sound.tiny_graphs import CONFIG, Tiny


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> tuple[Path, reports.Report]:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reports, "BENCHMARK_RUNS", 100)
        patch.setattr(reports, "BENCHMARK_ROUNDS", 2)
        return folder, export.export_graph(Tiny(), folder, CONFIG | {"model": {"width": 8}})


@pytest.fixture
def folder(exported, tmp_path) -> Path:
    """A copy, to be spoilt."""
    shutil.copytree(exported[0], tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.fixture(scope="session")
def recordings():
    return (
        Recording(name="a", tag="techno", audio=clicks(6, period=24_576)),
        Recording(name="b", tag="bd", audio=clicks(0.4, period=100_000, seed=1)),
        Recording(name="c", tag="bd", audio=clicks(0.7, period=100_000, seed=2)),
    )


@pytest.fixture(scope="session")
def tracks(recordings):
    framing = Framing(front_end=FRONT_END, per_step=16)
    return tuple(make_tracks(recordings, tags=("bd", "techno"), framing=framing, n_frames=128, seed=1))
