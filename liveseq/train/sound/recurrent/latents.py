"""Generator of latents one by one: an LSTM that has heard all before them, tag and clock, and a head that draws.

The frames are the vocoder's, overlapped and of the logarithm of magnitudes; a latent is eight of them in closed form
(frames/codec.py), so no edge of a block is heard. Heads are those of the GAN and of the blocks.
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from liveseq.dsp.mel import FLOOR
from liveseq.train.sound.beats import CLOCK_SIZE, Tempi, clock_features, wrapped
from liveseq.train.sound.frames.codec import Codec
from liveseq.train.sound.frames.grain import TagGrain
from liveseq.train.sound.frames.limits import Limits
from liveseq.train.sound.recurrent.births import Births, Course, heard
from liveseq.train.sound.recurrent.lstm import Lstm
from liveseq.train.sound.streaming import Tape

PER_LATENT = 8
"""Frames of a latent."""
QUIETEST = -3.0
"""log10 of the magnitude that counts as silence: 98 dB below a low sine at full scale."""
REST = 12
"""Latents of silence (1 s) after which a stream begins anew."""
OWN = 0.25
"""Deviation of what tags add by themselves, before training: words of one kind are one to the text encoder."""


class Head(nn.Module, ABC):
    """Draws a latent under a context."""

    n_noise: int
    """Normal numbers of a draw."""

    @abstractmethod
    def draw(self, noise: Tensor, context: Tensor) -> Tensor:
        """noise (..., n_noise), context (..., width) -> latents (..., z_size)."""


class LatentGenerator(nn.Module):
    """Codec, LSTM and head, and what is learned of each tag."""

    def __init__(
        self,
        head: Head,
        *,
        n_mels: int,
        n_tags: int,
        tag_size: int,
        z_size: int,
        width: int,
        n_layers: int,
        n_conditions: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.n_mels, self.z_size = n_mels, z_size
        self.codec = Codec(n_mels, z_size=z_size, per_step=PER_LATENT, least=QUIETEST)
        self.grain = TagGrain(n_mels, z_size=z_size, n_tags=n_tags, n_frames=PER_LATENT)
        self.limits = Limits(n_tags=n_tags, z_size=z_size, n_mels=n_mels, per_step=PER_LATENT)
        self.tempi = Tempi(n_tags=n_tags, tag_size=tag_size)
        self.tag = nn.Sequential(nn.Linear(tag_size, n_conditions), nn.SiLU(), nn.Linear(n_conditions, n_conditions))
        self.own = nn.Parameter(OWN * torch.randn(n_tags, width))
        self.known = nn.Linear(n_conditions + CLOCK_SIZE, width)
        self.enter = nn.Linear(z_size, width)
        self.lstm = Lstm(width, width, n_layers=n_layers, dropout=dropout)
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Dropout(dropout), nn.Linear(width, width), nn.SiLU())
        self.head = head
        self.births = Births(n_tags=n_tags, size=1 + z_size + self.lstm.size)  # of the clock, latent, memory

    @property
    def n_noise(self) -> int:
        """Normal numbers that a latent is drawn from."""
        return self.head.n_noise

    def condition(self, tag: Tensor, clock: Tensor) -> Tensor:
        """Tag (..., tag_size) and clock (..., CLOCK_SIZE) of the latent that is to come -> (..., width)."""
        condition: Tensor = self.known(torch.cat((self.tag(tag), clock), dim=-1))
        return condition + self.tempi.near(tag) @ self.own

    def contexts(
        self, before: Tensor, tag: Tensor, clock: Tensor, memory: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Contexts of latents by the ones before them (B, S, width), and the memory after them (B, lstm.size).

        before: latents one step late (B, S, z_size); tag: (B, S, tag_size); clock: (B, S, CLOCK_SIZE); memory: of what
        was before, as it comes from here.
        """
        known = self.condition(tag, clock)
        hidden, memory = self.lstm(self.enter(before) + known, memory)
        contexts: Tensor = self.leave(hidden + known)
        return contexts, memory

    def next(
        self, noise: Tensor, tag: Tensor, clock: Tensor, *, before: Tensor, memory: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The next latent of each stream (B, z_size), and the memory after it.

        noise: (B, n_noise); before: the last latent (B, z_size); memory: (B, lstm.size); tag: (B, tag_size); clock:
        (B, CLOCK_SIZE).
        """
        context, memory = self.contexts(before[:, None], tag[:, None], clock[:, None], memory)
        least, largest = self.limits.latents(self.tempi.near(tag))
        latent = self.head.draw(noise, context[:, 0])
        return torch.maximum(torch.minimum(latent, largest), least), memory

    def roll(self, tag: Tensor, clock: Tensor, *, before: Tensor | None = None, memory: Tensor | None = None) -> Tensor:
        """New latents under tags (B, S, tag_size) and clocks (B, S, CLOCK_SIZE): (B, S, z_size).

        before: the last latent (B, z_size), and the memory (B, lstm.size) of what it followed; without: births.
        """
        if before is None or memory is None:
            near = self.tempi.near(tag[:, 0])
            born = torch.cat([self.births(one, torch.randn(1, device=tag.device)) for one in near])
            before, memory = born[:, 1 : 1 + self.z_size], born[:, 1 + self.z_size :]
        latents = []
        for number in range(tag.shape[1]):
            noise = torch.randn(len(tag), self.n_noise, device=tag.device)
            before, memory = self.next(noise, tag[:, number], clock[:, number], before=before, memory=memory)
            latents.append(before)
        return torch.stack(latents, dim=1)

    def stream(self, tape: Tape, noise: Tensor, anew: Tensor, tag: Tensor, *, rate: Tensor, beating: Tensor) -> Tensor:
        """Next latents of one stream, (1, S, z_size).

        noise: (S, n_noise); anew: the number that chooses a birth (1,); tag: (tag_size,); rate, beating: beats of a
        latent (), and whether there is a beat (), 1 or 0.
        """
        near, position = self.tempi.near(tag), tape.recall((1,), noise)
        course = Course(tape, self.births, near=near, normal=anew, rest=REST)
        place, latent, memory = course.memory.split((1, self.z_size, self.lstm.size), dim=1)
        position = course.begun * position + (1.0 - course.begun) * place[0]
        latents = []
        for some in noise.unbind(0):
            clock = clock_features(position, beating[None])  # (1, CLOCK_SIZE)
            latent, memory = self.next(some[None], tag[None], clock, before=latent, memory=memory)
            course.count(self.limits.silent(self.codec.unscored(self.codec.draft(latent[:, None])), near[None]))
            position = wrapped(position + rate)
            latents.append(latent)
        self._keep(tape, course, position, latent, memory)
        return torch.stack(latents, dim=1)

    def hear(self, tape: Tape, latents: Tensor, tag: Tensor, *, rate: Tensor, beating: Tensor) -> None:
        """Put latents of a recording (S, z_size) into the memory of a stream; all else as of `stream`."""
        position = tape.recall((1,), tag)
        course = heard(tape, self.births, tag)
        _, latent, memory = course.memory.split((1, self.z_size, self.lstm.size), dim=1)
        for some in latents.unbind(0):
            clock = clock_features(position, beating[None])
            _, memory = self.contexts(latent[:, None], tag[None, None], clock[None], memory)
            latent, position = some[None], wrapped(position + rate)
        self._keep(tape, course, position, latent, memory)

    @staticmethod
    def _keep(tape: Tape, course: Course, position: Tensor, latent: Tensor, memory: Tensor) -> None:
        course.memory = torch.cat((position[None], latent, memory), dim=1)
        tape.keep(position)
        course.keep(tape)

    def frames(self, latent: Tensor, tag: Tensor, noise: Tensor, tape: Tape | None = None) -> Tensor:
        """log10 mel (B, n_mels, PER_LATENT * S) as a vocoder takes it, with grain.

        latent: (B, S, z_size); tag: (B, S, tag_size); noise: standard normal, for the grain (B, S, grain.size).
        """
        near = self.tempi.near(tag)
        mel = self.codec.draft(latent) + self.grain(latent, noise, near, tape)
        return self.limits.levelled(self.codec.unscored(mel).clamp(min=math.log10(FLOOR)), near)
