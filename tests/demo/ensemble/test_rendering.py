"""Pieces as sound, through the program fluidsynth; its complaints, where it or the soundfont is missing or broken."""

import shutil
import stat

import numpy as np
import pytest

from liveseq.corpus.ensemble.build import DESCRIPTIONS, build_ensemble, descriptions
from liveseq.corpus.store import Corpus
from liveseq.corpus.verify import verify
from liveseq.demo.effects import true_peak
from liveseq.demo.ensemble import fluidsynth
from liveseq.demo.ensemble.compose import Commission, compose
from liveseq.demo.ensemble.fluidsynth import Room, find_program, find_soundfont, render
from liveseq.demo.ensemble.smf import TICKS, Track, write_midi
from liveseq.demo.ensemble.sounding import mastered, sound_of
from liveseq.dsp.loudness import integrated_loudness
from liveseq.errors import ConfigError, CorpusError

RATE = 48_000


def is_there() -> bool:
    try:
        find_program()
        find_soundfont()
    except ConfigError:
        return False
    return True


needs_fluidsynth = pytest.mark.skipif(not is_there(), reason="needs fluidsynth and fluid-soundfont-gm")


def one_note(pitch: int = 69) -> bytes:
    track = Track("flute", 0)
    track.program(73)
    track.note(0, 2 * TICKS, pitch=pitch, velocity=90)
    return write_midi([track], tempi=[(0, 120.0)], metre=(4, 4), end=3 * TICKS)


