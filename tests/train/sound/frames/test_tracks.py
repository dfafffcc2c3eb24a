"""Tracks: they know the beat, and single hits are strung together."""

import numpy as np
import pytest

from liveseq.train.sound.beats import tempi_of
from liveseq.train.sound.frames.tracks import Framing, make_tracks
from liveseq.train.sound.material.reading import Recording
from tests.train.sound.clicks import FRONT_END, RATE


def test_tracks_know_the_beat_and_single_hits_are_strung_together(tracks):
    hits, techno = tracks
    assert (hits.tag, techno.tag) == (0, 1)
    assert len(hits.mel) >= 60 * RATE / 512
    np.testing.assert_allclose(np.diff(techno.beats), 48, atol=1)
    assert abs(float(techno.position[0])) < 0.1
    beats, shares = tempi_of(tracks, n_tags=2, n_per_step=16)
    assert beats[0] == pytest.approx(1 / 3, rel=1e-3)
    assert shares[0, -1] == 1.0
    assert shares[1, 0] == 1.0


def test_hits_that_are_strung_together_do_not_wait_for_the_end_of_their_tails():
    audio = 0.5 * np.exp(-np.arange(6 * RATE) / (0.2 * RATE))[:, None].repeat(2, axis=1)  # -60 dB after 1.4 s
    ride = Recording(name="r", tag="ride", audio=audio.astype(np.float32))
    framing = Framing(front_end=FRONT_END, per_step=16)
    (track,) = make_tracks((ride, ride), tags=("ride",), framing=framing, n_frames=1024, seed=1)
    starts = np.flatnonzero(np.diff(track.mel.astype(np.float32).max(axis=1)) > 1.0)
    assert len(starts) > 20
    np.testing.assert_allclose(np.diff(starts) * 512 / RATE, 6 * 8192 / RATE, atol=0.02)  # -40 dB after 0.92 s
