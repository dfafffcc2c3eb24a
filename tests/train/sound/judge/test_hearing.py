"""Figures that the ears hear in recordings: notes, onsets by stretch, tags, tempo; and what stands in for an ear."""

import numpy as np
import pytest

from liveseq.demo.pieces import compose_piece
from liveseq.dsp.files import load_audio
from liveseq.train.sound.judge.ears import notes
from liveseq.train.sound.judge.ears.notes import FRAMES_PER_SECOND, N_KEYS, PianoRoll
from liveseq.train.sound.judge.hearing import Ears, beat, onset_rates
from tests.support.recordings import RECORDINGS

RATE = 48_000


def recording(name, *, seconds):
    """As often as it goes into the time, float32 (n_samples, 2)."""
    y = load_audio(RECORDINGS / f"{name}.flac", sample_rate=RATE)
    return np.tile(y, (-(-int(seconds * RATE) // len(y)), 1))[: int(seconds * RATE)]


@pytest.fixture(scope="module")
def ears():
    return Ears()


def test_a_guitar_chord_has_clear_notes_and_hiss_has_none(ears):
    guitar = ears.hear(recording("guit_em9", seconds=4), sample_rate=RATE)
    hiss = ears.hear(recording("vinyl_hiss", seconds=4), sample_rate=RATE)
    assert guitar.clear > 0.9
    assert guitar.first() == ["guitar"]
    assert hiss.clear < 0.05
    assert hiss.onsets == 0.0
    assert list(guitar.tags.values()) == sorted(guitar.tags.values(), reverse=True)
    assert (guitar.steady, guitar.bpm) == (None, None), "shorter than a stretch"


@pytest.mark.parametrize(("name", "bpm"), [("loop_breakbeat", 126.0), ("loop_amen", 137.0), ("loop_compus", 148.1)])
def test_a_loop_keeps_its_tempo(name, bpm):
    steady, found = beat(recording(name, seconds=20), sample_rate=RATE)
    assert steady == 1.0
    assert found == pytest.approx(bpm, rel=0.01)


def test_a_demo_piece_has_its_tempo():
    techno = compose_piece("techno", "acid", sample_rate=RATE, seed=1).audio
    assert beat(techno, sample_rate=RATE) == (1.0, pytest.approx(60.0 * RATE / (3 * 8192), rel=2e-3))


def test_half_of_a_take_with_a_beat_is_half_steady(rng):
    noise = 0.1 * rng.standard_normal((10 * RATE, 2)).astype(np.float32)
    steady, bpm = beat(np.concatenate((recording("loop_breakbeat", seconds=10), noise)), sample_rate=RATE)
    assert steady == 0.5
    assert bpm == pytest.approx(126.0, rel=0.01)
    assert beat(noise, sample_rate=RATE) == (0.0, None)


def test_onsets_are_counted_by_stretch():
    n = int(10 * FRAMES_PER_SECOND)
    played, struck = (np.zeros((2 * n + 100, N_KEYS), dtype=np.float32) for _ in range(2))
    played[:] = 0.9
    struck[10 : n - 10 : 40, 30] = 0.8
    n_struck = len(range(10, n - 10, 40))
    assert onset_rates(PianoRoll(played, struck)) == [pytest.approx(n_struck / 10, rel=0.01), 0.0]
    assert len(onset_rates(PianoRoll(played[:100], struck[:100]))) == 1


def test_an_ear_that_is_missing_says_how_to_get_it_and_the_other_goes_on(monkeypatch, tmp_path):
    monkeypatch.setattr(notes, "GRAPH", tmp_path / "basic-pitch.onnx")
    ears = Ears()
    assert list(ears.missing) == ["basic-pitch.onnx"]
    assert "pip download --no-deps basic-pitch==0.4.0" in ears.missing["basic-pitch.onnx"]
    heard = ears.hear(recording("guit_em9", seconds=4), sample_rate=RATE)
    assert (heard.clear, heard.onsets, heard.onset_range) == (None, None, None)
    assert heard.first() == ["guitar"]
