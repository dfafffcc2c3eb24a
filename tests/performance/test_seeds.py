"""Seeds from files: what is read, and what is not."""

import os

import numpy as np
import pytest

from liveseq.dsp.descriptors import DESCRIPTOR_NAMES, describe
from liveseq.dsp.saving import save_audio
from liveseq.errors import OscError
from liveseq.performance.seeds import FILE_SECONDS, MAX_STEPS, learned_range, prime_arguments, read_seed, until_silence
from tests.support import odd_recordings

RATE = 48_000
LOUDNESS = DESCRIPTOR_NAMES.index("loudness_db")


def tone(seconds, *, hz=220.0, level=0.2):
    return (level * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def read(folder, name):
    return read_seed(folder, name, sample_rate=RATE, hop_length=1024)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "seeds"
    (folder / "more").mkdir(parents=True)
    save_audio(folder / "hum.wav", tone(2.0), sample_rate=RATE)
    save_audio(folder / "more" / "bell.wav", tone(2.0, hz=880.0), sample_rate=RATE)
    save_audio(tmp_path / "outside.wav", tone(2.0), sample_rate=RATE)
    return folder


def test_a_seed_is_what_describe_says_of_the_file(folder):
    np.testing.assert_array_equal(read(folder, "hum.wav"), describe(tone(2.0), sample_rate=RATE))
    assert len(read(folder, "more/bell.wav")) == len(read(folder, "hum.wav"))
    assert len(read(folder, str(folder / "hum.wav")))  # an absolute path into the folder is one of it


def test_a_seed_is_found_however_its_accents_are_composed(folder):
    (folder / "cafe\u0301").mkdir()
    save_audio(folder / "cafe\u0301" / "ha\u0308.wav", tone(2.0), sample_rate=RATE)
    assert len(read(folder, "caf\u00e9/h\u00e4.wav")) == len(read(folder, "hum.wav"))
    os.symlink(folder.parent / "outside.wav", folder / "o\u0308.wav")
    with pytest.raises(OscError, match="outside the folder of seeds"):
        read(folder, "\u00f6.wav")


def test_only_the_end_of_a_long_file_is_heard(folder):
    y = np.concatenate([tone(10.0, hz=3000.0), tone(FILE_SECONDS)])
    save_audio(folder / "long.wav", y, sample_rate=RATE)
    frames = read(folder, "long.wav")
    assert len(frames) == 1 + int(FILE_SECONDS * RATE) // 1024
    assert frames[:, DESCRIPTOR_NAMES.index("centroid_hz")].max() < 1000.0


def test_a_seed_that_a_recorder_left_open_is_heard_and_told(folder):
    odd, notes = odd_recordings.told()["sox_pipe.wav"], []
    (folder / "more" / "pipe.wav").write_bytes(odd.content)
    frames = read_seed(folder, "more/pipe.wav", sample_rate=odd_recordings.RATE, hop_length=1024, notes=notes)
    assert len(frames) == 1 + len(odd.sound) // 1024
    [note] = notes
    assert note.startswith("more/pipe.wav: does not state its length")


def test_silence_at_the_end_is_left_out(folder):
    save_audio(folder / "fades.wav", np.concatenate([tone(2.0), np.zeros(3 * RATE, np.float32)]), sample_rate=RATE)
    frames = read(folder, "fades.wav")
    assert 2.0 * RATE / 1024 - 1 <= len(frames) <= 2.0 * RATE / 1024 + 2
    assert frames[-1, LOUDNESS] > -60.0


@pytest.mark.parametrize(
    "name", ["../outside.wav", "more/../../outside.wav", "/etc/passwd", "link.wav", "door/outside.wav"]
)
def test_no_path_leaves_the_folder(folder, name):
    os.symlink(folder.parent / "outside.wav", folder / "link.wav")
    os.symlink(folder.parent, folder / "door")
    with pytest.raises(OscError, match="outside the folder of seeds") as error:
        read(folder, name)
    assert error.value.code == "denied"


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("hun.wav", "not_found", r"no such file in the folder of seeds .*; there are hum\.wav"),
        ("more", "not_found", "no such file"),
        ("", "not_found", "no such file"),
        ("a\0b", "bad_args", "expected the name of a file"),
        ("x" * 300, "bad_args", "expected the name of a file, found 'xxx"),
        ("a/" * 3000 + "b.wav", "bad_args", "expected the name of a file"),
        ("text.wav", "io_error", "text.wav: is not a sound file"),
        ("still.wav", "io_error", "still.wav: is silent"),
        ("quiet.wav", "not_ready", "quiet.wav: nothing but silence"),
        ("short.wav", "not_ready", "short.wav: expected at least 8 frames of sound, found 3"),
    ],
)
def test_what_cannot_be_continued_is_refused_by_name(folder, name, code, message):
    (folder / "text.wav").write_text("not audio")
    save_audio(folder / "still.wav", np.zeros(RATE, np.float32), sample_rate=RATE)
    save_audio(folder / "quiet.wav", tone(1.0, level=3e-4), sample_rate=RATE)
    save_audio(folder / "short.wav", tone(0.05), sample_rate=RATE)
    with pytest.raises(OscError, match=message) as error:
        read(folder, name)
    assert error.value.code == code


def test_a_folder_that_does_not_exist_has_no_files(tmp_path):
    with pytest.raises(OscError, match="there is none"):
        read(tmp_path / "none", "hum.wav")


def test_prime_takes_the_frames_as_they_are(rng):
    frames = rng.standard_normal((16, 43)).astype(np.float32)
    columns, blob = prime_arguments(frames)
    assert columns == 43
    np.testing.assert_array_equal(np.frombuffer(blob, ">f4").reshape(-1, 43), frames)
    long = np.repeat(frames, 100, axis=0)
    assert prime_arguments(long)[1] == long[-MAX_STEPS * 8 :].astype(">f4").tobytes()


def test_a_range_is_learned_from_what_sounds(rng):
    frames = describe(rng.standard_normal(4 * RATE).astype(np.float32) * 0.1, sample_rate=RATE)[:184]
    silence = np.repeat(describe(np.zeros(2048, np.float32), sample_rate=RATE)[:1], 80, axis=0)
    mean, spread = np.frombuffer(learned_range(frames), ">f4").reshape(2, 34)
    with_silence = np.frombuffer(learned_range(np.concatenate([silence, frames])), ">f4").reshape(2, 34)
    np.testing.assert_allclose(with_silence, [mean, spread], rtol=1e-5, atol=1e-5)
    assert mean[13] == pytest.approx(-20.0, abs=0.5)  # loudness_db_mean
    assert 0.0 <= spread[13] < 0.5
    with pytest.raises(OscError, match=r"at least 4 steps of sound .* found 0"):
        learned_range(silence)
    with pytest.raises(OscError, match="nothing but silence"):
        until_silence(silence, origin="x")
