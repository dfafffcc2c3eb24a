"""Every predictor on three corpora, on files that it never heard, beside what needs no network.

    python -m benchmarks.models.predictors [--corpora demo cc0 mixed] [--only lstm best ...]
                                           [--epochs 40] [--minutes 10] [--seeds 11 12]

Each model is trained by `liveseq train predictor --model ...` with its own defaults, one thread and a limit, and
exported by `export_onnx.py`; the table is the one that training ends with (liveseq/train/predictors/evaluate.py). A
seed is a split of the files, and a training; scores are means over the seeds that every model of a corpus has
finished. What is finished stays in the scratch folder and is not trained again; what was stopped goes on.
"""

import contextlib
import itertools
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks import options
from benchmarks.models.predictor_tables import CORPORA, cost, tables
from benchmarks.paths import ROOT
from benchmarks.registry import Benchmark, Section
from benchmarks.rigs import started
from liveseq.runtime.predictor import Condition, OnnxPredictor

MODELS = ("lstm", "lstm-seq2seq", "transformer-encoder", "transformer", "best")
N_TIMED = 1000


def main() -> None:
    parser = options.parser(__doc__, audio=True)
    parser.add_argument("--corpora", nargs="+", choices=CORPORA, default=list(CORPORA))
    parser.add_argument("--only", nargs="+", choices=MODELS, default=MODELS, help="models")
    parser.add_argument("--minutes", type=float, default=10.0, help="of training at most, each")
    parser.add_argument("--epochs", type=int, default=40, help="at most, each; an early stop ends it sooner")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[11, 12], help="of split and training, one after another"
    )
    parser.add_argument("--scratch", type=Path, default=ROOT / "runs" / "predictors")
    a = parser.parse_args()
    a.scratch.mkdir(parents=True, exist_ok=True)
    for seed, corpus in itertools.product(a.seeds, a.corpora):
        paths = corpus_paths(corpus, a.scratch, audio=a.audio)
        for model in a.only:
            limits = {"minutes": a.minutes, "epochs": a.epochs}
            train(model, paths, a.scratch / f"{corpus}-{model}-{seed}", limits=limits, seed=seed)
            collect(a.scratch)


def corpus_paths(name: str, scratch: Path, *, audio: Path) -> list[Path]:
    """Corpora of the benchmark's own, made on first use, so that nothing changes between two trainings."""
    demo, cc0 = scratch / "demo.corpus", scratch / "cc0.corpus"
    if name != "cc0" and not demo.is_dir():
        run("liveseq.cli", "corpus", "demo", "--out", demo)
    if name != "demo" and not cc0.is_dir():
        run("liveseq.cli", "corpus", "build", audio, "--out", cc0, "--tags-from", "prefix", "--sample-rate", 48_000)
    return {"demo": [demo], "cc0": [cc0], "mixed": [demo, cc0]}[name]


def train(model: str, corpora: list[Path], out: Path, *, limits: dict[str, float], seed: int) -> None:
    """Trains to metrics.yaml and exports to model.yaml, each only where it is missing."""
    if not (out / "metrics.yaml").is_file():
        print(f"== {out.name}", flush=True)
        settings = [f"--{name}={limit}" for name, limit in limits.items()] + [f"--seed={seed}", "--accelerator=cpu"]
        resume = ["--resume"] if (out / "resume.safetensors").is_file() else []
        what = ["--model", model, "--corpus", *corpora, "--out", out]
        run("liveseq.cli", "train", "predictor", *what, *settings, *resume)
    if not (out / "model.yaml").is_file():
        # exit status 1: too slow or not like torch; the figures say so
        started.run([sys.executable, ROOT / "export_onnx.py", out], env=one_thread(), cwd=ROOT)


def run(module: str, *arguments: object) -> None:
    if started.run([sys.executable, "-m", module, *arguments], env=one_thread(), cwd=ROOT):
        raise SystemExit(f"{module} {' '.join(map(str, arguments))}: failed; see above")


def one_thread() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"}


def collect(scratch: Path) -> None:
    """Keeps the figures of all runs that are finished."""
    found = {}
    for corpus in CORPORA:
        runs = {model: _runs(scratch, f"{corpus}-{model}-") for model in MODELS}
        runs = {model: of_seeds for model, of_seeds in runs.items() if of_seeds}
        seeds = sorted(set.intersection(*(set(of_seeds) for of_seeds in runs.values()))) if runs else []
        if seeds:
            found[corpus] = figures_of({model: [of[s] for s in seeds] for model, of in runs.items()}) | {"seeds": seeds}
    BENCHMARK.save({"corpora": found})


