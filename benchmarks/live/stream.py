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

import argparse
import json
import shutil
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import soundfile
from onnx import TensorProto, helper, numpy_helper

from benchmarks.live.latency import busy_processes
from benchmarks.live.server_latency import RunningServer
from benchmarks.results import save
from liveseq.corpus.store import Corpus
from liveseq.offline.replay import Replayer, first_sample, open_log
from liveseq.runtime.folders import TEXT_ENCODER, generator_names, model_folder
from liveseq.runtime.generator import OnnxGenerator, Stream
from liveseq.runtime.manifest import Manifest, StateTensor, Tensor, Training, sha256_of
from liveseq.runtime.text import TextEncoder
from liveseq.sequencer.streaming import MORPH_SECONDS

STEP = 8192
RATE = 48_000
MATRIX = 384
STAND_IN = "stand-in"
SAME = 1e-4
"""Of full scale: what a late change leaves behind in the engine's DC filter is smaller, and lasts."""
SPARE_SECONDS = 3.0
"""Before the first change: the model is opened, and the stream begins."""


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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", nargs="+", default=[STAND_IN, *generator_names()])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--corpus", type=Path, default=Path("corpora/demo.corpus"))
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
    save("stream", {"rows": rows})


def measure(corpus: Path, model: Path, case: Case, *, n_changes: int) -> dict[str, Any]:
    """Play, then look at what was recorded."""
    with tempfile.TemporaryDirectory() as folder:
        wav, state = Path(folder) / "take.wav", Path(folder) / "state"
        if case.grows:  # what grows here is nobody's music
            corpus = Path(shutil.copytree(corpus, Path(folder) / "grown.corpus"))
        flags = ("--output", f"wav:{wav}", "--state-dir", str(state), "--generator", str(model))
        with busy_processes() if case.busy else nullcontext(), RunningServer(corpus, *flags) as server:
            sent = play(server, tags_of(corpus, model), case, n_changes=n_changes)
            status = server.ask("/liveseq/status")
        seconds = changes(next(state.glob("log-*.jsonl")), wav, sent)
    points = {"p50_ms": 50, "p99_ms": 99, "max_ms": 100}
    return {
        "changes": len(seconds),
        **{key: 1e3 * float(np.percentile(seconds, point)) if seconds else "" for key, point in points.items()},
        "late": status[14],
        "dried_up": status[15],
        "underruns": status[3],
    }


def play(server: RunningServer, tags: list[str], case: Case, *, n_changes: int) -> list[float]:
    """Unix time at which each change was sent."""
    dice = np.random.default_rng(5)
    for layer in range(1, case.layers + 1):
        server.send(f"/liveseq/layer/{layer}/tag", tags[layer % len(tags)])
        server.send(f"/liveseq/layer/{layer}/mode", "generate")
    if case.grows:
        server.send("/liveseq/grow", tags[0], True)
    time.sleep(SPARE_SECONDS * (3 if case.busy else 1))
    sent = []
    for number in range(n_changes):
        sent.append(time.time())
        server.send("/liveseq/layer/1/tag", tags[number % len(tags)])
        time.sleep(float(dice.uniform(0.6, 1.2)))
    server.send("/liveseq/stop")
    time.sleep(0.5)
    return sent


def changes(log: Path, wav: Path, sent: list[float]) -> list[float]:
    """Of each change: seconds to the first changed sample."""
    instrument, header, lines = open_log(log)
    take, _ = soundfile.read(wav, dtype="float32", always_2d=True)
    dry = [line["at"] for line in lines if line.get("dry") == 1 and line["told"]]
    lines = [line for line in lines if "choice" not in line and "turn" not in line]  # here every change is on time
    # Of all commands the quickest tells how the two clocks go together, but for some milliseconds.
    origin = min(line["at"] - RATE * line["time"] for line in lines if "address" in line)
    start = first_sample(lines)
    player = Replayer(instrument, header, start=start, watch=None)
    player.expect(lines)
    rings = player.performance.sequencer.streaming.source.rings
    layer = player.performance.sequencer.layer(1)
    replayed, meant = [], []
    for line in lines:
        replayed += player.render(int(line["at"]), planned=int(line["planned"]))
        is_judged = layer.stream is not None and not (dry and line["at"] > dry[0])
        is_change = line.get("address") == "/liveseq/layer/1/tag" and is_judged
        before = rings.ring(1).audio.copy() if is_change else None
        replayed += player.play(line)
        if before is not None:
            different = np.flatnonzero((before != rings.ring(1).audio).any(axis=1))
            first = min(clock_of(layer.stream, int(place)) for place in different)
            when = min(sent, key=lambda time: abs(time - line["time"]))
            meant.append((first, origin + RATE * when))
    again = np.concatenate(replayed)
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
    """What both know."""
    with Corpus.open(corpus) as opened:
        known = sorted(opened.tags())
    taught = Manifest.load(model).tags
    return [tag for tag in known if not taught or tag in taught][:6]


