"""A whole set through the real server: five minutes, twenty tags over OSC, recorded by `--output wav:`, then judged.

    python -m benchmarks.live_set [--corpus corpora/demo.corpus] [--seconds 300] [--tags 20]

What is judged:
  gap          longest stretch below -70 dBFS between first sound and stop, seconds
  peak         dBFS of the highest sample; the limiter promises -1
  tags         share of seconds (without the first after a change) that a classifier, trained on the corpus's recordings
               by tag, gives to the tag that was sent; beside it the same classifier on recordings it has not seen
  replay       the session's log replayed twice: both files the same to the byte; share of the recording's samples that
               the replay repeats bit for bit
  clicks       share of the joins of the same set, rendered, that are sharper than natural (see against_demiurge)
  cpu, underruns, late, dropped: the server's own figures at the end of the set
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.against_demiurge import click, natural_seam
from benchmarks.demiurge_reference import Join
from benchmarks.results import save
from benchmarks.server_latency import ROOT, RunningServer
from liveseq.corpus.store import Corpus
from liveseq.dsp.descriptors import HOP_LENGTH, base, describe
from liveseq.engine.mixer import Mixer
from liveseq.instrument import open_instrument
from liveseq.render import TagChange, Take, render
from liveseq.sequencer.sequencer import SHORT_FADE_SECONDS

SEED = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path("corpora/demo.corpus"))
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--tags", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = judge(arguments.corpus, Path(folder), seconds=arguments.seconds, n_tags=arguments.tags)
    print(json.dumps(figures, indent=1))
    save("live_set", figures)


def judge(corpus: Path, folder: Path, *, seconds: float, n_tags: int) -> dict[str, float]:
    """Play a set and measure it."""
    with Corpus.open(corpus) as opened:
        known = sorted(opened.tags())
        rate = opened.sample_rate
    order = np.random.default_rng(SEED).permutation(np.resize(np.arange(len(known)), n_tags))
    tags = [known[i] for i in order]
    wav = folder / "take.wav"
    counters = play(corpus, tags, seconds / n_tags, wav=wav, state=folder / "state")
    y, found_rate = soundfile.read(wav, dtype="float32", always_2d=True)
    assert found_rate == rate
    log = next((folder / "state").glob("log-*.jsonl"))
    lines = [json.loads(line) for line in log.read_text().splitlines()][1:]
    changes = [int(line["at"]) for line in lines if str(line.get("address", "")).endswith("/tag")]
    begins = sounding(y)
    own, unseen, classify = classifier(corpus)
    marks = [at - changes[0] + begins for at in changes] + [min(len(y), begins + int(seconds * rate))]
    right = follows(y, marks, tags, classify, rate)
    same, repeated = replayed(log, folder, y)
    return {
        "seconds": len(y) / rate,
        "tags": n_tags,
        "gap_s": longest_gap(y[begins : marks[-1] - rate], rate),
        "peak_dbfs": float(20 * np.log10(np.abs(y).max())),
        "tag_accuracy": right,
        "tag_accuracy_recordings": unseen,
        "tag_accuracy_chance": 1 / own,
        "replay_same": float(same),
        "replay_repeats": repeated,
        **seams(corpus, tags, seconds),
        **counters,
    }


def play(corpus: Path, tags: Sequence[str], each: float, *, wav: Path, state: Path) -> dict[str, float]:
    """The set, in real time. Returns the server's counters at its end."""
    flags = ("--output", f"wav:{wav}", "--seed", str(SEED), "--state-dir", str(state))
    with RunningServer(corpus, *flags) as server:
        for tag in tags:
            server.send("/liveseq/tag", tag)
            time.sleep(each)
        status = server.ask("/liveseq/status")
        server.send("/liveseq/stop")
        time.sleep(0.5)
    return {
        "cpu_mean": status[1],
        "cpu_peak": status[2],
        "underruns": status[3],
        "late": status[4],
        "dropped": status[5],
    }


def sounding(y: np.ndarray) -> int:
    """First sample above -70 dBFS."""
    return int(np.argmax(np.abs(y).max(axis=1) > 10 ** (-70 / 20)))


