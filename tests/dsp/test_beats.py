"""Beats of clicks and of demo pieces, whose grid is known; against librosa on drum loops."""

import numpy as np
import pytest

from liveseq.demo.pieces import compose_piece
from liveseq.dsp.beats import STEP, Beats, find_attacks, find_beats
from liveseq.dsp.files import load_audio
from tests.support.recordings import RECORDINGS

RATE = 48_000


def clicks(starts: list[int], *, n_samples: int, seed: int = 0) -> np.ndarray:
    """Decaying bursts of noise over a hiss, mono."""
    rng = np.random.default_rng(seed)
    y = 1e-3 * rng.standard_normal(n_samples)
    for start in starts:
        n = min(6_000, n_samples - start)
        y[start : start + n] += 0.3 * rng.standard_normal(n) * np.exp(-np.arange(n) / 1_000)
    return y.astype(np.float32)


def off_grid(beats: Beats, place: float) -> float:
    """Samples from the nearest beat."""
    return abs((place - beats.origin + beats.period / 2) % beats.period - beats.period / 2)


@pytest.mark.parametrize("bpm", [72.0, 97.3, 120.0, 133.33, 150.0])
@pytest.mark.parametrize("first", [0.0, 0.31])
def test_clicks_have_their_tempo_and_place(bpm, first):
    period = RATE * 60.0 / bpm
    starts = [round((i + first) * period) for i in range(16)]
    beats = find_beats(clicks(starts, n_samples=round(16 * period)), sample_rate=RATE)
    assert beats is not None
    assert beats.period == pytest.approx(period, rel=5e-4)
    assert max(off_grid(beats, start) for start in starts) < 0.01 * RATE
    assert beats.confidence > 0.5


def test_a_louder_or_resampled_signal_has_the_same_beats():
    starts = [i * 22_000 for i in range(12)]
    y = clicks(starts, n_samples=264_000)
    quiet, slow = find_beats(0.3 * y, sample_rate=RATE), find_beats(y, sample_rate=44_100)
    assert quiet is not None
    assert slow is not None
    assert quiet.period == pytest.approx(22_000, rel=5e-4)
    assert slow.period == pytest.approx(22_000, rel=5e-4)


@pytest.mark.parametrize("sample_rate", [16_000, 44_100, 96_000, 192_000])
def test_any_rate_will_do(sample_rate):
    period = 0.5 * sample_rate
    starts = [round((i + 0.2) * period) for i in range(16)]
    y = clicks(starts, n_samples=round(16 * period))
    beats = find_beats(y, sample_rate=sample_rate)
    assert beats is not None
    assert beats.period == pytest.approx(period, rel=1e-3)
    assert max(off_grid(beats, start) for start in starts) < 0.02 * sample_rate
    attacks, _ = find_attacks(y, sample_rate=sample_rate)
    np.testing.assert_allclose(attacks[attacks > 0], starts, atol=4 * STEP)  # at 0 the hiss begins


@pytest.mark.parametrize(
    ("tag", "name", "period"),
    [
        ("techno", "acid", 3 * 8192),
        ("house", "deep", 3 * 8192),
        ("dub", "steppers", 4 * 8192),
        ("bells", "peal", 32_768),
    ],
)
def test_demo_pieces_keep_their_grid(tag, name, period):
    y = compose_piece(tag, name, sample_rate=RATE, seed=1).audio.mean(axis=1)
    beats = find_beats(y, sample_rate=RATE)
    assert beats is not None
    assert beats.period == pytest.approx(period, rel=2e-4)
    assert off_grid(beats, 0.0) < 0.01 * RATE


@pytest.mark.parametrize(("tag", "name"), [("texture", "rain"), ("pads", "warm")])
def test_drones_and_textures_have_no_beat(tag, name):
    assert find_beats(compose_piece(tag, name, sample_rate=RATE, seed=1).audio.mean(axis=1), sample_rate=RATE) is None


@pytest.mark.parametrize(
    "y",
    [
        np.empty(0, dtype=np.float32),
        np.zeros(480_000, dtype=np.float32),
        np.full(480_000, 0.5, dtype=np.float32),
        np.random.default_rng(1).standard_normal(480_000).astype(np.float32),
        np.sin(np.arange(480_000) * 0.05).astype(np.float32),
        clicks([0], n_samples=300_000),
        clicks([0, 24_000, 48_000], n_samples=72_000),  # three beats repeat nothing
    ],
)
def test_what_has_no_beat(y):
    assert find_beats(y, sample_rate=RATE) is None


def test_irregular_hits_have_no_beat(rng):
    starts = np.cumsum(rng.uniform(8_000, 45_000, 30)).astype(int).tolist()
    assert find_beats(clicks(starts, n_samples=starts[-1] + 20_000), sample_rate=RATE) is None


def test_drum_loops_are_a_whole_number_of_beats_and_agree_with_librosa():
    tempo = pytest.importorskip("librosa").feature.tempo
    agree = 0
    names = ("loop_amen", "loop_breakbeat", "loop_compus", "loop_electric", "loop_mehackit2")
    for name in names:
        y = load_audio(RECORDINGS / f"{name}.flac", sample_rate=RATE).mean(axis=1)
        beats = find_beats(y, sample_rate=RATE)
        assert beats is not None, name
        n_beats = len(y) / beats.period
        assert n_beats == pytest.approx(round(n_beats), abs=0.05), name  # they are loops
        ratio = 60.0 * RATE / beats.period / float(tempo(y=y, sr=RATE)[0])
        agree += min(abs(ratio / octave - 1.0) for octave in (0.5, 1.0, 2.0)) < 0.04
    assert agree >= 4  # librosa hears the breakbeat of 126 bpm at 84


def test_attacks_are_found_where_they_are():
    starts = [1_000, 20_000, 20_900 + 8_192, 60_001]
    found, strength = find_attacks(clicks(starts, n_samples=80_000), sample_rate=RATE)
    assert len(found) == len(starts)
    assert ((found <= starts) & (np.array(starts) < found + STEP)).all()
    assert (found.dtype, strength.dtype) == (np.int64, np.float32)
    assert (strength > 0).all()


def test_a_louder_attack_is_stronger():
    y = clicks([10_000], n_samples=60_000) + 2.0 * clicks([40_000], n_samples=60_000)
    _, strength = find_attacks(y, sample_rate=RATE)
    assert strength[1] > 1.5 * strength[0]


@pytest.mark.parametrize("n_samples", [0, 1, 127, 128, 129, 100_000])
def test_silence_and_steady_sound_have_no_attack(n_samples):
    assert len(find_attacks(np.zeros(n_samples, dtype=np.float32), sample_rate=RATE)[0]) == 0
    steady = np.sin(np.arange(n_samples) * 0.05).astype(np.float32)
    assert (find_attacks(steady, sample_rate=RATE)[0] == 0).all()  # only that it begins
