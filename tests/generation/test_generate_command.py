"""`liveseq generate`: into a file, into a corpus; what it refuses."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from liveseq.cli import main
from liveseq.corpus.store import Corpus
from liveseq.corpus.verify import verify
from liveseq.dsp.files import load_audio
from liveseq.dsp.loudness import integrated_loudness
from liveseq.generation.filling import fill
from liveseq.generation.meaning import Vocabulary
from liveseq.runtime.folders import GENERATOR
from liveseq.runtime.limits import PIECE_SECONDS
from liveseq.runtime.text import TextEncoder
from tests.support.tiny_generator import make_generator
from tests.support.tiny_set import SAMPLE_RATE, TAGS, make_set


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("command")
    make_set(folder)
    make_generator(folder / GENERATOR)
    make_generator(folder / "odd", odd=True)
    make_generator(folder / "plain", tags=(), sample_rate=22_050)
    make_generator(folder / "led", tempo=True)
    return folder


@pytest.fixture(autouse=True)
def here(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("liveseq.runtime.folders.MODELS", folder)
    monkeypatch.chdir(tmp_path)


def sources(path="new.corpus"):
    with Corpus.open(Path(path)) as corpus:
        return corpus.sources()


def test_a_file_holds_what_was_asked_for(tmp_path, capsys):
    for name in ("a.wav", "b.wav"):
        assert main(["generate", name, "--tag", "bells", "--seconds", "3", "--seed", "7"]) == 0
    assert f"a.wav: 3 s of bells (bells 100%) by {GENERATOR}, seed 7" in capsys.readouterr().out
    y = load_audio(Path("a.wav"), sample_rate=48_000)
    assert y.shape == (3 * 48_000, 2)
    assert integrated_loudness(y, sample_rate=48_000) == pytest.approx(-20.0, abs=0.1)
    assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes()
    assert (
        main(["generate", "c.wav", "--tag", "x", "--model", "plain", "--seconds", "1", "--sample-rate", "44100"]) == 0
    )
    assert len(load_audio(Path("c.wav"), sample_rate=44_100)) == 44_100


@pytest.mark.parametrize("out", [["a.wav"], ["--into", "gpu.corpus", "--jobs", "1"]])
def test_a_provider_that_is_not_there_is_told_and_the_cpu_makes_it(out, capfd, caplog):
    assert main(["generate", *out, "--tag", "bells", "--seconds", "1", "--provider", "cuda"]) == 0
    assert "runs on CPU: provider cuda is not there" in caplog.text + capfd.readouterr().err


def test_a_corpus_is_filled_and_what_was_stopped_goes_on(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("liveseq.runtime.limits.PIECE_SECONDS", 1.0)
    command = ["generate", "--into", "new.corpus", "--all-tags", "--jobs", "1", "--seconds", "2"]
    assert main(command) == 0
    assert "new.corpus: 6 added (6 s), of 3 tags" in capsys.readouterr().out
    assert {source.tags[0] for source in sources()} == set(TAGS)
    assert [source.provenance.seed for source in sources()] == [1, 1, 1, 2, 2, 2]
    assert main([*command[:-1], "3"]) == 0
    assert "3 added (3 s), of 3 tags, 6 known" in capsys.readouterr().out
    assert verify(tmp_path / "new.corpus") == []


@pytest.mark.parametrize(
    ("terminal", "lines"), [(False, [f"generate: {come} of 6 s" for come in range(1, 7)]), (True, [])]
)
def test_where_no_bar_can_be_drawn_a_line_tells_how_far_it_is(terminal, lines, capsys, monkeypatch):
    monkeypatch.setattr("liveseq.runtime.limits.PIECE_SECONDS", 1.0)
    monkeypatch.setattr("liveseq.generation.progress.EVERY", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert main(["generate", "--into", "new.corpus", "--all-tags", "--jobs", "1", "--seconds", "2"]) == 0
    told = capsys.readouterr().err
    assert [line for line in told.splitlines() if " of 6 s" in line] == lines
    assert ("\rgenerate: " in told) == terminal


@pytest.mark.parametrize("seconds", [20.0, 25.0, 45.0])
def test_a_corpus_has_as_much_as_was_asked_for(seconds, capsys):
    """With pieces of the length that they have: whatever is left over is cut into them too."""
    assert main(["generate", "--into", "new.corpus", "--tag", "hum", "--jobs", "1", "--seconds", str(seconds)]) == 0
    lengths = [source.n_samples / SAMPLE_RATE for source in sources()]
    assert sum(lengths) == pytest.approx(seconds)
    assert max(lengths) <= PIECE_SECONDS
    assert f"{len(lengths)} added ({seconds:g} s), of 1 tags" in capsys.readouterr().out


def test_the_progress_bar_counts_what_the_corpus_has(folder):
    """One of three tags makes silence, and one no numbers."""
    words = Vocabulary(folder / "odd", TextEncoder(folder / "text-encoder"))
    told = []
    for seconds, of_it in ((2.0, 2.0), (1.0, 1.0), (3.0, 2.0)):
        fill(
            Path("new.corpus"),
            words,
            [words.meaning(tag) for tag in TAGS],
            seconds=seconds,
            seed=1,
            jobs=1,
            done=told.append,
        )
        assert told.pop() == pytest.approx(of_it)
        assert told == []


def test_a_tempo_goes_to_the_model_and_stands_in_the_names(tmp_path, capsys):
    """The tiny generator sounds a Hz higher for each beat per minute."""
    command = ["--tag", "hum", "--seconds", "2", "--model", "led"]
    for tempo, wanted in ((None, 220.0), ("128", 348.0)):
        assert main(["generate", "a.wav", *command, *(["--tempo", tempo] if tempo else [])]) == 0
        y = load_audio(Path("a.wav"), sample_rate=48_000)[:, 0]
        assert np.abs(np.fft.rfft(y)).argmax() / 2 == pytest.approx(wanted, abs=1)
    assert "2 s of hum at 128 bpm (hum 100%)" in capsys.readouterr().out
    for tempo in ("128", "90.5", "128"):
        assert main(["generate", "--into", "new.corpus", *command, "--tempo", tempo, "--jobs", "1"]) == 0
    assert "0 added (0 s), of 1 tags, 1 known" in capsys.readouterr().out
    assert [source.name for source in sources()] == ["hum at 128 bpm led 1", "hum at 90.5 bpm led 1"]
    assert {source.tags for source in sources()} == {("hum",)}


def test_pieces_that_are_no_sound_are_left_out_by_name(capsys):
    fill = ["generate", "--seconds", "1", "--jobs", "2", "--model", "odd", "--into"]
    assert main([*fill, "new.corpus", "--all-tags"]) == 0
    told = capsys.readouterr()
    assert "left out: hum odd 1: step 0 of seed 1 is no sound" in told.err
    assert "left out: bells odd 1: odd makes nothing but silence of 'bells', seed 1" in told.err
    assert "new.corpus: 1 added (1 s), of 3 tags, 2 left out" in told.out
    assert main([*fill, "none.corpus", "--tag", "bells"]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.wav", "--tag", "tuba"], f"{GENERATOR} does not know 'tuba': it knows: drone, bells, hum"),
        (["a.wav", "--tag", "hum", "--seconds", "36000"], "--seconds: expected 0.5 to 600, found 36000"),
        (["--into", "c", "--tag", "hum", "--minutes", "601"], "--minutes: expected up to 600, found 601"),
        (["a.wav", "--tag", "hum", "--minutes", "1"], "--minutes: is for --into CORPUS"),
        (["a.wav"], "expected --tag WORDS, or --all-tags"),
        (["--tag", "hum"], "expected a sound file or --into CORPUS"),
        (["a.wav", "--all-tags"], "--all-tags: is for --into CORPUS"),
        (["--into", "c", "--all-tags", "--model", "plain"], "plain was taught no tags"),
        (["a.wav", "--tag", "hum", "--model", "nothing"], "nothing: no such model folder"),
        (["a.wav", "--tag", "hum", "--model", "predictor"], "role is predictor, but a generator is needed"),
        (["no/a.wav", "--tag", "hum"], "there is no folder no"),
        (["a.m4a", "--tag", "hum"], "a.m4a: not written: expected a name in .wav, .flac, .mp3"),
        (["a.mp3", "--tag", "hum", "--sample-rate", "96000"], "a.mp3: not written: mp3 cannot have 96000 Hz"),
        (["--into", "c", "--tag", "hum", "--jobs", "0"], "--jobs: expected 1 or more, found 0"),
        (["a.wav", "--tag", "hum", "--tempo", "19"], "--tempo: expected 20 to 300, found 19"),
        (["a.wav", "--tag", "hum", "--tempo", "nan"], "--tempo: expected 20 to 300, found nan"),
        (["a.wav", "--tag", "hum", "--tempo", "120"], f"--tempo: {GENERATOR} follows no tempo"),
        (["a.wav", "--tag", "hum", "--seed", "-1"], "--seed: expected 0 to 2147483647, found -1"),
    ],
)
def test_what_cannot_be_made_is_said_in_one_line(arguments, message, capsys):
    assert main(["generate", *arguments]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert message in line


def test_no_training_library_is_needed(folder):
    code = """
import sys
from pathlib import Path
import liveseq.runtime.folders
liveseq.runtime.folders.MODELS = Path(sys.argv[1])
from liveseq.generation.cli import add_commands
import argparse
parser = argparse.ArgumentParser()
add_commands(parser.add_subparsers())
arguments = parser.parse_args(["generate", "--into", "c", "--tag", "hum", "--seconds", "1", "--jobs", "1"])
assert arguments.run(arguments) == 0
sys.exit(bool({"torch", "librosa", "faiss"} & set(sys.modules)))
"""
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)
    assert [source.name for source in sources("c")] == [f"hum {GENERATOR} 1"]
