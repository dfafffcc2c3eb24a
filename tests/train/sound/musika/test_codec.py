"""The autoencoder of level 2: what it begins with, and how loud and how steady it is."""

import numpy as np
import pytest
import torch

from liveseq.train.sound.judge.faults import pulsing_db
from liveseq.train.sound.musika.codec import Codec
from tests.train.sound.musika.tiny_musika import DEPTH, RATE


def frames_of_rank(n, rank, *, seed=0):
    rng = np.random.default_rng(seed)
    flat = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, 48)) * 0.3 + rng.standard_normal(6).repeat(8)
    return torch.from_numpy(flat.reshape(n, 6, 8).astype(np.float32))


def test_an_autoencoder_begins_with_what_its_latents_can_hold():
    codec = Codec(frame_size=6, depth=DEPTH, widths=(8, 8, 8, 8))
    frames = frames_of_rank(500, DEPTH)
    codec.begin_from(frames)
    with torch.no_grad():
        latents = codec.encode(frames)
        again = codec.decode(latents)
    assert float(latents.std()) == pytest.approx(1.0, abs=0.05)
    # tanh bends what is far out a little, and the mean has one number for each band
    assert float((again - frames).abs().mean() / frames.std()) < 0.05


def test_no_latents_make_frames_that_are_louder_than_any_that_were_heard(codec):
    frames = frames_of_rank(500, DEPTH)
    codec.begin_from(frames)
    with torch.no_grad():
        made = codec.decode(20.0 * torch.randn(4, DEPTH, 8))
    assert float((made.amax(dim=(0, 2)) - frames.amax(dim=(0, 2))).max()) <= 1e-6


def test_a_steady_sound_does_not_pulse_at_the_rate_of_latents():
    """Musika's windows of 371 ms were heard on long notes; here frames that stay stay after the autoencoder."""
    codec = Codec(frame_size=6, depth=DEPTH, widths=(8, 8, 8, 8))
    steady = torch.randn(400, 6, 1).expand(-1, -1, 8) @ torch.eye(8)
    codec.begin_from(steady[:, :DEPTH].repeat(1, 2, 1)[:, :6])
    with torch.no_grad():
        frames = steady[:1, :DEPTH].repeat(1, 2, 1)[:, :6].repeat(1, 1, 48)
        level = codec.decode(codec.encode(frames))[0].mean(dim=0)
    tone = np.sin(2 * np.pi * 440.0 / RATE * np.arange(384 * 512)) * np.repeat(10.0 ** (0.2 * level.numpy() - 1), 512)
    stereo = np.stack((tone, tone), axis=1).astype(np.float32)
    pulsing = stereo * (1 + 0.1 * np.sin(2 * np.pi * RATE / 4096 / RATE * np.arange(len(stereo))))[:, None]
    rate = RATE / 4096
    assert (
        pulsing_db(stereo, rate, sample_rate=RATE) < pulsing_db(pulsing.astype(np.float32), rate, sample_rate=RATE) - 10
    )
