"""The smallest networks of musika."""

import pytest
import torch

from liveseq.train.sound.musika.codec import Codec
from liveseq.train.sound.musika.coordinates import N_CLOCK
from liveseq.train.sound.musika.generator import TagGenerator
from liveseq.train.sound.musika.networks import Generator
from tests.train.sound.musika.tiny_musika import DEPTH, TAG, WINDOWS


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
