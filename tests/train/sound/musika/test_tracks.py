"""Tracks: sides of latents, and short recordings that are strung together and keep their beat."""

import dataclasses

import numpy as np
import pytest
import torch

from liveseq.train.sound.material.reading import Recording
from liveseq.train.sound.musika.tracks import STEP, Track, audio_tracks, latent_tracks, to_sides
from tests.train.sound.musika.tiny_musika import RATE, clicks


def test_sides_come_back_from_middle_and_difference(codec):
    frames = np.random.default_rng(0).standard_normal((2, 6, 64)).astype(np.float16)
    with torch.no_grad():
        (track,) = latent_tracks([Track(tag=0, values=frames)], codec.encode)
        wanted = codec.encode(torch.from_numpy(frames.astype(np.float32)))
    torch.testing.assert_close(to_sides(torch.from_numpy(track.values)[None]), wanted, atol=1e-5, rtol=1e-4)


def test_short_recordings_of_a_tag_are_strung_together_on_the_grid_of_steps():
    click = np.ones((100, 2), dtype=np.float32)
    long = np.zeros((4 * RATE, 2), dtype=np.float32)
    recordings = [Recording(name="a", tag="hit", audio=click), Recording(name="b", tag="pad", audio=long)]
    tracks = audio_tracks(recordings, tags=("hit", "pad"), seconds=3.0, sample_rate=RATE, seed=1)
    assert {track.tag for track in tracks} == {0, 1}
    hits = [track for track in tracks if track.tag == 0]
    assert sum(track.values.shape[1] for track in hits) / RATE == pytest.approx(60, abs=3)
    starts = np.flatnonzero(np.diff(hits[0].values[0], prepend=0.0) > 0.5)
    assert set(starts % (2 * STEP)) == {0}


def test_short_recordings_that_have_a_beat_keep_it_where_they_are_strung():
    loop = clicks(5, period=20_000)
    hit = np.ones((100, 2), dtype=np.float32)
    recordings = [Recording(name=name, tag="loop", audio=audio) for name, audio in (("a", loop), ("b", hit))]
    track = audio_tracks(recordings, tags=("loop",), seconds=5.0, sample_rate=RATE, seed=1)[0]
    n = track.values.shape[-1] // 4096
    clock = dataclasses.replace(track, values=np.zeros((8, n), dtype=np.float32)).clock()
    starts = {beat.start for beat in track.beats}
    assert starts
    assert all(start % STEP == 0 for start in starts)
    hits = np.flatnonzero(track.values[0, ::4096] == 1.0)
    assert len(hits)
    assert not clock[hits, 1].any()
    for start in starts:
        first = int(start) // 4096
        assert clock[first, 1] == 1.0
        assert min(clock[first, 0], 16.0 - clock[first, 0]) < 0.05
