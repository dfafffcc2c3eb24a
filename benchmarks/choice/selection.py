"""Ways to choose units, on the same predicted futures: liveseq's against its peers'.

    python -m benchmarks.choice.selection [--audio FOLDER]

The shipped predictor imagines 20 s for each of some tags of a corpus, and each way answers it from the whole corpus:
  demiurge  for each frame the nearest by raw distance of 39 MFCC and deltas, joined as there; its frames are wished for
            by joining the predicted ones with straight lines
  greedy    for each step the nearest unit by z-scored distance
  taboo     the same without the last 16 units, as CataRT does
  liveseq   the beam over six steps, with join and repetition costs, at three settings of query/stickiness
The last three are played by the same engine, so that only the choice differs. Measured, means over the tags:
  tracking      root mean square error of the sound's descriptors (17 means of 170 ms), in standard deviations, from
                what was predicted; `stretched` forgives a wrong tempo
  joins         where another recording comes in, per second
  spectral jump squared difference in dB (40 mel bands, 23 ms) of the sound before and after each of these, mean
  seam energy   the same, added up over a second
  seam gate     share of these joins that are sharper than 99 % of natural places; at most 2 %
  repeats       share of jumps to what was used in the last 10 s
  continued     share of units that naturally follow the one before
Planning time is that of one choice in made-up corpora of 10^4, 10^5 and 10^6 units, on one thread.
"""

import itertools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from benchmarks import options
from benchmarks.choice import demiurge_reference as demiurge
from benchmarks.choice.room import Answer, Room, repeats
from benchmarks.choice.seams import click, natural_seam, spectral_step
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from benchmarks.rigs.started import end_in_order
from liveseq.corpus.build import build
from liveseq.corpus.index import DEFAULT_WEIGHTS, Scaling, UnitIndex
from liveseq.corpus.synthetic import synthetic_units
from liveseq.corpus.units import ANY, FEATURE_NAMES
from liveseq.dsp.descriptors import BASE_NAMES, HOP_LENGTH, N_MFCC, base_descriptors, describe
from liveseq.performance.instrument import open_instrument
from liveseq.runtime.folders import PREDICTOR
from liveseq.sequencer.foresight import Foresight
from liveseq.sequencer.layers import Layer
from liveseq.sequencer.repetition import Pool, Usage
from liveseq.sequencer.selection import Query, Selector
from liveseq.sequencer.settings import Settings

SECONDS = 20.0
TABOO_UNITS = 16
STICKINESS = (0.1, 0.3, 0.6)
"""Settings of liveseq's selection, from following the prediction to staying in a recording. The last is the default."""
N_TAGS = 8
"""Number of a corpus's tags that are asked for, about."""
N_TIMES = 200
RATE = 48_000
EVEN = np.full(len(FEATURE_NAMES), len(FEATURE_NAMES) ** -0.5, dtype=np.float32)
"""Weights of a plain z-scored distance."""


