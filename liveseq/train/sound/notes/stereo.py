"""From codec latents to sound in two channels: what every generator of `StereoCodec` latents plays."""

import math

import torch
from torch import Tensor

from liveseq.dsp.mel import FLOOR
from liveseq.train.sound.frames.grain import TagGrain
from liveseq.train.sound.frames.limits import Limits
from liveseq.train.sound.notes.codec import StereoCodec
from liveseq.train.sound.output import output_stage
from liveseq.train.sound.streaming import Tape, extend
from liveseq.train.sound.vocoders.vocoder import Vocoder

LATER = 431
"""Samples by which the side is later than the middle (9 ms).

A vocoder gives both the same phases, and all sound would lean to the left; so it leans to one side and the other in
turn, 111 Hz apart (Lauridsen 1954).
"""


def stereo_frames(
    latent: Tensor,
    near: Tensor,
    noise: Tensor,
    *,
    codec: StereoCodec,
    grain: TagGrain,
    limits: Limits,
    tape: Tape | None,
) -> tuple[Tensor, Tensor]:
    """log10 mel of middle and side (B, n_mels, PER_LATENT * S) as a vocoder takes them, with grain.

    latent: (B, S, size); near: weights of the learned tags (B, S, n_tags); noise: standard normal, for the grain
    (B, S, grain.size).
    """
    added = grain(latent[..., : codec.z_size], noise, near, tape)
    middle = codec.bands.unscored(codec.middle(latent) + added)
    middle = limits.levelled(middle.clamp(min=math.log10(FLOOR)), near)
    side = middle + codec.ratio(latent, tape)
    return middle, side.clamp(min=math.log10(FLOOR))


def stereo_sound(
    vocoder: Vocoder, frames: tuple[Tensor, Tensor], *, samples_per_step: int, tape: Tape | None
) -> Tensor:
    """Audio (2, n_samples) of frames of middle and side, (1, n_mels, T) each."""
    middle, side = vocoder(torch.cat(frames), tape).unbind(0)
    side = extend(side[None, None], LATER, tape)[0, 0, : len(middle)]
    return output_stage(torch.stack((middle + side, middle - side)), samples_per_step, tape)
