"""The performer's words over OSC: what they mean, and those that are said while the set plays."""

import json
import time

import pytest

from liveseq.conductor.corpus_folder import CorpusFolder
from liveseq.conductor.word_desk import RETRY_SECONDS
from liveseq.errors import TagError
from liveseq.performance.instrument import MAX_SAID, open_instrument
from tests.support.desk_stage import Stage
from tests.support.plans import FAIL, plan
from tests.support.tiny_set import make_set

SYNONYM, MEANS, TAG = "/liveseq/tag/synonym", "/liveseq/tag/means", "/liveseq/tag"


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    corpus = make_set(tmp_path)
    monkeypatch.chdir(tmp_path)
    return corpus


def open_stage(corpus):
    stage = Stage(instrument=open_instrument(corpus, predictor="predictor", seed=5))
    folder = CorpusFolder(stage.performance.instrument.corpus, words=stage.performance.instrument.own.stamp)
    stage.folder.version = folder.version
    return stage


@pytest.fixture
def stage(corpus):
    return open_stage(corpus)


def write(stage, *, after=0.0):
    """Until what was said has been written, or cannot be."""
    stage.now += after
    stage.words.tick(stage.now)
    while stage.words.writes:
        time.sleep(0.001)
        stage.words.writes.settle(now=stage.now)


def take(stage):
    """Until a change of the folder is played."""
    for _ in range(2):
        stage.pass_time(2.0)
        stage.prepare()
    stage.pass_time(2.0)


def weights(stage, text):
    return stage.performance.instrument.match(text).weights


def test_a_text_is_explained_with_tags_weights_and_reasons_and_nothing_changes(stage):
    assert stage.ask(MEANS, "dark bells") == [
        (f"{MEANS}/quality", "dark bells", "dark", 1.0, "dark: less brightness"),
        (MEANS, "dark bells", "bells", 1.0, "bells: its name"),
    ]
    assert stage.ask(MEANS, "*") == [(MEANS, "*", "*", 1.0, "everything")]
    assert stage.entries == []
    assert not stage.performance.playing
    assert stage.ask(MEANS, "drone", "id:7")[-1][-1] == "id:7"


@pytest.mark.parametrize("text", ["", "   ", "💥", "xqzt", "שלום עולם", "мир שלום"])
def test_a_text_that_means_nothing_is_answered_with_a_reason_and_is_no_failure(stage, text):
    [(address, said, _, weight, why)] = stage.ask(MEANS, text)
    assert (address, said, weight) == (MEANS, text, 0.0)
    assert why.startswith("means no tag here: ")


def test_words_of_several_scripts_are_read_each_for_itself(stage):
    assert stage.ask(MEANS, "мир ドローン")[-1][2:] == ("drone", 1.0, "ドローン (in Japanese drone): the same as drone")


@pytest.mark.parametrize("text", ["x" * 201, "bo\x07om"])
def test_what_is_no_text_is_refused(stage, text):
    [answer] = stage.ask(MEANS, text)
    assert answer[:3] == (FAIL, MEANS, "bad_args")


def test_a_synonym_holds_from_the_next_message_on_and_is_logged_and_written(stage, corpus):
    assert stage.ask(TAG, "boom")[0][0] == FAIL
    assert stage.ask(SYNONYM, "Boom", "Bells") == [("/liveseq/done", SYNONYM, "boom", "bells")]
    assert stage.entries[-1]["address"] == SYNONYM
    assert stage.entries[-1]["arguments"] == ("Boom", "Bells")
    assert not stage.performance.playing
    assert stage.ask(TAG, "boom")[0][:4] == ("/liveseq/done", TAG, "bells", 1.0)
    assert stage.ask(MEANS, "boom")[-1] == (MEANS, "boom", "bells", 1.0, "boom: your word for bells")
    assert not (corpus / "tags.yaml").exists()  # never on the event loop
    write(stage)
    assert (corpus / "tags.yaml").read_text() == "synonyms:\n  boom: bells\n"
    assert stage.words.problems() == []
    take(stage)
    assert stage.performance.instrument.said == {}
    assert stage.performance.instrument.own.synonyms == {"boom": "bells"}
    assert weights(stage, "boom") == {"bells": 1.0}
    write(stage)
    stage.ask(SYNONYM, "boom", "")
    assert stage.ask(MEANS, "boom")[-1][3] == 0.0
    write(stage)
    assert (corpus / "tags.yaml").read_text().split() == ["synonyms:"]


