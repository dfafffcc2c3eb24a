"""What a listener would call broken is found in signals that are broken, and not in those that are not."""

import numpy as np
import pytest

from liveseq.train.sound.judge import faults

RATE = 16_000


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal((int(seconds * RATE), 2))).astype(np.float32)


def test_noise_has_no_fault_but_its_width():
    found = faults.faults(noise(12.0), sample_rate=RATE)
    assert faults.gates(found) == []
    assert found["stuck"] == 0.0
    assert found["width_db"] == pytest.approx(0.0, abs=0.5)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda y: 0.0 * y, "LUFS"),
        (lambda y: y + 0.01, "DC"),
        (lambda y: np.clip(30.0 * y, -1, 1), "clipped"),
        (lambda y: np.sign(y) * 0.1, "crest"),
    ],
)
def test_each_fault_is_named(change, word):
    found = faults.faults(change(noise(2.0)).astype(np.float32), sample_rate=RATE)
    assert any(word in wrong for wrong in faults.gates(found))


def test_a_loop_is_stuck_and_noise_is_not():
    loop = np.tile(noise(0.7)[:, 0], 20)
    assert faults.stuck(loop, sample_rate=RATE) == 1.0
    assert faults.stuck(noise(20.0)[:, 0], sample_rate=RATE) == 0.0


def test_a_hit_is_how_far_the_loudest_20_ms_stand_out():
    y = noise(10.0)
    assert faults.hit_db(y, sample_rate=RATE) < 2.0
    struck = y.copy()
    struck[RATE : RATE + RATE // 50] *= 10.0
    assert faults.hit_db(struck, sample_rate=RATE) == pytest.approx(19.2, abs=0.6), "it is louder itself by 0.8 dB"
    assert faults.hit_db(10.0 * struck, sample_rate=RATE) == pytest.approx(faults.hit_db(struck, sample_rate=RATE))
    assert faults.hit_db(y[:100], sample_rate=RATE) == 0.0


def test_mono_has_no_width():
    mono = np.repeat(noise(1.0)[:, :1], 2, axis=1)
    assert faults.width_db(mono) < -60.0


def test_a_line_that_all_takes_share_is_a_whistle():
    takes = [noise(3.0, seed) for seed in range(3)]
    line = 0.02 * np.sin(2 * np.pi * 3000 * np.arange(len(takes[0])) / RATE).astype(np.float32)[:, None]
    assert faults.whistle_db(takes, sample_rate=RATE) < 3.0
    assert faults.whistle_db([take + line for take in takes], sample_rate=RATE) > 12.0
    assert faults.whistle_db([takes[0] + line, *takes[1:]], sample_rate=RATE) < 3.0


def test_windows_that_pulse_are_seen_at_their_rate():
    y = noise(20.0)
    time = np.arange(len(y))[:, None] / RATE
    pulsing = (y * (1.0 + 0.3 * np.sin(2 * np.pi * 5.86 * time))).astype(np.float32)
    assert faults.pulsing_db(pulsing, 5.86, sample_rate=RATE) > 8.0
    assert faults.pulsing_db(y, 5.86, sample_rate=RATE) < 6.0
