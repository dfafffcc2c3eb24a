"""The smallest unagan: sizes, a vocoder and recordings that its tests share."""

import numpy as np
import torch
from torch import nn

from liveseq.dsp.mel import PRESETS as FRONT_ENDS
from liveseq.train.sound.beats import N_TEMPI
from liveseq.train.sound.streaming import CausalConv1d
from liveseq.train.sound.unagan.family import PRESETS
from liveseq.train.sound.unagan.recipe import StreamingRecipe

RATE = 48_000
FRONT_END = FRONT_ENDS["music48"]
TINY = PRESETS["small"]["model"] | {
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


def clicks(seconds, *, period, seed=0):
    """A click every `period` samples over a quiet hum, (n, 2)."""
    y = 0.01 * np.sin(np.arange(int(seconds * RATE)) * 0.03).astype(np.float32)
    rng = np.random.default_rng(seed)
    for start in range(0, len(y) - 2000, period):
        y[start : start + 2000] += 0.5 * rng.standard_normal(2000) * np.exp(-np.arange(2000) / 300)
    return np.repeat(y[:, None], 2, axis=1).astype(np.float32)


def tiny_recipe():
    """Untrained, with a beat of 1 / 3 a step for the first of two tags, and none for the second."""
    torch.manual_seed(0)
    recipe = StreamingRecipe(TINY, n_tags=2, vocoder=None)
    recipe.generator.tempi.shares[:] = torch.eye(2, N_TEMPI)
    recipe.generator.tempi.beats_per_step[0] = 1 / 3
    recipe.generator.tempi.tags[:, :2] = torch.eye(2)
    return recipe.eval()
