"""`liveseq corpus words`, and the readings that a build offers."""

import shutil
from pathlib import Path

import pytest

from liveseq.cli import main

RECORDINGS = Path(__file__).resolve().parents[1] / "recordings"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder of recordings, with names of folders as they lie on disks."""
    folder = tmp_path_factory.mktemp("recordings") / "kit"
    for tag in ("bd", "hh", "drone", "zzq7"):
        (folder / tag).mkdir(parents=True)
        shutil.copy(RECORDINGS / "hat_raw.flac", folder / tag / f"{tag}.flac")
    return folder


@pytest.fixture
def corpus(built, tmp_path, capsys):
    corpus = tmp_path / "kit.corpus"
    assert build(built, corpus) == 0
    capsys.readouterr()
    return corpus


def build(folder, corpus):
    return main(["corpus", "build", str(folder), "--out", str(corpus), "--jobs", "1"])


def test_a_build_offers_readings_for_letters_and_names_what_no_facts_know(built, tmp_path, capsys):
    corpus = tmp_path / "kit.corpus"
    assert build(built, corpus) == 0
    said = capsys.readouterr().err
    assert f"{corpus}/tags.yaml: bd read as kick drum, hh as hi hat; change them there" in said
    assert f'no facts know "zzq7": give it a reading or synonyms in {corpus}/tags.yaml' in said
    assert (corpus / "tags.yaml").read_text() == "readings:\n  bd: kick drum\n  hh: hi hat\n"
    assert build(built, corpus) == 0
    said = capsys.readouterr().err
    assert "read as" not in said
    assert "zzq7" in said


def test_a_build_never_writes_over_the_words_that_are_there(built, corpus, capsys):
    text = "# mine\nreadings: {bd: bass drone}\nsynonyms: {wobble: zzq7}\n"
    (corpus / "tags.yaml").write_text(text)
    assert build(built, corpus) == 0
    said = capsys.readouterr().err
    assert (corpus / "tags.yaml").read_text() == text
    assert f"{corpus}/tags.yaml: not in it yet: hh read as hi hat; say so there, or otherwise" in said
    assert "zzq7" not in said


def test_a_build_says_what_is_wrong_with_the_words_and_goes_on(built, corpus, capsys):
    (corpus / "tags.yaml").write_text("synonyms: {boom")
    assert build(built, corpus) == 0
    said = capsys.readouterr().err
    assert said.count("tags.yaml") == 1
    assert "found no YAML" in said


def test_the_tags_are_listed_with_how_each_is_read(corpus, capsys):
    (corpus / "tags.yaml").write_text(
        "readings: {bd: kick drum}\nsynonyms: {boom: bd, rumble: drone, boom boom: boom}\n"
    )
    assert main(["corpus", "words", str(corpus)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('bd     read as "kick drum": kick drum, a kind of drum')
    assert lines[0].endswith("; also called boom, boom boom")
    assert lines[1].startswith("drone  drone, a kind of ")
    assert lines[1].endswith("; also called rumble")
    assert lines[2].startswith("hh     hi hat, a kind of ")
    assert lines[3] == f"zzq7   no facts know it: give it a reading or synonyms in {corpus}/tags.yaml"


def test_phrases_are_answered_with_weights_reasons_and_what_comes_next(corpus, capsys):
    assert main(["corpus", "words", str(corpus), "kick drum", "xqzt", ""]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "kick drum"
    assert lines[1].split()[:2] == ["bd", "1.00"]
    assert lines[1].endswith("kick drum: as the tag is read")
    assert lines[2].split()[0] == "hh"
    assert lines[2].split()[1].startswith("(0.")
    at = lines.index("xqzt")
    assert lines[at + 1].split()[:2] == ["nothing", "0.00"]
    assert "means no tag here" in lines[at + 1]


def test_a_phrase_that_is_no_text_is_said_and_the_others_are_answered(corpus, capsys):
    assert main(["corpus", "words", str(corpus), "x" * 201, "drone"]) == 2
    said = capsys.readouterr()
    assert said.err == "liveseq: tag of 201 characters: expected at most 200; send a few words\n"
    assert said.out.splitlines()[0] == "drone"


def test_where_there_is_no_corpus_that_is_said(tmp_path, capsys):
    assert main(["corpus", "words", str(tmp_path / "none.corpus")]) == 2
    assert "none.corpus" in capsys.readouterr().err
