"""The ears' verdict at the end of a training: shares of the recordings' notes, or that there is nothing to hear."""

import numpy as np
import pytest

from liveseq.train import checkpoint
from liveseq.train.sound import by_ear as module
from liveseq.train.sound.by_ear import TorchGenerator, by_ear
from liveseq.train.sound.judge.takes import generated_takes
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.material.reading import Recording
from liveseq.train.sound.notes.graph import NotesGraph
from tests.train.sound.notes.tiny_notes import TinyVocoder, tiny_recipe

RATE = 48_000


def _melody(*, seconds=10.0):
    """Four notes a second of a soft sawtooth, stereo."""
    t = np.arange(int(seconds * RATE)) / RATE
    pitch = 220.0 * 2.0 ** (np.array([0, 3, 7, 12, 7, 3])[(4 * t).astype(int) % 6] / 12)
    y = sum(np.sin(2 * np.pi * pitch * k * t) / k**2 for k in range(1, 6)) * np.exp(-3.0 * (4 * t % 1.0))
    return np.repeat(0.2 * y[:, None], 2, axis=1).astype(np.float32)


def _library(audio):
    recordings = (Recording(name="a.wav", tag="piano", audio=audio),)
    words = {"description": "", "notes": (), "fingerprint": ""}
    return Library(train=recordings, held_out=recordings, tags=("piano",), sample_rate=RATE, **words)


def test_a_generator_that_plays_the_recordings_misses_nothing_and_noise_misses_its_notes(tmp_path, monkeypatch):
    melody = _melody()
    monkeypatch.setattr(module, "_takes", lambda folder, lengths: {"piano": melody})
    assert by_ear(tmp_path, _library(melody)).splitlines() == [
        "by ear: 1 of 1 tonal tags pass",
        "by ear: piano: 1.00 of the recordings' clear notes, misses nothing",
    ]
    noise = (0.1 * np.random.default_rng(1).standard_normal(melody.shape)).astype(np.float32)
    monkeypatch.setattr(module, "_takes", lambda folder, lengths: {"piano": noise})
    first, second = by_ear(tmp_path, _library(melody)).splitlines()
    assert first == "by ear: 0 of 1 tonal tags pass"
    assert second.startswith("by ear: piano: 0.0")
    assert "misses notes (0.0" in second


@pytest.mark.parametrize(("seconds", "told"), [(10.0, "in piano"), (3.0, "in 8 s of any tag")])
def test_where_nothing_has_pitch_or_beat_there_is_nothing_to_hear(tmp_path, seconds, told):
    noise = 0.1 * np.random.default_rng(1).standard_normal((int(seconds * RATE), 2))
    heard = by_ear(tmp_path, _library(noise.astype(np.float32)))
    assert heard == f"by ear: nothing to hear here, neither clear notes nor a steady beat {told}"


def test_what_cannot_stream_is_said_and_costs_no_training(tmp_path):
    checkpoint.save_yaml(tmp_path / checkpoint.CONFIG, {"family": "lstm", "tags": ["piano"]})
    heard = by_ear(tmp_path, _library(_melody()))
    assert heard.startswith("by ear: not heard: ")
    assert "found 'lstm'" in heard


def test_before_it_is_exported_a_graph_streams_as_the_server_would_have_it():
    recipe = tiny_recipe()
    recipe.generator.grain.scale.fill_(0.3)
    generator = TorchGenerator(NotesGraph(recipe.generator, TinyVocoder(), tag_size=256).eval(), tags=("a", "b"))
    vectors, lengths = (
        {tag: np.eye(256, dtype=np.float32)[row] for row, tag in enumerate("ab")},
        {"a": 20_000, "b": 9_000},
    )
    takes = generated_takes(generator, vectors, lengths, seed=3)
    again = generated_takes(generator, vectors, lengths, seed=3)
    for tag, n in lengths.items():
        assert takes[tag].shape == (n, 2)
        assert np.array_equal(takes[tag], again[tag])
        assert 1e-4 < np.abs(takes[tag]).max() <= 1.0
    assert not np.allclose(takes["a"][:9_000], takes["b"])