def main() -> None:
    end_in_order()
    parser = options.parser(__doc__, corpus=True, audio=True)
    parser.add_argument("--units", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        corpora = {"demo": arguments.corpus}
        if arguments.audio.is_dir():
            corpora["recordings"] = Path(temporary) / "recordings.corpus"
            build(arguments.audio, corpora["recordings"], tags_from="prefix", segmentation="fixed", sample_rate=RATE)
        tables = {name: compare(name, path) for name, path in corpora.items()}
    times = [timing(n_units) for n_units in arguments.units]
    BENCHMARK.save({"corpora": tables, "times": times})


def compare(name: str, path: Path) -> dict[str, dict[str, float]]:
    """Every way's figures on one corpus."""
    room = Room(path)
    signals = [room.source(number) for number in range(len(room.units.source_names))]
    natural = natural_seam(signals, n=2000)
    found = demiurge.database(signals, sample_rate=room.rate)
    rows: dict[str, list[dict[str, float]]] = {}
    for future in imagine(path):
        n_samples = len(future) * room.step
        for way, answer in answers(room, found, future, n_samples).items():
            frames = way == "demiurge"
            follower = (lambda frame: frame + 1) if frames else (lambda unit: room.units.successor[unit])
            lengths = np.full(len(answer.units), HOP_LENGTH) if frames else room.units.length[answer.units]
            again = repeats(answer.units, lengths, rate=room.rate, followers=follower)
            continued = np.mean([b == follower(a) for a, b in itertools.pairwise(answer.units)])
            figures = judge(answer, future, room, natural=natural, n_samples=n_samples)
            rows.setdefault(way, []).append(figures | {"repeats": again, "continued": float(continued)})
    table = {way: summary(each) for way, each in rows.items()}
    for way, figures in table.items():
        print(f"{name} {way:11s}", "  ".join(f"{key} {value:.3f}" for key, value in figures.items()), flush=True)
    return table


def summary(rows: list[dict[str, float]]) -> dict[str, float]:
    """Means over the tags; what happens at joins is counted over all of them."""
    total = {key: float(np.sum([row[key] for row in rows])) for key in rows[0]}
    kept = ("tracking", "stretched", "duration_error", "repeats", "continued")
    n_joins = max(total["joins"], 1.0)
    return {key: total[key] / len(rows) for key in kept} | {
        "joins_per_second": total["joins"] / total["seconds"],
        "spectral_jump": total["spectral_jumps"] / n_joins,
        "seam_energy": total["spectral_jumps"] / total["seconds"],
        "seam_gate": total["sharp"] / n_joins,
    }


def imagine(path: Path) -> list[np.ndarray]:
    """A future for each tag of a corpus: raw features, float32 (n_steps, n_features)."""
    instrument = open_instrument(path, seed=1)
    units = instrument.sequencer.units
    foresight = Foresight(
        units,
        instrument.load_predictor(PREDICTOR),
        mean=instrument.scaling.mean,
        std=instrument.scaling.std,
        tag_vectors=instrument.matcher.vectors(),
    )
    n_steps = int(SECONDS * units.sample_rate) // foresight.samples_per_step
    rng = np.random.default_rng(1)
    tags = units.tags[:: max(1, len(units.tags) // N_TAGS)]
    return [foresight.open(tag, horizon=n_steps, temperature=0.7, rng=rng).future for tag in tags]


def answers(room: Room, found: demiurge.Database, future: np.ndarray, n_samples: int) -> dict[str, Answer]:
    """The answer of each way to a future."""

    def wanted(clock: int, n: int) -> np.ndarray:
        first = clock // room.step
        return future[np.minimum(np.arange(first, first + n), len(future) - 1)]

    frames = demiurge.query(frames_of(future, room.step // HOP_LENGTH), found)
    audio, joins = demiurge.play(frames, found)
    made = {"demiurge": Answer(frames, audio, joins)}
    for way, choose in {"greedy": nearest(room, 0), "taboo": nearest(room, TABOO_UNITS)}.items():
        made[way] = room.answer(wanted, choose, n_samples)
    for stickiness in STICKINESS:
        made[f"liveseq {stickiness:g}"] = room.answer(wanted, room.plan, n_samples, stickiness=stickiness)
    return made


def frames_of(future: np.ndarray, per_step: int) -> np.ndarray:
    """Demiurge's 39 columns of a path of steps, frame by frame: straight lines between the steps' middles."""
    at = np.arange(len(future) * per_step)
    middles = (np.arange(len(future)) + 0.5) * per_step
    return demiurge.with_deltas(np.stack([np.interp(at, middles, column) for column in future[:, :N_MFCC].T], axis=1))


def nearest(room: Room, n_taboo: int) -> Callable[[Layer, np.ndarray], int]:
    """The nearest unit that is not among the last `n_taboo`."""
    recent: list[int] = []

    def choose(_: Layer, targets: np.ndarray) -> int:
        query = room.scaling.apply(targets[:1])
        _, units = room.index.search(query, weights=EVEN, k=n_taboo + 1, tags=[ANY])
        unit = int(next(unit for unit in units[0] if not n_taboo or unit not in recent[-n_taboo:]))
        recent.append(unit)
        return unit

    return choose


def judge(answer: Answer, future: np.ndarray, room: Room, *, natural: float, n_samples: int) -> dict[str, float]:
    """Figures of the sound of one answer."""
    got = base_descriptors(describe(answer.audio, sample_rate=room.rate))  # (n_frames, 17)
    per_step = room.step // HOP_LENGTH
    shared = min(len(got) // per_step, len(future))
    spread = room.scaling.std[: len(BASE_NAMES)]
    wished = future[:, : len(BASE_NAMES)]

    def error(frames: np.ndarray, n: int) -> float:
        means = frames[: n * per_step].reshape(n, per_step, -1).mean(axis=1)
        return float(np.sqrt(np.mean(((means - wished[:n]) / spread) ** 2)))

    stretched = got[np.linspace(0, len(got) - 1, len(future) * per_step).round().astype(int)]
    sharp = [click(answer.audio, join) > natural for join in answer.joins]
    return {
        "tracking": error(got, shared),
        "stretched": error(stretched, len(future)),
        "duration_error": abs(len(answer.audio) - n_samples) / n_samples,
        "seconds": len(answer.audio) / room.rate,
        "joins": float(len(answer.joins)),
        "spectral_jumps": sum(spectral_step(answer.audio, join, rate=room.rate) for join in answer.joins),
        "sharp": float(sum(sharp)),
    }


def timing(n_units: int) -> dict[str, float]:
    """Milliseconds of one choice, median and 99th percentile."""
    units = synthetic_units(n_units, sample_rate=RATE, seed=0, n_tags=1)
    tag = units.tags[0]
    scaling = Scaling.of(units.features)
    index = UnitIndex(scaling.apply(units.features), tag_units=units.tag_units)
    selector = Selector(units, index, scaling)
    frames = np.random.default_rng(0).normal(size=(n_units, 39))
    rng, settings = np.random.default_rng(1), Settings()
    usage, pool = Usage(n_units), Pool.of(units, tag, None)
    last: list[int | None] = [None]

    def plan(targets: np.ndarray) -> None:
        query = Query(
            targets=targets,
            weights=DEFAULT_WEIGHTS / np.linalg.norm(DEFAULT_WEIGHTS),
            tag=tag,
            after=last[0],
            follower=None if last[0] is None else int(units.successor[last[0]]),
            clock=usage.n_choices * 8192,
            samples_per_step=8192,
        )
        last[0] = selector.select(query, usage=usage, pool=pool, settings=settings, rng=rng).unit
        usage.note(last[0], clock=query.clock)

    def search(targets: np.ndarray, k: int) -> None:
        index.search(scaling.apply(targets[:1]), weights=EVEN, k=k, tags=[tag])

    ways: dict[str, Callable[[np.ndarray], object]] = {
        "demiurge": lambda _: cdist(frames[:1], frames).argmin(axis=1),
        "greedy": lambda targets: search(targets, 1),
        "taboo": lambda targets: search(targets, TABOO_UNITS + 1),
        "liveseq": plan,
    }
    row: dict[str, float] = {"units": n_units}
    for way, choose in ways.items():
        times = []
        for _ in range(N_TIMES // 10 if way == "demiurge" and n_units > 10_000 else N_TIMES):
            start = int(rng.integers(n_units - settings.horizon))
            targets = units.features[start : start + settings.horizon] + 0.3 * scaling.std
            begin = time.perf_counter()
            choose(targets)
            times.append(1e3 * (time.perf_counter() - begin))
        row |= {f"{way}_p50_ms": float(np.median(times)), f"{way}_p99_ms": float(np.percentile(times, 99))}
    print("  ".join(f"{key} {value:.3g}" for key, value in row.items()), flush=True)
    return row


def section(figures: dict[str, Any]) -> str:
    columns = {
        "tracking": "tracking",
        "stretched": "stretched",
        "joins_per_second": "joins per s",
        "spectral_jump": "dB² a join",
        "seam_energy": "dB² a second",
        "seam_gate": "seam gate",
        "repeats": "repeats",
        "continued": "continued",
        "duration_error": "duration error",
    }
    parts = [
        f"{corpus}:\n\n"
        + table(["", *columns.values()], [[way, *(row[key] for key in columns)] for way, row in rows.items()])
        for corpus, rows in figures["corpora"].items()
    ]
    ways = ("demiurge", "greedy", "taboo", "liveseq")
    times = [[row["units"], *(row[f"{way}_p99_ms"] for way in ways)] for row in figures["times"]]
    return f"""## Ways to choose units

`{BENCHMARK.command}`: the same predicted futures, answered by Demiurge's procedure, by the nearest
unit, by the nearest that was not among the last 16 (CataRT's taboo), and by liveseq at three settings of
`query/stickiness` (the last is the default). Tracking is the error of what sounds against what was predicted, in
standard deviations; a join is where another recording comes in, and the seam gate the share of joins sharper than 99 %
of natural places (at most 2 %); repeats are jumps to what was heard within 10 s, continued the share of units that
naturally follow. The nearest unit alone tracks best, and is nobody's music: it cuts at every step, and most of its
cuts lead to what has just been heard. Stickiness buys whole phrases with tracking.

{(chr(10) * 2).join(parts)}

Milliseconds of one choice, 99th percentile, one thread; liveseq plans six steps ahead for it, Demiurge's is one frame
of eight.

{table(["units", *ways], times)}"""


BENCHMARK = Benchmark(file=__file__, minutes=4, sections=(Section(text=section, place=70),))

if __name__ == "__main__":
    main()
