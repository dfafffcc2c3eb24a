"""The performer's own words: what tags.yaml may hold, what is said of the rest, and how words are written into it."""

import os

import pytest

from liveseq.corpus.build import build
from liveseq.corpus.held import HeldCorpus
from liveseq.corpus.own_words.reading import read_own_words
from liveseq.corpus.own_words.sheet import MAX_ENTRIES
from liveseq.corpus.own_words.writing import save_synonyms
from liveseq.corpus.store import Corpus
from liveseq.errors import TagError

TAGS = ("kick", "snare drum", "808", "vox", "🥁")


@pytest.fixture
def corpus(tmp_path):
    with Corpus.create(tmp_path / "own.corpus", sample_rate=48_000) as corpus:
        yield corpus


def read(corpus, text, tags=TAGS):
    (corpus.path / "tags.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_own_words(corpus, tags)


def test_where_there_is_no_file_there_are_no_words_and_no_complaint(corpus):
    own = read_own_words(corpus, TAGS)
    assert (own.synonyms, own.readings, own.problems, own.broken) == ({}, {}, (), False)


def test_synonyms_and_readings_are_read_in_any_spelling(corpus):
    own = read(
        corpus,
        """
        # mine
        synonyms: {Boom: KICK, "Tante Erna": vox, crack: Snare_Drum, thwack: crack, on: kick, 909: 808, drums: "🥁"}
        readings:
          Kick: bass drum
          808: kick drum
        """,
    )
    assert own.problems == ()
    assert own.synonyms == {
        "boom": "kick",
        "tante erna": "vox",
        "crack": "snare drum",
        "thwack": "snare drum",
        "on": "kick",
        "909": "808",
        "drum": "🥁",
    }
    assert own.readings == {"kick": "bass drum", "808": "kick drum"}


@pytest.mark.parametrize(
    "text", ["", "# nothing yet\n", "synonyms:\nreadings:\n", "{}", "synonyms: {}", "\ufeffsynonyms: ~"]
)
def test_an_empty_file_is_one_without_words(corpus, text):
    own = read(corpus, text)
    assert (own.synonyms, own.readings, own.problems) == ({}, {}, ())


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("boom: kik", "line 2: synonym 'boom': points nowhere, no tag 'kik' here; did you mean 'kick'?"),
        ("boom: xyzzy", "line 2: synonym 'boom': points nowhere, no tag 'xyzzy' here; tags are kick, snare drum, 808"),
        ("boom: boom", "line 2: synonym 'boom': goes in a circle (boom > boom); let one of them be a tag"),
        ("Kicks: vox", "line 2: synonym 'Kicks': is a tag's own name, and that tag is played; take another word"),
        ("boom:", "line 2: synonym 'boom': expected the name of a tag, found nothing"),
        ("boom: [kick]", "line 2: synonym 'boom': expected the name of a tag, found a list or a mapping"),
        ("💥: kick", "line 2: synonym '💥': holds no letter and no digit; take a word that can be said"),
        ("'': kick", "line 2: synonym '': holds no letter and no digit; take a word that can be said"),
        ("a b c d e f g: kick", "line 2: synonym 'a b c d e f g': expected at most 6 words, found 7"),
        (f"{'x' * 201}: kick", "line 2: tag of 201 characters: expected at most 200; send a few words"),
        ('"bo\\x01om": kick', "line 2: tag 'bo\\x01om': holds the control character '\\x01'; send plain text"),
    ],
)
def test_a_synonym_that_cannot_be_meant_is_left_out_and_said_with_its_line(corpus, line, complaint):
    own = read(corpus, f"synonyms:\n  {line}\n  pow: kick\n")
    [problem] = own.problems
    assert problem.startswith(f"{corpus.path / 'tags.yaml'}: {complaint}")
    assert own.synonyms == {"pow": "kick"}
    assert not own.broken


def test_a_circle_over_several_is_said_of_each_and_the_rest_is_kept(corpus):
    own = read(corpus, "synonyms: {a: b, b: c, c: a, d: kick}")
    assert len(own.problems) == 3
    assert "goes in a circle (a > b > c > a)" in own.problems[0]
    assert own.synonyms == {"d": "kick"}


def test_the_same_word_for_two_tags_is_said_and_the_first_holds(corpus):
    own = read(corpus, "synonyms:\n  boom: kick\n  Boom: vox\n")
    assert own.synonyms == {"boom": "kick"}
    assert own.problems[0].endswith("line 3: synonym 'Boom': is 'kick' in line 2 already")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("synonims: {a: kick}", "line 1: unknown key 'synonims', expected synonyms"),
        ("tags: {a: kick}", "line 1: unknown key 'tags', expected synonyms or readings"),
        ("synonyms: [kick]", "line 1: synonyms: expected {word: text, ...}, found a list or a mapping"),
        ("readings: {kik: drum}", "line 1: reading of 'kik': no tag 'kik' here; did you mean 'kick'?"),
        ("readings: {kick: }", "line 1: reading of 'kick': expected words, found nothing"),
        ("readings: {kick: '?!'}", "line 1: reading of 'kick': expected words, found '?!'"),
    ],
)
def test_another_key_or_reading_is_left_out_and_said(corpus, text, complaint):
    own = read(corpus, text)
    assert [problem.split(": ", 1)[1] for problem in own.problems] == [complaint]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- kick\n- boom\n", "expected synonyms: {word: tag, ...} and readings: {tag: words, ...}, found a list"),
        ("kick", "found 'kick'"),
        ("synonyms: {boom: kick", "found no YAML ("),
        ("\tsynonyms: x", "found no YAML ("),
        (b"synonyms: {b\xf6se: kick}", "expected text in UTF-8, found other bytes; save it as UTF-8"),
        (b"\0\1\2\3", "found no YAML ("),
        ("[" * 5000, "found no YAML ("),
        ("# " + "x" * 10_000_000, "expected at most 1 MB, found more; shorten it"),
        (
            "synonyms:\n" + "".join(f"  w{n}: kick\n" for n in range(MAX_ENTRIES + 1)),
            "expected at most 10000 entries, found 10001; shorten it",
        ),
        ("a: &a [x]\n" * 2 + "synonyms: *nowhere", "found no YAML ("),
        ("!!python/object/apply:os.system ['true']", "found a list"),
    ],
)
def test_a_file_that_holds_no_words_is_left_out_as_a_whole_with_one_sentence(corpus, text, complaint):
    own = read(corpus, text)
    [problem] = own.problems
    assert complaint in problem
    assert problem.startswith(str(corpus.path / "tags.yaml"))
    assert "\n" not in problem
    assert own.broken
    assert (own.synonyms, own.readings) == ({}, {})


