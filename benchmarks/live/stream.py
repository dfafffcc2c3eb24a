"""A layer that plays a generator: time from a change of tag to changed sound, and whether the generator is in time.

    python -m benchmarks.live.stream [--generator NAME ...] [--changes 40] [--load 0.3]

The real server, recorded by `--output wav:`, one or two layers in mode generate, tags over OSC at uneven times. The
log is replayed with every change on time: it tells the first sample that differs from what was made before, and the
recording tells whether that sample came when it was meant; where it did not, how much later the last of the old sound
was heard.
Where a stream runs dry it goes on later than in the replay: what comes after it is not judged. How many changes came
late, and how often a stream ran dry, is what the server has counted, of all layers and to the end.

Cases: alone; two layers; while a tag grows the corpus; with two endless loops per core beside it. Besides the
generators of models/ a stand-in: tones per tag, and products of matrices that take `--load` of a step's duration.
"""

import json
import shutil
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks import options
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from benchmarks.rigs.busy import busy_processes
from benchmarks.rigs.controller import Controller
from benchmarks.rigs.running_server import RunningServer
from benchmarks.rigs.stand_in import RATE, STAND_IN, load_of, make_stand_in
from liveseq.corpus.store import Corpus
from liveseq.offline.player import Take
from liveseq.offline.replay import Outline, open_log, player_of, step_of
from liveseq.runtime.folders import generator_names, model_folder
from liveseq.runtime.manifest import Manifest
from liveseq.sequencer.streaming import MORPH_SECONDS

SAME = 1e-4
"""Least difference, of full scale: what a late change leaves behind in the engine's DC filter is smaller, and lasts."""
SPARE_SECONDS = 3.0
"""Time before the first change: the model is opened, and the stream begins."""


@dataclass(frozen=True)
class Case:
    layers: int = 1
    grows: bool = False
    busy: bool = False


CASES = {
    "alone": Case(),
    "two layers": Case(layers=2),
    "while the corpus grows": Case(grows=True),
    "busy": Case(busy=True),
    "two layers, growth, busy": Case(layers=2, grows=True, busy=True),
}


def main() -> None:
    parser = options.parser(__doc__, corpus=True)
    parser.add_argument("--generator", nargs="+", default=[STAND_IN, *generator_names()])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--changes", type=int, default=40)
    parser.add_argument("--load", type=float, default=0.3, help="of the stand-in")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.generator:
            model = make_stand_in(Path(folder) / name, load=arguments.load) if name == STAND_IN else model_folder(name)
            for words in arguments.cases:
                row = {"generator": name, "load": load_of(model), "case": words}
                rows.append(row | measure(arguments.corpus, model, CASES[words], n_changes=arguments.changes))
                print(json.dumps(rows[-1]), flush=True)
    BENCHMARK.save({"rows": rows})


def measure(corpus: Path, model: Path, case: Case, *, n_changes: int) -> dict[str, Any]:
    """Plays, then judges the recording."""
    with tempfile.TemporaryDirectory() as folder:
        wav, state = Path(folder) / "take.wav", Path(folder) / "state"
        if case.grows:  # what grows here is nobody's music
            corpus = Path(shutil.copytree(corpus, Path(folder) / "grown.corpus"))
        flags = ("--corpus", corpus, "--output", f"wav:{wav}", "--state-dir", state, "--generator", model)
        with (
            busy_processes() if case.busy else nullcontext(),
            RunningServer(*flags) as server,
            Controller(server.port) as controller,
        ):
            sent = play(controller, tags_of(corpus, model), case, n_changes=n_changes)
            status = controller.ask("/liveseq/status")
        seconds = changes(next(state.glob("log-*.jsonl")), wav, sent)
    points = {"p50_ms": 50, "p99_ms": 99, "max_ms": 100}
    return {
        "changes": len(seconds),
        **{key: 1e3 * float(np.percentile(seconds, point)) if seconds else "" for key, point in points.items()},
        "late": status[14],
        "dried_up": status[15],
        "underruns": status[3],
    }


