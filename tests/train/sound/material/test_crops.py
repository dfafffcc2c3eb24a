"""Crops: the same for the same number, different for every other, full of sound, and quickly made."""

import numpy as np
import pytest
import torch

from liveseq.errors import TrainingError
from liveseq.train.sound.material.crops import FADE, AudioCrops
from liveseq.train.sound.material.reading import Recording

N = 8192


def recording(name, tag, audio):
    return Recording(name=name, tag=tag, audio=np.asarray(audio, dtype=np.float32))


def tone(n, *, hz=440.0, level=0.3):
    y = level * np.sin(2 * np.pi * hz * np.arange(n) / 48_000)
    return np.stack((y, 0.5 * y), axis=1).astype(np.float32)


def hit(n=4000):
    return tone(n) * np.exp(-np.arange(n) / 800)[:, np.newaxis]


def crops(*recordings, n_samples=N, batch_size=8, seed=1, **settings):
    return AudioCrops(recordings, n_samples=n_samples, batch_size=batch_size, seed=seed, **settings)


@pytest.fixture
def some():
    rng = np.random.default_rng(0)
    return tuple(recording(f"{i}", f"tag{i % 3}", 0.1 * rng.standard_normal((30_000 + 1000 * i, 2))) for i in range(9))


def test_shapes_and_tags(some):
    audio, tags = crops(*some).batch(0)
    assert (audio.shape, audio.dtype) == ((8, 2, N), torch.float32)
    assert (tags.shape, tags.dtype) == ((8,), torch.int64)
    assert set(tags.tolist()) <= {0, 1, 2}


def test_a_batch_is_a_function_of_seed_number_and_rank(some):
    first, again = crops(*some), crops(*some)
    again.batch(5)  # what was asked before does not matter
    torch.testing.assert_close(first.batch(3), again.batch(3), rtol=0, atol=0)
    others = (first.batch(4), first.batch(3, rank=1), crops(*some, seed=2).batch(3))
    for other in others:
        assert not torch.equal(first.batch(3)[0], other[0])


def test_tags_are_counted_as_the_library_does(some):
    tags = ("another", "tag0", "tag1", "tag2")
    _, found = crops(*some, tags=tags, batch_size=64).batch(0)
    assert set(found.tolist()) == {1, 2, 3}


def test_every_tag_as_often_or_every_second():
    long, short = recording("a", "long", tone(300_000)), recording("b", "short", tone(30_000))
    _, evenly = crops(long, short, batch_size=400).batch(0)
    assert 0.4 < evenly.float().mean() < 0.6
    _, by_length = crops(long, short, batch_size=400, balance="seconds").batch(0)
    assert by_length.float().mean() < 0.2


def test_what_is_held_out_is_heard_as_it_is():
    y = tone(50_000)
    audio, _ = crops(recording("a", "a", y), augment=False).batch(0)
    windows = np.lib.stride_tricks.sliding_window_view(y[:, 0], N)
    for crop in audio.numpy():
        assert (windows == crop[0]).all(axis=1).any(), "a crop is a stretch of the recording"
        np.testing.assert_array_equal(crop[1], crop[0] * np.float32(0.5))


def test_augmented_crops_never_clip_and_vary_in_all_ways():
    audio, _ = crops(recording("a", "a", tone(50_000, level=0.9)), batch_size=64).batch(0)
    assert audio.abs().max() < 1.05
    levels = audio.square().mean(dim=2).sqrt()
    louder = levels[:, 0] > levels[:, 1]
    assert louder.any()
    assert not louder.all(), "sides are swapped"
    peaks = levels.max(dim=1).values
    assert peaks.max() / peaks.min() > 1.4
    crossings = (audio[:, 0, 1:].sign() != audio[:, 0, :-1].sign()).sum(dim=1).float()
    expected = 2 * 440 * N / 48_000
    assert crossings.min() < expected / 1.02
    assert crossings.max() > expected * 1.02
    assert ((crossings > expected / 1.09) & (crossings < expected * 1.09)).all(), "no further than a semitone"


def test_single_hits_become_rhythm():
    quiet_end = np.concatenate((hit(), np.zeros((90_000, 2), dtype=np.float32)))
    audio, _ = crops(recording("a", "hit", quiet_end), n_samples=48_000, augment=False).batch(0)
    parts = audio[:, 0].reshape(8, -1, 4000).square().mean(dim=2).sqrt()
    assert (parts > 1e-3).all(), "the silence of its end is left out, and another begins"


def test_attacks_stay_whole_and_joins_are_smooth():
    audio, _ = crops(recording("a", "hit", hit()), n_samples=48_000, batch_size=4, augment=False).batch(0)
    attack = hit()[: FADE // 2, 0]
    for crop in audio[:, 0].numpy():
        found = np.correlate(crop, attack, mode="valid") / np.dot(attack, attack)
        assert (found > 0.98).sum() >= 8
        assert np.abs(np.diff(crop)).max() < 1.5 * np.abs(np.diff(attack)).max()


def test_every_crop_sounds():
    rng = np.random.default_rng(0)
    mostly_silent = np.zeros((2_000_000, 2), dtype=np.float32)
    mostly_silent[1_000_000:1_010_000] = 0.1 * rng.standard_normal((10_000, 2))
    audio, _ = crops(recording("a", "a", mostly_silent), batch_size=64).batch(0)
    assert (audio.square().mean(dim=(1, 2)) > 1e-6).all()


def test_nothing_to_cut():
    with pytest.raises(TrainingError, match="no recordings to cut"):
        crops()
