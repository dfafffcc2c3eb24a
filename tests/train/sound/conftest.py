"""The smallest graph of sound, exported."""

import shutil
from pathlib import Path

import pytest

from liveseq.train import report as reports
from liveseq.train.sound import export
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
