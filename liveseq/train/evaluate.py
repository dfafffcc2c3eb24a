"""How good a predictor is, on files that it never heard, beside what needs no network.

Squared errors are z-scored with the training files' statistics: 1 is about as bad as always saying the mean. A
recording begins with nothing heard: the network starts from zeros, the linear models from the first step repeated.
Every model is judged on the same steps. NLL is per feature, in nats; the baselines get a Gaussian with the variance of
their training errors per feature (diagonal, as the network's components are).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from liveseq.train import mixture
from liveseq.train.data import HOPS_PER_STEP, Recording, pad, steps
from liveseq.train.families.lstm import Hidden, Lstm

HORIZONS = (1, 4, 16)
RIDGES = (1.0, 10.0, 100.0, 1000.0)
FREE_RUN_STEPS = 160
FREE_RUNS = 64
RATIOS = {"variance_ratio": None, "local_ratio": 32, "drift_ratio": FREE_RUN_STEPS}
"""Variance of the free runs against the real files', within stretches of so many steps; None: all together."""
LIVELY = (0.5, 2.0)
"""A free run's variance, against that of the real files, between going flat and running wild."""
TEMPERATURES = (0.7, 1.0)
"""What the sequencer plays with unless told otherwise, and the distribution as learned."""
PRIMING_STEPS = 16

Forecast = Callable[[np.ndarray], np.ndarray]
"""(n, MAX_LAGS, D) most recent last -> (n, max(HORIZONS), D)."""
MAX_LAGS = 16


@dataclass(frozen=True, kw_only=True)
class Var:
    """Vector autoregression: the next step is linear in the last `order` steps. Ridge regression."""

    order: int
    weights: np.ndarray
    """float64 (order * D + 1, D): oldest lag first, the constant last."""

    @staticmethod
    def fit(sequences: Sequence[np.ndarray], *, order: int, ridge: float) -> "Var":
        """sequences: (n_steps, D) each. The constant is not penalised."""
        d = sequences[0].shape[1]
        n = order * d + 1
        gram, moment = np.zeros((n, n)), np.zeros((n, d))
        for sequence in sequences:
            rows = _with_constant(_lags(sequence, order))
            gram += rows.T @ rows
            moment += rows.T @ sequence[1:]
        penalty = np.full(n, ridge)
        penalty[-1] = 1e-9
        return Var(order=order, weights=np.linalg.solve(gram + np.diag(penalty), moment))

    def __call__(self, lags: np.ndarray) -> np.ndarray:
        """(n, >= order, D) -> (n, max(HORIZONS), D), each forecast fed back for the next."""
        history = lags[:, -self.order :]
        out = np.empty((len(lags), max(HORIZONS), lags.shape[2]))
        for i in range(out.shape[1]):
            out[:, i] = _with_constant(history.reshape(len(lags), -1)) @ self.weights
            history = np.concatenate((history[:, 1:], out[:, i : i + 1]), axis=1)
        return out


def evaluate(
    model: Lstm, *, train: Sequence[Recording], valid: Sequence[Recording], test: Sequence[Recording], seed: int
) -> dict[str, Any]:
    """Everything that the manifest says of a predictor: plain numbers, by name."""
    model.eval()
    mean, deviation = model.mean.cpu().numpy(), model.deviation.cpu().numpy()
    fit_on = _z_scored(train, mean, deviation, offsets=range(HOPS_PER_STEP))
    tune_on = _z_scored(valid, mean, deviation)
    judge_on = _z_scored(test, mean, deviation)
    table = {}
    for name, forecast in _baselines(fit_on, tune_on).items():
        errors = forecast_errors(forecast, fit_on[:: HOPS_PER_STEP + 1])  # enough for a variance
        variance = np.maximum(np.mean(errors[1], axis=0), 1e-6)
        table[name] = _row(forecast_errors(forecast, judge_on), variance)
    table["lstm"] = _lstm_row(model, judge_on)
    return {
        "held_out_files": len(test),
        "held_out_steps": int(sum(len(s) for s in judge_on)),
        "table": table,
        "free_run": [free_run(model, judge_on, temperature=t, seed=seed) for t in TEMPERATURES],
    }


