"""The stereo codec: bands and widths go there and back, and widths go in a line."""

import numpy as np
import torch

from liveseq.train.sound.frames.tracks import make_tracks
from liveseq.train.sound.material.reading import Recording
from liveseq.train.sound.notes.codec import NARROWEST, PER_LATENT, StereoCodec, StereoFraming
from tests.train.sound.clicks import clicks
from tests.train.sound.notes.tiny_notes import FRONT_END

FRAMING = StereoFraming(front_end=FRONT_END, per_step=PER_LATENT)


def _tracks():
    wide, narrow = clicks(4, period=20_000), clicks(4, period=24_000, seed=1)
    rng = np.random.default_rng(0)
    side = 0.02 * rng.standard_normal(len(wide)).astype(np.float32)
    wide = wide + np.stack((side, -side), axis=1)
    recordings = [Recording(name=n, tag="a", audio=a) for n, a in (("wide", wide), ("narrow", narrow))]
    return tuple(make_tracks(recordings, tags=("a",), framing=FRAMING, n_frames=96, seed=1))


def test_bands_and_widths_go_there_and_back():
    tracks = _tracks()
    codec = StereoCodec(FRONT_END.n_mels, z_size=24)
    codec.learn(tracks, seed=1)
    ratios = []
    for track in tracks:
        frames = torch.from_numpy(track.mel[:320].astype(np.float32).T)[None]
        latent = codec.encode(frames)
        assert latent.shape == (1, 40, 24 + 16)
        scored = codec.bands.scored(frames[:, : FRONT_END.n_mels])
        assert (codec.middle(latent) - scored).abs().mean() < 0.35 * scored.abs().mean()
        ratios.append(codec.ratio(latent)[0, :, 200:].mean(dim=1))
    torch.testing.assert_close(ratios[1], torch.full_like(ratios[1], NARROWEST))
    assert float(ratios[0][150:].min()) > -0.7, "noise at the side is wide where the clicks are quiet"
    weights = codec.weights()
    assert float(weights.mean()) == torch.tensor(1.0)
    assert float(weights[0]) > 2.0 * float(weights[23])


def test_a_side_at_half_the_middle_is_there_at_half():
    rng = np.random.default_rng(0)
    left = 0.3 * rng.standard_normal(48_000).astype(np.float32)
    frames = FRAMING.frames(np.stack((left, left / 3.0), axis=1))  # the side is half of the middle
    codec = StereoCodec(FRONT_END.n_mels, z_size=4)
    widths = codec.encode(torch.from_numpy(frames[:88].T)[None])[0, 2:, 4:]
    torch.testing.assert_close(widths, torch.full_like(widths, np.log10(0.5)), atol=0.01, rtol=0)


def test_widths_go_in_a_line_from_latent_to_latent():
    codec = StereoCodec(FRONT_END.n_mels, z_size=4)
    latent = torch.zeros(1, 3, 20)
    latent[:, 1, 4:] = -0.8
    ratio = codec.ratio(latent)[0, 5]
    torch.testing.assert_close(ratio[:8], torch.zeros(8))
    torch.testing.assert_close(ratio[8:16], -0.1 * torch.arange(1.0, 9.0))
    torch.testing.assert_close(ratio[16:], -0.1 * torch.arange(7.0, -1.0, -1.0))
