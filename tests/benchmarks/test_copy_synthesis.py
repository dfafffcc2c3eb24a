"""Copies by a vocoder: the measures see what is wrong, and the shipped one keeps notes, pitch and strokes."""

import numpy as np
import pytest

from benchmarks.models.copy_synthesis import attacks_off, cents_off, strokes
from liveseq.dsp.files import load_audio, resample_by
from liveseq.runtime.folders import model_folder
from liveseq.runtime.vocoder import OnnxVocoder
from liveseq.train.sound.judge.ears.notes import NoteEar
from tests.support.recordings import RECORDINGS

RATE = 48_000


@pytest.fixture(scope="module")
def copy():
    vocoder = OnnxVocoder(model_folder("vocoder"))
    return lambda y: vocoder.sound(vocoder.front_end.log_mel(y))


def recording(name):
    return load_audio(RECORDINGS / name, sample_rate=RATE).mean(axis=1)


def test_cents_and_milliseconds_are_seen():
    sharp = cents_off(lambda y: resample_by(y, 2.0 ** (10 / 1200)), 57, rate=RATE)
    np.testing.assert_allclose(sharp, 10.0, atol=0.5)
    y = recording("tabla_re.flac")
    y = np.concatenate((np.zeros(9_600, dtype=np.float32), y, np.zeros(9_600, dtype=np.float32)))
    late = attacks_off(y, np.roll(y, 4 * 48), rate=RATE)
    assert len(late) >= 1
    np.testing.assert_allclose(late, 4.0, atol=0.1)
    assert list(attacks_off(y, y, rate=RATE)) == [0.0] * len(late)


def test_the_shipped_vocoder_is_in_tune_and_strikes_in_time(copy):
    assert np.abs(np.concatenate([cents_off(copy, key, rate=RATE) for key in (45, 69)])).max() < 5.0
    y = recording("loop_tabla.flac")
    late = np.abs(attacks_off(y, copy(y), rate=RATE))
    assert len(late) >= 5
    assert np.median(late) < 3.0


def test_the_shipped_vocoder_keeps_the_notes_of_a_guitar(copy):
    ear, y = NoteEar(), recording("guit_em9.flac")
    real, made = (ear.hear(sound[:, None], sample_rate=RATE).clear_share() for sound in (y, copy(y)))
    assert real > 0.8
    assert made > 0.9 * real


def test_a_stroke_is_no_swell():
    swell = np.concatenate((np.full(60, 1e-4), np.geomspace(1e-4, 0.5, 400), np.full(60, 0.5)))
    assert strokes(swell) == []
    [at] = strokes(np.repeat((1e-4, 0.5, 1e-4), 80))
    assert 75 < at <= 80