def forecast_errors(forecast: Forecast, sequences: Sequence[np.ndarray]) -> dict[int, np.ndarray]:
    """Squared errors (n, D) of each horizon, over every step of every sequence that has one so far ahead."""
    errors: dict[int, list[np.ndarray]] = {h: [] for h in HORIZONS}
    for sequence in sequences:
        ahead = forecast(_lags(sequence, MAX_LAGS).reshape(len(sequence) - 1, MAX_LAGS, -1))
        for h in HORIZONS:
            n = len(sequence) - h
            if n > 0:
                errors[h].append((ahead[:n, h - 1] - sequence[h:]) ** 2)
    return {h: np.concatenate(e) for h, e in errors.items() if e}


@torch.no_grad()
def free_run(model: Lstm, sequences: Sequence[np.ndarray], *, temperature: float, seed: int) -> dict[str, float]:
    """Let it hear itself for 160 steps after the beginning of each file; 64 runs or more, against the real files.

    variance_ratio: of all steps of all runs together (near 0: flat; far above 1: blown up).
    local_ratio: variance within stretches of 32 steps (as lively as the music is).
    drift_ratio: variance within a whole run (above 1: it wanders off to other material).
    """
    enough = [s for s in sequences if len(s) >= 2 * PRIMING_STEPS] or [max(sequences, key=len)]
    priming = min(PRIMING_STEPS, *(len(s) for s in enough))
    heard = np.concatenate([np.stack([s[:priming] for s in enough])] * -(-FREE_RUNS // len(enough)))
    generator = torch.Generator(device=model.mean.device).manual_seed(seed)
    parameters, hidden = model(_tensor(model, heard))
    parameters = tuple(p[:, -1:] for p in parameters)
    drawn = []
    for _ in range(FREE_RUN_STEPS):
        drawn.append(mixture.draw(parameters, generator, temperature=temperature))  # (n, 1, D)
        parameters, hidden = model(drawn[-1], hidden)
    runs = list(torch.cat(drawn, dim=1).cpu().numpy())
    found = {"temperature": temperature}
    for name, length in RATIOS.items():
        found[name] = round(_variance(runs, length) / _variance(enough, length), 3)
    return found | {"largest_z": round(max(float(np.abs(r).max()) for r in runs), 2)}


def _variance(sequences: Sequence[np.ndarray], length: int | None) -> float:
    """Mean over features of the variance within stretches of `length` steps, or of everything together."""
    if length is None:
        return float(np.concatenate(sequences).var(axis=0).mean())
    stretches = [s[i : i + length] for s in sequences for i in range(0, len(s), length)]
    return float(np.average([s.var(axis=0).mean() for s in stretches], weights=[len(s) for s in stretches]))


def format_table(metrics: dict[str, Any]) -> str:
    """For people."""
    lines = [
        f"held out: {metrics['held_out_files']} files, {metrics['held_out_steps']} steps",
        f"{'':12s} {'1 step':>8s} {'4 steps':>8s} {'16 steps':>8s} {'NLL':>8s}",
    ]
    for name, row in metrics["table"].items():
        cells = [row.get(f"mse_{h}") for h in HORIZONS] + [row["nll"]]
        lines.append(f"{name:12s} " + " ".join("       -" if c is None else f"{c:8.3f}" for c in cells))
    for run in metrics["free_run"]:
        ratios = ", ".join(f"{key.removesuffix('_ratio')} {run[key]:.2f}" for key in RATIOS)
        lines.append(f"free run at temperature {run['temperature']:g}: {ratios}, largest |z| {run['largest_z']:.1f}")
    return "\n".join([*lines, _verdict(metrics)])


def _verdict(metrics: dict[str, Any]) -> str:
    """The table and the free runs in a sentence: one step ahead, and left to itself at the sequencer's temperature."""
    errors = {name: row["mse_1"] for name, row in metrics["table"].items()}
    best = min((name for name in errors if name not in ("lstm", "mean")), key=errors.__getitem__)
    gains = [1.0 - errors["lstm"] / max(errors[name], 1e-9) for name in ("mean", best)]
    told = [f"yes, by {gain:.0%}" if gain > 0 else f"no, {-gain:.0%} worse" for gain in gains]
    variance = metrics["free_run"][0]["variance_ratio"]
    lively = "runs wild" if variance > LIVELY[1] else "stays as lively as they are"
    alone = "goes flat" if variance < LIVELY[0] else lively
    return (
        f"verdict on recordings that it never heard: better than always guessing the mean: {told[0]}; "
        f"better than the best simple model ({best}): {told[1]}; left to itself it {alone}"
    )


def _baselines(fit_on: Sequence[np.ndarray], tune_on: Sequence[np.ndarray]) -> dict[str, Forecast]:
    n = max(HORIZONS)
    found: dict[str, Forecast] = {
        "mean": lambda lags: np.zeros((len(lags), n, lags.shape[2])),
        "persistence": lambda lags: np.repeat(lags[:, -1:], n, axis=1),
    }
    for order in (1, 4, 16):
        candidates = [Var.fit(fit_on, order=order, ridge=ridge) for ridge in RIDGES]
        found[f"VAR({order})"] = min(candidates, key=lambda var: forecast_errors(var, tune_on)[1].mean())
    return found


def _row(errors: dict[int, np.ndarray], variance: np.ndarray) -> dict[str, float]:
    row = {f"mse_{h}": round(float(e.mean()), 4) for h, e in errors.items()}
    density = 0.5 * (np.log(2 * np.pi * variance) + errors[1] / variance)  # (n, D)
    return row | {"nll": round(float(density.mean()), 4)}


@torch.no_grad()
def _lstm_row(model: Lstm, sequences: Sequence[np.ndarray]) -> dict[str, float]:
    """Its mean is fed back, as the linear models' forecasts are."""
    values, mask = pad(sequences)
    z, real = _tensor(model, values), torch.from_numpy(mask)
    errors: dict[int, list[torch.Tensor]] = {h: [] for h in HORIZONS}
    nlls, hidden = [], None
    for t in range(z.shape[1] - 1):
        parameters, hidden = model(z[:, t : t + 1], hidden)
        nlls.append(mixture.nll(parameters, z[:, t + 1 : t + 2])[real[:, t + 1], 0])
        ahead = _mean_rollout(model, parameters, hidden, n_steps=min(max(HORIZONS), z.shape[1] - 1 - t))
        for h in HORIZONS:
            if h <= ahead.shape[1]:
                errors[h].append(((ahead[:, h - 1] - z[:, t + h]) ** 2)[real[:, t + h]])
    row = {f"mse_{h}": round(float(torch.cat(e).mean()), 4) for h, e in errors.items() if sum(map(len, e))}
    return row | {"nll": round(float(torch.cat(nlls).mean()), 4)}


def _mean_rollout(model: Lstm, parameters: mixture.Parameters, hidden: Hidden, *, n_steps: int) -> torch.Tensor:
    """(batch, n_steps, D): the expected step, fed back."""
    ahead = [mixture.mean(parameters)]  # (batch, 1, D)
    for _ in range(n_steps - 1):
        parameters, hidden = model(ahead[-1], hidden)
        ahead.append(mixture.mean(parameters))
    return torch.cat(ahead, dim=1)


def _z_scored(
    recordings: Sequence[Recording], mean: np.ndarray, deviation: np.ndarray, *, offsets: Sequence[int] = (0,)
) -> list[np.ndarray]:
    found = [(steps(r.frames[offset:]) - mean) / deviation for r in recordings for offset in offsets]
    return [s for s in found if len(s) >= 2]


def _lags(sequence: np.ndarray, order: int) -> np.ndarray:
    """For each step but the last, it and the order - 1 before it, oldest first: (n_steps - 1, order * D)."""
    before = np.repeat(sequence[:1], order - 1, axis=0)
    padded = np.concatenate((before, sequence[:-1]))  # (order - 1 + n_steps - 1, D)
    windows = np.lib.stride_tricks.sliding_window_view(padded, order, axis=0)  # (n_steps - 1, D, order)
    return windows.transpose(0, 2, 1).reshape(len(sequence) - 1, -1)


def _with_constant(rows: np.ndarray) -> np.ndarray:
    return np.concatenate((rows, np.ones((len(rows), 1))), axis=1)


def _tensor(model: Lstm, values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32)).to(model.mean.device)
