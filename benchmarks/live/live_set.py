"""A whole set through the real server: five minutes, twenty tags over OSC, recorded by `--output wav:`, then judged.

    python -m benchmarks.live.live_set [--corpus corpora/demo.corpus] [--seconds 300] [--tags 20] [--audio FOLDER]

In the middle of each tag something else is turned: the mode (beat, cloud, freeze, and back), the predictor (each of
models/ in its turn), the seed, or the recording that is continued.

Judged:
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

import itertools
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks import options
from benchmarks.choice.room import joins_of
from benchmarks.choice.seams import click, natural_seam
from benchmarks.live.moments import Heard, longest_gap, sharp_turns, sounding
from benchmarks.live.script import Message
from benchmarks.live.tag_classifier import classifier, follows, windows
from benchmarks.pages import table
from benchmarks.paths import ROOT
from benchmarks.registry import Benchmark, Section
from benchmarks.rigs.controller import Controller
from benchmarks.rigs.running_server import RunningServer
from benchmarks.rigs.started import run
from liveseq.corpus.build import build
from liveseq.corpus.store import Corpus
from liveseq.dsp.descriptors import describe
from liveseq.offline.messages import message
from liveseq.offline.player import Take
from liveseq.offline.render import render
from liveseq.performance.instrument import open_instrument
from liveseq.runtime.folders import predictor_names

SEED = 7
NEAR_LEVEL = 10 ** (-90 / 20)
"""Linear amplitude below which a replay is near its take."""


def main() -> None:
    parser = options.parser(__doc__, corpus=True, audio=True)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--tags", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = judge(arguments.corpus, Path(folder), seconds=arguments.seconds, n_tags=arguments.tags)
        if arguments.audio.is_dir():
            figures |= blind(arguments.audio, Path(folder))
    print(json.dumps(figures, indent=1))
    BENCHMARK.save(figures)


def script(tags: Sequence[str], each: float, recordings: Mapping[str, str]) -> list[Message]:
    """Every tag for so many seconds, and in its middle something else. recordings: one of each tag, by name."""
    messages = []
    models = itertools.cycle(predictor_names())
    for number, tag in enumerate(tags):
        begin = number * each
        messages.append(Message(begin, "/liveseq/tag", (tag,)))
        turns: tuple[tuple[str, str | int], ...] = (
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
    """Plays a set and measures it."""
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
    """Plays the set in real time. Returns the server's counters at its end."""
    flags = ("--corpus", corpus, "--output", f"wav:{wav}", "--seed", SEED, "--state-dir", state)
    with RunningServer(*flags) as server, Controller(server.port) as controller:
        begin = time.monotonic()
        for message in messages:
            time.sleep(max(0.0, begin + message.seconds - time.monotonic()))
            controller.send(message.address, *message.values)
        time.sleep(max(0.0, begin + seconds - time.monotonic()))
        status = controller.ask("/liveseq/status")
        controller.send("/liveseq/stop")
        time.sleep(0.5)
    return {
        "cpu_mean": status[1],
        "cpu_peak": status[2],
        "underruns": status[3],
        "late": status[4],
        "dropped": status[5],
    }


def replayed(log: Path, folder: Path, y: np.ndarray) -> tuple[dict[str, float], int]:
    """Likeness of two replays to each other and to the recording; and the samples by which that lies behind them."""
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
    opened = instrument.corpus
    messages = [message(i * each, "tag", tag) for i, tag in enumerate(tags)]
    take = Take.of(render(instrument, messages, seconds=seconds), sample_rate=opened.sample_rate)
    natural = natural_seam([opened.audio(source.id).mean(axis=1) for source in opened.sources()], n=2000)
    y = take.audio.mean(axis=1)
    joins = [join for join in joins_of(take.events, opened.map_shards()) if join.place + 4096 < len(y)]
    sharp = [click(y, join) > natural for join in joins]
    return {"joins": float(len(joins)), "click_share": float(np.mean(sharp))}


def blind(audio: Path, folder: Path, *, seconds: float = 12.0) -> dict[str, float]:
    """Share of seconds whose tag a listener would name that knows only the recordings."""
    corpus = folder / "recordings.corpus"
    build(audio, corpus, tags_from="prefix", segmentation="fixed", sample_rate=48_000)
    n_tags, unseen, classify = classifier(corpus)
    instrument = open_instrument(corpus, seed=SEED)
    right: list[bool] = []
    for tag in sorted(classify.classes_):
        instrument.sequencer.set_playing(1, False, at=0)
        instrument.sequencer.set_seed(1, SEED, at=0)
        stretches = render(instrument, [message(0.0, "tag", tag)], seconds=seconds)
        take = Take.of(stretches, sample_rate=instrument.corpus.sample_rate)
        heard = windows(describe(take.audio.mean(axis=1), sample_rate=take.sample_rate), take.sample_rate)
        right += list(classify.predict(heard) == tag)
    return {"blind_accuracy": float(np.mean(right)), "blind_accuracy_recordings": unseen, "blind_chance": 1 / n_tags}


def section(figures: dict[str, Any]) -> str:
    rows = [[key.replace("_", " "), value] for key, value in figures.items() if key != "machine"]
    return f"""## A whole set

`{BENCHMARK.command}`: the real server, {figures["tags"]} tags over OSC, recorded, judged, replayed from
its log. Turns sharp: the share of the moments after a message that are sharper than the recordings are, there and
anywhere. A replay is never late: where an event was, the take has a shorter fade, and the same sound after it. Last
run beside other work on both cores.

{table(["", ""], rows)}"""


BENCHMARK = Benchmark(file=__file__, minutes=8, sections=(Section(text=section, place=110),))

if __name__ == "__main__":
    main()
