"""The default vocoder: steps equal the whole, and true magnitudes and phases give the sound back."""

import math

import numpy as np
import pytest
import torch

from liveseq.errors import ModelError
from liveseq.train.sound.streaming import Tape
from liveseq.train.sound.vocoders.vocos import clocks
from liveseq.train.sound.vocoders.vocos.networks import VocosVocoder
from tests.train.sound.vocoders.vocos.tiny_vocos import NET, SMALL, tones


@torch.no_grad()
@pytest.mark.parametrize("n_frames", [1, 4, 16])
def test_steps_equal_the_whole(vocoder, n_frames):
    frames = torch.randn(1, 40, 48).cumsum(dim=-1).clamp(-5, 0.5)
    whole = vocoder(frames)
    tape = Tape()
    vocoder(frames[..., :n_frames], tape)
    memory, steps = torch.zeros_like(tape.left()), []
    for at in range(0, 48, n_frames):
        tape = Tape(memory)
        steps.append(vocoder(frames[..., at : at + n_frames], tape))
        memory = tape.left()
    np.testing.assert_allclose(torch.cat(steps, dim=-1), whole, atol=1e-5)


@torch.no_grad()
def test_mel_frames_become_as_many_hops_of_sound(vocoder):
    assert vocoder(torch.zeros(3, 40, 7)).shape == (3, 7 * 128)
    assert vocoder.latency == 1024 - 128 + 2 * 128


@torch.no_grad()
def test_silence_stays_silent(vocoder):
    assert vocoder(torch.full((1, 40, 32), -5.0)).abs().max() < 1e-3


@torch.no_grad()
@pytest.mark.parametrize("hz", [467.0, 1950.0, 2700.0])
def test_true_magnitudes_and_clocks_give_a_steady_tone_back_at_its_own_pitch(vocoder, hz):
    """Frames that are all alike: without clocks the sound would have the period of a hop (125 Hz here)."""
    whole, frames = vocoder.frames_of(tones(hz)), []
    for register in vocoder.registers:
        spectrum = register.analysis(whole)
        n_frames, n = spectrum.shape[1], register.partials.n_bins
        bins = torch.arange(register.first, register.first + n)
        off = 2 * math.pi * 128 * (hz / 16_000 - bins / register.n_fft)  # from a bin's centre, by a hop
        clock = torch.stack((off.cos(), off.sin())).expand(1, n_frames, -1, -1)
        level = spectrum.square().sum(dim=2).clamp(min=1e-8).log() / 2
        free = torch.zeros(1, n_frames, 2, register.n_bins)
        trust = torch.full((1, n_frames, n), 1e4)
        frames.append(register.synthesis((level, free), (torch.zeros(1, n_frames, n), trust, clock)))
    made = vocoder.added_up(frames)[0, 8192:]
    peak = torch.fft.rfft(made * torch.hann_window(8192)).abs().argmax() * 16_000 / 8192
    assert float(peak) == pytest.approx(hz, abs=2.0)
    level_of = made.unfold(0, 512, 128).square().mean(dim=-1).sqrt()
    assert float(level_of.min() / level_of.max()) > 0.95, "beats: bins of one partial went out of step"


@torch.no_grad()
@pytest.mark.parametrize(("registers", "worst"), [([[1024, 8000.0]], 1e-4), (NET["registers"], 1e-3)])
def test_a_spectrum_with_its_own_phases_is_the_recording_again(registers, worst):
    """Two registers' windows differ, so that one rounds the blend more than the other."""
    vocoder = VocosVocoder(SMALL, **(NET | {"registers": registers})).eval()
    y = torch.randn(1, 4096, generator=torch.Generator().manual_seed(1)) * 0.1
    whole, frames = vocoder.frames_of(y), []
    for register in vocoder.registers:
        spectrum, n = register.analysis(whole), register.partials.n_bins
        level = spectrum.square().sum(dim=2).sqrt().log()
        parts = torch.zeros(1, 32, n), torch.zeros(1, 32, n), register.partials(torch.zeros(1, 40, 34))[2]
        frames.append(register.synthesis((level, 1e5 * clocks.phasors(spectrum)), parts))
    made = vocoder.added_up(frames)
    np.testing.assert_allclose(made[:, 896:], y[:, :-896], atol=worst)


@torch.no_grad()
def test_a_frame_sounds_where_it_was_heard(vocoder):
    frames = torch.full((1, 40, 33), -5.0)
    frames[..., 12] = 0.0
    made = vocoder(frames)[0, vocoder.latency :].numpy()
    first, end = np.flatnonzero(np.abs(made) > 0.01 * np.abs(made).max())[[0, -1]]
    assert first >= 5 * 128 - 1, "frame 12 hears eight hops, the last of them the thirteenth"
    assert end < 13 * 128


def test_registers_that_leave_something_out_are_refused():
    for wrong in ({"registers": [[1024, 2000.0], [512, 7000.0]]}, {"clock_hz": 1500.0}, {"registers": [[256, 8000.0]]}):
        with pytest.raises(ModelError, match="registers"):
            VocosVocoder(SMALL, **(NET | wrong))
