"""Tracks of notes on disk."""

import dataclasses

import numpy as np

from liveseq.train.sound.frames.tracks import make_tracks
from liveseq.train.sound.notes.codec import StereoFraming
from liveseq.train.sound.notes.tracks import kept_tracks
from tests.train.sound.notes.tiny_notes import FRONT_END


def test_tracks_come_back_from_disk_as_they_were_made(recordings, tmp_path):
    framing = StereoFraming(front_end=FRONT_END, per_step=8)
    shared = {"tags": ("bd", "techno"), "framing": framing, "n_frames": 96, "seed": 1}
    made = list(make_tracks(recordings, **shared))
    for one, other in zip(made, kept_tracks(recordings, tmp_path, mark="x", **shared), strict=True):
        for field in dataclasses.fields(one):
            np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


def test_what_was_lost_of_them_is_made_again(recordings, tmp_path):
    framing = StereoFraming(front_end=FRONT_END, per_step=8)
    shared = {"mark": "x", "tags": ("bd", "techno"), "framing": framing, "n_frames": 96, "seed": 1}
    mel = [track.mel for track in kept_tracks(recordings, tmp_path, **shared)]
    (frames,), (index,) = tmp_path.glob("*.f16"), tmp_path.glob("*.npz")
    for lose in (index.unlink, lambda: frames.write_bytes(frames.read_bytes()[:-64])):
        lose()
        for one, other in zip(mel, kept_tracks(recordings, tmp_path, **shared), strict=True):
            np.testing.assert_array_equal(one, other.mel)
