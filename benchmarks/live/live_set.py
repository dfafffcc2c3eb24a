"""A whole set through the real server: five minutes, twenty tags over OSC, recorded by `--output wav:`, then judged.

    python -m benchmarks.live.live_set [--corpus corpora/demo.corpus] [--seconds 300] [--tags 20] [--audio FOLDER]

In the middle of each tag something else is turned: the mode (beat, cloud, freeze, and back), the predictor (each of
models/ in its turn), the seed, or the recording that is continued.

What is judged:
  gap          longest stretch below -70 dBFS between first sound and stop, seconds
  peak         dBFS of the highest sample; the limiter promises -1
  obeyed       commands that the log has, as a share of those that were sent
  tags         share of seconds (without the first after a change) that a classifier, trained on the corpus's recordings
               by tag, gives to the tag that was sent; beside it the same classifier on recordings it has not seen
  replay       the session's log replayed twice: both files the same to the byte; share of the recording's samples that
               the replay repeats bit for bit, and that it comes nearer to than -90 dBFS (where an event was late the
               DC block remembers it for a while)
  clicks       share of the joins of the same tags, rendered, that are sharper than natural (see against_demiurge)
  turns        share of the moments (0.3 s) after a message, of tag, mode, predictor or seed, whose sharpest place is
               sharper, against what is around it and the recordings that sound there (see Heard), than in 99 % of such
               moments of the recordings
  cpu, underruns, late, dropped: the server's own figures at the end of the set
  blind        the same question about real recordings: a corpus is built of the folder, each of its tags is rendered,
               and a classifier that has only heard the recordings names the tag of each second; beside it what it makes
               of recordings that it has not heard
"""

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.choice.against_demiurge import around, click, joins_of, natural_seam, sharpness
from benchmarks.live.server_latency import ROOT, RunningServer
from benchmarks.results import save
from benchmarks.rigs.started import run
from liveseq.corpus.append import map_rows
from liveseq.corpus.build import build
from liveseq.corpus.store import Corpus
from liveseq.dsp.descriptors import HOP_LENGTH, base_descriptors, describe
from liveseq.engine.events import Record
from liveseq.engine.mixer import Mixer
from liveseq.offline.render import TagChange, render
from liveseq.offline.replay import first_sample, open_log, replay
from liveseq.performance.instrument import open_instrument
from liveseq.runtime.folders import predictor_names
from liveseq.sequencer.timeline import CutLayer, Grain, PlayUnit, StopLayer

SEED = 7
TURN_SECONDS = 0.3
NEAR = 32
"""Samples on either side of a place."""
NEAR_LEVEL = 10 ** (-90 / 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path("corpora/demo.corpus"))
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--tags", type=int, default=20)
    audio = ROOT.parent / "shared" / "audio" / "sonic-pi-samples"
    parser.add_argument("--audio", type=Path, default=audio, help="folder of recordings for the blind check")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = judge(arguments.corpus, Path(folder), seconds=arguments.seconds, n_tags=arguments.tags)
        if arguments.audio.is_dir():
            figures |= blind(arguments.audio, Path(folder))
    print(json.dumps(figures, indent=1))
    save("live_set", figures)


@dataclass(frozen=True)
class Message:
    """To be sent so many seconds after the first."""

    seconds: float
    address: str
    values: tuple[object, ...]


def script(tags: Sequence[str], each: float, recordings: Mapping[str, str]) -> list[Message]:
    """Every tag for so many seconds, and in its middle something else. recordings: one of each tag, by name."""
    messages = []
    models = itertools.cycle(predictor_names())
    for number, tag in enumerate(tags):
        begin = number * each
        messages.append(Message(begin, "/liveseq/tag", (tag,)))
        turns: tuple[tuple[str, object], ...] = (
            ("/liveseq/mode", "beat"),
            ("/liveseq/predict/model", next(models)),
            ("/liveseq/mode", "cloud"),
            ("/liveseq/seed", SEED + number),
            ("/liveseq/mode", "freeze"),
            ("/liveseq/seed/corpus", recordings[tag]),
        )
        address, value = turns[number % len(turns)]
        messages.append(Message(begin + 0.5 * each, address, (value,)))
        if address == "/liveseq/mode":
            messages.append(Message(begin + 0.8 * each, address, ("continuous",)))
    return messages


