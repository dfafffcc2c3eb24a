"""The codec: few numbers that say most of a frame."""

import numpy as np
import torch

from liveseq.train.sound.frames.codec import Codec


def test_components_of_few_numbers_are_found_and_standard(tracks):
    torch.manual_seed(0)
    codec = Codec(128, z_size=20, per_step=16)
    codec.learn(tracks, seed=1)
    mel = torch.from_numpy(tracks[1].mel[:320].astype(np.float32).T)[None]
    scored = codec.scored(mel)
    latent = codec.encode(scored)
    assert latent.shape == (1, 20, 20)
    assert (codec.draft(latent) - scored).abs().mean() < 0.35 * scored.abs().mean()
    torch.testing.assert_close(codec.unscored(scored), mel, atol=1e-4, rtol=0)
    torch.testing.assert_close(codec.encode(codec.draft(latent)), latent, atol=1e-3, rtol=0)
    assert 0.5 < float(latent.std()) < 2.0
