"""Losses of reconstructions and discriminators: known answers."""

import math

import numpy as np
import pytest
import torch

from liveseq.dsp.mel import PRESETS
from liveseq.train.sound.losses import (
    LogMel,
    MelLoss,
    SpectralLoss,
    adversarial,
    feature_matching,
    hinge,
    magnitudes,
)
from liveseq.train.sound.vocoders.vocos.discriminators import Discriminators


@pytest.fixture
def noise():
    return 0.1 * torch.randn(2, 8192, generator=torch.Generator().manual_seed(0))


def test_a_signal_against_itself_is_0(noise):
    judges = Discriminators(width=2, period_width=1)
    with torch.no_grad():
        heard = judges(noise)
    assert float(SpectralLoss()(noise, noise)) < 1e-3
    assert float(MelLoss(PRESETS["music48"])(noise, noise)) == 0
    assert float(feature_matching(heard, heard)) == 0


def test_the_spectral_loss_of_half_the_level_is_half_and_its_logarithm(noise):
    found = SpectralLoss((512,))(0.5 * noise, noise)
    assert float(found) == pytest.approx(0.5 + math.log(2), rel=1e-2)


def test_the_energy_distance_wants_another_noise_and_no_smooth_one():
    """A hiss that is as far from its twin as from the recording costs less than the mean of all of them, twice."""
    y = 0.1 * torch.randn(3, 1, 65_536, generator=torch.Generator().manual_seed(1))
    click = torch.zeros(1, 65_536)
    click[:, ::64] = 0.8  # as loud, its spectrum as even as it gets
    for loss in (SpectralLoss((512,)), MelLoss(PRESETS["music48"])):
        assert float(loss.energy(y[0], y[1], y[2])) < 0.8 * float(loss.energy(click, click, y[2]))
    assert float(SpectralLoss((512,)).energy(y[2], y[2], y[2])) < 1e-3


def test_silence_has_a_gradient():
    y = torch.zeros(1, 4096, requires_grad=True)
    (SpectralLoss((512,))(y, torch.zeros(1, 4096)) + MelLoss(PRESETS["music48"])(y, torch.zeros(1, 4096))).backward()
    assert y.grad.isfinite().all()


def test_the_magnitude_of_a_sine_is_its_amplitude_times_a_quarter_of_the_window():
    y = 0.5 * torch.sin(2 * math.pi * 16 / 512 * torch.arange(4096))[None]
    np.testing.assert_allclose(magnitudes(y, 512, 128)[0, 16], 0.5 * 512 / 4, rtol=1e-4)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_mel_frames_are_those_that_models_are_told(name, noise):
    end = PRESETS[name]
    np.testing.assert_allclose(LogMel(end)(noise)[1].T, end.log_mel(noise[1].numpy()), atol=1e-4)


def test_hinge_is_0_where_all_is_told_apart_and_2_where_nothing_is():
    sure, unsure = [[torch.full((2, 3), 1.5)]], [[torch.zeros(2, 3)]]
    wrong = [[torch.full((2, 3), -1.5)]]
    assert float(hinge(sure, wrong)) == 0
    assert float(hinge(unsure, unsure)) == 2
    assert float(adversarial(sure)) == 0
    assert float(adversarial(wrong)) == 2.5


def test_a_learned_distance_falls_when_the_sound_comes_nearer(noise):
    torch.manual_seed(0)
    judges = Discriminators(width=2, period_width=1)
    wanted = torch.roll(noise, 100, dims=-1)
    far, near = (feature_matching(judges(wanted), judges(wanted + a * noise)) for a in (1.0, 0.1))
    assert float(near.detach()) < 0.5 * float(far.detach())