def judge(corpus: Path, folder: Path, *, seconds: float, n_tags: int) -> dict[str, float]:
    """Play a set and measure it."""
    with Corpus.open(corpus) as opened:
        known = sorted(opened.tags())
        rate = opened.sample_rate
        recordings = {tag: source.name for source in opened.sources() for tag in source.tags}
    order = np.random.default_rng(SEED).permutation(np.resize(np.arange(len(known)), n_tags))
    tags = [known[i] for i in order]
    messages = script(tags, seconds / n_tags, recordings)
    wav = folder / "take.wav"
    counters = play(corpus, messages, seconds, wav=wav, state=folder / "state")
    y, found_rate = soundfile.read(wav, dtype="float32", always_2d=True)
    assert found_rate == rate
    log = next((folder / "state").glob("log-*.jsonl"))
    lines = [json.loads(line) for line in log.read_text().splitlines()][1:]
    obeyed = [line for line in lines if line.get("address") in {message.address for message in messages}]
    changes = [int(line["at"]) for line in obeyed if line["address"] == "/liveseq/tag"]
    begins = sounding(y)
    own, unseen, classify = classifier(corpus)
    marks = [at - changes[0] + begins for at in changes] + [min(len(y), begins + int(seconds * rate))]
    right = follows(y, marks, tags, classify, rate)
    again, late = replayed(log, folder, y)
    turns = [int(line["at"]) - changes[0] + begins for line in obeyed[1:]]  # the first one ends a silence
    return {
        "seconds": len(y) / rate,
        "tags": n_tags,
        "messages": len(messages),
        "obeyed": len(obeyed) / len(messages),
        "gap_s": longest_gap(y[begins : marks[-1] - rate], rate),
        "peak_dbfs": float(20 * np.log10(np.abs(y).max())),
        "tag_accuracy": right,
        "tag_accuracy_recordings": unseen,
        "tag_accuracy_chance": 1 / own,
        "turns_sharp": sharp_turns(y.mean(axis=1), turns, corpus, rate, Heard(log, late=late)),
        **again,
        **seams(corpus, tags, seconds),
        **counters,
    }


def play(corpus: Path, messages: Sequence[Message], seconds: float, *, wav: Path, state: Path) -> dict[str, float]:
    """The set, in real time. Returns the server's counters at its end."""
    flags = ("--output", f"wav:{wav}", "--seed", str(SEED), "--state-dir", str(state))
    with RunningServer(corpus, *flags) as server:
        begin = time.monotonic()
        for message in messages:
            time.sleep(max(0.0, begin + message.seconds - time.monotonic()))
            server.send(message.address, *message.values)
        time.sleep(max(0.0, begin + seconds - time.monotonic()))
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
    rows = base_descriptors(frames[: len(frames) // per_second * per_second])
    blocks = rows.reshape(-1, per_second, rows.shape[1])
    return np.concatenate([blocks.mean(axis=1), blocks.std(axis=1)], axis=1)


def classifier(corpus: Path):
    """Number of tags, accuracy on recordings that it has not heard, and a classifier trained on all.

    Of tags with at least three recordings of a second or more: one to be tested on, and two to learn from.
    """
    with Corpus.open(corpus) as opened:
        sources = [source for source in opened.sources() if source.tags]
        heard = [(windows(np.asarray(opened.frames(one.id)), opened.sample_rate), one.tags[0]) for one in sources]
    n_recordings = Counter(tag for rows, tag in heard if len(rows))
    kept = sorted(((tag, rows) for rows, tag in heard if n_recordings[tag] >= 3 and len(rows)), key=lambda one: one[0])
    x = [rows for _, rows in kept]
    label = [np.full(len(rows), tag) for tag, rows in kept]
    fold = np.arange(len(kept)) % 3  # of each tag a third, for they are sorted by tag

    def fit(chosen: Sequence[int]):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000, class_weight="balanced"))
        return model.fit(np.concatenate([x[i] for i in chosen]), np.concatenate([label[i] for i in chosen]))

    right = []
    for k in range(3):
        model = fit(np.flatnonzero(fold != k))
        for i in np.flatnonzero(fold == k):
            right += list(model.predict(x[i]) == label[i])
    everything = fit(np.arange(len(kept)))
    return len(everything.classes_), float(np.mean(right)), everything


def follows(y: np.ndarray, marks: Sequence[int], tags: Sequence[str], model, rate: int) -> float:
    """Share of seconds given to the tag that was sent."""
    right = []
    for begin, end, tag in zip(marks[:-1], marks[1:], tags, strict=True):
        part = y[begin + rate : end].mean(axis=1)
        right += list(model.predict(windows(describe(part, sample_rate=rate), rate)) == tag)
    return float(np.mean(right))


def replayed(log: Path, folder: Path, y: np.ndarray) -> tuple[dict[str, float], int]:
    """What two replays have of each other and of the recording; and the samples by which that lies behind them."""
    for name in ("one.wav", "two.wav"):
        if run([sys.executable, "-m", "liveseq.cli", "replay", log, folder / name], cwd=ROOT):
            raise SystemExit(f"{log}: no replay; see above")
    same = (folder / "one.wav").read_bytes() == (folder / "two.wav").read_bytes()
    again, _ = soundfile.read(folder / "one.wav", dtype="float32", always_2d=True)
    late = lag(y[:, 0], again[:, 0])
    a, b = max(late, 0), max(-late, 0)
    n = min(len(y) - a, len(again) - b)
    off = np.abs(y[a : a + n] - again[b : b + n]).max(axis=1)
    figures = {"replay_same": same, "replay_repeats": np.mean(off == 0.0), "replay_near": np.mean(off < NEAR_LEVEL)}
    return {name: float(value) for name, value in figures.items()}, late


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
    opened = instrument.corpus
    shards = opened.map_shards()
    natural = natural_seam([opened.audio(source.id).mean(axis=1) for source in opened.sources()], n=2000)
    y = take.audio.mean(axis=1)
    joins = [join for join in joins_of(take.events, shards) if join.place + 4096 < len(y)]
    sharp = [click(y, join) > natural for join in joins]
    return {"joins": float(len(joins)), "click_share": float(np.mean(sharp))}


