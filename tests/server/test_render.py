"""`liveseq render` on the command line: a take, and one clear line for each way to ask for none."""

import numpy as np
import pytest
from tiny_set import make_corpus, make_set

from liveseq.cli import main
from liveseq.corpus.store import Corpus
from liveseq.dsp.files import load_audio


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a set 🎵")
    make_set(folder)
    with Corpus.open(make_corpus(folder / "untagged.corpus"), writable=True) as corpus:
        for source in corpus.sources():
            corpus.set_tags(source.id, ())
    Corpus.create(folder / "empty.corpus", sample_rate=48_000).close()
    return folder


@pytest.fixture(autouse=True)
def _in_the_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr("liveseq.instrument.MODELS", folder)


def run(*flags, corpus="tiny.corpus", out="take 🎵.wav"):
    return main(["render", "--corpus", corpus, "--seconds", "2", *flags, out])


def test_a_take_in_a_folder_with_a_space_and_an_emoji(folder):
    assert run("--tag", "drone", "--tag", "hum@1") == 0
    assert np.abs(load_audio(folder / "take 🎵.wav", sample_rate=48_000)).max() > 0.05


@pytest.mark.parametrize(
    ("flags", "places", "message"),
    [
        (["--tag", "glurb"], {}, "unknown tag 'glurb': tags here: bells, drone, hum"),
        (["--tag", ""], {}, "unknown tag ''"),
        (["--tag", "x" * 300], {}, "tag of 300 characters: expected at most 200"),
        (["--tag", "hum@soon"], {}, "expected TAG@SECONDS, found 'soon'"),
        (["--tag", "hum@nan"], {}, "expected a time before the take's end at 2 s, found nan"),
        (["--tag", "hum@2"], {}, "expected a time before the take's end at 2 s, found 2"),
        (["--tag", "hum@-1"], {}, "expected a time before the take's end at 2 s, found -1"),
        (["--tag", "hum", "--seed", "-5"], {}, "--seed: expected 0 to 2147483647, found -5"),
        (["--tag", "hum", "--seconds", "nan"], {}, "--seconds: expected 1 to 36000, found nan"),
        (["--tag", "hum", "--predictor", "none"], {}, "none: no such model folder"),
        (["--tag", "hum", "--predictor", "text-encoder"], {}, "role is text-encoder, but a predictor is needed"),
        (["--tag", "hum"], {"corpus": "none.corpus"}, "none.corpus: no corpus there; make one"),
        (
            ["--tag", "hum"],
            {"corpus": "empty.corpus"},
            "empty.corpus: holds no recordings (an interrupted build?); run the build again: ",
        ),
        (["--tag", "hum"], {"corpus": "untagged.corpus"}, "none of its 105 units has a tag to ask for; tag them"),
        (["--tag", "hum"], {"out": "takes/a.wav"}, "there is no folder takes; create it first"),
        (["--tag", "hum"], {"out": "tiny.corpus"}, "tiny.corpus: not written: that is a folder; name a file in it"),
    ],
)
def test_what_cannot_be_rendered_is_said_in_one_line(capsys, flags, places, message):
    assert run(*flags, **places) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("liveseq: ")
    assert message in line