@needs_fluidsynth
def test_a_note_has_its_pitch_and_its_length():
    y = render(one_note(), soundfont=find_soundfont(), sample_rate=RATE, room=Room(level=0.0), seconds=1.5)
    assert y.dtype == np.float32
    assert y.shape[1] == 2
    middle = y[12_000:36_000].mean(axis=1)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 1 << 18))
    f0_hz = spectrum.argmax() * RATE / (1 << 18)
    assert abs(1200.0 * np.log2(f0_hz / 440.0)) < 12.0  # FluidR3's flute is 3 cents sharp, its vibrato wider
    assert np.abs(y[: RATE // 2]).max() > 10.0 * np.abs(y[round(1.4 * RATE) : round(1.5 * RATE)]).max()


@needs_fluidsynth
@pytest.mark.parametrize("title", ["piano: nocturne", "drums: funk"])
def test_pieces_are_loud_enough_and_clean(title):
    y = sound_of(Commission(1, 0, title), soundfont=find_soundfont(), sample_rate=RATE)
    assert 10.0 <= len(y) / RATE <= 60.0
    assert np.isfinite(y).all()
    assert -23.0 <= integrated_loudness(y, sample_rate=RATE) <= -19.5
    assert 20.0 * np.log10(true_peak(y)) <= -0.9
    assert np.abs(y.mean(axis=0)).max() < 1e-3
    quiet = np.abs(y).max(axis=1).reshape(-1)[: len(y) // RATE * RATE].reshape(-1, RATE).max(axis=1) < 10.0**-2.5
    assert not quiet[:-1].any()


@needs_fluidsynth
def test_the_same_seed_sounds_the_same():
    one, other = (
        render(one_note(), soundfont=find_soundfont(), sample_rate=RATE, room=Room(), seconds=2.0) for _ in "ab"
    )
    np.testing.assert_array_equal(one, other)


@needs_fluidsynth
@pytest.mark.slow
def test_a_corpus_is_built_once_described_and_sound(tmp_path):
    out = tmp_path / "ensemble.corpus"
    report = build_ensemble(out, minutes=0.4, seed=1, only=["piano"], jobs=1)
    assert report.added
    again = build_ensemble(out, minutes=0.4, seed=1, only=["piano"], jobs=1)
    assert (again.added, again.n_known) == ([], len(report.added))
    said = descriptions(out)
    with Corpus.open(out) as corpus:
        sources = corpus.sources()
        assert set(said) == {source.name for source in sources}
        for source in sources:
            assert list(source.tags) == said[source.name]["tags"]
            assert said[source.name]["seconds"] == pytest.approx(source.n_samples / RATE, abs=0.01)
            assert source.provenance.model_sha256 == fluidsynth.soundfont_sha256(find_soundfont())
    assert not verify(out)
    more = build_ensemble(out, minutes=1.0, seed=1, only=["piano"], jobs=1)
    assert more.n_known == len(report.added)
    assert more.added


def test_mastering_removes_dc_rounds_peaks_and_cuts_silence():
    rng = np.random.default_rng(1)
    y = np.zeros((6 * RATE, 2), dtype=np.float32)
    y[RATE : 3 * RATE] = 0.05 * rng.standard_normal((2 * RATE, 2)) + 0.02
    y[2 * RATE] = 1.0
    made = mastered(y, sample_rate=RATE)
    assert len(made) < 2.6 * RATE
    assert np.abs(made.mean(axis=0)).max() < 1e-3
    assert np.abs(made).max() <= 0.89


def test_without_fluidsynth_the_command_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ConfigError, match=r"fluidsynth: no such program; get it: .*install"):
        build_ensemble(tmp_path / "c", minutes=1.0, seed=1)
    assert not (tmp_path / "c").exists()


def test_without_a_soundfont_it_says_how_to_get_one(monkeypatch):
    monkeypatch.setattr(fluidsynth, "_PLACES", ("/nowhere", "/never"))
    with pytest.raises(ConfigError, match=r"none found in /nowhere, /never.*fluid-soundfont-gm"):
        find_soundfont()


def test_what_is_no_soundfont_is_refused_by_name(tmp_path):
    with pytest.raises(ConfigError, match=r"missing.sf2: no such soundfont"):
        find_soundfont(tmp_path / "missing.sf2")
    other = tmp_path / "other.sf2"
    other.write_bytes(b"not a soundfont at all")
    with pytest.raises(ConfigError, match=r"other.sf2: no SoundFont 2 file"):
        find_soundfont(other)
    cut = tmp_path / "cut.sf2"
    cut.write_bytes(b"RIFF" + (10_000).to_bytes(4, "little") + b"sfbk" + bytes(100))
    with pytest.raises(ConfigError, match=r"cut.sf2: the soundfont is cut short \(112 bytes\)"):
        find_soundfont(cut)


def pretend(monkeypatch, tmp_path, script):
    """A program of this text in the place of fluidsynth."""
    program = tmp_path / "fluidsynth"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(shutil, "which", lambda name: str(program))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'fluidsynth: error: Failed to load SoundFont' >&2", "Failed to load SoundFont"),
        ("exit 3", r"status 3\): no word why"),
        ("true", "wrote no sound"),
        ('while [ "$1" != -F ]; do shift; done; head -c 80000 /dev/zero > "$2"', "gives silence"),
        ("exec sleep 60", "was not done after 1 s"),
    ],
)
def test_a_program_that_fails_is_told(monkeypatch, tmp_path, script, said):
    pretend(monkeypatch, tmp_path, script)
    monkeypatch.setattr(fluidsynth, "LEAST_SECONDS", 1.0)
    with pytest.raises(ConfigError, match=said):
        render(one_note(), soundfont=tmp_path / "any.sf2", sample_rate=RATE, room=Room(), seconds=0.0)


def test_a_soundfont_that_does_not_load_ends_the_build_before_it_begins(monkeypatch, tmp_path):
    pretend(monkeypatch, tmp_path, "echo 'fluidsynth: error: Failed to load SoundFont' >&2")
    font = tmp_path / "broken.sf2"
    font.write_bytes(b"RIFF" + (4).to_bytes(4, "little") + b"sfbk")
    with pytest.raises(ConfigError, match="Failed to load SoundFont"):
        build_ensemble(tmp_path / "c", minutes=1.0, seed=1, soundfont=font)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(("minutes", "seed"), [(0.0, 1), (-3.0, 1), (7000.0, 1), (10.0, -1)])
def test_minutes_and_seeds_out_of_range(tmp_path, minutes, seed):
    with pytest.raises(CorpusError, match=r"expected"):
        build_ensemble(tmp_path / "c", minutes=minutes, seed=seed)


def test_a_corpus_without_descriptions_says_what_writes_them(tmp_path):
    with pytest.raises(CorpusError, match=rf"{DESCRIPTIONS}: no descriptions there.*corpus ensemble"):
        descriptions(tmp_path)


def test_a_score_knows_its_name():
    assert compose(Commission(1, 2, "harp: line"))[0].name == "harp/line/1-00002"
