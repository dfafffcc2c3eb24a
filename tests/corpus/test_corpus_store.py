import dataclasses
import io
import os
import resource
import sqlite3
import subprocess
import sys
from time import process_time

import numpy as np
import pytest

from liveseq.corpus import append, data_files
from liveseq.corpus.features import N_COLUMNS
from liveseq.corpus.store import Corpus
from liveseq.corpus.units import ANY
from liveseq.dsp.beats import Beats
from liveseq.dsp.descriptors import base_descriptors
from liveseq.errors import CorpusError


def test_what_was_added_comes_back(tmp_path, new_source):
    source = new_source("ä 🎵.wav", tags=("dark drone", "x"))
    with Corpus.create(tmp_path / "c", sample_rate=48_000) as corpus:
        source_id = corpus.add(source)
    with Corpus.open(tmp_path / "c") as corpus:
        np.testing.assert_array_equal(corpus.audio(source_id), source.audio)
        np.testing.assert_array_equal(corpus.frames(source_id), source.frames)
        np.testing.assert_array_equal(corpus.bounds(source_id), source.bounds)
        found = corpus.source(source_id)
        assert (found.name, found.tags, found.provenance) == (source.name, ("dark drone", "x"), source.provenance)
        assert corpus.shards() == [(0, 30_000)]
        assert corpus.shard_path(0) == tmp_path / "c" / "audio" / "0000.f32"
        assert corpus.tags() == {"dark drone": (3, 30_000), "x": (3, 30_000)}


def test_the_unit_table_points_at_the_samples(small):
    with Corpus.open(small) as corpus:
        units = corpus.units()
        pcm = np.fromfile(corpus.shard_path(0), dtype="<f4").reshape(-1, 2)
        for unit in range(units.n_units):
            source_id = int(units.source[unit]) + 1
            start = units.position[unit] - units.source_start[unit]
            expected = corpus.audio(source_id)[start : start + units.length[unit]]
            np.testing.assert_array_equal(pcm[units.position[unit] :][: units.length[unit]], expected)
            power = np.mean(expected.astype(np.float64) ** 2)
            np.testing.assert_allclose(units.loudness_db[unit], 10 * np.log10(power), atol=1e-3)
    assert units.n_units == 9
    np.testing.assert_array_equal(units.successor, [1, 2, -1, 4, 5, -1, 7, 8, -1])
    np.testing.assert_array_equal(units.source_end - units.source_start, 30_000)
    assert units.tags == ("bass", "drum")
    np.testing.assert_array_equal(units.tag_units["drum"], range(6))
    np.testing.assert_array_equal(units.tag_units["bass"], range(3, 6))
    assert units.source_names == ("0.wav", "1.wav", "2.wav")


def test_features_are_mean_and_spread_of_the_frames_whose_centre_lies_in_the_unit(small):
    with Corpus.open(small) as corpus:
        units, frames = corpus.units(), base_descriptors(corpus.frames(2))
    middle = frames[8:16]  # unit 4 is the second of source 2: samples 8192 to 16383
    np.testing.assert_allclose(units.features[4], [*middle.mean(axis=0), *middle.std(axis=0)], atol=1e-4)
    np.testing.assert_array_equal(units.first[4], frames[8])
    np.testing.assert_array_equal(units.last[4], frames[15])
    np.testing.assert_array_equal(units.last[5], frames[29])  # the last unit goes on to the end: sample 30 000


def test_units_keep_their_index_when_sources_are_added(small, new_source):
    with Corpus.open(small, writable=True) as corpus:
        before = corpus.units()
        corpus.add(new_source("new.wav", seed=9, tags=("drum",)))
        after = corpus.units()
    assert after.n_units == before.n_units + 3
    for name in ("source", "shard", "position", "length", "successor", "features", "first", "last", "loudness_db"):
        np.testing.assert_array_equal(getattr(after, name)[:9], getattr(before, name))
    np.testing.assert_array_equal(after.tag_units["drum"], [0, 1, 2, 3, 4, 5, 9, 10, 11])


