"""A server that is given no corpus: what it plays is composed, or generated, and either can be stopped."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from benchmarks.rigs.controller import Controller
from benchmarks.rigs.running_server import RunningServer, with_voices
from liveseq.corpus.store import Corpus
from liveseq.corpus.verify import verify
from liveseq.errors import CorpusError, ModelError
from liveseq.generation import first
from liveseq.generation.meaning import Meaning
from liveseq.runtime.folders import FIRST_VOICES, GENERATOR, model_folder
from liveseq.runtime.manifest import Manifest
from liveseq.server import corpus_builder
from tests.support.tiny_generator import make_generator
from tests.support.tiny_set import TAGS, make_set
from tests.support.waiting import PATIENCE, wait_for

UNIX = pytest.mark.skipif(sys.platform == "win32", reason="signals as Linux and macOS have them")
COMPOSED, GENERATED = (), (GENERATOR,)
GROWTH_PATIENCE = 300.0
"""Seconds: at the lowest priority, on a machine that does other things meanwhile."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("voices")
    make_set(folder)
    make_generator(folder / "one")
    make_generator(folder / "two", level=0.1)
    make_generator(folder / "plain", tags=())
    make_generator(folder / "silent", level=0.0)
    return folder


@pytest.fixture
def voices(folder, monkeypatch):
    monkeypatch.setattr("liveseq.runtime.folders.MODELS", folder)
    monkeypatch.setattr(first, "BEGIN_SECONDS", 1.0)
    monkeypatch.setattr(first, "SECONDS", 5.0 * len(TAGS))
    monkeypatch.setattr("liveseq.runtime.limits.PIECE_SECONDS", 1.0)
    monkeypatch.setattr(first.os, "cpu_count", lambda: 1)
    return lambda *names: [folder / name for name in names]


def made(path):
    with Corpus.open(path) as corpus:
        return corpus.sources()


def test_the_voices_that_are_chosen_are_there():
    for name in FIRST_VOICES:
        assert Manifest.load(model_folder(name), role="generator").tags


def test_it_begins_with_a_little_of_every_tag_and_the_voices_share_the_rest(voices, tmp_path):
    out, both = tmp_path / "first", voices("one", "two")
    first.begin(out, both, sample_rate=44_100)
    assert first.is_unfinished(out)
    assert sorted(one.tags for one in made(out)) == sorted((tag,) for tag in TAGS)
    assert {one.n_samples for one in made(out)} == {44_100}
    first.go_on(out, both)
    assert not first.is_unfinished(out)
    sources = [(one.provenance.kind, one.provenance.model, one.provenance.seed) for one in made(out)]
    assert sources == [("generator", "one", n) for n in (1, 2, 3) for _ in TAGS] + [
        ("generator", "two", n) for n in (2, 3) for _ in TAGS
    ]
    assert verify(out) == []


def test_what_was_stopped_goes_on(voices, tmp_path, monkeypatch):
    out, one = tmp_path / "first", voices("one")
    first.begin(out, one, sample_rate=None)
    with monkeypatch.context() as stopped:
        stopped.setattr(first, "SECONDS", 2.0 * len(TAGS))
        stopped.setattr(first.Path, "unlink", lambda *_, **__: None)  # stopped before the end
        first.go_on(out, one)
    assert first.is_unfinished(out)
    _, report = first.go_on(out, one)
    assert (report.n_known, len(report.added)) == (len(TAGS), 3 * len(TAGS))


def test_of_many_tags_it_begins_with_the_one_that_is_wanted_and_some_more(voices, tmp_path, monkeypatch):
    monkeypatch.setattr(first, "BEGIN_WITHIN", 0.0)
    monkeypatch.setattr(first, "LEAST_TAGS", 2)
    out, one, last = tmp_path / "first", voices("one"), list(TAGS)[-1]
    first.begin(out, one, wanted=last, sample_rate=None)
    begun = [source.tags[0] for source in made(out)]
    assert (begun[0], len(begun)) == (last, 2)
    first.go_on(out, one)
    assert {source.tags[0] for source in made(out)} == set(TAGS)
    first.begin(tmp_path / "other", one, wanted="xyzzy", sample_rate=None)
    assert len(made(tmp_path / "other")) == 2, "words that it does not know are left to the server to refuse"