class Heard:
    """Which recordings sound at a sample of a take, and where in them: by the replay of its log."""

    def __init__(self, log: Path, *, late: int) -> None:
        """late: samples by which the take lies behind its replay."""
        instrument, header, lines = open_log(log)
        self._clock = first_sample(lines) - Mixer.latency - late  # of the take's first sample
        self._corpus = instrument.corpus
        self._events: list[PlayUnit | Grain | StopLayer] = []
        replay(instrument, header, lines, watch=self._hear)
        self._events.sort(key=lambda event: event.start)

    def _hear(self, record: Record) -> None:
        if isinstance(record, CutLayer):
            self._events = [one for one in self._events if one.layer != record.layer or one.start < record.start]
        elif isinstance(record, PlayUnit | Grain | StopLayer):
            self._events.append(record)

    def sharpness(self, place: int) -> float:
        """Of the sharpest recording that sounds there, at that very place, as loud as it is played."""
        clock = self._clock + place
        return max((self._sharpness(event, clock) for event in self._sounding(clock)), default=0.0)

    def _sounding(self, clock: int) -> Iterator[PlayUnit | Grain]:
        ended: set[int] = set()
        for event in reversed([event for event in self._events if event.start <= clock]):
            if isinstance(event, Grain):
                if clock < event.start + event.length:
                    yield event
                continue
            if isinstance(event, PlayUnit) and event.layer not in ended:
                yield event
            if clock >= event.start + event.fade:  # what was before it has faded out
                ended.add(event.layer)

    def _sharpness(self, event: PlayUnit | Grain, clock: int) -> float:
        way = round((clock - event.start) * event.ratio)
        place = event.position + (-way if event.reverse else way)
        begin, end = max(place - NEAR, event.source_start), min(place + NEAR, event.source_end)
        if end - begin < 3:
            return 0.0
        shard = map_rows(self._corpus.shard_path(event.shard), start=0, shape=(event.source_end, 2))
        return event.gain * float(np.abs(np.diff(shard[begin:end].mean(axis=1), n=2)).max())


def sharp_turns(y: np.ndarray, turns: Sequence[int], corpus: Path, rate: int, heard: Heard) -> float:
    """Share of the moments after these samples that are sharper than 99 % of moments of the corpus's recordings."""
    length = int(TURN_SECONDS * rate)
    rng = np.random.default_rng(SEED)
    natural = []
    with Corpus.open(corpus) as opened:
        for source in opened.sources():
            recording = np.asarray(opened.audio(source.id)).mean(axis=1)
            room = len(recording) - length
            natural += [sharpest(recording, int(rng.integers(room)), length) for _ in range(20 if room > 0 else 0)]
    limit = np.quantile(natural, 0.99)
    return float(np.mean([sharpest(y, turn, length, heard=heard) > limit for turn in turns]))


def sharpest(y: np.ndarray, begin: int, length: int, *, heard: Heard | None = None) -> float:
    """Largest second difference of a stretch, against those around its place, and those that a recording has there:
    its own attack is no click.
    """
    place = begin + int(np.argmax(np.abs(np.diff(y[begin : begin + length], n=2))))
    own = heard.sharpness(place) if heard else 0.0
    return sharpness(y, place, near=NEAR) / (max(around(y, place), own) + 1e-5)


def blind(audio: Path, folder: Path, *, seconds: float = 12.0) -> dict[str, float]:
    """Whether somebody who knows the recordings would know the tag of what is played."""
    corpus = folder / "recordings.corpus"
    build(audio, corpus, tags_from="prefix", segmentation="fixed", sample_rate=48_000)
    n_tags, unseen, classify = classifier(corpus)
    instrument = open_instrument(corpus, seed=SEED)
    right: list[bool] = []
    for tag in sorted(classify.classes_):
        instrument.sequencer.set_playing(1, False, at=0)
        instrument.sequencer.set_seed(1, SEED, at=0)
        take = render(instrument, [TagChange(0.0, 1, {tag: 1.0})], seconds=seconds)
        heard = windows(describe(take.audio.mean(axis=1), sample_rate=take.sample_rate), take.sample_rate)
        right += list(classify.predict(heard) == tag)
    return {"blind_accuracy": float(np.mean(right)), "blind_accuracy_recordings": unseen, "blind_chance": 1 / n_tags}


if __name__ == "__main__":
    main()