def test_a_replaced_source_is_gone_and_its_name_goes_to_the_new_one(small, new_source):
    with Corpus.open(small, writable=True) as corpus:
        new_id = corpus.add(new_source("0.wav", n_samples=9_000, seed=7, tags=("new",)), replaces=1)
        units = corpus.units()
        assert [source.id for source in corpus.sources()] == [2, 3, new_id]
        assert "0.wav" in units.source_names
        np.testing.assert_array_equal(units.tag_units["drum"], range(3, 6))
        np.testing.assert_array_equal(units.tag_units[ANY], range(3, 10))
        np.testing.assert_array_equal(units.successor, [-1, -1, -1, 4, 5, -1, 7, 8, -1, -1])
        assert units.source_names == ("0.wav", "1.wav", "2.wav", "0.wav")
        assert corpus.tags() == {"bass": (3, 30_000), "drum": (3, 30_000), "new": (1, 9_000)}


def test_onsets_and_beats_come_back(tmp_path, new_source):
    beats = Beats(period=4_000.5, origin=100.25, confidence=0.7)
    onsets = np.array([-1, 0, 13_615], dtype=np.int32)
    with Corpus.create(tmp_path / "c", sample_rate=48_000) as corpus:
        corpus.add(new_source("none"))
        source_id = corpus.add(dataclasses.replace(new_source("steady", seed=1), onsets=onsets, beats=beats))
        units = corpus.units()
        np.testing.assert_array_equal(corpus.onsets(source_id), onsets)
        assert [source.beats for source in corpus.sources()] == [None, beats]
    assert (units.onset.dtype, units.beat_period.dtype, units.beat.dtype) == (np.int32, np.float32, np.float64)
    np.testing.assert_array_equal(units.onset, [-1, -1, -1, *onsets])
    np.testing.assert_array_equal(units.beat_period, [0, 0, 0, 4_000.5, 4_000.5, 4_000.5])
    expected = (np.array([0, 8_192, 16_384]) - 100.25) / 4_000.5
    np.testing.assert_allclose(units.beat, [0, 0, 0, *expected])


def test_a_removed_source_is_under_no_tag_and_every_index_stays(small, new_source):
    with Corpus.open(small) as reader, Corpus.open(small, writable=True) as corpus:
        before, version = reader.units(), reader.version()
        assert reader.version() == version
        corpus.remove(["1.wav"])
        assert reader.version() != version
        corpus.add(new_source("new.wav", seed=9, tags=("bass",)))
        units = reader.units()
    assert units.n_units == 12
    for name in ("source", "shard", "position", "length", "features", "onset", "beat"):
        np.testing.assert_array_equal(getattr(units, name)[:9], getattr(before, name))
    np.testing.assert_array_equal(units.successor, [1, 2, -1, -1, -1, -1, 7, 8, -1, 10, 11, -1])
    np.testing.assert_array_equal(units.tag_units[ANY], [0, 1, 2, 6, 7, 8, 9, 10, 11])
    np.testing.assert_array_equal(units.tag_units["bass"], [9, 10, 11])
    np.testing.assert_array_equal(units.tag_units["drum"], [0, 1, 2])


def test_a_corpus_can_be_read_as_it_was(small, new_source):
    with Corpus.open(small) as reader, Corpus.open(small, writable=True) as corpus:
        before, moment = reader.units(), reader.moment()
        corpus.add(new_source("new.wav", seed=9, tags=("new",)))
        grown = reader.moment()
        corpus.remove(["1.wav"])
        assert (reader.moment().last, reader.moment().retired) == (4, (2,))
        again = reader.units(moment)
        assert reader.units(grown).tags == ("bass", "drum", "new")
        assert reader.units().tags == ("drum", "new")
    for field in dataclasses.fields(before):
        np.testing.assert_equal(getattr(again, field.name), getattr(before, field.name))


