"""Every predictor on three corpora, on files that it never heard, beside what needs no network.

    python -m benchmarks.predictors [--corpora demo cc0 mixed] [--only lstm best ...] [--epochs 40] [--minutes 10]
                                    [--seeds 11 12]
    python -m benchmarks.predictors --table

Each model is trained by `liveseq train predictor --model ...` with its own defaults, one thread and a limit, and
exported by `export_onnx.py`; the table is the one that training ends with (liveseq/train/evaluate.py). A seed is a
split of the files, and a training; scores are means over the seeds that every model of a corpus has finished. What is
finished stays in the scratch folder and is not trained again; what was stopped goes on. `--table` writes the tables of
the last figures into docs/predictors.md.
"""

import argparse
import contextlib
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.results import load, save
from liveseq.runtime.predictor import Condition, OnnxPredictor

ROOT = Path(__file__).resolve().parents[1]
AUDIO = ROOT.parent / "shared" / "audio" / "sonic-pi-samples"
MODELS = ("lstm", "lstm-seq2seq", "transformer-encoder", "transformer", "best")
CORPORA = {
    "demo": "the demo corpus (made by liveseq, 14 tags)",
    "cc0": "CC0 recordings (Sonic Pi's samples)",
    "mixed": "both together",
}
N_TIMED = 1000
HORIZONS = (1, 4, 16, 40)
PAGE = ROOT / "docs" / "predictors.md"
BEGIN, END = "<!-- tables: python -m benchmarks.predictors --table -->", "<!-- end of tables -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", nargs="+", choices=CORPORA, default=list(CORPORA))
    parser.add_argument("--only", nargs="+", choices=MODELS, default=MODELS, help="models")
    parser.add_argument("--minutes", type=float, default=10.0, help="of training at most, each")
    parser.add_argument("--epochs", type=int, default=40, help="at most, each; an early stop ends it sooner")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[11, 12], help="of split and training, one after another"
    )
    parser.add_argument("--scratch", type=Path, default=ROOT / "runs" / "predictors")
    parser.add_argument("--audio", type=Path, default=AUDIO, help="folder of the CC0 recordings")
    parser.add_argument("--table", action="store_true", help="only write the tables of the last figures")
    a = parser.parse_args()
    if not a.table:
        a.scratch.mkdir(parents=True, exist_ok=True)
        for seed, corpus in itertools.product(a.seeds, a.corpora):
            paths = corpus_paths(corpus, a.scratch, audio=a.audio)
            for model in a.only:
                limits = {"minutes": a.minutes, "epochs": a.epochs}
                train(model, paths, a.scratch / f"{corpus}-{model}-{seed}", limits=limits, seed=seed)
                collect(a.scratch)
    write_tables()


def corpus_paths(name: str, scratch: Path, *, audio: Path) -> list[Path]:
    """Made where they are not there yet; a copy of its own, so that nothing changes between two trainings."""
    demo, cc0 = scratch / "demo.corpus", scratch / "cc0.corpus"
    if name != "cc0" and not demo.is_dir():
        run("liveseq.cli", "corpus", "demo", "--out", demo)
    if name != "demo" and not cc0.is_dir():
        run("liveseq.cli", "corpus", "build", audio, "--out", cc0, "--tags-from", "prefix", "--sample-rate", 48_000)
    return {"demo": [demo], "cc0": [cc0], "mixed": [demo, cc0]}[name]


def train(model: str, corpora: list[Path], out: Path, *, limits: dict[str, float], seed: int) -> None:
    """To metrics.yaml and model.yaml; each is made only where it is missing."""
    if not (out / "metrics.yaml").is_file():
        print(f"== {out.name}", flush=True)
        settings = [f"--{name}={limit}" for name, limit in limits.items()] + [f"--seed={seed}", "--accelerator=cpu"]
        resume = ["--resume"] if (out / "resume.safetensors").is_file() else []
        what = ["--model", model, "--corpus", *corpora, "--out", out]
        run("liveseq.cli", "train", "predictor", *what, *settings, *resume)
    if not (out / "model.yaml").is_file():
        # exit status 1: too slow or not like torch; the figures say so
        subprocess.run(
            [sys.executable, str(ROOT / "export_onnx.py"), str(out)], env=one_thread(), cwd=ROOT, check=False
        )


def run(module: str, *arguments: object) -> None:
    subprocess.run([sys.executable, "-m", module, *map(str, arguments)], env=one_thread(), cwd=ROOT, check=True)


def one_thread() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"}


def collect(scratch: Path) -> None:
    """What is finished, into benchmarks/results/predictors.json."""
    found = {}
    for corpus in CORPORA:
        runs = {model: _runs(scratch, f"{corpus}-{model}-") for model in MODELS}
        runs = {model: of_seeds for model, of_seeds in runs.items() if of_seeds}
        seeds = sorted(set.intersection(*(set(of_seeds) for of_seeds in runs.values()))) if runs else []
        if seeds:
            found[corpus] = figures_of({model: [of[s] for s in seeds] for model, of in runs.items()}) | {"seeds": seeds}
    save("predictors", {"corpora": found})


def _runs(scratch: Path, start: str) -> dict[int, Path]:
    """Finished ones by seed."""
    folders = {folder.name.removeprefix(start): folder for folder in scratch.glob(f"{start}*")}
    return {int(seed): f for seed, f in folders.items() if seed.isdigit() and (f / "metrics.yaml").is_file()}


