"""The commands of the README, as they are typed: train, export, play with the result."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from liveseq.corpus.segmentation import fixed
from liveseq.corpus.store import Corpus, NewSource
from liveseq.dsp.descriptors import describe
from liveseq.instrument import open_instrument

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


def run(*command: object) -> str:
    done = subprocess.run([sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_predictor_is_trained_exported_and_played(tmp_path):
    corpus, model = make_corpus(tmp_path / "small.corpus"), tmp_path / "mine"
    size = ("--hidden", 16, "--layers", 1, "--mixtures", 2, "--window", 16, "--epochs", 3)
    printed = run("-m", "liveseq.cli", "train", "predictor", "--corpus", corpus, "--out", model, *size)
    assert "persistence" in printed
    assert "VAR(4)" in printed
    assert "ok" in run("export_onnx.py", model)
    instrument = open_instrument(corpus, predictor=model, seed=1)
    instrument.sequencer.set_playing(1, True, at=0)
    instrument.sequencer.set_tags(1, {"hum": 1.0}, at=0)
    _, choices = instrument.sequencer.plan(now=0, until=5 * RATE)
    assert len(choices) > 25
    assert {choice.tag for choice in choices} == {"hum"}