def test_removing_what_is_not_there_removes_nothing(small):
    with Corpus.open(small, writable=True) as corpus:
        with pytest.raises(CorpusError, match=r"no source '1.wave'; the nearest are 1.wav.*nothing was removed"):
            corpus.remove(["0.wav", "1.wave"])
        assert len(corpus.sources()) == 3
        corpus.remove(["0.wav", "1.wav", "2.wav"])
        assert corpus.units().tags == ()
    with Corpus.open(small) as corpus, pytest.raises(CorpusError, match="reading only"):
        corpus.remove(["2.wav"])


def test_names_are_made_distinct(tmp_path, new_source):
    with Corpus.create(tmp_path / "c", sample_rate=48_000) as corpus:
        for seed in range(3):
            corpus.add(new_source("kick.wav", seed=seed))
        assert corpus.units().source_names == ("kick.wav", "kick.wav (2)", "kick.wav (3)")


def test_many_in_one_go_are_as_one_by_one(tmp_path, new_source):
    sources = [new_source(f"{seed}.wav", seed=seed, n_samples=20_000 + seed) for seed in range(4)]
    with (
        Corpus.create(tmp_path / "one", sample_rate=48_000) as one,
        Corpus.create(tmp_path / "all", sample_rate=48_000) as many,
    ):
        for source in sources:
            one.add(source)
        assert many.add_many([(source, None) for source in sources]) == [1, 2, 3, 4]
    for name in ("audio/0000.f32", "frames.f32", "descriptors.f32"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "all" / name).read_bytes()


def test_a_full_shard_is_followed_by_a_new_one(tmp_path, new_source, monkeypatch):
    monkeypatch.setattr(data_files, "SHARD_BYTES", 40_000 * 8)
    with Corpus.create(tmp_path / "c", sample_rate=48_000) as corpus:
        for seed in range(5):
            corpus.add(new_source(f"{seed}", seed=seed))
        assert corpus.shards() == [(0, 60_000), (1, 60_000), (2, 30_000)]
        np.testing.assert_array_equal(corpus.units().shard, np.repeat([0, 0, 1, 1, 2], 3))
        np.testing.assert_array_equal(corpus.audio(4), new_source(seed=3).audio)


def test_a_long_recording_is_written_in_pieces(tmp_path, monkeypatch):
    """No call keeps a core from the audio thread for long."""
    sizes = []

    class Noted(io.BufferedRandom):
        def write(self, data):
            sizes.append(len(data))
            return super().write(data)

    monkeypatch.setattr(append.Path, "open", lambda path, _: Noted(io.FileIO(path, "r+b")))
    monkeypatch.setattr(append, "PIECE_BYTES", 4096)
    rows = np.arange(6000, dtype="<f4").reshape(-1, 2)
    (tmp_path / "long.f32").touch()
    append.append(tmp_path / "long.f32", rows, offset=0)
    assert sizes == [4096] * 5 + [rows.nbytes - 5 * 4096]
    np.testing.assert_array_equal(append.map_rows(tmp_path / "long.f32", start=0, shape=rows.shape), rows)


def test_an_empty_corpus_has_no_units(tmp_path):
    with Corpus.create(tmp_path / "c", sample_rate=48_000) as corpus:
        units = corpus.units()
    assert (units.n_units, units.tags, units.features.shape) == (0, (), (0, 34))


def test_a_reader_and_two_writers_share_a_corpus(small, new_source):
    with (
        Corpus.open(small) as reader,
        Corpus.open(small, writable=True) as one,
        Corpus.open(small, writable=True) as two,
    ):
        for number in range(3):
            one.add(new_source(f"one {number}", seed=20 + number))
            two.add(new_source(f"two {number}", seed=30 + number))
        assert reader.units().n_units == 9 + 18
        np.testing.assert_array_equal(reader.audio(9), new_source(seed=32).audio)


def test_bytes_of_an_interrupted_add_are_given_back_and_overwritten(small, new_source):
    files = ["audio/0000.f32", "frames.f32", "descriptors.f32"]
    sizes = [(small / name).stat().st_size for name in files]
    for name in files:
        with (small / name).open("ab") as file:
            file.write(b"left over")
    (small / "audio" / "0001.f32").write_bytes(b"a shard that nobody knows")
    with Corpus.open(small) as corpus:
        assert corpus.units().n_units == 9
    with Corpus.open(small, writable=True) as corpus:
        assert [(small / name).stat().st_size for name in files] == sizes
        assert (small / "audio" / "0001.f32").stat().st_size == 0
        np.testing.assert_array_equal(corpus.audio(corpus.add(new_source(seed=5))), new_source(seed=5).audio)