def load_of(model: Path) -> float:
    """Time that a step takes over its duration, here and now, on one thread."""
    generator = OnnxGenerator(model)
    stream, times = Stream(generator, seed=1), []
    vector = np.zeros(generator.tag_size, dtype=np.float32)
    for _ in range(30):
        began = time.perf_counter()
        stream.next(vector if generator.tag_size else None)
        times.append(time.perf_counter() - began)
    return float(np.median(times)) * generator.sample_rate / generator.samples_per_step


def make_stand_in(folder: Path, *, load: float, n_products: int = 0) -> Path:
    """Eight tones, each as loud as the tag says, and work that is not heard."""
    folder.mkdir(exist_ok=True)
    size = TextEncoder(model_folder(TEXT_ENCODER)).n_dimensions
    turns = 2 * np.pi * 110.0 * 2.0 ** (np.arange(8) * 7 / 12) / RATE
    constants = {
        "mix": np.random.default_rng(3).standard_normal((size, 8)).astype(np.float32),
        "turns": turns[:, None].astype(np.float32),
        "ramp": np.arange(1, STEP + 1, dtype=np.float32)[None],
        "length": np.array([STEP], np.float32),
        "around": np.array([2 * np.pi], np.float32),
        "row": np.array([1, size], np.int64),
        "quiet": np.array([0.05], np.float32),
        "little": np.array([1e-3], np.float32),
        "sides": np.ones((2, 1), np.float32),
        "square": np.eye(MATRIX, dtype=np.float32),
        "none": np.array([0.0], np.float32),
    }
    node = helper.make_node
    nodes = [
        node("Reshape", ["tag", "row"], ["tags"]),
        node("MatMul", ["tags", "mix"], ["shares"]),
        node("Mul", ["shares", "quiet"], ["levels"]),
        node("Mul", ["turns", "ramp"], ["gone"]),
        node("Add", ["phase", "gone"], ["angles"]),
        node("Sin", ["angles"], ["tones"]),
        node("MatMul", ["levels", "tones"], ["mono"]),
        node("Mul", ["z", "little"], ["noise"]),
        node("Add", ["mono", "noise"], ["sum"]),
        node("Mul", ["turns", "length"], ["further"]),
        node("Add", ["phase", "further"], ["later"]),
        node("Mod", ["later", "around"], ["phase_next"], fmod=1),
        node("ReduceMean", ["phase"], ["seeded"], keepdims=0),
        node("Add", ["square", "seeded"], ["work0"]),
        *(node("MatMul", [f"work{n}", "square"], [f"work{n + 1}"]) for n in range(n_products)),
        node("ReduceMean", [f"work{n_products}"], ["worked"], keepdims=0),
        node("Mul", ["worked", "none"], ["nothing"]),
        node("Add", ["sum", "nothing"], ["done"]),
        node("Mul", ["sides", "done"], ["audio"]),
    ]
    value = helper.make_tensor_value_info
    inputs = {"z": (1, STEP), "tag": (size,), "phase": (8, 1)}
    outputs = {"audio": (2, STEP), "phase_next": (8, 1)}
    graph = helper.make_graph(
        nodes,
        STAND_IN,
        [value(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [value(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opset = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), folder / "step.onnx")
    Manifest(
        role="generator",
        family=STAND_IN,
        model="step.onnx",
        inputs=tuple(Tensor(name=name, shape=inputs[name], dtype="float32") for name in ("z", "tag")),
        outputs=(Tensor(name="audio", shape=(2, STEP), dtype="float32"),),
        states=(StateTensor(input="phase", output="phase_next", shape=(8, 1), dtype="float32"),),
        sample_rate=RATE,
        samples_per_step=STEP,
        channels=2,
        training=Training(data="none", licence="MIT", command="none"),
        files={"step.onnx": sha256_of(folder / "step.onnx")},
    ).save(folder)
    if n_products:
        return folder
    each = load_of(make_stand_in(folder, load=load, n_products=20)) / 20
    return make_stand_in(folder, load=load, n_products=max(1, round(load / each)))


if __name__ == "__main__":
    main()
