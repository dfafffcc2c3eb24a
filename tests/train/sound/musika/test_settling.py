"""What a trained Musika does otherwise than recordings: how restless, how wide, how loud it is, and how much grain."""

import math

import numpy as np
import pytest
import scipy.signal
import torch

from liveseq.dsp.loudness import integrated_loudness
from liveseq.dsp.mel import PRESETS
from liveseq.train.sound.musika.level_one import shares_of
from liveseq.train.sound.musika.settling import FULLEST, Settling, ceiling_of, level_for, limited, loudness_of
from liveseq.train.sound.streaming import Tape
from tests.train.sound.musika.tiny_musika import TAG

N = 6
VECTORS = torch.eye(2, TAG)


def walk(calm, *, seed, spread=1.0, middle=0.0):
    """Noise whose neighbours are alike by `calm`, (4, N, 400), with a jump in its midst."""
    torch.manual_seed(seed)
    steps, last = [], torch.zeros(4, N)
    for number in range(400):
        last = calm * last + (1.0 - calm**2) ** 0.5 * torch.randn(4, N) + (6.0 if number == 200 else 0.0)
        steps.append(last)
    made = torch.stack(steps, dim=-1)
    return middle + spread * (made - made.mean()) / made.std()


def restlessness(x):
    return float(x.diff(dim=-1).abs().mean() / x.std())


def streamed(settling, latents, tag, *, n=2):
    memory, found = None, []
    for piece in latents.split(n, dim=-1):
        tape = Tape(memory)
        with torch.no_grad():
            found.append(settling(piece, tag, tape))
        memory = tape.left()
    return torch.cat(found, dim=-1)


def learned():
    real = [walk(0.95, seed=1, spread=1.2, middle=3.0), walk(0.3, seed=2)]
    made = [walk(0.3, seed=3, spread=1.5), walk(0.3, seed=4)]
    settling = Settling(depth=N, tag=TAG)
    return settling, real, made, settling.learn(VECTORS, list(zip(real, made, strict=True)))


def test_what_was_never_learned_leaves_latents_as_they_are():
    latents = torch.randn(1, N, 40)
    torch.testing.assert_close(streamed(Settling(depth=N, tag=TAG), latents, VECTORS[0]), latents)


def test_what_is_drawn_becomes_as_calm_and_as_wide_as_recordings_of_its_tag_and_no_other():
    settling, real, made, _ = learned()
    calm, lively = (streamed(settling, made[k][:1], VECTORS[k])[..., 8:] for k in (0, 1))
    assert restlessness(made[0]) > 2.5 * restlessness(real[0])
    assert restlessness(calm) == pytest.approx(restlessness(real[0]), rel=0.3)
    assert float(calm.std()) == pytest.approx(1.2, rel=0.2)
    assert float(calm.mean()) == pytest.approx(3.0, abs=0.5)
    assert restlessness(lively) == pytest.approx(restlessness(made[1]), rel=0.15), "it was right already"


def test_an_attack_comes_at_once_where_small_steps_are_held_back():
    settling = Settling(depth=N, tag=TAG)
    settling.hold.bias.data.fill_(1.0)
    latents = torch.zeros(1, N, 20)
    latents[..., 5] = 0.1
    latents[..., 10:] = 8.0
    found = streamed(settling, latents, VECTORS[0])
    assert 0.0 < float(found[..., 5].max()) < 0.01
    assert float(found[..., 10].min()) > 7.8


@pytest.mark.parametrize("n", [1, 3, 60])
def test_steps_of_any_length_settle_alike_and_as_was_learned(n):
    settling, _, made, settled = learned()
    one = streamed(settling, made[0][:1, :, :60], VECTORS[0], n=n)
    torch.testing.assert_close(one, streamed(settling, made[0][:1, :, :60], VECTORS[0], n=2))
    # ridge regression to the vectors of tags gives nearly what was learned
    torch.testing.assert_close(one[0, :, 8:], settled[0][0, :, :52], atol=0.15, rtol=0.1)


def test_a_level_makes_frames_as_loud_as_recordings_and_none_louder_than_the_ceiling():
    torch.manual_seed(0)
    real, drawn = (0.2 * torch.randn(2, 12, 300) + place for place in (-1.0, -1.2))
    shares, high, ceiling = torch.ones(12), torch.tensor(5.0), torch.tensor(-1.5)
    assert level_for(real, drawn, ceiling=high, shares=shares) == pytest.approx(0.2, abs=0.01)
    assert level_for(real, real - 3.0, ceiling=high, shares=shares) == pytest.approx(0.3), "no further than 6 dB"
    assert float(loudness_of(limited(real, ceiling, shares), shares).max()) == pytest.approx(-1.5, abs=1e-5)
    assert math.isfinite(level_for(real, drawn, ceiling=ceiling, shares=shares))


def sounds():
    """A bass, hiss and noise of -20 dBFS; their mel bands."""
    end = PRESETS["music48"]
    noise = np.random.default_rng(0).standard_normal(96_000)
    hiss = scipy.signal.sosfilt(scipy.signal.butter(8, 6000, "highpass", fs=48_000, output="sos"), noise)
    bass = np.sin(2 * np.pi * 60 * np.arange(96_000) / 48_000)
    heard = [(0.1 * y / y.std()).astype(np.float32) for y in (bass, hiss, noise)]
    bands = np.stack([end.log_mel(y)[4:].T for y in heard])
    return heard, torch.from_numpy(bands), torch.from_numpy(shares_of(end))


def test_loudness_is_that_of_the_samples_whatever_bands_they_are_in():
    heard, bands, shares = sounds()
    found = 10.0 * loudness_of(bands, shares).mean(dim=1)
    np.testing.assert_allclose(found - 0.691, [integrated_loudness(y, sample_rate=48_000) for y in heard], atol=1.0)


def test_a_burst_of_hiss_is_held_to_what_recordings_have_and_a_bass_does_not_boom():
    _, bands, shares = sounds()
    ceiling = ceiling_of([bands[2:] - 0.25], shares)  # recordings: noise of -25 dBFS
    assert 10.0 * float(ceiling) == pytest.approx(-21.5, abs=1.0), "the ear's filter lifts what is high by 4 dB"
    for burst in bands + 0.6:
        assert float(loudness_of(limited(burst[None], ceiling, shares), shares).max()) <= float(ceiling) + 1e-4
    loud = limited(bands[:1] + 1.0, torch.tensor(0.0), shares)
    assert float(loudness_of(loud, torch.ones_like(shares)).max()) == pytest.approx(FULLEST, abs=1e-4)
    soft = bands[1:2] - 0.4
    assert torch.equal(limited(soft, ceiling, shares), soft)


def test_no_ceiling_is_so_high_that_a_frame_would_clip():
    _, bands, shares = sounds()
    assert float(ceiling_of([bands + 1.0], shares)) == pytest.approx(-0.8)
