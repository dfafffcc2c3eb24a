import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import psutil
import pytest
import soundfile

from liveseq.corpus.build import build, build_demo
from liveseq.corpus.store import Corpus
from liveseq.corpus.verify import verify
from liveseq.demo import pieces
from liveseq.dsp.descriptors import describe
from liveseq.errors import CorpusError
from tests.support.recordings import RECORDINGS
from tests.support.waiting import PATIENCE, wait_for


def names(path):
    with Corpus.open(path) as corpus:
        return [source.name for source in corpus.sources()]


def tags(path):
    with Corpus.open(path) as corpus:
        return {source.name: source.tags for source in corpus.sources()}


@pytest.fixture
def folder(tmp_path, write_sound):
    """Two tags, two files of the same name."""
    write_sound(tmp_path / "samples" / "bass" / "one.wav", seed=1)
    write_sound(tmp_path / "samples" / "drums" / "one.wav", seed=2, n_samples=48_000)
    write_sound(tmp_path / "samples" / "drums" / "two.flac", seed=3, channels=1)
    return tmp_path / "samples"


def test_a_folder_becomes_a_corpus(folder, tmp_path):
    out = tmp_path / "new" / "out.corpus"
    report = build(folder, out, jobs=1)
    assert report.added == ["bass/one.wav", "drums/one.wav", "drums/two.flac"]
    assert report.refused == report.missing == report.changed == report.untagged == []
    np.testing.assert_allclose(report.seconds, 88_000 / 48_000)
    assert tags(out) == {"bass/one.wav": ("bass",), "drums/one.wav": ("drums",), "drums/two.flac": ("drums",)}
    assert verify(out) == []
    with Corpus.open(out) as corpus:
        y, _ = soundfile.read(folder / "drums" / "one.wav", dtype="float32")
        np.testing.assert_array_equal(corpus.audio(2), y)
        np.testing.assert_allclose(corpus.frames(2), describe(y.mean(axis=1), sample_rate=48_000), atol=1e-4)
        assert corpus.sources()[1].provenance.path == str(folder / "drums" / "one.wav")
        lengths = {name: units.sum() for name, units in zip("abc", _lengths_by_source(corpus), strict=True)}
    assert lengths == {"a": 20_000, "b": 48_000, "c": 20_000}
    assert not list(out.glob("incoming-*"))


def _lengths_by_source(corpus):
    units = corpus.units()
    return [units.length[units.source == i] for i in range(len(units.source_names))]