def figures_of(runs: dict[str, list[Path]]) -> dict[str, Any]:
    """Of one corpus. runs: the folders of each model, one per seed."""
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
    """What a model is and costs."""
    told: dict[str, Any] = {
        "gate": [m["gate"] for m in metrics],
        "epochs": [m["epochs"] for m in metrics],
        "parameters": metrics[0]["parameters"],
    }
    if (folders[0] / "model.yaml").is_file():
        manifest = _yaml(folders[0] / "model.yaml")
        told["megabytes"] = (folders[0] / manifest["model"]).stat().st_size / 1e6
        told["parity_max_abs"] = manifest["metrics"]["parity_max_abs"]
        told["step_ms"] = step_times(folders[0])
    return told


def step_times(folder: Path) -> dict[str, Any]:
    """Milliseconds of a step, measured once and kept. At real-time priority where that is allowed, since other work on

    the machine is not the model's.
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
    """This thread before all others; False where the system does not allow it."""
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
    """Of numbers, or of all numbers in mappings of one form."""
    if isinstance(parts[0], dict):
        return {name: _mean([part[name] for part in parts if name in part]) for name in parts[0]}
    return sum(parts) / len(parts)


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def write_tables() -> None:
    figures = load("predictors")
    if figures is None:
        raise SystemExit("no figures yet: run python -m benchmarks.predictors")
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables(figures)}\n\n{END}{after}")
    print(PAGE)


def tables(figures: dict[str, Any]) -> str:
    """Markdown: forecasts and free runs per corpus, cost once."""
    machine = figures["machine"]
    told = (
        f"Cells are for 1 / 4 / 16 / 40 steps ahead (0.2, 0.7, 2.7 and 6.8 s); bold is the best of a column. Trained "
        f"on one thread ({machine['cpu']}, {machine['cores']} cores shared with other work)."
    )
    parts = [told]
    for name, found in figures["corpora"].items():
        head = f"### {CORPORA[name][0].upper()}{CORPORA[name][1:]}\n\n{found['data']}. {_judged(found)}"
        parts += [head, forecasts(found), "Left alone:", alone(found)]
    parts += ["### Cost of a step", cost(figures["corpora"])]
    played = load("ten_minutes")
    if played is not None:
        head = "### Played by the sequencer\n\n`python -m benchmarks.ten_minutes`: the shipped models, ten minutes each of "
        parts += [
            f"{head}{', '.join(played['tags'])} from the demo corpus, planned as on stage.",
            in_play(played["rows"]),
        ]
    return "\n\n".join(parts)


def forecasts(found: dict[str, Any]) -> str:
    scores = [[f"{score}_{h}" for h in HORIZONS] for score in ("mse", "energy")] + [
        ["nll", *(f"nll_{h}" for h in HORIZONS[1:])]
    ]
    best = {
        name: min(row[name] for row in found["table"].values() if name in row) for names in scores for name in names
    }
    rows = []
    for model, row in found["table"].items():
        network = found["models"].get(model)
        gates = [] if network is None else network["gate"]
        verdict = "" if network is None else f"{sum(not gate for gate in gates)} of {len(gates)}"
        cells = [" / ".join(_cell(row.get(name), best[name]) for name in names) for names in scores]
        rows.append([f"`{model}`" if network else model, *cells, verdict])
    return table(["", "squared error", "energy score", "NLL", "passes"], rows)


def alone(found: dict[str, Any]) -> str:
    head = ["", "", "variance", "features within 0.7 to 1.3", "movement, dB off", "distinct units", "last minute"]
    rows = [[kind, "", *_lively(row)] for kind, row in found["real"].items()]
    for model, kinds in found["alone"].items():
        rows += [[f"`{model}`", kind, *_lively(row)] for kind, row in kinds.items()]
    return table(head, rows)


def cost(corpora: dict[str, Any]) -> str:
    rows = []
    for model in MODELS:
        about = next(
            (c["models"][model] for c in reversed(corpora.values()) if "step_ms" in c["models"].get(model, {})), None
        )
        if about is not None:
            ms = about["step_ms"]
            times = [f"{1e3 * ms[key]:.0f}" for key in ("p50", "p99", "max")]
            size = f"{about['megabytes']:.1f}"
            rows.append([f"`{model}`", f"{about['parameters']:,}", size, *times, f"{about['parity_max_abs']:.0e}"])
    return table(["", "parameters", "MB", "p50, us", "p99, us", "max, us", "off torch, at most"], rows)


def _judged(found: dict[str, Any]) -> str:
    splits = " and ".join(
        f"{files} (seed {seed})" for seed, files in zip(found["seeds"], found["held_out"], strict=True)
    )
    return f"Judged on {splits}."


def in_play(rows: dict[str, dict[str, float]]) -> str:
    names = ("distinct", "least_distinct", "last_minute_ratio", "natural")
    head = [
        "",
        "distinct units in a minute",
        "least of a tag",
        "last minute's variance against the first",
        "natural continuations",
    ]
    return table(head, [[f"`{model}`", *(f"{row[name]:.2f}" for name in names)] for model, row in rows.items()])


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *rows))


def _lively(row: dict[str, float]) -> list[str]:
    names = ("variance_ratio", "share_in_band", "modulation_db", "distinct", "last_minute_ratio")
    return [f"{row[name]:.2f}" if name in row else "" for name in names]


def _cell(value: float | None, best: float) -> str:
    if value is None:
        return "-"
    return f"**{value:.3f}**" if value == best else f"{value:.3f}"


if __name__ == "__main__":
    main()
