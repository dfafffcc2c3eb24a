"""Liveliness of a network that is left to itself: does it go flat, run wild, repeat, move like the music does?

Runs begin with the first steps of held-out files (validation and test), and are compared with those files. The training
files, compared in the same way, show how alike real music is to other real music. Free: the network's own draws are its
inputs. In the loop: each draw becomes the nearest step of the training files first, as where it plays (the sequencer's
rules against repetition left out).
"""

from collections.abc import Sequence

import faiss
import numpy as np

from liveseq.train.predictors.conditions import TagVectors
from liveseq.train.predictors.families.base import Network
from liveseq.train.predictors.material import DescribedRecording
from liveseq.train.predictors.rollouts import PRIMING_STEPS, Piece, free_runs, pieces_of

N_RUNS = 16
RUN_STEPS = 352
"""Steps of a run: 60 s at 48 kHz."""
LONG_STEPS = 3520
"""Steps of a long run: 10 minutes, of which the first and the last one are compared."""
MODULATION_STEPS = 32
"""Steps of a modulation spectrum: 5.5 s, from 0.2 to 2.9 Hz at 48 kHz."""
BAND = (0.7, 1.3)
"""Ratios of the variance to real music's that count as lively, for one feature."""
LIVELY = (0.5, 2.0)
"""Ratios between going flat and running wild, all features together."""
FREE_RUN, LOOP = "free, temperature 0.7", "in the loop, temperature 0.7"
TRAINING_FILES, HELD_OUT_FILES = "the training files", "the held-out files"
TEMPERATURE = 0.7
"""The sequencer's default."""


def left_alone(
    model: Network,
    *,
    train: Sequence[DescribedRecording],
    held_out: Sequence[DescribedRecording],
    tags: TagVectors,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Measures by kind of run, see `compared` and `over_time`. held_out: validation and test files."""
    mean, deviation = model.mean.cpu().numpy(), model.deviation.cpu().numpy()
    known = pieces_of(train, mean, deviation)
    pieces = _long_enough(pieces_of(held_out, mean, deviation))
    units = np.concatenate([piece.z for piece in known])
    real = [piece.z for piece in pieces]
    started = [pieces[i * len(pieces) // N_RUNS] for i in range(N_RUNS)]

    def runs(n_steps: int, temperature: float, *, snapped: bool = False) -> np.ndarray:
        snap = (lambda course: nearest(units, course)[1]) if snapped else None
        return free_runs(model, started, tags=tags, n_steps=n_steps, temperature=temperature, seed=seed, snap=snap)

    measures = {
        TRAINING_FILES: compared([piece.z for piece in _long_enough(known)], real),
        HELD_OUT_FILES: compared(real, real) | {"distinct": distinct(real, units)},
    }
    for kind, snapped in ((FREE_RUN, False), (LOOP, True)):
        long = runs(LONG_STEPS, TEMPERATURE, snapped=snapped)
        minute = list(long[:, :RUN_STEPS])
        measures[kind] = compared(minute, real) | {"distinct": distinct(minute, units)} | over_time(long)
    minute = list(runs(RUN_STEPS, 1.0))
    measures["free, temperature 1"] = compared(minute, real) | {"distinct": distinct(minute, units)}
    return {kind: {name: round(value, 3) for name, value in row.items()} for kind, row in measures.items()}


def compared(runs: Sequence[np.ndarray], real: Sequence[np.ndarray]) -> dict[str, float]:
    """Measures of runs (n_steps, D) against real sequences (n_steps, D), z-scored.

    variance_ratio: of all steps together, all features together; share_in_band: share of the features whose own ratio
    is in BAND; modulation_db: see `modulation_distance`; largest_z: furthest value.
    """
    own, theirs = (np.concatenate(s).var(axis=0) for s in (runs, real))
    ratios = own / np.maximum(theirs, 1e-9)
    return {
        "variance_ratio": float(own.mean() / theirs.mean()),
        "share_in_band": float(((ratios >= BAND[0]) & (ratios <= BAND[1])).mean()),
        "modulation_db": modulation_distance(runs, real),
        "largest_z": max(float(np.abs(run).max()) for run in runs),
    }


def distinct(runs: Sequence[np.ndarray], units: np.ndarray) -> float:
    """Share of distinct units (n_units, D) among those nearest to the steps of a run (n_steps, D), mean over runs."""
    return float(np.mean([len(np.unique(nearest(units, run)[0])) / len(run) for run in runs]))


def over_time(runs: np.ndarray) -> dict[str, float]:
    """Variance within the last minute of each run (n, LONG_STEPS, D) against its first: near 0 is a collapse."""
    minute = min(RUN_STEPS, runs.shape[1] // 2)
    first, last = (float(part.var(axis=1).mean()) for part in (runs[:, :minute], runs[:, -minute:]))
    return {"last_minute_ratio": last / max(first, 1e-9)}


def modulation_distance(runs: Sequence[np.ndarray], real: Sequence[np.ndarray]) -> float:
    """Difference of two modulation spectra, root mean square over features and frequencies, in dB.

    Sequences are (n_steps, D); NaN where none is MODULATION_STEPS long.
    """
    spectra = [_modulation(sequences) for sequences in (runs, real)]
    if any(spectrum is None for spectrum in spectra):
        return float("nan")
    own, theirs = (10.0 * np.log10(np.maximum(spectrum, 1e-6)) for spectrum in spectra)
    return float(np.sqrt(((own - theirs) ** 2).mean()))


def _modulation(sequences: Sequence[np.ndarray]) -> np.ndarray | None:
    """Mean power spectrum of each feature, (MODULATION_STEPS // 2, D), without its mean; None where all are short."""
    n = MODULATION_STEPS
    windows = [s[i : i + n] for s in sequences for i in range(0, len(s) - n + 1, n // 2)]
    if not windows:
        return None
    stacked = np.stack(windows)  # (n_windows, n, D)
    shaped = (stacked - stacked.mean(axis=1, keepdims=True)) * np.hanning(n)[:, None]
    return np.asarray((np.abs(np.fft.rfft(shaped, axis=1)[:, 1:]) ** 2).mean(axis=0))


def nearest(units: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest units (n_units, D) to steps (..., D): their numbers (...), and they themselves (..., D)."""
    flat = np.ascontiguousarray(steps.reshape(-1, steps.shape[-1]), dtype=np.float32)
    _, numbers = faiss.knn(flat, units, 1)
    numbers = numbers[:, 0].reshape(steps.shape[:-1])
    return numbers, units[numbers]


def format_runs(runs: dict[str, dict[str, float]]) -> list[str]:
    """Measures of each kind of run in a line."""
    return [
        f"{kind}: " + ", ".join(f"{n.replace('_', ' ')} {v:.2f}" for n, v in row.items()) for kind, row in runs.items()
    ]


def _long_enough(pieces: Sequence[Piece]) -> list[Piece]:
    return [p for p in pieces if len(p.z) >= 2 * PRIMING_STEPS] or [max(pieces, key=lambda p: len(p.z))]
