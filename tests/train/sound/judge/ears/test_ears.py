"""Published ears: notes where notes are, an instrument that was recorded, and a checkpoint read without TensorFlow."""

import struct
import zipfile

import numpy as np
import pytest

from liveseq.demo.pieces import compose_piece
from liveseq.errors import ModelError
from liveseq.train.sound.judge.ears.convert import write_ear
from liveseq.train.sound.judge.ears.notes import FRAMES_PER_SECOND, LOWEST_HZ, NoteEar
from liveseq.train.sound.judge.ears.tags import TAGS, TagEar
from liveseq.train.sound.judge.ears.tensorflow_checkpoint import MAGIC, read_variables

RATE = 48_000


@pytest.fixture(scope="module")
def notes():
    return NoteEar()


def struck(pitches_hz, *, seconds=1.0):
    """Notes of five falling partials one after the other, float32 (n_samples, 2)."""
    t = np.arange(int(seconds * RATE)) / RATE
    partials = np.arange(1, 6)[:, None]
    tones = [(np.sin(2 * np.pi * partials * hz * t) / partials).sum(axis=0) * np.exp(-2 * t) for hz in pitches_hz]
    y = 0.2 * np.concatenate(tones)
    return np.stack([y, y], axis=1).astype(np.float32)


def test_notes_are_heard_at_their_pitch_and_time(notes):
    pitches = [220.0, 330.0, 440.0, 262.0]
    roll = notes.hear(struck(pitches), sample_rate=RATE)
    assert roll.clear_share() > 0.8
    for second, hz in enumerate(pitches):
        begin = int((second + 0.2) * FRAMES_PER_SECOND)
        key = int(roll.notes[begin : begin + 20].mean(axis=0).argmax())
        assert key == round(12 * np.log2(hz / LOWEST_HZ))
    assert 0.75 <= roll.onsets_per_second() <= 1.5


def test_noise_and_silence_have_no_clear_notes(notes, rng):
    noise = 0.2 * rng.standard_normal((3 * RATE, 2)).astype(np.float32)
    for take in (noise, np.zeros_like(noise)):
        roll = notes.hear(take, sample_rate=RATE)
        assert roll.clear_share() < 0.02
        assert roll.onsets_per_second() < 0.5


def test_a_take_is_heard_alike_however_long_it_is(notes):
    take = struck([220.0, 330.0, 440.0, 262.0])
    whole = notes.hear(take, sample_rate=RATE).notes
    part = notes.hear(take[: 3 * RATE], sample_rate=RATE).notes
    np.testing.assert_allclose(whole[:140], part[:140], atol=1e-3)  # of one window: the network levels each by itself
    np.testing.assert_allclose(whole[140:240], part[140:240], atol=0.1)


def test_a_guitar_is_heard_as_one():
    piece = compose_piece("plucked", "guitar", sample_rate=RATE, seed=1)
    scores = TagEar().hear(piece.audio[: 12 * RATE], sample_rate=RATE)
    assert set(scores) == set(TAGS)
    assert max(scores, key=scores.get) == "guitar"
    assert scores["guitar"] > 0.6


def test_a_take_shorter_than_a_patch_has_no_tags():
    assert TagEar().hear(np.zeros((RATE, 2), dtype=np.float32), sample_rate=RATE) == {}


def varint(number):
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def block(rows):
    """A block of a sorted string table, every key whole."""
    body = b"".join(b"\x00" + varint(len(key)) + varint(len(value)) + key + value for key, value in rows)
    return body + struct.pack("<II", 0, 1)


def test_variables_are_read_as_they_were_written(tmp_path):
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    shape = b"".join(b"\x12" + varint(2) + b"\x08" + varint(n) for n in values.shape)
    entry = b"\x08\x01" + b"\x12" + varint(len(shape)) + shape + b"\x28" + varint(values.nbytes)
    rows = block([(b"", b""), (b"kernel", entry)])
    index = block([(b"kernel", varint(0) + varint(len(rows)))])
    footer = varint(0) + varint(0) + varint(len(rows) + 5) + varint(len(index))
    table = rows + b"\x00" * 5 + index + b"\x00" * 5 + footer.ljust(40, b"\x00") + struct.pack("<Q", MAGIC)
    (tmp_path / ".index").write_bytes(table)
    (tmp_path / ".data-00000-of-00001").write_bytes(values.tobytes())
    np.testing.assert_array_equal(read_variables(tmp_path)["kernel"], values)


def test_what_is_no_checkpoint_is_refused_by_name(tmp_path):
    with pytest.raises(ModelError, match="expected a TensorFlow checkpoint"):
        read_variables(tmp_path)
    for name in (".index", ".data-00000-of-00001"):
        (tmp_path / name).write_bytes(b"nothing of the kind, at some length, so that it has a footer")
    with pytest.raises(ModelError, match="expected a sorted string table"):
        read_variables(tmp_path)


def test_an_ear_comes_out_of_its_wheel_unchanged(tmp_path):
    wheel = tmp_path / "basic_pitch-0.4.0-py2.py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("basic_pitch/saved_models/icassp_2022/nmp.onnx", b"a graph")
    paths = {"notes": tmp_path / "basic-pitch.onnx", "tags": tmp_path / "musicnn.onnx"}
    assert write_ear(wheel, **paths) == paths["notes"]
    assert paths["notes"].read_bytes() == b"a graph"
    assert not paths["tags"].exists()


def test_a_wheel_of_something_else_is_refused(tmp_path):
    wheel = tmp_path / "other-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("other/__init__.py", "")
    with pytest.raises(ModelError, match="expected the wheel of basic-pitch or of musicnn"):
        write_ear(wheel, notes=tmp_path / "n.onnx", tags=tmp_path / "t.onnx")
    wheel.write_bytes(b"no archive")
    with pytest.raises(ModelError, match="expected the wheel of basic-pitch or of musicnn"):
        write_ear(wheel, notes=tmp_path / "n.onnx", tags=tmp_path / "t.onnx")
