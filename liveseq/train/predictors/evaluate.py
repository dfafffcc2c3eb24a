"""Evaluation of a predictor on held-out files, beside baselines, and left to itself.

Every model is judged on the same steps of the same files, z-scored with the training files' statistics: squared errors
of 1 are about as bad as always saying the mean. One step ahead that is every step; further ahead every EVERY-th one is
looked ahead from (of long files fewer, N_ORIGINS in all). Before a recording there is nothing: a network starts from
zeros, the others from the first step repeated. Likelihoods are per feature, in nats: "nll" of all features together one
step ahead (exact), "nll_h" of each feature on its own, h steps ahead (for a network: of the mixture that its rollouts
make).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from liveseq.train.predictors import scores
from liveseq.train.predictors.baselines.baseline import HORIZONS, Baseline, examples
from liveseq.train.predictors.baselines.fitting import fit_all
from liveseq.train.predictors.conditions import TagVectors
from liveseq.train.predictors.families.base import Network
from liveseq.train.predictors.liveliness import FREE_RUN, LIVELY, format_runs, left_alone
from liveseq.train.predictors.material import HOPS_PER_STEP, DescribedRecording, steps
from liveseq.train.predictors.rollouts import later_steps, next_steps, pieces_of

EVERY = 4
"""Steps from one origin to the next, beyond one step ahead."""
N_ORIGINS = 1000
"""About so many origins at most, beyond one step ahead."""
GATE = (("mse_1", "VAR(4)"), ("mse_4", "VAR(16)"))
"""Scores in which a model must beat a baseline to be shipped."""


def evaluate(
    model: Network,
    *,
    name: str,
    train: Sequence[DescribedRecording],
    valid: Sequence[DescribedRecording],
    test: Sequence[DescribedRecording],
    tags: TagVectors,
    seed: int,
) -> dict[str, Any]:
    """Metrics for the manifest of a predictor: plain numbers, by name."""
    model.eval()
    mean, deviation = model.mean.cpu().numpy(), model.deviation.cpu().numpy()
    table = {
        baseline_name: baseline_row(baseline, test, mean, deviation, seed=seed)
        for baseline_name, baseline in fitted(train, valid, mean, deviation, seed=seed).items()
    }
    table[name] = network_row(model, test, tags=tags, seed=seed)
    return {
        "model": name,
        "held_out_files": len(test),
        "held_out_steps": int(sum(r.n_steps for r in test)),
        "table": table,
        "gate": shortcomings(table, name),
        "free_run": left_alone(model, train=train, held_out=(*valid, *test), tags=tags, seed=seed),
    }


def fitted(
    train: Sequence[DescribedRecording],
    valid: Sequence[DescribedRecording],
    mean: np.ndarray,
    deviation: np.ndarray,
    *,
    seed: int,
) -> dict[str, Baseline]:
    """Every baseline, fitted on the training files begun at every hop, tuned on the validation files.

    mean, deviation: of the features, (D,) each.
    """
    fit_on = z_scored(train, mean, deviation, offsets=range(HOPS_PER_STEP))
    return fit_all(fit_on, z_scored(valid, mean, deviation), seed=seed)


def baseline_row(
    baseline: Baseline, test: Sequence[DescribedRecording], mean: np.ndarray, deviation: np.ndarray, *, seed: int
) -> dict[str, float]:
    """Scores of a baseline on the test files. mean, deviation: of the features, (D,) each."""
    judged = z_scored(test, mean, deviation)
    row: dict[str, float] = {}
    for ahead in HORIZONS:
        contexts, targets = examples(judged, ahead=ahead, every=_every(judged, ahead))
        if len(targets) and ahead in baseline.horizons:
            outlook = baseline.outlook(contexts, ahead=ahead, rng=np.random.default_rng(seed))
            row |= scored(outlook, targets, ahead=ahead)
    return row


@torch.no_grad()
def network_row(model: Network, test: Sequence[DescribedRecording], *, tags: TagVectors, seed: int) -> dict[str, float]:
    """Scores of a network on the test files; beyond one step by rollouts that have their own draws as inputs."""
    pieces = pieces_of(test, model.mean.cpu().numpy(), model.deviation.cpu().numpy())
    outlooks = {1: next_steps(model, pieces, tags=tags, seed=seed)}
    judged = [piece.z for piece in pieces]
    outlooks |= later_steps(model, pieces, tags=tags, every=_every(judged, max(HORIZONS)), seed=seed)
    row: dict[str, float] = {}
    for ahead, outlook in outlooks.items():
        _, targets = examples(judged, ahead=ahead, every=_every(judged, ahead))
        row |= scored(outlook, targets, ahead=ahead)
    return row


def scored(outlook: scores.Outlook, targets: np.ndarray, *, ahead: int) -> dict[str, float]:
    """Scores of an outlook against the steps that came (n, D), by name."""
    each = {
        f"mse_{ahead}": scores.squared_error(outlook, targets),
        f"energy_{ahead}": scores.energy_score(outlook.draws, targets),
        f"nll_{ahead}": scores.marginal_nll(outlook, targets),
    }
    if ahead == 1:
        each["nll"] = scores.joint_nll(outlook, targets)
    return {name: round(float(values.mean()), 4) for name, values in each.items()}


def shortcomings(table: dict[str, dict[str, float]], name: str) -> list[str]:
    """Reasons not to ship the model, a sentence each; none where it may. Too short files are a reason too."""
    found = []
    for score, rival in GATE:
        own, other = table[name].get(score), table[rival].get(score)
        if own is None or other is None:
            found.append(f"{score}: no held-out file is long enough to tell")
        elif not own < other:
            found.append(f"{score}: {own:.3f}, not below {rival}'s {other:.3f}")
    return found


def z_scored(
    recordings: Sequence[DescribedRecording], mean: np.ndarray, deviation: np.ndarray, *, offsets: Sequence[int] = (0,)
) -> list[np.ndarray]:
    """z-scored steps of recordings, float32 (n_steps, D), begun at these hops; those of two steps or more.

    mean, deviation: of the features, (D,) each.
    """
    sequences = [(steps(r.frames[offset:]) - mean) / deviation for r in recordings for offset in offsets]
    return [s for s in sequences if len(s) >= 2]


def _every(sequences: Sequence[np.ndarray], ahead: int) -> int:
    return 1 if ahead == 1 else max(EVERY, sum(map(len, sequences)) // N_ORIGINS)


def format_table(metrics: dict[str, Any]) -> str:
    """The table, the runs and the verdict as text."""
    shown = [f"mse_{h}" for h in HORIZONS] + [f"energy_{h}" for h in HORIZONS] + ["nll"]
    lines = [
        f"held out: {metrics['held_out_files']} files, {metrics['held_out_steps']} steps",
        f"{'steps ahead':20s} " + " ".join(f"{name.replace('_', ' '):>9s}" for name in shown),
    ]
    for name, row in metrics["table"].items():
        cells = [row.get(column) for column in shown]
        lines.append(f"{name:20s} " + " ".join("        -" if c is None else f"{c:9.3f}" for c in cells))
    return "\n".join([*lines, *format_runs(metrics["free_run"]), _verdict(metrics)])


def _verdict(metrics: dict[str, Any]) -> str:
    """Verdict in a sentence: one step ahead, and left to itself at the sequencer's temperature."""
    name = metrics["model"]
    errors = {other: row["mse_1"] for other, row in metrics["table"].items() if "mse_1" in row}
    best = min((other for other in errors if other not in (name, "mean")), key=errors.__getitem__)
    gains = [1.0 - errors[name] / max(errors[other], 1e-9) for other in ("mean", best)]
    answers = [f"yes, by {gain:.0%}" if gain > 0 else f"no, {-gain:.0%} worse" for gain in gains]
    variance = metrics["free_run"][FREE_RUN]["variance_ratio"]
    lively = "runs wild" if variance > LIVELY[1] else "stays as lively as they are"
    alone = "goes flat" if variance < LIVELY[0] else lively
    shipped = "good enough to ship" if not metrics["gate"] else f"not to be shipped ({'; '.join(metrics['gate'])})"
    return (
        f"verdict on recordings that it never heard: better than always guessing the mean: {answers[0]}; "
        f"better than the best simple model ({best}): {answers[1]}; left to itself it {alone}; {shipped}"
    )
