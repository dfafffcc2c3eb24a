"""What every piece of the demo corpus promises: length, level, key, tempo, and no click.

One piece per tag at 24 kHz, where the beats last as long as at 48 kHz; the slow test at the end hears them all.
"""

from functools import cache

import numpy as np
import pytest
import scipy.signal

from liveseq.demo.effects import true_peak
from liveseq.demo.grid import Grid
from liveseq.demo.pieces import RECIPES, TAGS, Piece, compose_piece
from liveseq.dsp.descriptors import describe
from liveseq.dsp.loudness import integrated_loudness
from liveseq.errors import ConfigError

RATE = 24_000
UNIT_SECONDS = 8192 / 48_000
UNITS_PER_BEAT = {"techno": 3, "house": 3, "breakbeat": 2, "dub": 4, "arpeggio": 3, "glitch": 3}
TONAL = ("arpeggio", "bass", "plucked", "piano", "pads", "choir", "drone", "bells")
SMOOTH = ("drone", "pads", "choir", "bass", "piano", "arpeggio")


@cache
def piece(tag: str) -> Piece:
    return compose_piece(tag, next(iter(RECIPES[tag])), sample_rate=RATE, seed=1)


def onset_curve(y: np.ndarray, *, sample_rate: int, hop_length: int) -> np.ndarray:
    """Rise of the log spectrum from frame to frame."""
    size = 4 * hop_length
    frames = np.lib.stride_tricks.sliding_window_view(y, size)[::hop_length] * np.hanning(size)
    level = np.log1p(1000.0 * np.abs(np.fft.rfft(frames, axis=1)) / size)
    return np.maximum(np.diff(level, axis=0), 0.0).sum(axis=1)


def period_near(y: np.ndarray, expected: float, *, sample_rate: int) -> float:
    """Seconds of the strongest repetition within a fifth of `expected`, refined over eight of its multiples."""
    hop_length = 128
    onsets = onset_curve(y, sample_rate=sample_rate, hop_length=hop_length)
    onsets = onsets - onsets.mean()
    spectrum = np.abs(np.fft.rfft(onsets, 2 * len(onsets))) ** 2
    correlation = np.fft.irfft(spectrum)[: len(onsets)]
    periods = np.linspace(0.8 * expected, 1.2 * expected, 801)
    lags = periods[:, None] * np.arange(1, 9) * sample_rate / hop_length
    return float(periods[np.interp(lags, np.arange(len(onsets)), correlation).sum(axis=1).argmax()])


