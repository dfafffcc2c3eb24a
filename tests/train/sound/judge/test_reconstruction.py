"""What survives is measured against known losses."""

import numpy as np
import pytest

from liveseq.dsp.mel import PRESETS
from liveseq.train.sound.judge import anchors
from liveseq.train.sound.judge.reconstruction import reconstruction

FRONT_END = PRESETS["music48"]


@pytest.fixture(scope="module")
def tone():
    time = np.arange(FRONT_END.sample_rate) / FRONT_END.sample_rate
    strikes = np.exp(-8.0 * (time % 0.25))
    return (0.3 * strikes * np.sin(2 * np.pi * 440.0 * time)).astype(np.float32)


def test_nothing_is_lost_of_the_original(tone):
    assert max(reconstruction(tone, tone.copy(), front_end=FRONT_END).values()) == 0.0


def test_half_as_loud_is_six_units():
    noise = (0.1 * np.random.default_rng(0).standard_normal(FRONT_END.sample_rate)).astype(np.float32)
    found = reconstruction(noise, 0.5 * noise, front_end=FRONT_END)
    assert found["loudness"] == pytest.approx(6.02, abs=0.05)
    assert found["convergence"] == pytest.approx(0.5, abs=1e-3)
    assert found["mcd_db"] < 0.1  # level is in the coefficient that is left out


@pytest.mark.parametrize("name", PRESETS)
def test_griffin_lim_is_in_time_from_any_front_end(tone, name):
    front_end = PRESETS[name]
    made = anchors.invert(front_end.log_mel(tone), front_end=front_end)
    assert len(tone) - len(made) <= front_end.n_fft
    late, early = np.concatenate([np.zeros(2000, dtype=np.float32), made]), made[2000:]
    in_time, *shifted = (reconstruction(tone, y, front_end=FRONT_END) for y in (made, late, early))
    for other in shifted:
        assert in_time["log_mel"] < 0.7 * other["log_mel"]
        assert in_time["convergence"] < 0.7 * other["convergence"]


def test_griffin_lim_from_fine_bands_keeps_two_tones_apart():
    """A semitone at 220 Hz is 13 Hz: within one band of music48, in two of notes48."""
    time = np.arange(FRONT_END.sample_rate) / FRONT_END.sample_rate
    both = (0.2 * (np.sin(2 * np.pi * 220.0 * time) + np.sin(2 * np.pi * 233.1 * time))).astype(np.float32)

    def dip(name):
        """Level between the tones by that of the tones."""
        y = anchors.invert(PRESETS[name].log_mel(both), front_end=PRESETS[name])[8192 : 8192 + 32_768]
        power = np.abs(np.fft.rfft(y * np.hanning(len(y)))) ** 2
        bins = np.fft.rfftfreq(len(y), 1 / FRONT_END.sample_rate)
        between, at = (power[np.abs(bins - hz) < 3.0].max() for hz in (226.5, 220.0))
        return between / at

    fine, coarse = dip("notes48"), dip("music48")
    assert fine < 0.1
    assert fine < 0.1 * coarse
