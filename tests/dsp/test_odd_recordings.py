"""Recordings as recorders leave them: read whole, read with a line, or refused with the reason, and no noise."""

import io
import os
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import correlate

from liveseq.dsp.content.parts import Part, PartFile
from liveseq.dsp.content.words import kept_words
from liveseq.dsp.files import load_audio, rate_of
from liveseq.errors import AudioFileError
from tests.support import odd_recordings
from tests.support.odd_recordings import RATE, chirp, encoded, flac_stating, mp3_frames

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
LOSSLESS = (".wav", ".flac", ".aiff", ".aif")


def load(folder, name, odd, **how):
    path = folder / name
    path.write_bytes(odd.content)
    notes = []
    return load_audio(path, sample_rate=RATE, n_channels=1, notes=notes, **how)[:, 0], notes


def assert_is(y, sound, *, tolerance, likeness=0.99):
    """The same sound, but for what packing does to it and for up to `tolerance` samples at either end."""
    assert len(y) == pytest.approx(len(sound), abs=tolerance)
    found = correlate(y, sound, method="fft").max() / np.sqrt(np.sum(y**2) * np.sum(sound**2))
    assert found > likeness


@pytest.mark.parametrize("name", odd_recordings.whole())
def test_what_is_whole_is_read_without_a_word(tmp_path, capfd, name):
    odd = odd_recordings.whole()[name]
    y, notes = load(tmp_path, name, odd)
    assert_is(y, odd.sound, tolerance=3000 if name.endswith(("mp3", "riff.wav")) else 1)
    assert notes == []
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", odd_recordings.told())
def test_what_states_a_wrong_length_is_read_whole_and_told(tmp_path, capfd, name):
    odd = odd_recordings.told()[name]
    y, [note] = load(tmp_path, name, odd)
    is_lossless = Path(name).suffix in LOSSLESS
    assert_is(y, odd.sound, tolerance=0 if is_lossless else 11_000, likeness=0.999 if is_lossless else 0.93)
    assert note.startswith(f"{tmp_path / name}: ")
    assert odd.said in note
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", odd_recordings.refused())
def test_what_is_no_recording_or_not_all_of_one_is_refused(tmp_path, capfd, name):
    odd = odd_recordings.refused()[name]
    with pytest.raises(AudioFileError) as caught:
        load(tmp_path, name, odd)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")
    assert odd.said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_a_bit_rate_varies_here():
    content = odd_recordings.whole()["vbr_without_xing.mp3"].content
    assert len({len(frame) for frame in mp3_frames(content)}) > 3


