"""Recordings of the tests of unagan, and their tracks: a beat, and single hits."""

import pytest

from liveseq.train.sound.material.reading import Recording
from liveseq.train.sound.unagan.tracks import make_tracks
from tests.train.sound.unagan.tiny_unagan import FRONT_END, clicks


@pytest.fixture(scope="session")
def recordings():
    return (
        Recording(name="a", tag="techno", audio=clicks(6, period=24_576)),
        Recording(name="b", tag="bd", audio=clicks(0.4, period=100_000, seed=1)),
        Recording(name="c", tag="bd", audio=clicks(0.7, period=100_000, seed=2)),
    )


@pytest.fixture(scope="session")
def tracks(recordings):
    return make_tracks(recordings, tags=("bd", "techno"), front_end=FRONT_END, n_frames=128, seed=1)
