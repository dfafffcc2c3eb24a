"""Every generator of models/ on the tags that it was taught, beside real sound and what needs no network.

    python -m benchmarks.models.generators [--seconds 16] [--trial FILE [--models NAME ...]]

The demo corpus and the CC0 recordings are split by file as trainings with `--seed 2` split them: a generator is
compared with recordings that it was not trained on, and by which hardly anything was chosen (docs/generators.md says
what). Each is drawn four times, and judged by the mean. Beside it stand white noise, shuffled training audio, the
recordings' own mels through Griffin-Lim and through each vocoder, and, as floor and ceiling, the training recordings
themselves. Vocoders give held-out recordings back. Verdicts have the ears' part in them, whose figures are kept as
those of benchmarks/models/ears.py. Pictures of the tags: tools/generator_sheets.py.
"""

import itertools
import json
import shlex
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import options
from benchmarks.models import ears
from benchmarks.models.autoencoders import autoencoded
from benchmarks.models.generator_tables import tables
from benchmarks.models.rows import DATA, SPLIT, folders, inverted, vocoded
from benchmarks.paths import ROOT
from benchmarks.registry import Benchmark, Section
from benchmarks.results import machine
from liveseq.dsp.mel import PRESETS
from liveseq.runtime.generator import OnnxGenerator
from liveseq.runtime.interpreter import Interpreter
from liveseq.runtime.manifest import Manifest
from liveseq.runtime.text import TextEncoder
from liveseq.train.sound.judge import anchors
from liveseq.train.sound.judge.reconstruction import reconstruction
from liveseq.train.sound.judge.takes import common, generated_takes, real_takes
from liveseq.train.sound.judge.verdict import Judge, Takes
from liveseq.train.sound.material.library import read_library

SHORTEST = 3.0
"""Seconds of a tag on either side that are worth comparing."""
FRONT_END = PRESETS["music48"]
"""The judge's, whatever a model has: figures of all of them can be compared."""
SEEDS = (1000, 2000, 3000, 4000)
"""Seeds of the draws, each of the first tag; one draw may be a third nearer than the next."""
N_TIMED = 200


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--models", nargs="+", default=None, help="names under models/, or paths; all of them without")
    parser.add_argument("--data", nargs="+", type=Path, default=DATA)
    parser.add_argument("--seconds", type=float, default=16.0, help="of each tag at most")
    parser.add_argument(
        "--trial", type=Path, metavar="FILE", help="write figures and tables there, not into the project"
    )
    parser.add_argument("--tags", nargs="+", default=None, help="only these (for a trial)")
    a = parser.parse_args()
    if (a.tags or a.models) and not a.trial:
        parser.error("--tags, --models: are for --trial FILE; what is kept has all of them, of one run")
    figures = measure(folders(a.models), a.data, seconds=a.seconds, only=a.tags)
    if a.trial:
        pages = f"{tables({'machine': machine(), **figures})}\n\n{ears.section(figures['ears'])}"
        a.trial.write_text(f"{json.dumps(figures, indent=1)}\n\n{pages}\n")
        return
    ears.keep(figures.pop("ears"))
    before = BENCHMARK.load() or {}
    for part in ("anchors", "vocoders"):  # what is through latents needs checkpoints, which do not ship
        kept = {name: row for name, row in before.get(part, {}).items() if name.endswith("latents")}
        figures[part] |= {name: row for name, row in kept.items() if name not in figures[part]}
    BENCHMARK.save(figures)


def measure(models: list[Path], data: list[Path], *, seconds: float, only: list[str] | None = None) -> dict[str, Any]:
    """Every figure. only: these tags; None: all of which there is enough."""
    rate = FRONT_END.sample_rate
    library = read_library([path for path in data if path.exists()], tags_from=None, sample_rate=rate, seed=SPLIT)
    hearing = ears.hear(models, library, seconds=ears.SECONDS, only=only)
    train = real_takes(library.train, seconds=seconds, sample_rate=rate)
    held_out = real_takes(library.held_out, seconds=seconds, sample_rate=rate)
    tags = [tag for tag in common(held_out, train, shortest=int(SHORTEST * rate)) if only is None or tag in only]
    train, held_out = ({tag: takes[tag] for tag in tags} for takes in (train, held_out))
    judge = Judge(train, held_out, front_end=FRONT_END, gate=hearing.gate)
    by_griffin_lim = {f"Griffin-Lim, {words}": each for words, each in inverted(models, held_out, rate=rate).items()}
    rows = {
        "real, trained on (the floor)": train,
        "shuffled training audio": anchors.shuffled(train, sample_rate=rate),
        "white noise": anchors.white_noise(held_out),
        **{f"{name}, of held-out mels": takes for name, takes in by_griffin_lim.items()},
    }
    rendered, learned = (vocoded(models, takes, rate=rate) for takes in (held_out, train))
    rows |= {f"{name} on held-out mels": takes for name, takes in rendered.items()}
    rows |= {f"{name} on mels trained on": takes for name, takes in learned.items()}
    there_and_back = {f"{name}'s latents": each for name, each in autoencoded(models, held_out, root=ROOT).items()}
    rows |= {f"held-out recordings through {name}": takes for name, takes in there_and_back.items()}
    both = {**rendered, **by_griffin_lim, **there_and_back}
    found = {}
    for folder in models:
        if Manifest.load(folder).role == "generator":
            found[folder.name] = generator(folder, judge, train, held_out, learned, hearing=hearing)
            print(folder.name, found[folder.name], flush=True)
    return {
        "split": SPLIT,
        "data": f"{len(tags)} tags, {sum(map(len, held_out.values())) / rate:.0f} s held out",
        "tags": tags,
        "floor": judge.floor,
        "accuracy": judge.accuracy,
        "anchors": {name: judge.judge(takes) for name, takes in rows.items()},
        "models": found,
        "ears": ears.figures(hearing, seconds=ears.SECONDS),
        "vocoders": {name: _means(held_out, takes, front_end=FRONT_END) for name, takes in both.items()},
    }


