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


def test_griffin_lim_is_in_time(tone):
    made = anchors.invert(FRONT_END.log_mel(tone), front_end=FRONT_END)
    late = np.concatenate([np.zeros(2000, dtype=np.float32), made])
    in_time, shifted = (reconstruction(tone, y, front_end=FRONT_END) for y in (made, late))
    assert in_time["log_mel"] < 0.7 * shifted["log_mel"]
    assert in_time["convergence"] < 0.7 * shifted["convergence"]