@pytest.mark.parametrize("name", ["joined.wav", "joined.mp3", "joined.flac"])
def test_the_end_of_joined_recordings_is_the_end_of_the_last(tmp_path, name):
    odd = odd_recordings.whole()[name]
    short, _ = load(tmp_path, name, odd, last_seconds=0.5)
    assert len(short) == pytest.approx(RATE // 2, abs=2)
    assert_is(short, odd.sound[-len(short) :], tolerance=0)
    long, _ = load(tmp_path, name, odd, last_seconds=2.5)
    assert_is(long, odd.sound[-len(long) :], tolerance=0)
    assert len(long) == pytest.approx(2.5 * RATE, abs=2)


def test_the_end_of_a_flac_of_unknown_length_is_its_end(tmp_path):
    y, [note] = load(tmp_path, "a.flac", odd_recordings.told()["pipe.flac"], last_seconds=0.5)
    np.testing.assert_allclose(y, chirp(seed=5)[-RATE // 2 :], atol=1e-3)
    assert "1.50 s are read" in note


def test_a_large_wav_of_float_and_one_of_the_other_byte_order_go_on_too(tmp_path):
    a = chirp(seed=8)
    for number, how in enumerate(({"subtype": "FLOAT"}, {"subtype": "PCM_16", "endian": "BIG"}, {"subtype": "PCM_24"})):
        content = bytearray(encoded(a, "WAV", **how))
        at = content.index(b"data") + 4
        content[at : at + 4] = b"\xff\xff\xff\xff"
        y, [note] = load(tmp_path, f"{number}.wav", odd_recordings.Odd(bytes(content)))
        assert_is(y, a, tolerance=0)
        assert "1.50 s are read" in note


def test_silence_in_which_a_header_was_flushed_is_gone_through(tmp_path):
    y = np.concatenate([chirp(seed=1), np.zeros(RATE * 3), chirp(seed=2)])
    odd = odd_recordings.Odd(odd_recordings.wav_stating(2 * RATE * 4, y))
    got, [note] = load(tmp_path, "a.wav", odd)
    np.testing.assert_allclose(got, y, atol=1e-4)
    assert "states 2.00 s" in note


def test_flac_frames_that_are_cut_are_not_counted(tmp_path):
    y = chirp(3.0, seed=3)
    content = flac_stating(0, y)
    for n_bytes in (len(content) - 1, len(content) - 9000, len(content) // 3):
        got, [note] = load(tmp_path, "a.flac", odd_recordings.Odd(content[:n_bytes]))
        assert len(got) % 4096 == 0
        np.testing.assert_allclose(got, y[: len(got)], atol=1e-3)
        assert "lost" in note


def test_the_rate_of_a_file_is_that_of_its_first_recording(tmp_path):
    (tmp_path / "a.wav").write_bytes(encoded(chirp(rate=22_050), "WAV", rate=22_050) + encoded(chirp(), "WAV"))
    assert rate_of(tmp_path / "a.wav") == 22_050


def test_words_of_a_decoder_stay_here_and_those_of_others_go_on(capfd):
    with kept_words() as words:
        os.write(2, b"Note: Trying to resync...\nsomebody else\n")
        os.write(2, b"[src/libmpg123/layer3.c:III_get_side_info():202] error: big_values too large!\n")
    assert words == ["Trying to resync...", "big_values too large!"]
    assert capfd.readouterr().err == "somebody else\n"


def test_a_disk_that_fails_is_no_end():
    class Failing(io.BytesIO):
        def read(self, *_):
            raise OSError(5, "Input/output error")

    part = PartFile(Failing(), Part(head=b"head", stop=100))
    buffer = bytearray(10)
    assert part.readinto(buffer) == 4
    assert part.error is not None
    assert part.error.strerror == "Input/output error"


def test_whatever_happens_to_its_bytes_a_file_is_read_or_refused(tmp_path, capfd, rng):
    for odd in (odd_recordings.whole(), odd_recordings.told(), odd_recordings.refused()):
        for name, one in odd.items():
            content = bytearray(one.content[:60_000])
            for place in rng.integers(0, 120, 3):
                content[place % len(content)] = rng.integers(256)
            for place in rng.integers(0, len(content), 20):
                content[place] = rng.integers(256)
            (tmp_path / name).write_bytes(content[: rng.integers(1, len(content))])
            with suppress(AudioFileError):
                load_audio(tmp_path / name, sample_rate=RATE)
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(not CASES.is_dir(), reason="the recordings of others are not part of the project")
@pytest.mark.parametrize(
    ("name", "seconds", "note"),
    [
        ("01_sox_pipe_7ffff000.wav", 1.5, "does not state its length"),
        ("01_ffmpeg_pipe.flac", 2.0, "does not state its length"),
        ("06_vbr_no_xing.mp3", 2.0, None),
    ],
)
def test_recordings_of_others_are_read_whole(name, seconds, note):
    notes = []
    y = load_audio(CASES / name, sample_rate=RATE, notes=notes)
    assert len(y) / RATE == pytest.approx(seconds, abs=0.05)
    assert np.abs(y).max() < 1.0
    assert [note in one for one in notes] == ([True] if note else [])


@pytest.mark.skipif(not CASES.is_dir(), reason="the recordings of others are not part of the project")
def test_a_radio_of_others_is_named(capfd):
    with pytest.raises(AudioFileError, match=r"07_adts.mp3: is AAC \(ADTS\), whatever its name says"):
        load_audio(CASES / "07_adts.mp3", sample_rate=RATE)
    assert capfd.readouterr().err == ""


HOSTILE = {
    "joined.wav": encoded(np.zeros(40, dtype=np.float32), "WAV") * 3000,
    "zeros.wav": encoded(np.full(100, 0.1, dtype=np.float32), "WAV", subtype="PCM_24") + bytes(2**18) + b"x",
    "free.mp3": b"\xff\xfb\x00\x00" + bytes(100) + b"\xff\xfb",
    "lyrics.mp3": b"LYRICSBEGIN" * 40_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_was_made_to_break_a_reader_is_read_or_refused_soon(tmp_path, name):
    (tmp_path / name).write_bytes(HOSTILE[name])
    began = time.perf_counter()
    with suppress(AudioFileError):
        load_audio(tmp_path / name, sample_rate=RATE)
    assert time.perf_counter() - began < 20.0
