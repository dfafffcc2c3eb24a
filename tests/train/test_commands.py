"""The commands of the README, as they are typed: train, export, play with the result."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from liveseq.corpus.segmentation import fixed
from liveseq.corpus.store import Corpus, NewSource
from liveseq.dsp.descriptors import describe
from liveseq.performance.instrument import open_instrument
from liveseq.train.arguments import command_line

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
RATE = 48_000


def make_corpus(path: Path) -> Path:
    """Three recordings a tag: noise and tones whose loudness comes and goes."""
    rng = np.random.default_rng(1)
    n = 20 * RATE
    time = np.arange(n) / RATE
    with Corpus.create(path, sample_rate=RATE) as corpus:
        for tag in ("hum", "hiss"):
            for number in range(3):
                swell = 0.2 + 0.15 * np.sin(2 * np.pi * (0.3 + 0.1 * number) * time)
                y = np.sin(2 * np.pi * 110 * (number + 1) * time) if tag == "hum" else rng.uniform(-1, 1, n)
                audio = np.repeat((swell * y)[:, None], 2, axis=1).astype(np.float32)
                frames = describe(audio[:, 0].copy(), sample_rate=RATE)
                bounds = fixed(n, hop_length=1024)
                corpus.add(NewSource(name=f"{tag}-{number}", audio=audio, frames=frames, bounds=bounds, tags=(tag,)))
    return path


def run(*command: object, status: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run([sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode in status, done.stderr
    return done.stdout


def refused(*command: object) -> str:
    done = subprocess.run([sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2, done.stdout + done.stderr
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--model", "gpt"), "invalid choice: 'gpt'"),
        (("--model", "lstm", "--preset", "mozart"), "--preset mozart: no such preset; there are: demiurge"),
        (("--model", "lstm", "--forecast", 8), "--forecast 8: lstm tells one step at a time"),
        (("--model", "transformer", "--forecast", 0), "argument --forecast: must be at least 1, got 0"),
        (("--model", "transformer", "--hidden", 64), "--hidden means nothing to transformer"),
        (("--model", "lstm", "--dropout", 1), "argument --dropout: must be 0 or more and below 1, got 1"),
        (("--model", "lstm", "--wandb"), "--wandb needs wandb"),
    ],
)
def test_flags_that_cannot_be_meant_are_one_line(tmp_path, flags, message):
    if "--wandb" in flags and importlib.util.find_spec("wandb"):
        pytest.skip("wandb is installed")
    audio = tmp_path / "audio"
    audio.mkdir()
    for number in range(2):
        soundfile.write(audio / f"{number}.wav", np.zeros(RATE, dtype=np.float32), RATE)
    out = tmp_path / "mine"
    line = refused("-m", "liveseq.cli", "train", "predictor", "--corpus", audio, "--out", out, *flags)
    assert message in line
    assert not out.exists()


def test_two_processes_train_one_network(tmp_path):
    corpus, model = make_corpus(tmp_path / "small.corpus"), tmp_path / "mine"
    size = ("--model", "lstm", "--hidden", 8, "--mixtures", 2, "--window", 16, "--epochs", 1)
    devices = ("--accelerator", "cpu", "--devices", 2)
    printed = run("-m", "liveseq.cli", "train", "predictor", "--corpus", corpus, "--out", model, *size, *devices)
    assert printed.count("small.corpus: 6 recordings") == 1
    assert printed.count("verdict") == 1


@pytest.mark.parametrize("family", ["lstm", "transformer", "best"])
def test_a_predictor_is_trained_exported_and_played(tmp_path, family):
    corpus, model = make_corpus(tmp_path / "small.corpus"), tmp_path / "mine"
    size = ("--model", family, "--layers", 1, "--mixtures", 2, "--window", 16, "--epochs", 3)
    printed = run("-m", "liveseq.cli", "train", "predictor", "--corpus", corpus, "--out", model, *size)
    assert "persistence" in printed
    assert "VAR(4)" in printed
    line = run("export_onnx.py", model, status=(0, 1)).splitlines()[-1]
    assert line.startswith("mine ")
    assert re.search(r"  (ok|p99 [\d.]+ ms > [\d.]+ ms)$", line), line  # a busy machine may miss the deadline, no more
    instrument = open_instrument(corpus, predictor=model, seed=1)
    instrument.sequencer.set_playing(1, True, at=0)
    instrument.sequencer.set_tags(1, {"hum": 1.0}, at=0)
    _, choices = instrument.sequencer.plan(now=0, until=5 * RATE)
    assert len(choices) > 25
    assert {choice.tag for choice in choices} == {"hum"}


def test_the_command_that_is_kept_is_that_of_a_run_that_was_never_stopped(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", ["liveseq", "train", "vocoder", "--data", str(tmp_path / "in"), "--resume"])
    assert command_line() == "liveseq train vocoder --data in"
