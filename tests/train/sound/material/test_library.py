"""Recordings to learn from: of any rate, split by file, refused in words that say what it would take."""

import shutil

import numpy as np
import pytest

from liveseq.corpus.build import build
from liveseq.corpus.store import Corpus
from liveseq.dsp.saving import save_audio
from liveseq.errors import TrainingError
from liveseq.train.sound.material import cache as caches
from liveseq.train.sound.material.library import read_library, with_more
from tests.support import odd_recordings

RATE = 8_000


def noise(seconds, *, seed=0, rate=RATE, stereo=True, level=0.1):
    shape = (int(seconds * rate), 2 if stereo else 1)
    return (level * np.random.default_rng(seed).standard_normal(shape)).clip(-1, 1).astype(np.float32)


@pytest.fixture
def make_folder(tmp_path):
    def make(name="sounds", *, tags=("drone", "kick"), n=4, seconds=10.0, rate=RATE, stereo=True, level=0.1):
        for place, tag in enumerate(tags):
            (tmp_path / name / tag).mkdir(parents=True, exist_ok=True)
            for i in range(n):
                y = noise(seconds, seed=10 * place + i, rate=rate, stereo=stereo, level=level)
                save_audio(tmp_path / name / tag / f"{i}.wav", y, sample_rate=rate)
        return tmp_path / name

    return make


def read(*sources, seed=1, **settings):
    return read_library(sources, sample_rate=RATE, seed=seed, **settings)


def test_every_tag_is_learned_from_and_measured(make_folder):
    library = read(make_folder())
    assert library.tags == ("drone", "kick")
    for part in (library.train, library.held_out):
        assert {recording.tag for recording in part} == set(library.tags)
    assert not {r.name for r in library.train} & {r.name for r in library.held_out}
    assert len(library.train) + len(library.held_out) == 8
    assert library.description == "sounds: 8 recordings, 1.3 minutes, 2 tags"
    assert library.train[0].audio.shape == (80_000, 2)
    assert library.train[0].audio.dtype == np.float32


def test_a_seed_is_a_split(make_folder):
    folder = make_folder(n=12)
    one, again, other = read(folder, seed=1), read(folder, seed=1), read(folder, seed=2)
    assert [r.name for r in one.held_out] == [r.name for r in again.held_out]
    assert one.fingerprint == again.fingerprint
    assert [r.name for r in one.held_out] != [r.name for r in other.held_out]
    assert one.fingerprint != other.fingerprint


def test_a_copy_is_learned_once(make_folder):
    folder = make_folder()
    (folder / "kick" / "copy.wav").write_bytes((folder / "kick" / "0.wav").read_bytes())
    library = read(folder)
    assert "left out: kick/copy.wav is a copy of kick/0.wav" in library.notes
    assert len(library.train) + len(library.held_out) == 8


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(make_folder):
    folder = make_folder()
    (folder / "kick" / "broken.wav").write_bytes(b"no sound")
    save_audio(folder / "kick" / "silent.wav", np.zeros(RATE, dtype=np.float32), sample_rate=RATE)
    save_audio(folder / "kick" / "short.wav", noise(0.1), sample_rate=RATE)
    notes = "\n".join(read(folder).notes)
    assert "broken.wav" in notes
    assert "silent.wav: is silent" in notes
    assert "1 recording shorter than 1024 samples" in notes


def test_what_a_recorder_left_open_is_learned_from_and_told_also_from_the_cache(make_folder, tmp_path):
    folder = make_folder()
    for name in ("pipe.flac", "doubled.mp3"):
        (folder / "kick" / name).write_bytes(odd_recordings.told()[name].content)
    for _ in range(2):
        library = read(folder, cache=tmp_path / "cache")
        notes = "\n".join(library.notes)
        assert "pipe.flac: does not state its length" in notes
        assert "doubled.mp3: states 3" in notes
        assert "left out" not in notes
        assert len(library.train) + len(library.held_out) == 10


def test_what_is_skipped_in_a_folder_is_counted_and_a_link_is_followed(make_folder, tmp_path):
    folder = make_folder("sounds", tags=("kick",))
    make_folder("disk", tags=("kick", "drone"))
    (folder / "drone").symlink_to(tmp_path / "disk" / "drone")
    (folder / "kick" / "a.m4a").write_bytes(b"x")
    library = read(folder)
    assert library.tags == ("drone", "kick")
    assert library.notes == ("left out of sounds: .m4a 1 (convert to wav or flac)",)


