"""Crops of frames and latents: the same for the same number, with their beat."""

import dataclasses

import numpy as np
import pytest
import torch

from liveseq.errors import TrainingError
from liveseq.train.sound.material.reading import Recording
from liveseq.train.sound.musika.crops import FrameCrops, LatentCrops
from liveseq.train.sound.musika.tracks import Track, audio_tracks, latent_tracks, varied
from tests.train.sound.musika.tiny_musika import RATE, clicks


def test_batches_are_a_function_of_seed_number_and_rank():
    tracks = [
        Track(tag=k, values=np.random.default_rng(k).standard_normal((2, 6, 40)).astype(np.float16)) for k in (0, 1)
    ]
    crops = FrameCrops(tracks, length=16, batch_size=5, seed=1, gain=0.3)
    assert torch.equal(crops.batch(3)[0], crops.batch(3)[0])
    assert not torch.equal(crops.batch(3)[0], crops.batch(3, rank=1)[0])
    latents = [Track(tag=0, values=np.ones((8, 40), dtype=np.float32))]
    batch, tags, clocks = LatentCrops(latents, length=16, batch_size=32, seed=1, overlap=4).batch(0)
    assert clocks.shape == (32, 20, 2)
    assert not clocks.any()
    assert set(batch[:, :4].unique().tolist()) == {1.0}, "the middle stays"
    assert set(batch[:, 4:].unique().tolist()) == {-1.0, 1.0}, "sides are swapped"
    assert set(tags.tolist()) == {0}


def test_crops_know_where_the_beat_is_wherever_and_however_they_are_cut(codec):
    period = 22_000
    recording = Recording(name="a", tag="techno", audio=clicks(16, period=period, first=3000))
    (track,) = audio_tracks([recording], tags=("techno",), seconds=3.0, sample_rate=RATE, seed=1)
    n = len(recording.audio) // 4096 * 8
    counted = np.broadcast_to(np.arange(n, dtype=np.float16), (2, 6, n))  # every frame tells where it comes from
    made = list(varied([dataclasses.replace(track, values=counted)], ratio=8, seed=1))
    assert [each.stretched for each in made] == [False, False, True, True]
    with torch.no_grad():
        tracks = latent_tracks(made, codec.encode)
    for frames, each in zip(made, tracks, strict=True):
        first = frames.values[0, 0, ::8].astype(np.float64)
        wanted = (512 * first - 3000) / period
        off = (each.clock()[:, 0] - wanted + 8.0) % 16.0 - 8.0
        assert np.abs(off).max() < 0.04, "a frame may be left out or come twice: 512 samples of 22,000"
        assert each.clock()[:, 1].all()
    assert tracks[0].rates.keys() == tracks[1].rates.keys()
    (rate,) = (rate for rate in tracks[0].rates if rate)
    assert rate == pytest.approx(4096 / period, rel=1e-3)
    crops = LatentCrops(tracks, length=16, batch_size=64, seed=1, overlap=4)
    _, _, clocks = crops.batch(0)
    assert clocks[..., 1].all()
    steps = torch.diff(clocks[..., 0].double(), dim=1) % 16.0
    assert float((steps - steps[:, :1]).abs().max()) < 1e-4, "one tempo, beyond both ends of a crop too"
    assert 0.8 * rate <= float(steps.min()) < float(steps.max()) <= 1.25 * rate


def test_takes_shorter_than_a_crop_are_refused():
    with pytest.raises(TrainingError, match="expected takes of at least 64"):
        LatentCrops([Track(tag=0, values=np.ones((8, 40), dtype=np.float32))], length=64, batch_size=2, seed=1)