def play(controller: Controller, tags: list[str], case: Case, *, n_changes: int) -> list[float]:
    """Plays the case. Returns the Unix time at which each change was sent."""
    dice = np.random.default_rng(5)
    for layer in range(1, case.layers + 1):
        controller.send(f"/liveseq/layer/{layer}/tag", tags[layer % len(tags)])
        controller.send(f"/liveseq/layer/{layer}/mode", "generate")
    if case.grows:
        controller.send("/liveseq/grow", tags[0], True)
    time.sleep(SPARE_SECONDS * (3 if case.busy else 1))
    sent = []
    for number in range(n_changes):
        sent.append(time.time())
        controller.send("/liveseq/layer/1/tag", tags[number % len(tags)])
        time.sleep(float(dice.uniform(0.6, 1.2)))
    controller.send("/liveseq/stop")
    time.sleep(0.5)
    return sent


def changes(log: Path, wav: Path, sent: list[float]) -> list[float]:
    """Seconds from each change to the first changed sample."""
    instrument, session = open_log(log)
    take, _ = soundfile.read(wav, dtype="float32", always_2d=True)
    lines = [line for line in session if "choice" not in line and "turn" not in line]  # here every change is on time
    dry = [line["at"] for line in lines if line.get("dry") == 1 and line["told"]]
    # Of all commands the quickest tells how the two clocks go together, but for some milliseconds.
    origin = min(line["at"] - RATE * line["time"] for line in lines if "address" in line)
    outline = Outline.of(lines, sample_rate=RATE)
    start, player = outline.start, player_of(instrument, session.header, outline)
    rings = player.streams.rings
    layer = player.performance.sequencer.layer(1)
    replayed, meant = [], []
    for line in lines:
        step = step_of(line)
        replayed += player.play_to(step.at, planned=step.planned)
        is_judged = layer.stream is not None and not (dry and line["at"] > dry[0])
        is_change = line.get("address") == "/liveseq/layer/1/tag" and is_judged
        before = rings.ring(1).audio.copy() if is_change else None
        player.take(step)
        if before is not None:
            different = np.flatnonzero((before != rings.ring(1).audio).any(axis=1))
            first = min(clock_of(layer.stream, int(place)) for place in different)
            when = min(sent, key=lambda time: abs(time - line["time"]))
            meant.append((first, origin + RATE * when))
    again = Take.of(replayed, sample_rate=RATE).audio
    n = min(len(again), len(take) - start)
    differs = (np.abs(take[start : start + n] - again[:n]) > SAME).any(axis=1)
    found = []
    for first, when in meant:
        if dry and first > dry[0]:
            break
        window = differs[first - start : first - start + RATE // 2]
        late = bool(window[: RATE // 10].any())
        heard = first + max(0, int(np.flatnonzero(window)[-1]) - int(MORPH_SECONDS * RATE)) if late else first
        found.append((heard - when) / RATE)
    return found


def clock_of(stream: Any, place: int) -> int:
    """Sample clock at which a sample of the ring sounds next."""
    size, shape = stream.made.shape.samples_per_step, stream.made.shape
    ahead = (place // size - stream.place) % shape.n_lap
    step = stream.next + (ahead if ahead < shape.n_lap // 2 else ahead - shape.n_lap)
    return int(stream.order.origin + step * size + place % size)


def tags_of(corpus: Path, model: Path) -> list[str]:
    """Tags that both know."""
    with Corpus.open(corpus) as opened:
        known = sorted(opened.tags())
    taught = Manifest.load(model).tags
    return [tag for tag in known if not taught or tag in taught][:6]


def section(figures: dict[str, Any]) -> str:
    keys = ("generator", "load", "case", "changes", "p50_ms", "p99_ms", "max_ms", "late", "dried_up", "underruns")
    head = ["generator", "load", "case", "changes", "p50 ms", "p99 ms", "max ms", "late", "dried up", "underruns"]
    rows = [[row[key] for key in keys] for row in figures["rows"]]
    return f"""## A layer that plays a generator

`{BENCHMARK.command}`: the real server in mode generate, recorded. Milliseconds from just before a tag is
sent to the first changed sample of the take (a fade of 40 ms begins there), aimed at 150 and at most 250; late are
changes that came after the sample that they were aimed at, and dried up how often the generator fell so far behind
that the engine looped. Load is what one step takes of its duration on one thread, measured just before. Busy: two
endless loops per core. The stand-in is eight tones and work that is not heard.

{table(head, rows)}"""


BENCHMARK = Benchmark(file=__file__, minutes=12, sections=(Section(text=section, place=120),))

if __name__ == "__main__":
    main()
