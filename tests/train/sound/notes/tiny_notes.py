"""The smallest notes: sizes and a vocoder that its tests share."""

import torch
from torch import nn

from liveseq.dsp.mel import PRESETS as FRONT_ENDS
from liveseq.train.sound.beats import N_TEMPI
from liveseq.train.sound.notes.family import PRESETS
from liveseq.train.sound.notes.recipe import NotesRecipe
from liveseq.train.sound.streaming import CausalConv1d

FRONT_END = FRONT_ENDS["notes48"]
TINY = PRESETS["small"]["model"] | {
    "z_size": 12,
    "width": 16,
    "n_layers": 2,
    "heads": 2,
    "window": 6,
    "n_conditions": 8,
    "head_width": 24,
    "head_blocks": 1,
    "n_books": 2,
    "n_codes": 8,
    "flow_steps": 2,
}


class TinyVocoder(nn.Module):
    """Each frame's samples from that frame and the one before: loud where its bands are."""

    front_end = FRONT_END
    latency = 0

    def __init__(self):
        super().__init__()
        self.conv = CausalConv1d(FRONT_END.n_mels, FRONT_END.hop_length, 2)
        nn.init.zeros_(self.conv.bias)

    def forward(self, mel, tape=None):
        return torch.tanh(self.conv(10.0**mel, tape)).transpose(1, 2).flatten(1)


def tiny_recipe(**changes):
    """Untrained, with a beat of 1 / 6 a latent for the first of two tags, and none for the second."""
    torch.manual_seed(0)
    recipe = NotesRecipe(TINY | changes, n_tags=2, tag_size=256, vocoder=None)
    generator = recipe.generator
    nn.init.normal_(generator.head.leave.weight, std=0.3)  # as if it had learned something
    generator.tempi.shares[:] = torch.eye(2, N_TEMPI)
    generator.tempi.beats_per_step[0] = 1 / 6
    generator.tempi.teach(torch.eye(2, 256))
    generator.codec.bands.mean.fill_(-1.0)
    generator.limits.loudest.fill_(0.5)  # so that this is no silence
    return recipe.eval()
