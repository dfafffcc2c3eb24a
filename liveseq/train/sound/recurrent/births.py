"""Births of streams: memories of networks that have heard seconds of recordings, a few for each tag.

A network that begins with nothing, or with one token, falls into silence or into one long tone: neither is a past that
training shows. So a stream begins in the middle of music, in a memory of it, and where it has fallen silent it begins
anew.
"""

import torch
from torch import Tensor, nn

from liveseq.train.sound.recurrent.chance import uniform
from liveseq.train.sound.streaming import Tape

N_BIRTHS = 8
"""Beginnings of each tag."""


class Births(nn.Module):
    """Memories by tag, each of `size` numbers."""

    table: Tensor

    def __init__(self, *, n_tags: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("table", torch.zeros(n_tags, N_BIRTHS, size))

    def forward(self, near: Tensor, normal: Tensor) -> Tensor:
        """A memory (1, size) by weights of the learned tags (n_tags,) and a normal number (1,)."""
        place = (uniform(normal) * N_BIRTHS).floor()
        picked = (place == torch.arange(N_BIRTHS, device=near.device)).to(near.dtype)
        return (near[:, None] * (picked @ self.table)).sum(dim=0, keepdim=True)

    @torch.no_grad()
    def learn(self, tag: int, memories: Tensor, loudness: Tensor) -> None:
        """Keep the memories of a tag (n, size), n at least N_BIRTHS, that end the loudest. loudness: (n,)."""
        self.table[tag] = memories[loudness.topk(N_BIRTHS).indices]


class Course:
    """Memory of one stream on the tape, taken from the births at its start and after a rest.

    On the tape: whether it has begun, the count of silent parts in a row, and the memory.
    """

    def __init__(self, tape: Tape, births: Births, *, near: Tensor, normal: Tensor, rest: int) -> None:
        """near, normal: see `Births`; rest: silent parts in a row after which it begins anew."""
        begun, n_silent, kept = tape.recall((1,), near), tape.recall((1,), near), tape.recall((1, births.size), near)
        anew = torch.maximum(1.0 - begun, (n_silent >= rest).to(near.dtype))
        self.begun = begun
        """1, or 0 at the start (1,)."""
        self.memory = anew * births(near, normal) + (1.0 - anew) * kept
        """(1, size)."""
        self.n_silent = (1.0 - anew) * n_silent

    def count(self, silent: Tensor) -> None:
        """Count a part that is silent, 1 or 0 (1,)."""
        self.n_silent = silent * (self.n_silent + 1.0)

    def keep(self, tape: Tape) -> None:
        """Leave it for the next step."""
        for value in (torch.ones_like(self.begun), self.n_silent, self.memory):
            tape.keep(value)


def heard(tape: Tape, births: Births, like: Tensor) -> Course:
    """Course of a stream that listens to a recording: from nothing, or where it was, and awake."""
    nobody = like.new_zeros(len(births.table))
    course = Course(tape, births, near=nobody, normal=like.new_zeros(1), rest=1 << 30)
    course.n_silent = like.new_zeros(1)
    return course