def test_what_is_near_in_meaning_comes_later():
    vectors = {"flute": (1.0, 0.0), "oboe": (0.96, 0.28), "drum": (0.0, 1.0)}
    meanings = [
        Meaning(text=text, weights={text: 1.0}, vector=np.array(vector, np.float32)) for text, vector in vectors.items()
    ]
    assert [meaning.text for meaning in first._apart(meanings, "flute")] == ["flute", "drum", "oboe"]
    assert [meaning.text for meaning in first._apart(meanings, "drum")] == ["drum", "flute", "oboe"]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("plain", CorpusError, "plain: was taught no tags"),
        ("silent", CorpusError, "silent has made no sound of any tag: .*nothing but silence"),
        ("nothing", ModelError, "nothing: no such model folder"),
    ],
)
def test_voices_that_make_no_corpus(voices, tmp_path, name, error, message):
    with pytest.raises(error, match=message):
        first.begin(tmp_path / "first", voices(name), sample_rate=None)


@pytest.mark.parametrize("error", [CorpusError("no sound"), KeyboardInterrupt()])
def test_what_is_not_made_whole_is_not_there_at_all(tmp_path, error):
    def make(part):
        part.mkdir()
        raise error

    with pytest.raises(type(error)):
        corpus_builder._whole(tmp_path / "corpora" / "first.corpus", make)
    assert list(tmp_path.rglob("*.part")) == []


def start(folder, voices):
    """A server that is given no corpus, whatever the shipped choice."""
    option, code = with_voices(voices)
    # Ctrl-C is heard also where the tests run in the background of a shell, which ignores it.
    code = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler);{code}"
    command = [sys.executable, option, code, "--output", "none", "--osc-port", "auto"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


@UNIX
@pytest.mark.live
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("voices", "told"), [(COMPOSED, "composing the demo corpus"), (GENERATED, f"with {GENERATOR}, once")]
)
def test_the_first_start_can_be_stopped_and_leaves_nothing(tmp_path, voices, told, number):
    """Ctrl-C as a terminal sends it: to every process of the group, workers that are just starting too."""
    process = start(tmp_path, voices)
    said = [process.stderr.readline()]
    wait_for(lambda: list(tmp_path.glob("corpora/*/incoming-*")), what="the first recording")
    children = psutil.Process(process.pid).children(recursive=True)
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    assert process.wait(timeout=PATIENCE) == 130
    said += process.stderr.read().splitlines()
    process.stderr.close()
    process.stdout.close()
    assert told in said[0]
    assert said[1:] == ["liveseq: stopped"], "\n".join(said)
    assert psutil.wait_procs(children, timeout=PATIENCE)[1] == []
    assert list(tmp_path.glob("corpora/*")) == []


def hear_growth(controller):
    until = time.monotonic() + GROWTH_PATIENCE
    while time.monotonic() < until:
        controller.ask("/liveseq/subscribe", "/liveseq/corpus", 5.0, answer="/liveseq/done")  # lasts 30 s
        if grown := controller.hear("/liveseq/corpus/grown", seconds=10.0):
            return grown
    raise AssertionError("nothing has grown")


@UNIX
@pytest.mark.live
@pytest.mark.slow
def test_generators_make_it_while_it_plays_and_the_next_start_goes_on(tmp_path):
    corpus = tmp_path / "corpora" / "first.corpus"
    counts = []
    for turn in range(2):
        flags = ("--output", "none", "--play", "drone")
        program = with_voices(GENERATED)
        with (
            RunningServer(*flags, folder=tmp_path, program=program, keep_errors=True) as server,
            Controller(server.port) as controller,
        ):
            counts.append(server.n_units)
            controller.wait_for("playing", voices=1)
            assert controller.ask("/liveseq/tag", "techno", answer="/liveseq/done")[:2] == ("/liveseq/tag", "techno")
            if turn == 0:
                assert hear_growth(controller)[1] > 0
            children = psutil.Process(server.pid).children(recursive=True)
            assert server.stop() == 0
        assert psutil.wait_procs(children, timeout=PATIENCE)[1] == []
        assert any("no --corpus given" in line for line in server.errors) == (turn == 0), server.errors
    assert counts[1] > counts[0]
    assert first.is_unfinished(corpus)
    assert verify(corpus) == []