def test_workers_make_the_same_corpus(folder, tmp_path):
    build(folder, tmp_path / "one", jobs=1)
    build(folder, tmp_path / "two", jobs=2)
    for name in ("audio/0000.f32", "frames.f32"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert names(tmp_path / "one") == names(tmp_path / "two")


def test_a_second_build_adds_only_what_is_new(folder, tmp_path, write_sound):
    out = tmp_path / "out"
    build(folder, out, jobs=1)
    again = build(folder, out, jobs=1)
    assert (again.added, again.n_known, again.seconds) == ([], 3, 0.0)
    write_sound(folder / "drums" / "three.wav", seed=4)
    more = build(folder, out, jobs=1)
    assert (more.added, more.n_known) == (["drums/three.wav"], 3)
    assert len(names(out)) == 4


def test_what_changed_moved_or_went_away_is_noticed(folder, tmp_path, write_sound):
    out = tmp_path / "out"
    build(folder, out, jobs=1)
    write_sound(folder / "bass" / "one.wav", seed=9, n_samples=30_000)
    (folder / "drums" / "two.flac").rename(folder / "bass" / "moved.flac")
    (folder / "drums" / "one.wav").unlink()
    report = build(folder, out, jobs=1)
    assert (report.added, report.changed, report.missing) == ([], ["bass/one.wav"], ["drums/one.wav"])
    assert tags(out) == {"drums/one.wav": ("drums",), "drums/two.flac": ("bass",), "bass/one.wav": ("bass",)}
    with Corpus.open(out) as corpus:
        assert corpus.sources()[-1].n_samples == 30_000
        assert corpus.sources()[1].provenance.path == str(folder / "bass" / "moved.flac")
    again = build(folder, out, jobs=1)
    assert (again.added, again.changed, again.n_known) == ([], [], 2)
    assert verify(out) == []


def test_a_file_that_was_only_touched_is_known(folder, tmp_path):
    build(folder, tmp_path / "out", jobs=1)
    os.utime(folder / "bass" / "one.wav", (1, 1))
    report = build(folder, tmp_path / "out", jobs=1)
    assert (report.added, report.changed, report.n_known) == ([], [], 3)


def test_the_same_recording_in_two_folders_is_one_source_with_both_tags(folder, tmp_path):
    shutil.copy(folder / "bass" / "one.wav", folder / "drums" / "copy.wav")
    for _ in range(2):
        build(folder, tmp_path / "out", jobs=1)
        assert tags(tmp_path / "out")["bass/one.wav"] == ("bass", "drums")
        assert len(names(tmp_path / "out")) == 3


def test_tags_can_be_changed_without_analysing_again(folder, tmp_path):
    build(folder, tmp_path / "out", jobs=1)
    (tmp_path / "tags.csv").write_text("bass/one.wav,sub\ndrums/one.wav,loud,fast\nnone.wav,x\n")
    report = build(folder, tmp_path / "out", tags_from=tmp_path / "tags.csv", jobs=1)
    assert (report.added, report.n_known, report.untagged) == ([], 3, ["drums/two.flac"])
    assert "line 3: no sound file 'none.wav'" in report.refused[0]
    assert tags(tmp_path / "out") == {"bass/one.wav": ("sub",), "drums/one.wav": ("fast", "loud"), "drums/two.flac": ()}


def test_tags_that_a_table_gave_are_not_lost_in_silence(folder, tmp_path):
    (tmp_path / "tags.csv").write_text("bass/one.wav,sub,deep\ndrums/one.wav,drums\ndrums/two.flac,drums\n")
    build(folder, tmp_path / "out", tags_from=tmp_path / "tags.csv", jobs=1)
    (folder / "drums" / "two.flac").rename(folder / "bass" / "two.flac")
    report = build(folder, tmp_path / "out", jobs=1)
    assert report.lost == {"bass/one.wav": ("deep", "sub")}, "what lies elsewhere now is tagged by where it lies"
    assert tags(tmp_path / "out")["bass/one.wav"] == ("bass",)
    assert build(folder, tmp_path / "out", jobs=1).lost == {}
    (tmp_path / "tags.csv").write_text("bass/one.wav,sub\n")
    assert build(folder, tmp_path / "out", tags_from=tmp_path / "tags.csv", jobs=1).lost == {}, "it was asked for"


def test_another_folder_adds_to_the_same_corpus(folder, tmp_path, write_sound):
    write_sound(tmp_path / "more" / "drums" / "one.wav", seed=50)
    build(folder, tmp_path / "out", jobs=1)
    report = build(tmp_path / "more", tmp_path / "out", jobs=1)
    assert (report.added, report.missing) == (["drums/one.wav"], [])
    assert names(tmp_path / "out")[-1] == "drums/one.wav (2)"


def test_bad_files_are_named_and_the_rest_goes_on(tmp_path, write_sound):
    folder = tmp_path / "my samples 🎵 ö"
    good = write_sound(folder / "good" / "good one 🥁.wav", seed=1)
    whole = write_sound(folder / "whole.flac", seed=2, n_samples=200_000).read_bytes()
    (folder / "truncated.flac").write_bytes(whole[: len(whole) // 2])
    (folder / "text.wav").write_text("this is no sound")
    (folder / "empty.wav").write_bytes(b"")
    soundfile.write(folder / "no_samples.wav", np.zeros((0, 2)), 48_000)
    soundfile.write(folder / "silence.wav", np.zeros((48_000, 2)), 48_000)
    soundfile.write(folder / "nan.wav", np.full((9_000, 2), np.nan), 48_000, subtype="FLOAT")
    write_sound(folder / "phone_8k.wav", sample_rate=8_000, channels=1, n_samples=8_000)
    write_sound(folder / "hall_192k.wav", sample_rate=192_000, channels=8, n_samples=192_000)
    (folder / "gone.wav").symlink_to(folder / "nowhere.wav")
    (folder / "._whole.flac").write_bytes(b"what a Mac leaves behind")
    (folder / "notes.txt").write_text("not looked at")
    report = build(folder, tmp_path / "ein corpus 🎵", jobs=1)
    assert report.added == ["good/good one 🥁.wav", "hall_192k.wav", "phone_8k.wav", "whole.flac"]
    reasons = {
        "truncated.flac": "truncated",
        "text.wav": "not a sound file",
        "empty.wav": "empty",
        "no_samples.wav": "no samples",
        "silence.wav": "silent",
        "nan.wav": "NaN",
        "gone.wav": "No such file",
    }
    assert len(report.refused) == len(reasons)
    for name, reason in reasons.items():
        (line,) = [line for line in report.refused if f"/{name}: " in line]
        assert reason in line
        assert "\n" not in line
    with Corpus.open(tmp_path / "ein corpus 🎵") as corpus:
        assert [source.n_samples for source in corpus.sources()] == [20_000, 48_000, 48_000, 200_000]
        assert corpus.sources()[0].provenance.path == str(good)
    assert verify(tmp_path / "ein corpus 🎵") == []


@pytest.mark.skipif(sys.platform != "linux", reason="file names that are no text exist on Linux")
def test_a_file_name_that_is_no_text_is_read(tmp_path, write_sound):
    sound = write_sound(tmp_path / "in" / "a.wav")
    os.rename(os.fsencode(sound), os.fsencode(sound.parent) + b"/caf\xe9\n.wav")
    for _ in range(2):
        report = build(tmp_path / "in", tmp_path / "out", jobs=1)
    assert report.n_known == 1
    assert names(tmp_path / "out") == ["caf�?.wav"]


def test_a_folder_without_recordings_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "readme.txt").write_text("hello")
    with pytest.raises(CorpusError, match=r"empty: expected sound files \(.*wav.*found none"):
        build(tmp_path / "empty", tmp_path / "out", jobs=1)
    with pytest.raises(CorpusError, match=r"nowhere: expected a folder of recordings, found nothing"):
        build(tmp_path / "nowhere", tmp_path / "out", jobs=1)
    with pytest.raises(CorpusError, match=r"readme.txt: expected a folder of recordings, found a file"):
        build(tmp_path / "empty" / "readme.txt", tmp_path / "out", jobs=1)
    assert not (tmp_path / "out").exists()


def test_settings_of_an_existing_corpus_are_kept_or_refused(folder, tmp_path):
    out = tmp_path / "out"
    build(folder, out, sample_rate=22_050, jobs=1)
    assert build(folder, out, jobs=1).n_known == 3
    with pytest.raises(CorpusError, match=r"has 22050 Hz, expected 48000 Hz; convert it: .*--sample-rate 48000"):
        build(folder, out, sample_rate=48_000, jobs=1)
    with pytest.raises(CorpusError, match=r"is cut by fixed, expected onsets"):
        build(folder, out, segmentation="onsets", jobs=1)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.doc").write_text("important")
    with pytest.raises(CorpusError, match=r"full: not empty"):
        build(folder, tmp_path / "full", jobs=1)


def test_a_corpus_of_another_rate_is_converted_as_its_message_says(folder, tmp_path):
    build(folder, tmp_path / "old", jobs=1)
    report = build(tmp_path / "old", tmp_path / "new", sample_rate=24_000, jobs=1)
    assert report.added == names(tmp_path / "old")
    assert tags(tmp_path / "new") == tags(tmp_path / "old")
    with Corpus.open(tmp_path / "new", sample_rate=24_000) as new, Corpus.open(tmp_path / "old") as old:
        assert [source.n_samples for source in new.sources()] == [10_000, 24_000, 10_000]
        assert [one.provenance for one in new.sources()] == [one.provenance for one in old.sources()]
    assert build(tmp_path / "old", tmp_path / "new", jobs=1).n_known == 3
    assert verify(tmp_path / "new") == []
    with pytest.raises(CorpusError, match="from itself"):
        build(tmp_path / "old", tmp_path / "old", jobs=1)
    with pytest.raises(CorpusError, match="leave out --tags-from"):
        build(tmp_path / "old", tmp_path / "new", tags_from="prefix", jobs=1)


def test_onset_units_cover_every_sample(folder, tmp_path):
    build(folder, tmp_path / "out", segmentation="onsets", jobs=1)
    with Corpus.open(tmp_path / "out") as corpus:
        assert [lengths.sum() for lengths in _lengths_by_source(corpus)] == [20_000, 48_000, 20_000]
        assert corpus.segmentation == "onsets"


def test_a_corpus_inside_the_folder_is_not_its_content(folder):
    build(folder, folder / "my.corpus", jobs=1)
    shutil.copy(folder / "bass" / "one.wav", folder / "my.corpus" / "audio" / "stray.wav")
    assert build(folder, folder / "my.corpus", jobs=1).n_known == 3


def test_scratch_of_a_dead_process_is_removed(folder, tmp_path):
    build(folder, tmp_path / "out", jobs=1)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / "out" / f"incoming-{dead.pid}").mkdir()
    (tmp_path / "out" / f"incoming-{dead.pid}" / "0.f32").write_bytes(b"left")
    build(folder, tmp_path / "out", jobs=1)
    assert not list((tmp_path / "out").glob("incoming-*"))


BUILD = """
import sys
from pathlib import Path
from liveseq.corpus.build import build
if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]), jobs=2)
"""


def test_a_killed_build_leaves_no_process_and_goes_on_next_time(tmp_path, write_sound):
    for number in range(60):
        write_sound(tmp_path / "in" / f"noise_{number:02d}.wav", seed=number, n_samples=100_000)
    script = tmp_path / "script.py"
    script.write_text(BUILD)
    parent = subprocess.Popen([sys.executable, str(script), str(tmp_path / "in"), str(tmp_path / "out")])
    wait_for(lambda: _n_sources(tmp_path / "out") or parent.poll() is not None, what="the first recording")
    children = psutil.Process(parent.pid).children(recursive=True)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    _, alive = psutil.wait_procs(children, timeout=PATIENCE)
    assert alive == []
    n_sources = _n_sources(tmp_path / "out")
    assert 0 < n_sources < 60
    report = build(tmp_path / "in", tmp_path / "out", jobs=1)
    assert report.n_known == n_sources
    assert len(names(tmp_path / "out")) == 60
    assert not list((tmp_path / "out").glob("incoming-*"))


def _n_sources(path):
    if not (path / "corpus.db").exists():
        return 0
    with Corpus.open(path) as corpus:
        return len(corpus.sources())


def test_the_demo_is_composed_once(tmp_path, monkeypatch):
    def tone(rng, *, sample_rate):
        return (0.3 * rng.standard_normal((sample_rate, 2))).astype(np.float32)

    monkeypatch.setitem(pieces.RECIPES, "drone", {"deep": tone})
    for tag in [tag for tag in pieces.RECIPES if tag != "drone"]:
        monkeypatch.delitem(pieces.RECIPES, tag)
    report = build_demo(tmp_path / "demo", seed=3, jobs=1)
    assert (report.added, report.seconds) == (["drone/deep"], 1.0)
    assert tags(tmp_path / "demo") == {"drone/deep": ("drone",)}
    assert build_demo(tmp_path / "demo", seed=3, jobs=1).n_known == 1
    assert build_demo(tmp_path / "demo", seed=4, jobs=1).changed == ["drone/deep"]
    with Corpus.open(tmp_path / "demo") as corpus:
        assert [(one.provenance.kind, one.provenance.seed) for one in corpus.sources()] == [("demo", 4)]


def test_real_recordings(tmp_path):
    some = tmp_path / "in"
    some.mkdir()
    for name in ("ambi_choir.flac", "bass_hit_c.flac", "loop_amen.flac"):
        shutil.copy(RECORDINGS / name, some)
    report = build(some, tmp_path / "out", sample_rate=44_100, jobs=1)
    assert tags(tmp_path / "out") == {name: (name.split("_")[0],) for name in report.added}
    np.testing.assert_allclose(report.seconds, sum(soundfile.info(file).duration for file in some.iterdir()))