def _runs(scratch: Path, start: str) -> dict[int, Path]:
    """Finished runs by seed."""
    folders = {folder.name.removeprefix(start): folder for folder in scratch.glob(f"{start}*")}
    return {int(seed): f for seed, f in folders.items() if seed.isdigit() and (f / "metrics.yaml").is_file()}


def figures_of(runs: dict[str, list[Path]]) -> dict[str, Any]:
    """Figures of one corpus. runs: the folders of each model, one per seed."""
    metrics = {model: [_yaml(folder / "metrics.yaml") for folder in folders] for model, folders in runs.items()}
    first = next(iter(metrics.values()))
    table = _mean([m["table"] for m in first])
    table |= {model: _mean([m["table"][model] for m in of_seeds]) for model, of_seeds in metrics.items()}
    alone = {model: _mean([m["free_run"] for m in of_seeds]) for model, of_seeds in metrics.items()}
    is_real = {kind: "temperature" not in kind for kind in first[0]["free_run"]}
    return {
        "data": _yaml(next(iter(runs.values()))[0] / "config.yaml")["training"]["data"],
        "held_out": [f"{m['held_out_files']} files with {m['held_out_steps']} steps" for m in first],
        "table": table,
        "real": {kind: row for kind, row in next(iter(alone.values())).items() if is_real[kind]},
        "alone": {
            model: {kind: row for kind, row in rows.items() if not is_real[kind]} for model, rows in alone.items()
        },
        "models": {model: about(folders, metrics[model]) for model, folders in runs.items()},
    }


def about(folders: list[Path], metrics: list[dict[str, Any]]) -> dict[str, Any]:
    """Size, cost and gate of a model."""
    found: dict[str, Any] = {
        "gate": [m["gate"] for m in metrics],
        "epochs": [m["epochs"] for m in metrics],
        "parameters": metrics[0]["parameters"],
    }
    if (folders[0] / "model.yaml").is_file():
        manifest = _yaml(folders[0] / "model.yaml")
        found["megabytes"] = (folders[0] / manifest["model"]).stat().st_size / 1e6
        found["parity_max_abs"] = manifest["metrics"]["parity_max_abs"]
        found["step_ms"] = step_times(folders[0])
    return found


def step_times(folder: Path) -> dict[str, Any]:
    """Milliseconds of a step, measured once and kept.

    At real-time priority where that is allowed, since other work on the machine is not the model's.
    """
    path = folder / "step.yaml"
    if not path.is_file():
        predictor = OnnxPredictor(folder)
        condition = Condition(np.zeros(predictor.tag_size or 0, dtype=np.float32), np.zeros(3, dtype=np.float32))
        heard = np.random.default_rng(0).standard_normal((N_TIMED, len(predictor.feature_names)), dtype=np.float32)
        state, times = predictor.start(), []
        with real_time() as alone:
            for features in heard:
                began = time.perf_counter()
                _, state = predictor.step(features, state, condition)
                times.append(1e3 * (time.perf_counter() - began))
        p50, p99, worst = (round(float(t), 4) for t in np.percentile(times[N_TIMED // 10 :], [50, 99, 100]))
        path.write_text(yaml.safe_dump({"p50": p50, "p99": p99, "max": worst, "real_time": alone}))
    return _yaml(path)


@contextlib.contextmanager
def real_time() -> Iterator[bool]:
    """Puts this thread before all others. Yields False where the system does not allow it."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    except (AttributeError, PermissionError):
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _mean(parts: list[Any]) -> Any:
    """Mean of numbers, or of all numbers in mappings of one form."""
    if isinstance(parts[0], dict):
        return {name: _mean([part[name] for part in parts if name in part]) for name in parts[0]}
    return sum(parts) / len(parts)


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def section(figures: dict[str, Any]) -> str:
    return f"""## A step of a predictor

`{BENCHMARK.command}`: one step in ONNX Runtime, state and all, on one CPU thread. A plan hears up to
twelve steps and imagines six. How well each model predicts is in [predictors](predictors.md).

{cost(figures["corpora"])}"""


BENCHMARK = Benchmark(
    file=__file__,
    minutes=300,
    on_demand=True,
    sections=(Section(text=section, place=170), Section(text=tables, page="predictors.md")),
)

if __name__ == "__main__":
    main()
