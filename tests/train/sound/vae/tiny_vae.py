"""The smallest VAE: sizes that its tests share."""

import torch
from torch import nn

from liveseq.train.sound.beats import N_TEMPI
from liveseq.train.sound.vae.family import PRESETS
from liveseq.train.sound.vae.recipe import TilesRecipe

TINY = PRESETS["small"]["model"] | {
    "codec_size": 12,
    "z_size": 6,
    "n_steps": 16,
    "n_overlap": 4,
    "width": 16,
    "encoder_width": 16,
    "n_components": 4,
    "critic_width": 4,
}
TAGS = ("bd", "techno")


def tiny_recipe(**changes):
    """Untrained, with a beat of 1 / 6 a latent for the first of two tags, and none for the second.

    Each tag has half of the components.
    """
    torch.manual_seed(0)
    recipe = TilesRecipe(TINY | changes, tags=TAGS, tag_size=256, vocoder=None)
    generator = recipe.generator
    nn.init.normal_(generator.decoder.leave.weight, std=0.2)  # as if it had learned something
    generator.tempi.shares[:] = torch.eye(2, N_TEMPI)
    generator.tempi.beats_per_step[0] = 1 / 6
    generator.tempi.teach(torch.eye(2, 256))
    generator.codec.bands.mean.fill_(-1.0)
    generator.limits.loudest.fill_(0.5)
    with torch.no_grad():
        generator.prior.logits[:] = torch.tensor([[9.0, 9.0, -9.0, -9.0], [-9.0, -9.0, 9.0, 9.0]])
        generator.prior.means *= 3.0
        generator.prior.raw_scales.fill_(-1.0)
    generator.prior.started.fill_(1.0)
    return recipe.eval()