def test_mixed_rates_are_brought_to_one(make_folder):
    make_folder(tags=("drone",))
    library = read(make_folder(tags=("kick",), rate=16_000))
    assert "mixed sample rates (4 of 8000 Hz, 4 of 16000 Hz): all are brought to 8000 Hz" in library.notes
    assert {len(r.audio) for r in library.train} == {80_000}


def test_too_little_is_refused_with_what_it_takes(make_folder):
    folder = make_folder(seconds=5.0)
    with pytest.raises(TrainingError, match=r"sounds: expected at least 60 s .*, found 40 s in 8 recordings; add"):
        read(folder)
    with pytest.raises(TrainingError, match="take --preset small, which needs 30 s"):
        read(folder, needs_seconds=300.0, small_seconds=30.0)
    with pytest.raises(TrainingError, match=r"in 8 recordings; add recordings$"):
        read(folder, needs_seconds=300.0, small_seconds=60.0)
    read(folder, needs_seconds=30.0)


def test_what_hardly_sounds_is_refused(make_folder):
    with pytest.raises(TrainingError, match=r"at least 5 s that sound .* found 0\.0 s in 80 s in 8 recordings; record"):
        read(make_folder(level=1e-4))


def test_mono_for_a_stereo_model(make_folder):
    make_folder("mixed", tags=("drone",))
    mixed = make_folder("mixed", tags=("kick",), stereo=False)
    assert any(note.startswith("4 of 8 recordings are mono") for note in read(mixed, stereo=True).notes)
    mono = make_folder("mono", stereo=False)
    with pytest.raises(TrainingError, match="mono: expected stereo recordings, found 8, all mono"):
        read(mono, stereo=True)
    assert read(mono).notes == ()


def test_where_each_tag_is_one_recording_the_ends_are_held_out(make_folder):
    library = read(make_folder(n=1, seconds=40.0), held_out=0.25)
    assert [r.name for r in library.held_out] == ["drone/0.wav (end)", "kick/0.wav (end)"]
    assert {len(r.audio) for r in library.train} == {240_000}
    assert {len(r.audio) for r in library.held_out} == {80_000}
    assert any("no tag has two recordings" in note for note in library.notes)


def test_nothing_and_no_folder_are_refused(tmp_path):
    with pytest.raises(TrainingError, match="give at least one --data"):
        read()
    with pytest.raises(TrainingError, match="expected a folder of recordings, found nothing"):
        read(tmp_path / "nowhere")
    with pytest.raises(TrainingError, match="expected sound files"):
        read(tmp_path)


def test_tags_as_a_corpus_has_them(make_folder, tmp_path):
    folder = make_folder(tags=("a_loud", "b"))
    assert read(folder).tags == ("a loud", "b")
    table = tmp_path / "tags.csv"
    lines = [f"{tag}/{i}.wav,{'deep' if i % 2 else 'high'},other" for tag in ("a_loud", "b") for i in range(4)]
    table.write_text("\n".join(lines))
    assert read(folder, tags_from=table).tags == ("deep", "high")
    assert read(folder, tags_from="prefix").tags == ("sound",)


@pytest.fixture
def corpus(make_folder, tmp_path):
    build(make_folder(), tmp_path / "a.corpus", sample_rate=RATE, jobs=1)
    return tmp_path / "a.corpus"


def test_a_corpus_is_learned_from_where_it_lies(corpus):
    library = read(corpus)
    assert library.tags == ("drone", "kick")
    with Corpus.open(corpus) as opened:
        for source in opened.sources():
            (found,) = (r for r in (*library.train, *library.held_out) if r.name == source.name)
            np.testing.assert_array_equal(found.audio, opened.audio(source.id))


def test_a_corpus_of_another_rate_is_converted(corpus, tmp_path):
    library = read_library([corpus], sample_rate=16_000, seed=1, cache=tmp_path / "cache")
    assert {len(r.audio) for r in library.train} == {160_000}
    assert len(list((tmp_path / "cache").glob("*.f32"))) == 1


def test_what_was_read_once_is_not_read_again(make_folder, tmp_path, monkeypatch):
    folder, cache = make_folder(), tmp_path / "cache"
    (folder / "broken.wav").write_bytes(b"no sound")
    first = read(folder, cache=cache)
    assert isinstance(first.train[0].audio, np.memmap)
    monkeypatch.setattr(caches, "load_audio", None)
    again = read(folder, cache=cache)
    assert again.notes == first.notes
    assert again.fingerprint == first.fingerprint
    monkeypatch.undo()
    save_audio(folder / "kick" / "new.wav", noise(10.0, seed=99), sample_rate=RATE)
    longer = read(folder, cache=cache)
    assert len(longer.train) + len(longer.held_out) == 9
    assert len(list(cache.iterdir())) == 2, "what was kept of the folder as it was is gone"
    assert [r.name for r in read(folder).train] == [r.name for r in longer.train]