def test_a_hostile_name_stays_a_name(tmp_path, new_source):
    name = "../../etc/passwd'); DROP TABLE sources; --"
    with Corpus.create(tmp_path / "c", sample_rate=48_000) as corpus:
        corpus.add(new_source(name, tags=("'; DROP TABLE tags; --",)))
        assert corpus.sources()[0].name == name
        assert corpus.units().tags == ("'; drop table tags; --",)
    assert {path.name for path in tmp_path.rglob("*")} == {
        "c",
        "audio",
        "0000.f32",
        "frames.f32",
        "descriptors.f32",
        "corpus.db",
    }


FILL = """
import resource, sys
from pathlib import Path
import numpy as np
from liveseq.corpus.segmentation import fixed
from liveseq.corpus.store import Corpus, NewSource
from liveseq.errors import CorpusError
audio = np.full((30_000, 2), 0.1, dtype=np.float32)
frames = np.zeros((30, 43), dtype=np.float32)
with Corpus.open(Path(sys.argv[1]), writable=True) as corpus:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    try:
        for number in range(100):
            corpus.add(NewSource(name=str(number), audio=audio, frames=frames, bounds=fixed(30_000, hop_length=1024)))
    except CorpusError as error:
        print(number, error)
    assert len(corpus.sources()) == 3 + number
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit on file sizes on this system")
@pytest.mark.parametrize("limit", [2_500_000, 70_000])  # the audio file hits it; the database's own log does
def test_a_disk_that_takes_no_more_loses_nothing(small, limit):
    code = [sys.executable, "-c", FILL, str(small), str(limit)]
    out = subprocess.run(code, capture_output=True, text=True, check=True).stdout
    number, message = out.split(maxsplit=1)
    assert f"writing {number} failed" in message
    assert "what was there before is kept" in message
    with Corpus.open(small) as corpus:
        assert len(corpus.sources()) == 3 + int(number)
        assert corpus.units().n_units == 9 + 3 * int(number)


def test_a_hundred_thousand_units_open_in_a_second(tmp_path, new_source):
    n_sources, per_source = 1_000, 100
    n_samples = 8_192 * per_source
    with Corpus.create(tmp_path / "c", sample_rate=48_000) as corpus:
        corpus.add(new_source(tags=("tag",)))
    path = tmp_path / "c"
    # Written behind the store's back, as sparse files: 8 GB of audio are not the point here.
    db = sqlite3.connect(path / "corpus.db")
    db.row_factory = sqlite3.Row
    row = dict(db.execute("SELECT * FROM sources").fetchone())
    bounds = (np.arange(per_source + 1, dtype="<i8") * 8_192).tobytes()
    for i in range(n_sources):
        row |= {
            "id": i + 2,
            "name": f"{i}",
            "start": 30_000 + i * n_samples,
            "n_samples": n_samples,
            "frame_start": 30 + i * 801,
            "n_frames": 801,
            "unit_start": 3 + i * per_source,
            "n_units": per_source,
            "bounds": bounds,
        }
        db.execute(f"INSERT INTO sources ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))
        db.execute("INSERT INTO tags VALUES (?, ?)", (i + 2, f"tag {i % 200}"))
    db.commit()
    db.close()
    os.truncate(path / "audio" / "0000.f32", 8 * (30_000 + n_sources * n_samples))
    os.truncate(path / "frames.f32", 43 * 4 * (30 + n_sources * 801))
    os.truncate(path / "descriptors.f32", N_COLUMNS * 4 * (3 + n_sources * per_source))
    start = process_time()
    with Corpus.open(path) as corpus:
        units = corpus.units()
    seconds = process_time() - start
    assert units.n_units == 100_003
    assert len(units.tag_units["tag 7"]) == 500
    assert seconds < 1.0
