"""Folders as performers and their systems leave them: everything that sounds is found, and nothing waits for ever."""

import os
import sys
from pathlib import Path

import pytest

from liveseq.corpus.build import build
from liveseq.corpus.recordings.walk import Walk
from liveseq.errors import CorpusError
from tests.corpus.test_corpus_build import names, tags

LINKS = pytest.mark.skipif(sys.platform == "win32", reason="links need a right of their own there")


def found(walk, root):
    return sorted(path.relative_to(root).as_posix() for path, _ in walk.files)


@LINKS
def test_linked_folders_are_followed_and_circles_are_not(tmp_path, write_sound):
    root = tmp_path / "in"
    write_sound(root / "drums" / "a.wav", seed=1)
    write_sound(tmp_path / "disk" / "pads" / "b.wav", seed=2)
    (root / "disk").symlink_to(tmp_path / "disk")
    (root / "drums" / "all").symlink_to(root)
    (tmp_path / "disk" / "pads" / "up").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "home").symlink_to(root)
    walk = Walk(root)
    assert found(walk, root) == ["disk/pads/b.wav", "drums/a.wav"]
    assert walk.skipped == {"links that lead back": 3}
    assert walk.complaints == []
    build(root, tmp_path / "out", jobs=1)
    assert tags(tmp_path / "out") == {"disk/pads/b.wav": ("disk", "pads"), "drums/a.wav": ("drums",)}


@LINKS
def test_a_folder_that_is_linked_under_another_tag_has_both(tmp_path, write_sound):
    write_sound(tmp_path / "in" / "drums" / "a.wav")
    (tmp_path / "in" / "acid").symlink_to(tmp_path / "in" / "drums")
    build(tmp_path / "in", tmp_path / "out", jobs=1)
    assert tags(tmp_path / "out") == {"acid/a.wav": ("acid", "drums")}


@LINKS
def test_folders_that_link_to_each_other_in_all_ways_have_an_end(tmp_path, write_sound):
    farm = tmp_path / "farm"
    for number in range(7):
        write_sound(farm / f"{number}" / "a.wav", seed=number, n_samples=100)
        for other in range(7):
            for copy in "xyz":
                (farm / f"{number}" / f"{copy}{other}").symlink_to(farm / f"{other}")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "farm").symlink_to(farm / "0")
    walk = Walk(tmp_path / "in")
    assert {path.resolve() for path, _ in walk.files} == {farm / f"{number}" / "a.wav" for number in range(7)}
    assert len(walk.files) == 7


HIDDEN = (
    "$RECYCLE.BIN",
    "#recycle",
    "@eaDir",
    ".snapshot",
    ".zfs",
    ".Trash-1000",
    "__MACOSX",
    "~snapshot",
    ".stversions",
)


def test_what_systems_hide_and_what_was_deleted_is_left_alone(tmp_path, write_sound):
    root = tmp_path / "in"
    write_sound(root / "kick.wav")
    for folder in HIDDEN:
        write_sound(root / folder / "deep" / "deleted.wav")
    write_sound(root / "~syncthing~half.wav.tmp.wav")
    (root / "._kick.wav").write_bytes(b"\x00\x05\x16\x07")
    (root / ".DS_Store").write_bytes(b"")
    walk = Walk(root)
    assert found(walk, root) == ["kick.wav"]
    assert walk.skipped == {"hidden": len(HIDDEN) + 2}
    write_sound(root / "~ambient" / "#1.wav")
    assert found(Walk(root), root) == ["kick.wav", "~ambient/#1.wav"], "a name like any other"
    assert found(Walk(root / ".zfs"), root / ".zfs") == ["deep/deleted.wav"], "it was asked for"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name")
def test_a_pipe_and_a_device_are_not_waited_for(tmp_path, write_sound):
    root = tmp_path / "in"
    write_sound(root / "kick.wav")
    os.mkfifo(root / "pipe.wav")
    (root / "zero.wav").symlink_to("/dev/zero")
    report = build(root, tmp_path / "out", jobs=1)
    assert report.added == ["kick.wav"]
    assert report.skipped == {"pipes and devices": 2}


def test_what_cannot_be_read_is_counted_by_its_kind(tmp_path, write_sound):
    root = tmp_path / "in"
    for name in ("a.m4a", "b.M4A", "c.wma", "cover.jpg", "notes"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"x")
    with pytest.raises(CorpusError, match=r"none \(\.m4a 2, \.wma 1 \(convert to wav or flac\), other files 2\); give"):
        build(root, tmp_path / "out", jobs=1)
    write_sound(root / "kick.caf")
    write_sound(root / "snare.aiff").rename(root / "SNARE.AIFC")
    assert build(root, tmp_path / "out", jobs=1).skipped == {".m4a": 2, ".wma": 1, "other files": 2}
    assert names(tmp_path / "out") == ["SNARE.AIFC", "kick.caf"]


@LINKS
def test_links_to_nowhere_are_named(tmp_path, write_sound):
    write_sound(tmp_path / "in" / "kick.wav")
    Path(tmp_path / "in" / "disk").symlink_to("/media/not mounted")
    Path(tmp_path / "in" / "self").symlink_to("self")
    report = build(tmp_path / "in", tmp_path / "out", jobs=1)
    assert [line.split("in/")[1].split(" (")[0] for line in report.refused] == [
        "disk: cannot be read",
        "self: cannot be read",
    ]