def white_key_part(y: np.ndarray, *, sample_rate: int) -> float:
    """Part of the energy from 60 to 1500 Hz that is nearest to a white key; 7/12 for noise."""
    size = 1 << 15
    f_hz = np.fft.rfftfreq(size, 1.0 / sample_rate)
    heard = (f_hz > 60.0) & (f_hz < 1500.0)
    keys = np.round(12.0 * np.log2(f_hz[heard] / 440.0) + 69.0).astype(int) % 12
    frames = np.lib.stride_tricks.sliding_window_view(y, size)[:: size // 2] * np.hanning(size)
    power = np.abs(np.fft.rfft(frames, axis=1))[:, heard] ** 2
    energy = np.bincount(keys, weights=(power / power.sum(axis=1, keepdims=True)).sum(axis=0), minlength=12)
    return float(energy[[0, 2, 4, 5, 7, 9, 11]].sum() / energy.sum())


def click_ratio(y: np.ndarray, *, sample_rate: int) -> float:
    """Largest second difference against the largest of the 25 ms before and after it.

    A drum goes on after its onset and a saw has an edge in every period; a click stands alone.
    """
    bend = np.abs(np.diff(y, 2)).astype(np.float64)
    width, gap = round(0.025 * sample_rate), 8
    tallest = np.max(np.lib.stride_tricks.sliding_window_view(bend, width), axis=1)  # [i]: of i .. i + width
    at = np.arange(width + gap, len(bend) - width - gap)
    around = np.maximum(tallest[at - gap - width], tallest[at + gap])
    return float(np.max(bend[at] / (around + 1e-3)))


def test_there_are_at_least_ten_tags_of_three_pieces():
    assert len(TAGS) >= 10
    assert all(len(names) >= 3 for names in RECIPES.values())


@pytest.mark.parametrize("tag", TAGS)
def test_piece_is_clean_stereo_of_the_right_length_and_level(tag):
    y = piece(tag).audio
    assert y.dtype == np.float32
    assert y.shape[1] == 2
    assert 20.0 <= len(y) / RATE <= 30.0
    assert np.isfinite(y).all()
    assert np.abs(y.mean(axis=0)).max() < 1e-4
    assert 20.0 * np.log10(true_peak(y)) <= -1.0
    assert -23.0 <= integrated_loudness(y, sample_rate=RATE) <= -18.0


@pytest.mark.parametrize("tag", TAGS)
def test_piece_fades_at_its_ends_and_sounds_at_once(tag):
    y = piece(tag).audio
    loudness = np.sqrt(np.mean(y**2))
    assert np.abs(y[[0, -1]]).max() < 1e-3
    assert np.sqrt(np.mean(y[: RATE // 2] ** 2)) > 0.05 * loudness


@pytest.mark.parametrize("tag", TAGS)
def test_low_end_survives_in_mono(tag):
    lowpass = scipy.signal.butter(4, 80.0, fs=RATE, output="sos")
    y = piece(tag).audio
    low = scipy.signal.sosfilt(lowpass, y, axis=0)
    middle, side = low.mean(axis=1), (low[:, 0] - low[:, 1]) / 2.0
    assert np.mean(side**2) <= max(0.05 * np.mean(middle**2), 1e-3 * np.mean(y**2))


@pytest.mark.parametrize(("tag", "units"), UNITS_PER_BEAT.items())
def test_beat_is_a_whole_number_of_units(tag, units):
    y = piece(tag).audio.mean(axis=1)
    expected = units * UNIT_SECONDS
    assert period_near(y, expected, sample_rate=RATE) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("tag", TONAL)
def test_pitches_are_on_the_white_keys(tag):
    y = piece(tag).audio.mean(axis=1)
    in_key = white_key_part(y, sample_rate=RATE)
    sharp = scipy.signal.resample_poly(y, 18, 17)  # about a semitone down: black keys
    assert in_key > 0.8
    assert white_key_part(sharp, sample_rate=RATE) < in_key - 0.15


@pytest.mark.parametrize("tag", SMOOTH)
def test_no_click(tag):
    y = piece(tag).audio[:, 0]
    assert click_ratio(y, sample_rate=RATE) < 4.0
    broken = y.copy()
    broken[len(y) // 2 :] += 1.0
    assert click_ratio(broken, sample_rate=RATE) > 4.0


def test_a_piece_is_a_loop():
    y = piece("drone").audio  # the ends are faded, the level is not
    edge = round(0.2 * RATE)
    start, end = (np.sqrt(np.mean(part**2)) for part in (y[edge : 2 * edge], y[-2 * edge : -edge]))
    assert 0.5 < start / end < 2.0


def test_same_seed_same_bytes_other_seed_other_music():
    first = piece("arpeggio").audio
    name = piece("arpeggio").name
    again = compose_piece("arpeggio", name, sample_rate=RATE, seed=1).audio
    other = compose_piece("arpeggio", name, sample_rate=RATE, seed=2).audio
    assert first.tobytes() == again.tobytes()
    assert abs(np.corrcoef(first[:, 0], other[:, 0])[0, 1]) < 0.9


@pytest.mark.parametrize("sample_rate", [22_050, 32_000, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("units", [2, 3, 4, 5])
def test_grid_at_every_rate(sample_rate, units):
    grid = Grid(sample_rate=sample_rate, units_per_beat=units)
    assert grid.beat % 4 == 0
    assert grid.n_samples / sample_rate >= 20.0
    if sample_rate in (44_100, 48_000):
        assert grid.beat == units * 8192


def test_a_rate_that_no_piece_is_made_for_is_refused():
    with pytest.raises(ConfigError, match=r"sample_rate.*8000"):
        compose_piece("bells", next(iter(RECIPES["bells"])), sample_rate=8_000, seed=1)


def window_features(y: np.ndarray) -> np.ndarray:
    """Mean, spread and mean movement of the MFCCs in windows of one second, (n_windows, 39)."""
    n_hops = 47
    frames = describe(np.ascontiguousarray(y.mean(axis=1)), sample_rate=48_000)[:, :13]
    n_windows = len(frames) // n_hops
    windows = frames[: n_windows * n_hops].reshape(n_windows, n_hops, 13)
    movement = np.abs(np.diff(windows, axis=1)).mean(axis=1)
    return np.concatenate([windows.mean(axis=1), windows.std(axis=1), movement], axis=1)


def recognised(x: np.ndarray, *, tag: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    """Tags of the held-out windows by logistic regression on the others, plain gradient descent."""
    x = np.c_[(x - x.mean(axis=0)) / x.std(axis=0), np.ones(len(x))]
    known, wanted = x[~held_out], np.eye(len(TAGS))[tag[~held_out]]
    weights = np.zeros((x.shape[1], len(TAGS)))
    for _ in range(200):
        odds = np.exp(known @ weights - np.max(known @ weights, axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        weights -= known.T @ (odds - wanted) / len(known) + 0.01 * weights
    return np.argmax(x[held_out] @ weights, axis=1)


@pytest.mark.slow
def test_every_piece_keeps_its_promises_and_a_simple_ear_tells_the_tags_apart():
    """Each piece is recognised by what its siblings sound like: chance is one in fourteen.

    Measured 0.852, 0.874 and 0.851 with seeds 1 to 3; the limit leaves room for the rounding of other machines.
    """
    features, tags, sources = [], [], []
    for index, (tag, name) in enumerate((tag, name) for tag, names in RECIPES.items() for name in names):
        made = compose_piece(tag, name, sample_rate=48_000, seed=1)
        assert np.isfinite(made.audio).all()
        assert 20.0 * np.log10(true_peak(made.audio)) <= -1.0, made.name
        assert -23.0 <= integrated_loudness(made.audio, sample_rate=48_000) <= -18.0, made.name
        features.append(window_features(made.audio))
        tags += [TAGS.index(made.tag)] * len(features[-1])
        sources += [index] * len(features[-1])
    x, tag, source = np.concatenate(features), np.array(tags), np.array(sources)
    held = [source == index for index in range(len(features))]
    correct = sum(np.sum(recognised(x, tag=tag, held_out=h) == tag[h]) for h in held)
    assert correct / len(x) >= 0.82