def longest_gap(y: np.ndarray, rate: int) -> float:
    """Seconds below -70 dBFS, in steps of 10 ms."""
    step = rate // 100
    peaks = np.abs(y[: len(y) // step * step]).reshape(-1, step * y.shape[1]).max(axis=1)
    longest = run = 0
    for quiet in peaks < 10 ** (-70 / 20):
        run = run + 1 if quiet else 0
        longest = max(longest, run)
    return longest / 100


def windows(frames: np.ndarray, rate: int) -> np.ndarray:
    """Mean and spread of each second, (n_seconds, 34), of descriptors (n_frames, 43)."""
    per_second = rate // HOP_LENGTH
    rows = base(frames[: len(frames) // per_second * per_second])
    blocks = rows.reshape(-1, per_second, rows.shape[1])
    return np.concatenate([blocks.mean(axis=1), blocks.std(axis=1)], axis=1)


def classifier(corpus: Path):
    """Number of tags, accuracy on recordings that it has not seen, and a classifier trained on all."""
    with Corpus.open(corpus) as opened:
        sources = [source for source in opened.sources() if source.tags]
        x = [windows(np.asarray(opened.frames(source.id)), opened.sample_rate) for source in sources]
    label = [np.full(len(rows), source.tags[0]) for rows, source in zip(x, sources, strict=True)]
    fold = np.arange(len(sources)) % 3

    def fit(chosen: Sequence[int]):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
        return model.fit(np.concatenate([x[i] for i in chosen]), np.concatenate([label[i] for i in chosen]))

    right = []
    for k in range(3):
        model = fit(np.flatnonzero(fold != k))
        for i in np.flatnonzero(fold == k):
            right += list(model.predict(x[i]) == label[i])
    everything = fit(np.arange(len(sources)))
    return len(everything.classes_), float(np.mean(right)), everything


def follows(y: np.ndarray, marks: Sequence[int], tags: Sequence[str], model, rate: int) -> float:
    """Share of seconds given to the tag that was sent."""
    right = []
    for begin, end, tag in zip(marks[:-1], marks[1:], tags, strict=True):
        part = y[begin + rate : end].mean(axis=1)
        right += list(model.predict(windows(describe(part, sample_rate=rate), rate)) == tag)
    return float(np.mean(right))


def replayed(log: Path, folder: Path, y: np.ndarray) -> tuple[bool, float]:
    """Whether two replays are the same file, and the share of the recording's sounding samples that they repeat."""
    for name in ("one.wav", "two.wav"):
        subprocess.run([sys.executable, "-m", "liveseq.cli", "replay", log, folder / name], cwd=ROOT, check=True)
    same = (folder / "one.wav").read_bytes() == (folder / "two.wav").read_bytes()
    again, _ = soundfile.read(folder / "one.wav", dtype="float32", always_2d=True)
    late = lag(y[:, 0], again[:, 0])
    a, b = max(late, 0), max(-late, 0)
    n = min(len(y) - a, len(again) - b)
    return same, float(np.mean(np.all(y[a : a + n] == again[b : b + n], axis=1)))


def lag(y: np.ndarray, again: np.ndarray, *, n: int = 1 << 20) -> int:
    """Samples by which y lies behind, from the peak of the cross-correlation of the first n."""
    spectrum = np.fft.rfft(y[:n], 2 * n) * np.conj(np.fft.rfft(again[:n], 2 * n))
    peak = int(np.argmax(np.fft.irfft(spectrum)))
    return peak if peak < n else peak - 2 * n


def seams(corpus: Path, tags: Sequence[str], seconds: float) -> dict[str, float]:
    """Clicks at the joins of the same set, rendered."""
    instrument = open_instrument(corpus, seed=SEED)
    each = seconds / len(tags)
    take = render(instrument, [TagChange(i * each, 1, {tag: 1.0}) for i, tag in enumerate(tags)], seconds=seconds)
    mono = {
        source.id: np.asarray(instrument.corpus.audio(source.id)).mean(axis=1) for source in instrument.corpus.sources()
    }
    ids = list(mono)
    natural = natural_seam(list(mono.values()), n=2000)
    y = take.audio.mean(axis=1)
    joins = [join for join in _joins(take, instrument, mono, ids) if join.place + 4096 < len(y)]
    sharp = [click(y, join) > natural for join in joins]
    return {"joins": float(len(joins)), "click_share": float(np.mean(sharp))}


def _joins(take: Take, instrument, mono: dict[int, np.ndarray], ids: Sequence[int]) -> list[Join]:
    units = instrument.sequencer.units
    fade = int(instrument.sequencer.layer(1).settings.crossfade_ms * 1e-3 * take.sample_rate)

    def place(unit: int, offset: int) -> tuple[np.ndarray, int]:
        return mono[ids[units.source[unit]]], int(units.position[unit] - units.source_start[unit]) + offset

    found = []
    for before, after in zip(take.choices[:-1], take.choices[1:], strict=True):
        if after.reason == "continue" or after.start < before.start:
            continue
        lead = min(fade, int(units.position[after.unit] - units.source_start[after.unit]))
        begin = after.start - lead
        length = max(lead, int(SHORT_FADE_SECONDS * take.sample_rate))
        found.append(
            Join(begin + Mixer.latency, length, place(before.unit, begin - before.start), place(after.unit, -lead))
        )
    return found


if __name__ == "__main__":
    main()