def generator(
    folder: Path, judge: Judge, train: Takes, held_out: Takes, learned: dict[str, Takes], *, hearing: ears.Hearing
) -> dict[str, Any]:
    """Figures of one generator, on the tags that it was taught; and of each vocoder's takes of the same tags.

    learned: the training recordings through each vocoder: what they are further away than the floor is the vocoder's.
    hearing: of this generator, too.
    """
    model = OnnxGenerator(folder)
    interpreter = Interpreter(folder, model.manifest, TextEncoder(ROOT / "models" / "text-encoder"))
    vectors = {tag: interpreter.blend({tag: 1.0}) for tag in held_out}
    taught = [tag for tag in held_out if tag in model.tags] or list(held_out)
    if taught != list(held_out):  # the real side is to have the same tags
        train, held_out = ({tag: takes[tag] for tag in taught} for takes in (train, held_out))
        judge = Judge(train, held_out, front_end=FRONT_END, gate=hearing.gate)
    lengths = {tag: len(held_out[tag]) for tag in taught}
    rates = tuple(model.sample_rate / (model.samples_per_step / n) for n in (1, 2))
    draws = [
        judge.judge(
            generated_takes(model, vectors, lengths, seed=seed, late=model.manifest.latency_samples), rates_hz=rates
        )
        for seed in SEEDS
    ]
    found, heard = mean_of(draws), hearing.models[folder.name]
    return found | {
        "tags": taught,
        "draws": [draw["ratio"] for draw in draws],
        "real_accuracy": judge.accuracy,
        "why_not": [*judge.passes(found, heard), *has_heard(model.manifest.training.command)],
        "weak": judge.weak(found, heard),
        "vocoders": {
            name: judge.judge({tag: takes[tag] for tag in taught})["ratio"] for name, takes in learned.items()
        },
        "pulsing_real_db": judge.judge(held_out, rates_hz=rates)["pulsing_db"],
        **times(model),
    }


def mean_of(draws: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean of every figure, and the faults that a tag has in half of the draws or more."""
    found = {key: _mean([draw[key] for draw in draws]) for key in draws[0] if key != "wrong"}
    wrong: dict[str, list[list[str]]] = {}
    for draw in draws:
        for tag, faults in draw["wrong"].items():
            wrong.setdefault(tag, []).append(faults)
    often = {tag: found for tag, found in wrong.items() if 2 * len(found) >= len(draws)}
    counted = {tag: [f"{found[0][0]} ({len(found)} of {len(draws)} draws)"] for tag, found in often.items()}
    return found | {"wrong": counted}


def _mean(values: list[Any]) -> Any:
    if isinstance(values[0], dict):
        return {key: _mean([each[key] for each in values]) for key in values[0]}
    return float(np.mean(values))


def has_heard(command: str) -> list[str]:
    """Reasons why figures flatter a model that was trained by this command; none where they do not."""
    try:
        words = shlex.split(command.replace("--seed=", "--seed "))
    except ValueError:  # somebody else's words, in which a quotation mark is an apostrophe
        words = []
    words = list(itertools.takewhile(lambda word: not word.startswith("("), words))  # a remark: what made other things
    if ("--seed", str(SPLIT)) in itertools.pairwise(words):
        return []
    return [f"trained without --seed {SPLIT}: it has heard some of what is held out here"]


def times(model: OnnxGenerator) -> dict[str, float]:
    """Milliseconds of a step on one CPU thread, and the real-time factor of the median."""
    states, taken = model.start(0), []
    for number in range(N_TIMED):
        began = time.perf_counter()
        _, states = model.step(number, seed=0, tag=None, states=states)
        taken.append(1e3 * (time.perf_counter() - began))
    p50, p99 = np.quantile(taken, (0.5, 0.99))
    step_ms = 1e3 * model.samples_per_step / model.sample_rate
    return {"p50_ms": p50, "p99_ms": p99, "max_ms": max(taken), "real_time_factor": p50 / step_ms}


def _means(held_out: Takes, made: Takes, *, front_end: Any) -> dict[str, float]:
    rows = [
        reconstruction(take[: len(made[tag])].mean(axis=1), made[tag].mean(axis=1), front_end=front_end)
        for tag, take in held_out.items()
    ]
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}


BENCHMARK = Benchmark(file=__file__, minutes=10, sections=(Section(text=tables, page="generators.md"),))

if __name__ == "__main__":
    main()
