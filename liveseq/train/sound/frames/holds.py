"""Holds: crops in which a sound is held for too long, so that the end of it is learned.

A stream may come to hold a note for longer than any recording does, and in a past that training never shows nothing
tells it to let go. Here some crops go back and forth over their last few latents for seconds, and then go on as they
were: nothing is learned of what is held, only of what comes after it.
"""

import math

import torch
from torch import Tensor

HELD = 0.3
"""Share of the crops that have a hold."""
SHORTEST = 12
"""Least latents of a hold, 1 s."""
MOST_TURNED = 4
"""Latents that a hold goes back and forth over, at most."""
FASTEST_RATE = 0.6
"""Beats of a latent, at most: 420 a minute. More is a change to another piece."""


def with_holds(latent: Tensor, tag: Tensor, clock: Tensor, *, longest: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Crops, some with a hold, and where something is to be learned, bool (B, S).

    latent: (B, S, size); tag: (B, S, n); clock: beats and whether there is a beat (B, S, 2); longest: latents of a hold
    at most. The beats before a hold are moved, so that the clock runs on evenly through it: where there is a beat, a
    hold lasts whole ones.
    """
    n = latent.shape[1]
    place, clock = torch.arange(n, device=latent.device).repeat(len(latent), 1), clock.clone()
    real = torch.ones_like(place, dtype=torch.bool)
    for row, clocks in enumerate(clock):
        if n < 3 * SHORTEST or torch.rand(()) >= HELD:
            continue
        at = int(torch.randint(MOST_TURNED, n - 2 * SHORTEST, ()))  # the last latent before the hold
        rate = _rate(clocks[at : at + 2])
        length = _length(min(longest, n - at - 2), rate)
        if length is None:
            continue
        held = slice(at + 1, at + 1 + length)
        place[row] = _places(n, at=at, length=length, turned=int(torch.randint(1, MOST_TURNED + 1, ())))
        real[row, held] = False
        whole = clocks[place[row]]
        whole[: at + 1, 0] -= length * rate
        whole[held, 0] = whole[at, 0] + rate * torch.arange(1, length + 1, device=clock.device)
        clock[row] = whole
    latent, tag = (x.gather(1, place[..., None].expand(-1, -1, x.shape[-1])) for x in (latent, tag))
    return latent, tag, clock, real


def _rate(clocks: Tensor) -> float:
    """Beats from one latent to the next, whose clocks are (2, 2); 0 without a beat, NaN where the clock jumps."""
    rate, beating = float(clocks[1, 0] - clocks[0, 0]), clocks[:, 1] > 0
    if not beating.any():
        return 0.0
    return rate if beating.all() and 0.0 < rate < FASTEST_RATE else math.nan


def _length(most: int, rate: float) -> int | None:
    """Latents of a hold by chance, shorter ones more often, whole beats of a rate; None where none fits."""
    if math.isnan(rate) or most < SHORTEST:
        return None
    length = SHORTEST * (most / SHORTEST) ** float(torch.rand(()))
    length = round(length) if rate == 0.0 else round(max(1, round(length * rate)) / rate)
    return length if length <= most else None


def _places(n: int, *, at: int, length: int, turned: int) -> Tensor:
    """Places of n latents in a crop: up to `at`, back and forth over the last `turned`, and on; int64 (n,)."""
    back = list(range(at - 1, at - turned, -1))
    turns = [*back, *reversed(back[:-1]), at] if back else [at]
    held = (turns * (length // len(turns) + 1))[:length]
    return torch.tensor([*range(at + 1), *held, *range(at + 1, n - length)])