def test_a_file_that_may_not_be_read_is_said(corpus):
    (corpus.path / "tags.yaml").mkdir()
    own = read_own_words(corpus, TAGS)
    assert own.broken
    assert "cannot be read (" in own.problems[0]


def test_as_many_words_as_may_be_are_read(corpus):
    own = read(corpus, "synonyms:\n" + "".join(f"  w{n}: kick\n" for n in range(MAX_ENTRIES)))
    assert own.problems == ()
    assert len(own.synonyms) == MAX_ENTRIES


def test_a_synonym_is_written_where_the_comments_stay(corpus):
    text = "# of mine\nsynonyms:  # short ones\n    boom: kick  # low\n    pow: vox\nreadings:\n    vox: choir\n"
    path = corpus.path / "tags.yaml"
    path.write_text(text)
    save_synonyms(corpus.path, {"on": "808", "booms": "vox"})
    assert path.read_text() == (
        "# of mine\nsynonyms:  # short ones\n    booms: vox\n    'on': '808'\n    pow: vox\nreadings:\n    vox: choir\n"
    )
    own = read_own_words(corpus, TAGS)
    assert own.problems == ()
    assert own.synonyms == {"boom": "vox", "on": "808", "pow": "vox"}
    save_synonyms(corpus.path, {"boom": "", "on": "", "pow": ""})
    assert path.read_text() == "# of mine\nsynonyms:  # short ones\nreadings:\n    vox: choir\n"


@pytest.mark.parametrize("text", [None, "", "synonyms: {pow: vox}\n", "readings:\n  vox: choir", "synonyms:\n"])
def test_a_synonym_is_written_into_any_file_that_holds_words(corpus, text):
    path = corpus.path / "tags.yaml"
    if text is not None:
        path.write_text(text)
    before = read_own_words(corpus, TAGS)
    save_synonyms(corpus.path, {"tante erna": "vox", "ベース": "🥁"})
    own = read_own_words(corpus, TAGS)
    assert own.problems == ()
    assert own.synonyms == {**before.synonyms, "tante erna": "vox", "ベース": "🥁"}
    assert own.readings == before.readings
    assert own.stamp != before.stamp
    assert [one.name for one in corpus.path.glob("*tags*")] == ["tags.yaml"]


@pytest.mark.parametrize(
    "text", ["- kick\n", "synonims: {a: kick}\n", "synonyms: {a: [kick]}\n", "synonyms: {a: b, a: c}"]
)
def test_a_file_that_is_not_understood_is_never_written_over(corpus, text):
    path = corpus.path / "tags.yaml"
    path.write_text(text)
    with pytest.raises(TagError):
        save_synonyms(corpus.path, {"boom": "kick"})
    assert path.read_text() == text


def test_a_corpus_that_is_made_of_another_takes_its_words_along_and_one_with_words_keeps_them(small, tmp_path):
    (small / "tags.yaml").write_text("synonyms: {boom: noise}")
    for text in (None, "# mine\n"):
        other = tmp_path / f"other-{text is None}"
        if text is not None:
            other.mkdir()
            (other / "tags.yaml").write_text(text)
        build(small, other, jobs=1)
        assert (other / "tags.yaml").read_text() == (text or "synonyms: {boom: noise}")


def test_a_link_stays_a_link(corpus, tmp_path):
    (tmp_path / "mine.yaml").write_text("synonyms:\n  pow: vox\n")
    (corpus.path / "tags.yaml").symlink_to(tmp_path / "mine.yaml")
    save_synonyms(corpus.path, {"boom": "kick"})
    assert (corpus.path / "tags.yaml").is_symlink()
    assert (tmp_path / "mine.yaml").read_text() == "synonyms:\n  boom: kick\n  pow: vox\n"


def test_a_disk_that_refuses_leaves_the_file_as_it_was(corpus, monkeypatch):
    path = corpus.path / "tags.yaml"
    path.write_text("synonyms:\n  pow: vox\n")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        save_synonyms(corpus.path, {"boom": "kick"})
    assert path.read_text() == "synonyms:\n  pow: vox\n"
    assert [one.name for one in corpus.path.glob(".tags*")] == []


def test_a_corpus_that_is_held_has_its_words_after_the_file_is_gone(small):
    (small / "tags.yaml").write_text("synonyms: {boom: kick}")
    held = HeldCorpus.of(small)
    (small / "tags.yaml").unlink()
    with held.open() as corpus:
        assert read_own_words(corpus, TAGS).synonyms == {"boom": "kick"}
    held.close()