def test_what_sounds_is_not_changed_by_a_synonym(stage):
    stage.ask(TAG, "drone")
    layer = stage.performance.sequencer.layer(1)
    before = dict(layer.weights)
    stage.ask(SYNONYM, "boom", "bells")
    assert layer.weights == before
    assert len(plan(stage)[1]) > 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("boom", "kik"), "synonym 'boom': points nowhere, no tag 'kik' here; tags are bells, drone, hum"),
        (("boom", "boom"), "synonym 'boom': goes in a circle (boom > boom)"),
        (("bells", "drone"), "synonym 'bells': is a tag's own name"),
        (("💥", "drone"), "synonym '💥': holds no letter and no digit"),
        (("", "drone"), "synonym '': holds no letter and no digit"),
        (("a\x07", "drone"), "control character"),
        (("x" * 201, "drone"), "expected at most 200"),
        (("boom", "x" * 201), "expected at most 200"),
        (("boom", "../../etc"), "points nowhere"),
    ],
)
def test_a_synonym_that_cannot_be_meant_is_refused_and_nothing_is_kept(stage, corpus, arguments, complaint):
    [answer] = stage.ask(SYNONYM, *arguments)
    assert answer[:3] == (FAIL, SYNONYM, "not_found")
    assert complaint in answer[3]
    assert stage.performance.instrument.said == {}
    write(stage)
    assert not (corpus / "tags.yaml").exists()


def test_a_disk_that_refuses_is_a_trouble_and_the_word_holds_until_it_can_be_written(stage, corpus):
    (corpus / "tags.yaml").mkdir()
    stage.ask(SYNONYM, "boom", "bells")
    write(stage)
    [problem] = stage.words.problems()
    assert problem.startswith(f"{corpus / 'tags.yaml'}: cannot be written (")
    assert problem.endswith("; what was said holds for this set alone, until it can be written")
    assert weights(stage, "boom") == {"bells": 1.0}
    (corpus / "tags.yaml").rmdir()
    write(stage)
    assert not (corpus / "tags.yaml").exists()  # not yet again
    write(stage, after=RETRY_SECONDS)
    assert (corpus / "tags.yaml").read_text() == "synonyms:\n  boom: bells\n"
    assert stage.words.problems() == []


def test_a_broken_file_is_a_trouble_and_is_not_written_over(corpus):
    (corpus / "tags.yaml").write_text("synonyms: {boom")
    stage = open_stage(corpus)
    [problem] = stage.watch.problems()
    assert problem.startswith(f"{corpus / 'tags.yaml'}: expected synonyms: ")
    assert problem.endswith("it is left out, the set plays on")
    assert stage.ask(TAG, "drone")[0][0] == "/liveseq/done"
    stage.ask(SYNONYM, "boom", "bells")
    write(stage)
    assert "what was said holds for this set alone" in stage.words.problems()[0]
    assert (corpus / "tags.yaml").read_text() == "synonyms: {boom"


