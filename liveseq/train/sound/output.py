"""Output stage of every generator, inside the graph: no offset, and no peak that would be cut."""

import torch
from torch import Tensor

from liveseq.train.sound.streaming import Tape

KNEE, LOUDEST = 0.8, 0.98
"""Linear amplitudes."""
FOLLOWED = 0.1
"""Share of a step's mean in the running one: 1.6 s at steps of 171 ms, so that no bass is touched."""


def output_stage(audio: Tensor, n_step: int, tape: Tape | None) -> Tensor:
    """Without offset and soft-clipped: (channels, n_steps * n_step) -> the same."""
    return soft_clipped(without_offset(audio, n_step, tape))


def without_offset(audio: Tensor, n_step: int, tape: Tape | None) -> Tensor:
    """Minus its running mean, which is followed from step to step along a line.

    (channels, n_steps * n_step) -> the same.
    """
    steps = audio.unflatten(-1, (-1, n_step))  # (channels, n_steps, n_step)
    mean = audio.new_zeros(len(audio)) if tape is None else tape.recall((len(audio),), audio)
    rise = torch.arange(1.0, n_step + 1.0, device=audio.device) / n_step
    centred = []
    for step in steps.unbind(1):
        after = mean + FOLLOWED * (step.mean(dim=-1) - mean)
        centred.append(step - (mean[:, None] + (after - mean)[:, None] * rise))
        mean = after
    if tape is not None:
        tape.keep(mean)
    return torch.cat(centred, dim=-1)


def soft_clipped(audio: Tensor) -> Tensor:
    """Sound beyond KNEE comes ever nearer to LOUDEST, and never there: (...) -> the same."""
    room = LOUDEST - KNEE
    return audio.clamp(-KNEE, KNEE) + room * torch.tanh((audio - audio.clamp(-KNEE, KNEE)) / room)
