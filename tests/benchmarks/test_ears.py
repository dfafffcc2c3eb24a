"""Tables of the ears, rows by every front end, and piano rolls side by side."""

import dataclasses

import matplotlib.pyplot as plt
import numpy as np

from benchmarks.models.ear_tables import section
from benchmarks.models.ears import RATE, Hearing, few, figures
from benchmarks.models.rows import folders, front_ends, vocoded
from liveseq.dsp.files import load_audio
from liveseq.dsp.mel import PRESETS
from liveseq.runtime.manifest import Manifest
from liveseq.train.sound.judge.ears.notes import N_KEYS, PianoRoll
from liveseq.train.sound.judge.gate import EarGate
from liveseq.train.sound.judge.hearing import Heard
from liveseq.train.sound.material.reading import Recording
from tests.support.recordings import RECORDINGS
from tools.piano_rolls import draw_rolls

PIANO = Heard(
    clear=0.9, onsets=3.0, onset_range=(2.0, 4.0), tags={"piano": 0.5, "slow": 0.3, "solo": 0.2, "harp": 0.1},
    steady=0.0, bpm=None,
)  # fmt: skip
HOUSE = Heard(clear=0.2, onsets=0.2, onset_range=(0.0, 0.4), tags={"techno": 0.6}, steady=1.0, bpm=117.2)
HISS = Heard(clear=0.0, onsets=0.0, onset_range=(0.0, 0.0), tags={"weird": 0.1}, steady=0.0, bpm=None)


def page(recordings, *, missing=None, **models):
    gate = EarGate(recordings, missing=missing or {})
    hearing = Hearing(gate=gate, rows={"held out": recordings}, models=models, missing=missing or {})
    return section(figures(hearing, seconds=20.0))


def test_a_line_says_by_tag_where_notes_are_lost():
    blurred = dataclasses.replace(PIANO, clear=0.18, tags={"slow": 0.3, "solo": 0.2, "harp": 0.1, "piano": 0.05})
    text = page({"piano": PIANO, "house": HOUSE, "hiss": HISS}, mine={"piano": blurred, "house": HOUSE})
    assert "| Frames with a clear note | recordings | held out | **mine** |" in text
    assert "| piano | 0.90 | 0.90 | 0.18 |" in text
    assert "| piano | piano 0.50 | piano 0.50 | piano 0.05 (tag 4) |" in text
    assert "| house | 1.0 at 117 | 1.0 at 117 | 1.0 at 117 |" in text
    assert "| **mine** | 0.20 | 1 of 1 | 1 of 2 | 1.00 | 0 of 1 | 1 of 1 |" in text
    assert "- **mine**: piano (notes 0.20, first tag piano as tag 4)" in text
    assert "nothing to hear here: hiss." in text


def test_recordings_without_notes_or_beat_have_no_ratio():
    text = page({"hiss": HISS}, mine={"hiss": HISS})
    assert "Frames with a clear note: nothing to hear here." in text
    assert "| **mine** |  |  |  |  |  |  |" in text
    assert "- **mine**: nothing" in text


def test_a_missing_ear_is_named_and_its_cells_are_empty():
    deaf = dataclasses.replace(HOUSE, clear=None, onsets=None, onset_range=None)
    text = page(
        {"house": deaf}, missing={"basic-pitch.onnx": "basic-pitch.onnx is missing: get it"}, mine={"house": deaf}
    )
    assert "basic-pitch.onnx is missing: get it" in text
    assert "| house |  |  |  |" in text


def test_every_front_end_of_a_vocoder_has_its_row(monkeypatch, tmp_path):
    [shipped] = folders(["vocoder"])
    fine = dataclasses.replace(Manifest.load(shipped), settings={"front_end": PRESETS["notes48"].as_dict()})
    old = dataclasses.replace(fine, settings={"front_end": PRESETS["music48"].as_dict()})
    strange = dataclasses.replace(fine, settings={})
    found = {"a": old, "b": fine, "c": old, "d": strange}
    monkeypatch.setattr(Manifest, "load", lambda folder: found[folder.name])
    ends = front_ends([tmp_path / name for name in found], rate=48_000)
    assert ends == {"128 bands at 2048": PRESETS["music48"], "192 bands at 4096": PRESETS["notes48"]}


def test_a_vocoder_gives_recordings_back_in_time_as_it_is_exported():
    """Its graph is enough: no checkpoint, no torch."""
    [shipped] = folders(["vocoder"])
    y = load_audio(RECORDINGS / "guit_em9.flac", sample_rate=48_000)[:48_000]
    back = vocoded([shipped], {"guit": y}, rate=48_000)["vocoder"]["guit"]
    assert back.shape == (len(y) // 512 * 512, 1)
    # The last window has the frames behind the end, which are silence.
    levels = [np.log10(np.square(part[:43_008, 0]).reshape(-1, 2048).mean(axis=1) + 1e-6) for part in (y, back)]
    assert np.corrcoef(*levels)[0, 1] > 0.95
    assert vocoded([shipped], {"guit": y}, rate=44_100) == {}


def test_piano_rolls_stand_side_by_side_in_a_small_picture(tmp_path):
    notes = np.zeros((861, N_KEYS), dtype=np.float32)
    notes[:, 20:70] = 0.9
    rolls = {"recording": PianoRoll(notes, notes), "vocoder": PianoRoll(0.0 * notes, notes)}
    path = draw_rolls(rolls, tmp_path / "sheets" / "notes-piano.png", title="piano")
    assert path.stat().st_size < 150_000
    red = plt.imread(path)[..., 0]  # (height, width) in 0 to 1
    played, silent = (red[60:-60, at - 30 : at + 30].mean() for at in (red.shape[1] // 4, 3 * red.shape[1] // 4))
    assert played > silent + 0.5


def test_a_tag_of_many_recordings_is_heard_in_a_few_long_enough_for_notes():
    def recording(number, tag, seconds):
        return Recording(name=f"{tag} {number}", tag=tag, audio=np.zeros((int(seconds * RATE), 2), np.float32))

    piano = [recording(i, "piano", 6.0 + (i % 2)) for i in range(40)]
    hits = [recording(i, "hits", 0.5) for i in range(30)]
    kept = few([*piano, *hits], seconds=20.0)
    assert [one.name for one in kept if one.tag == "piano"] == ["piano 0", "piano 10", "piano 20", "piano 30"]
    assert [one for one in kept if one.tag == "hits"] == hits
