"""The smallest unagan: sizes and a vocoder that its tests share."""

import torch
from torch import nn

from liveseq.train.sound.beats import N_TEMPI
from liveseq.train.sound.streaming import CausalConv1d
from liveseq.train.sound.unagan.family import PRESETS
from liveseq.train.sound.unagan.recipe import StreamingRecipe
from tests.train.sound.clicks import FRONT_END

TINY = PRESETS["small"]["model"] | {
    "front_end": "music48",
    "widths": [16, 16, 16, 8, 8],
    "n_conditions": 8,
    "prior_width": 16,
    "n_couplings": 2,
    "critic_width": 4,
}


class TinyVocoder(nn.Module):
    """Each frame's samples from that frame and the one before."""

    front_end = FRONT_END
    latency = 0

    def __init__(self):
        super().__init__()
        self.conv = CausalConv1d(FRONT_END.n_mels, FRONT_END.hop_length, 2)

    def forward(self, mel, tape=None):
        return torch.tanh(self.conv(mel, tape)).transpose(1, 2).flatten(1)


def tiny_recipe():
    """Untrained, with a beat of 1 / 3 a step for the first of two tags, and none for the second."""
    torch.manual_seed(0)
    recipe = StreamingRecipe(TINY, n_tags=2, tag_size=256, vocoder=None)
    recipe.generator.tempi.shares[:] = torch.eye(2, N_TEMPI)
    recipe.generator.tempi.beats_per_step[0] = 1 / 3
    recipe.generator.tempi.teach(torch.eye(2, 256))
    return recipe.eval()
