"""Rollouts of a network: its forecasts as Outlooks, and long runs in which it has its own steps as inputs alone.

Courses of F steps are drawn whole and fed back whole, as the sequencer does when it needs more steps than one answer
has. A network with conditions has the tag and beat of the recording that it began with, the beat going on.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from liveseq.train import mixture
from liveseq.train.predictors.baselines.baseline import HORIZONS
from liveseq.train.predictors.conditions import TagVectors
from liveseq.train.predictors.crops import pad
from liveseq.train.predictors.families.base import Hidden, Network
from liveseq.train.predictors.material import HOPS_PER_STEP, DescribedRecording, condition_of, steps
from liveseq.train.predictors.scores import N_DRAWS, Outlook

PRIMING_STEPS = 16
"""Real steps before a run: 2.7 s at 48 kHz."""
PIECES_AT_ONCE = 16
STEPS_AT_ONCE = 128
"""Attention over a whole long recording would not fit."""

Snap = Callable[[np.ndarray], np.ndarray]
"""Steps (n, F, D) -> the nearest ones that exist."""


@dataclass(frozen=True)
class Piece:
    """A recording with its z-scored steps."""

    recording: DescribedRecording
    z: np.ndarray
    """float32 (n_steps, D)."""


def pieces_of(recordings: Sequence[DescribedRecording], mean: np.ndarray, deviation: np.ndarray) -> list[Piece]:
    """Pieces of two steps or more. mean, deviation: of the features, (D,) each."""
    pieces = [Piece(r, ((steps(r.frames) - mean) / deviation).astype(np.float32)) for r in recordings]
    return [piece for piece in pieces if len(piece.z) >= 2]


@torch.no_grad()
def next_steps(model: Network, pieces: Sequence[Piece], *, tags: TagVectors, seed: int) -> Outlook:
    """Outlooks on the step after each step of each piece but its last, in the order of `baselines.examples`."""
    generator = _generator(model, seed)
    parts = []
    for begin in range(0, len(pieces), PIECES_AT_ONCE):
        some = pieces[begin : begin + PIECES_AT_ONCE]
        values, _ = pad([piece.z[:-1] for piece in some])
        conditions = _conditions(model, some, tags, n_steps=values.shape[1])
        real = [(row, slice(len(piece.z) - 1)) for row, piece in enumerate(some)]
        parameters = _next_parameters(model, _tensor(model, values), conditions)
        parts.append(tuple(torch.cat([p[at] for at in real]) for p in parameters))
    logits, means, log_scales = (torch.cat(p) for p in zip(*parts, strict=True))  # (n, K), (n, 1, K, D) twice
    draws = mixture.draw(_each_drawn((logits, means, log_scales)), generator, basis=model.basis)  # (n * R, 1, D)
    return Outlook(
        logits=_array(logits),
        means=_array(means[:, 0]),
        scales=np.exp(_array(log_scales[:, 0])),
        draws=_array(draws).reshape(len(logits), N_DRAWS, -1),
        basis=None if model.basis is None else _array(model.basis),
    )


def _next_parameters(model: Network, z: Tensor, conditions: Tensor | None) -> mixture.Parameters:
    """Parameters of the step after each of z (B, T, D): the first of its course."""
    hidden, parts = model.start(len(z)), []
    for begin in range(0, z.shape[1], STEPS_AT_ONCE):
        some = slice(begin, begin + STEPS_AT_ONCE)
        (logits, means, log_scales), hidden = model(
            z[:, some], None if conditions is None else conditions[:, some], hidden
        )
        parts.append((logits, means[:, :, :1], log_scales[:, :, :1]))
    logits, means, log_scales = (torch.cat(p, dim=1) for p in zip(*parts, strict=True))
    return logits, means, log_scales


@torch.no_grad()
def later_steps(
    model: Network, pieces: Sequence[Piece], *, tags: TagVectors, every: int, seed: int
) -> dict[int, Outlook]:
    """Outlooks by horizon beyond one step, from every so many steps of each piece, ordered as `examples` orders them.

    Each origin has N_DRAWS rollouts. The density is the mean of theirs, each given its own steps before.
    """
    generator = _generator(model, seed)
    ahead = [h for h in HORIZONS if h > 1]
    rollouts: dict[int, dict[tuple[int, int], tuple[Tensor, ...]]] = {h: {} for h in ahead}
    for begin in range(0, len(pieces), PIECES_AT_ONCE):
        numbers = range(begin, min(begin + PIECES_AT_ONCE, len(pieces)))
        for t, rows, parameters, hidden in _origins(model, [pieces[i] for i in numbers], tags=tags, every=every):
            kept = _imagine(model, [pieces[numbers[r]] for r in rows], t, parameters, hidden, tags, generator)
            for h, found in kept.items():
                for i, row in enumerate(rows):
                    if t < len(pieces[numbers[row]].z) - h:
                        rollouts[h][(numbers[row], t)] = tuple(part[i] for part in found)
    return {h: _outlook(model, [rollouts[h][at] for at in sorted(rollouts[h])]) for h in ahead if rollouts[h]}


def _origins(
    model: Network, pieces: Sequence[Piece], *, tags: TagVectors, every: int
) -> Iterator[tuple[int, list[int], mixture.Parameters, Hidden]]:
    """Each time to look ahead from, the pieces that have a step to be judged then, parameters, and state."""
    values, _ = pad([piece.z for piece in pieces])
    z, conditions = _tensor(model, values), _conditions(model, pieces, tags, n_steps=values.shape[1])
    least = min(h for h in HORIZONS if h > 1)
    hidden, begin = model.start(len(pieces)), 0
    for t in range(0, z.shape[1] - least, every):
        known = None if conditions is None else conditions[:, begin : t + 1]
        last = torch.tensor([t - begin], device=z.device)
        parameters, hidden = model(z[:, begin : t + 1], known, hidden, at=last)
        begin = t + 1
        rows = [i for i, piece in enumerate(pieces) if t < len(piece.z) - least]
        yield t, rows, _rows(parameters, rows), _rows(hidden, rows)


def _imagine(
    model: Network,
    pieces: Sequence[Piece],
    t: int,
    parameters: mixture.Parameters,
    hidden: Hidden,
    tags: TagVectors,
    generator: torch.Generator,
) -> dict[int, tuple[Tensor, ...]]:
    """By horizon logits (n, R, K), means and log_scales (n, R, K, D) and draws (n, R, D) from after step t on."""
    f, furthest = model.forecast, max(HORIZONS)
    conditions = _conditions(
        model, [p for p in pieces for _ in range(N_DRAWS)], tags, start=t + 1, n_steps=furthest + f
    )
    n, kept = len(pieces), {}
    walk = courses(model, _each_drawn(parameters), _each_drawn(hidden), conditions, generator, temperature=1.0)
    for number, ((logits, means, log_scales), course) in zip(range(-(-furthest // f)), walk, strict=False):
        for h in (h for h in HORIZONS if h > 1 and (h - 1) // f == number):
            step = (h - 1) % f
            found = (logits[:, -1], means[:, -1, step], log_scales[:, -1, step], course[:, step])
            kept[h] = tuple(part.reshape(n, N_DRAWS, *part.shape[1:]) for part in found)
    return kept


def courses(
    model: Network,
    parameters: mixture.Parameters,
    hidden: Hidden,
    conditions: Tensor | None,
    generator: torch.Generator,
    *,
    temperature: float,
    snap: Snap | None = None,
) -> Iterator[tuple[mixture.Parameters, Tensor]]:
    """Parameters and a course drawn from them (n, F, D), without end; each course is the network's next input.

    conditions: (n, at least as many steps as are asked for and F more, E + 3), those of the drawn steps.
    """
    f, begin = model.forecast, 0
    while True:
        course = mixture.draw(_last(parameters), generator, temperature=temperature, basis=model.basis)  # (n, F, D)
        if snap is not None:
            course = _tensor(model, snap(_array(course)))
        yield parameters, course
        known = None if conditions is None else conditions[:, begin : begin + f]
        parameters, hidden = model(course, known, hidden, at=torch.tensor([f - 1], device=course.device))
        begin += f


@torch.no_grad()
def free_runs(
    model: Network,
    pieces: Sequence[Piece],
    *,
    tags: TagVectors,
    n_steps: int,
    temperature: float,
    seed: int,
    snap: Snap | None = None,
) -> np.ndarray:
    """Runs on its own steps after the first ones of each piece: float32 (n_pieces, n_steps, D).

    snap: every step becomes the nearest one that exists before it is an input, as where it plays; None: as drawn.
    """
    priming = min(PRIMING_STEPS, *(len(piece.z) for piece in pieces))
    conditions = _conditions(model, pieces, tags, n_steps=priming + n_steps + model.forecast)
    first = _tensor(model, np.stack([piece.z[:priming] for piece in pieces]))
    before, after = (None, None) if conditions is None else (conditions[:, :priming], conditions[:, priming:])
    parameters, hidden = model(first, before, at=torch.tensor([priming - 1], device=first.device))
    generator = _generator(model, seed)
    drawn: list[Tensor] = []
    for _, course in courses(model, parameters, hidden, after, generator, temperature=temperature, snap=snap):
        drawn.append(course)
        if len(drawn) * model.forecast >= n_steps:
            break
    return _array(torch.cat(drawn, dim=1)[:, :n_steps])


def _outlook(model: Network, rollouts: Sequence[tuple[Tensor, ...]]) -> Outlook:
    """Outlook of rollouts: logits (R, K), means and log_scales (R, K, D), draws (R, D) of each origin."""
    n = len(rollouts)
    logits, means, log_scales, draws = (_array(torch.stack(parts)) for parts in zip(*rollouts, strict=True))
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)  # every rollout counts the same
    return Outlook(
        logits=np.log(np.maximum(weights, 1e-30)).reshape(n, -1),
        means=means.reshape(n, -1, means.shape[-1]),
        scales=np.exp(log_scales).reshape(n, -1, means.shape[-1]),
        draws=draws,
        basis=None if model.basis is None else _array(model.basis),
        rollouts=np.einsum("nrk,nrkd->nrd", weights, means),
    )


def _conditions(
    model: Network, pieces: Sequence[Piece], tags: TagVectors, *, n_steps: int, start: int = 0
) -> Tensor | None:
    """Conditions (n_pieces, n_steps, E + 3) from step `start` of each piece on; None where the network has none."""
    if not model.conditions:
        return None
    hop = HOPS_PER_STEP * start
    tags = tags or {"": np.zeros(model.config.tag_size, dtype=np.float32)}  # no encoder: zeros
    return _tensor(model, np.stack([condition_of(p.recording, tags=tags, start=hop, n_steps=n_steps) for p in pieces]))


def _last(parameters: mixture.Parameters) -> mixture.Parameters:
    logits, means, log_scales = parameters
    return logits[:, -1], means[:, -1], log_scales[:, -1]


def _rows(tensors: tuple[Tensor, ...], rows: list[int]) -> tuple[Tensor, ...]:
    return tuple(tensor[rows] for tensor in tensors)


def _each_drawn(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(tensor.repeat_interleave(N_DRAWS, dim=0) for tensor in tensors)


def _generator(model: Network, seed: int) -> torch.Generator:
    return torch.Generator(device=model.mean.device).manual_seed(seed)


def _tensor(model: Network, values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(model.mean.device)


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()
