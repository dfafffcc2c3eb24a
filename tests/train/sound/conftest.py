"""What tests of sound share: the smallest networks of musika, and the smallest graph, exported."""

import shutil
from pathlib import Path

import pytest
import torch

from liveseq.train import report as reports
from liveseq.train.sound import export
from liveseq.train.sound.musika.codec import Codec
from liveseq.train.sound.musika.coordinates import N_CLOCK
from liveseq.train.sound.musika.latents import TagGenerator
from liveseq.train.sound.musika.networks import Generator
from tests.train.sound.musika.tiny_musika import DEPTH, TAG, WINDOWS
from tests.train.sound.tiny_steps import CONFIG, Tiny


@pytest.fixture
def codec():
    torch.manual_seed(0)
    codec = Codec(frame_size=6, depth=DEPTH, widths=(8, 8, 8, 8))
    for parameter in codec.decoder.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    return codec.eval()


@pytest.fixture
def generator():
    torch.manual_seed(1)
    net = Generator(base=2, length=WINDOWS.length, depth=2 * DEPTH, coordinate=3, style=5, tag=TAG, clock=N_CLOCK)
    made = TagGenerator(net, depth=2 * DEPTH, tag=TAG, n_tags=3).eval()
    made.tempi.beats_per_step[:4] = torch.tensor([1 / 6, 1 / 5, 1 / 7, 1 / 8])
    return made


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
