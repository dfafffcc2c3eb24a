"""One name, however a disk, a performer or a table composes its accents; a tag in upper and lower case, too."""

import contextlib
import json
import shutil
import sqlite3
import sys

import pytest

from liveseq.corpus.build import build
from liveseq.corpus.demiurge_json import DATABASE_NAME, export_demiurge, import_demiurge
from liveseq.corpus.schema import DATABASE
from liveseq.corpus.store import Corpus
from tests.corpus.test_corpus_build import tags

PARTED, WHOLE = "Cafe\u0301", "Caf\u00e9"  # as a Mac writes it, and as others do
TWO_NAMES = pytest.mark.skipif(sys.platform == "darwin", reason="there the disk itself takes both for one")


def test_what_a_mac_has_named_has_the_name_that_is_typed(tmp_path, write_sound):
    write_sound(tmp_path / "in" / PARTED / f"{PARTED}.wav", seed=1)
    build(tmp_path / "in", tmp_path / "out", jobs=1)
    assert tags(tmp_path / "out") == {f"{WHOLE}/{WHOLE}.wav": ("café",)}
    assert build(tmp_path / "in", tmp_path / "out", jobs=1).n_known == 1
    (tmp_path / "tags.csv").write_text(f"{WHOLE}/{PARTED}.wav,Été\n", "utf-8")
    report = build(tmp_path / "in", tmp_path / "out", tags_from=tmp_path / "tags.csv", jobs=1)
    assert (report.refused, report.untagged) == ([], [])
    assert tags(tmp_path / "out") == {f"{WHOLE}/{WHOLE}.wav": ("été",)}
    with Corpus.open(tmp_path / "out", writable=True) as corpus:
        corpus.remove([f"{PARTED}/{WHOLE}.wav"])
        assert corpus.sources() == []


@TWO_NAMES
def test_a_folder_that_another_system_has_copied_is_known(tmp_path, write_sound):
    write_sound(tmp_path / "in" / PARTED / f"{PARTED}.wav", seed=1)
    write_sound(tmp_path / "in" / "b" / "b.wav", seed=2)
    build(tmp_path / "in", tmp_path / "out", jobs=1)
    (tmp_path / "in" / PARTED).rename(tmp_path / "in" / WHOLE)
    (tmp_path / "in" / WHOLE / f"{PARTED}.wav").rename(tmp_path / "in" / WHOLE / f"{WHOLE}.wav")
    report = build(tmp_path / "in", tmp_path / "out", jobs=1)
    assert (report.added, report.changed, report.n_known, report.missing) == ([], [], 2, [])


def test_tags_of_any_writer_are_one_in_upper_and_lower_case(small, new_source):
    with Corpus.open(small, writable=True) as corpus:
        corpus.add(new_source("more.wav", seed=9, tags=("DRUM", "  Bass ", f"{PARTED} del mar")))
        corpus.set_tags(3, ("Drum", "drum"))
        assert [source.tags for source in corpus.sources()][2:] == [("drum",), ("bass", "café del mar", "drum")]
        assert list(corpus.tags()) == ["bass", "café del mar", "drum"]


def test_a_corpus_that_an_earlier_version_has_written_is_read_with_one_name(small):
    with contextlib.closing(sqlite3.connect(small / DATABASE)) as db:
        db.execute("UPDATE sources SET name = ? WHERE id = 1", (f"{PARTED}.wav",))
        db.executemany("INSERT INTO tags VALUES (?, ?)", [(2, "DRUM"), (3, "Drum"), (1, PARTED)])
        db.commit()
    with Corpus.open(small) as corpus:
        assert [source.tags for source in corpus.sources()] == [("café", "drum"), ("bass", "drum"), ("drum",)]
        assert corpus.source(2).tags == ("bass", "drum")
        assert {tag: n for tag, (n, _) in corpus.tags().items()} == {"bass": 3, "café": 3, "drum": 9}
        units = corpus.units()
        assert units.source_names[0] == f"{WHOLE}.wav"
        assert {tag: len(members) for tag, members in units.tag_units.items()} == {
            "bass": 3,
            "café": 3,
            "drum": 9,
            "*": 9,
        }


def test_files_that_a_json_names_are_found_as_the_disk_spells_them(small, tmp_path):
    with Corpus.open(small) as corpus:
        export_demiurge(corpus, tmp_path / "d")
    database = tmp_path / "d" / DATABASE_NAME
    content = json.loads(database.read_text())
    content["_id"] = [f"{WHOLE}/{name}" for name in content["_id"]]
    database.write_text(json.dumps(content))
    shutil.move(tmp_path / "d" / "audio", tmp_path / "d" / PARTED / "audio")
    added, refused, _ = import_demiurge(database, tmp_path / "e", sample_rate=48_000)
    assert refused == []
    assert added[0].startswith(f"{WHOLE}/audio/")