def test_a_file_that_changes_while_it_plays_is_taken_and_one_that_breaks_leaves_the_words_of_before(stage, corpus):
    stage.ask(TAG, "drone")
    (corpus / "tags.yaml").write_text("synonyms: {boom: bells}\nreadings: {hum: thunderstorm}")
    take(stage)
    assert weights(stage, "boom") == {"bells": 1.0}
    assert weights(stage, "thunderstorm") == {"hum": 1.0}
    words = {"synonyms": {"boom": "bells"}, "readings": {"hum": "thunderstorm"}, "said": {}}
    assert stage.entries[-1]["words"] == words
    assert stage.performance.spoken(1) == {"drone": 1.0}
    (corpus / "tags.yaml").write_text("synonyms: {boom: ")
    take(stage)
    assert weights(stage, "boom") == {"bells": 1.0}
    assert len(stage.watch.problems()) == 1
    (corpus / "tags.yaml").unlink()
    take(stage)
    assert stage.watch.problems() == []
    with pytest.raises(TagError, match="unknown tag 'boom'"):
        stage.performance.instrument.match("boom")


def test_what_a_word_of_ones_own_stands_for_is_told_a_generator_in_common_words(stage, corpus):
    (corpus / "tags.yaml").write_text("synonyms: {pow: hum}\nreadings: {hum: thunderstorm}")
    take(stage)
    stage.ask(SYNONYM, "boom", "bells")
    common = stage.performance.instrument.common
    assert [common(text) for text in ("Boom", "pow", "HUM", "Bells", "loud boom", "*", "")] == [
        *("bells", "thunderstorm", "thunderstorm", "Bells", "loud boom", "*", "")
    ]
    stage.ask(SYNONYM, "pow")
    assert common("pow") == "pow"


def test_a_hand_in_the_file_has_the_last_word_over_what_was_said_before(stage, corpus):
    stage.ask(SYNONYM, "boom", "bells")
    write(stage)
    (corpus / "tags.yaml").write_text("synonyms: {boom: hum, pow: hum}")  # before it was read again
    take(stage)
    assert weights(stage, "boom") == {"hum": 1.0}
    (corpus / "tags.yaml").unlink()
    take(stage)
    stage.ask(SYNONYM, "boom", "bells")  # once more
    write(stage)
    assert (corpus / "tags.yaml").read_text() == "synonyms:\n  boom: bells\n"
    stage.ask(SYNONYM, "wobble", "")  # it never was one
    write(stage)
    (corpus / "tags.yaml").write_text("synonyms: {boom: hum, wobble: drone}")
    take(stage)
    assert weights(stage, "wobble") == {"drone": 1.0}
    assert stage.performance.instrument.said == {}


def test_a_word_that_is_said_while_the_corpus_is_read_is_not_lost(stage, corpus):
    growth = stage.performance.instrument.read_growth()
    stage.ask(SYNONYM, "boom", "bells")
    write(stage)
    stage.performance.grow(growth)
    assert weights(stage, "boom") == {"bells": 1.0}
    take(stage)
    assert weights(stage, "boom") == {"bells": 1.0}
    assert stage.performance.instrument.said == {}


def test_a_new_conductor_knows_what_was_said_and_not_written(stage, corpus):
    stage.ask(SYNONYM, "boom", "bells")
    stage.ask(TAG, "boom")
    saved = json.loads(json.dumps(stage.performance.snapshot()))
    other = open_stage(corpus)
    other.performance.restore(saved, at=0)
    assert weights(other, "boom") == {"bells": 1.0}
    assert other.performance.spoken(1) == {"boom": 1.0}
    assert other.performance.sequencer.layer(1).weights == {"bells": 1.0}
    write(other)
    assert (corpus / "tags.yaml").read_text() == "synonyms:\n  boom: bells\n"


def test_more_words_than_a_session_holds_are_refused_until_they_are_written(stage):
    for number in range(MAX_SAID):
        assert stage.ask(SYNONYM, f"word {number}", "hum")[0][0] == "/liveseq/done"
    [answer] = stage.ask(SYNONYM, "one more", "hum")
    assert answer[0] == FAIL
    assert f"{MAX_SAID} wait to be written" in answer[3]
    assert weights(stage, "word 7") == {"hum": 1.0}
