"""`liveseq render` on the command line: a take, and one clear line for each way to ask for none."""

import numpy as np
import pytest

from liveseq.cli import main
from liveseq.corpus.store import Corpus
from liveseq.dsp.files import load_audio
from liveseq.offline.render import TagChange, play, render
from liveseq.performance.instrument import open_instrument
from tests.support.tiny_generator import make_generator
from tests.support.tiny_set import make_corpus, make_set


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a set 🎵")
    make_set(folder)
    make_generator(folder / "tones")
    with Corpus.open(make_corpus(folder / "untagged.corpus"), writable=True) as corpus:
        for source in corpus.sources():
            corpus.set_tags(source.id, ())
    Corpus.create(folder / "empty.corpus", sample_rate=48_000).close()
    return folder


@pytest.fixture(autouse=True)
def _in_the_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr("liveseq.runtime.folders.MODELS", folder)


def run(*flags, corpus="tiny.corpus", out="take 🎵.wav"):
    return main(["render", "--corpus", corpus, "--seconds", "2", *flags, out])


def test_a_take_in_a_folder_with_a_space_and_an_emoji(folder):
    assert run("--tag", "drone", "--tag", "hum@1") == 0
    assert np.abs(load_audio(folder / "take 🎵.wav", sample_rate=48_000)).max() > 0.05


def test_the_page_of_a_take_names_its_sound_and_every_unit(folder, capsys):
    assert run("--tag", "bells", "--explain", "take 🎵.html") == 0
    assert "13 units" in capsys.readouterr().out
    page = (folder / "take 🎵.html").read_text(encoding="utf-8")
    assert "13 units in 2 s" in page
    assert r"\ud83c\udfb5.wav" in page


def test_a_knob_and_a_mode_change_the_take_and_nothing_else_does(folder):
    samples = []
    for number, flags in enumerate(([], [], ["--mode", "cloud"], ["--set", "grain/crossfade_ms=200"])):
        assert run("--tag", "bells@0.5", "--tag", "hum", *flags, out=f"{number}.wav") == 0
        samples.append(load_audio(folder / f"{number}.wav", sample_rate=48_000))
    np.testing.assert_array_equal(samples[0], samples[1])
    assert np.abs(samples[0] - samples[2]).max() > 0.01
    assert np.abs(samples[0] - samples[3]).max() > 0.01


def test_a_generator_plays_a_take_its_tags_morph_and_its_seed_repeats_it(folder, capsys):
    samples = []
    for number, seed in enumerate(("4", "4", "5")):
        flags = ["--tag", "drone", "--tag", "bells@1", "--mode", "generate", "--generator", "tones", "--seed", seed]
        flags += ["--explain", "streamed.html"]
        assert run(*flags, out=f"{number}.wav") == 0
        samples.append(load_audio(folder / f"{number}.wav", sample_rate=48_000)[:, 0])
    assert "13 units, 1 jumps" in capsys.readouterr().out
    assert "generator tones" in (folder / "streamed.html").read_text(encoding="utf-8")
    np.testing.assert_array_equal(samples[0], samples[1])
    assert np.abs(samples[0] - samples[2]).max() > 1e-3
    for begin, frequency in ((0.2, 110.0), (1.2, 880.0)):  # of the tag's tone
        spectrum = np.abs(np.fft.rfft(samples[0][int(begin * 48_000) :][:14_400]))
        assert abs(np.argmax(spectrum) / 0.3 - frequency) < 5.0


def test_a_take_is_made_block_by_block(folder):
    def fresh():
        return open_instrument(folder / "tiny.corpus", seed=1), [TagChange(0.0, 1, {"bells": 1.0})]

    blocks = [stretch.audio for stretch in play(*fresh(), seconds=2.0)]
    assert max(len(block) for block in blocks) == 1024
    np.testing.assert_array_equal(np.concatenate(blocks), render(*fresh(), seconds=2.0).audio)


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
        (["--tag", "hum", "--mode", "generate", "--generator", "none"], {}, "none: no such model folder"),
        (["--tag", "glurb", "--mode", "generate", "--generator", "tones"], {}, "tones does not know 'glurb'"),
        (
            ["--tag", "hum", "--set", "brightness=1"],
            {},
            "--set 'brightness=1': expected KNOB=VALUE, KNOB one of: grain/",
        ),
        (["--tag", "hum", "--set", "steer/brightness"], {}, "expected KNOB=VALUE"),
        (["--tag", "hum", "--set", "query/k=0"], {}, "--set 'query/k=0': k: expected 1 to 256, found 0"),
        (["--tag", "hum", "--set", "query/k=2.5"], {}, "--set 'query/k=2.5': k: expected i:k; found 2.5"),
        (["--tag", "hum", "--set", "steer/brightness=9"], {}, "--set 'steer/brightness=9': expected -3 to 3"),
        (["--tag", "hum", "--set", "steer/brightness=nan"], {}, "brightness: expected a number, found nan"),
        (["--tag", "hum", "--set", "grain/shape=box"], {}, "shape: expected hann or trapezoid or exponential"),
        (["--tag", "hum", "--explain", "pages/a.html"], {}, "there is no folder pages; create it first"),
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