def test_a_damaged_cache_is_made_again(make_folder, tmp_path):
    folder, cache = make_folder(), tmp_path / "cache"
    first = read(folder, cache=cache)
    for path in cache.iterdir():
        path.write_bytes(path.read_bytes()[:100])
    assert read(folder, cache=cache).fingerprint == first.fingerprint


def test_the_cache_of_a_folder_is_not_taken_for_that_of_the_folder_above(make_folder, tmp_path):
    whole, cache = make_folder("all/sounds").parent, tmp_path / "cache"
    assert read(whole, cache=cache).tags == read(whole / "sounds", cache=cache).tags == ("drone", "kick")


def test_no_room_for_the_cache(make_folder, tmp_path):
    folder = make_folder()
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="converted recordings cannot be kept there"):
        read(folder, cache=tmp_path / "file" / "cache")


def test_more_is_learned_from_and_nothing_of_it_held_out(make_folder, tmp_path):
    folder = make_folder()
    library = read(folder)
    more = make_folder("more", tags=("drone",), n=9, seconds=10.0, level=0.2)
    held = library.held_out[0]
    save_audio(more / "drone" / "copy.wav", np.asarray(held.audio), sample_rate=RATE)
    both = with_more(library, [more])
    assert [r.name for r in both.held_out] == [r.name for r in library.held_out]
    for one, same in zip(both.held_out, library.held_out, strict=True):
        np.testing.assert_array_equal(one.audio, same.audio)
    assert both.tags == library.tags
    assert len(both.train) == len(library.train) + 9
    assert all(not np.array_equal(r.audio, held.audio) for r in both.train)
    assert "left out: drone/copy.wav is held out" in both.notes
    assert "learned from as well: more: 10 recordings" in both.description
    assert both.fingerprint != library.fingerprint


def test_the_fingerprint_of_more_is_of_what_it_holds_and_of_no_split(make_folder, monkeypatch):
    library = read(make_folder())
    more = make_folder("more", tags=("drone", "kick"), n=4, seconds=10.0, level=0.2)
    first = with_more(library, [more]).fingerprint
    with monkeypatch.context() as another:
        another.setattr(
            "liveseq.train.sound.material.library._split", lambda kept, **settings: (tuple(kept[:1]), tuple(kept[1:]))
        )
        assert with_more(library, [more]).fingerprint == first
    shutil.move(more / "drone" / "0.wav", more / "drone" / "other.wav")
    renamed = with_more(library, [more]).fingerprint
    shutil.move(more / "drone" / "other.wav", more / "kick" / "other.wav")
    assert len({first, renamed, with_more(library, [more]).fingerprint}) == 3


def test_no_copy_comes_in_of_what_is_held_out_at_its_end(make_folder):
    folder = make_folder(n=1, seconds=40.0)
    library = read(folder)
    assert library.held_out[0].name == "drone/0.wav (end)"
    more = make_folder("more", tags=("drone",), n=2, seconds=60.0, level=0.2)
    (more / "drone" / "whole.wav").write_bytes((folder / "drone" / "0.wav").read_bytes())
    both = with_more(library, [more])
    assert {r.name for r in both.train} == {r.name for r in library.train} | {"drone/1.wav"}
    assert "left out: drone/whole.wav is held out" in both.notes


def test_no_copy_comes_in_where_more_has_one_recording_of_each_tag(make_folder):
    library = read(make_folder())
    held = next(r for r in library.held_out if r.tag == "drone")
    more = make_folder("more", tags=("kick",), n=1, seconds=60.0, level=0.2)
    (more / "drone").mkdir()
    save_audio(more / "drone" / "copy.wav", np.asarray(held.audio), sample_rate=RATE)
    both = with_more(library, [more])
    assert [len(r.audio) for r in both.train[len(library.train) :]] == [60 * RATE], "whole: nothing of it is held out"
    assert both.notes == ("left out: drone/copy.wav is held out",)


def test_more_of_a_tag_that_is_not_measured_is_refused(make_folder):
    library = read(make_folder())
    more = make_folder("more", tags=("bird", "drone", "siren"), n=3)
    with pytest.raises(TrainingError, match=r"^more: 9 recordings.*, found bird, siren; give it by --data"):
        with_more(library, [more])
