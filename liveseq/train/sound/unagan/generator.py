"""Generator of UNAGAN's streaming form: noise and a tag to mel frames, 16 of them at a step."""

import math

import torch
from torch import Tensor, nn

from liveseq.dsp.mel import FLOOR
from liveseq.train.sound.beats import CLOCK_SIZE, Tempi, clock_features, wrapped
from liveseq.train.sound.frames.codec import Codec
from liveseq.train.sound.frames.grain import TagGrain
from liveseq.train.sound.frames.limits import Limits
from liveseq.train.sound.streaming import Tape
from liveseq.train.sound.unagan.networks import FRAMES_PER_STEP, Decoder, TagInput
from liveseq.train.sound.unagan.prior import Prior

PLAYED = 0.5
"""Share of the decoder's addition to the draft that is played: the whole has patterns that an adversary of an hour does
not mind."""
BIRTH_SIZE = 32
"""Normal numbers that a stream is born with: one decides its tempo, the others where its music begins."""


class Generator(nn.Module):
    """Prior and decoder under the same tag and clock."""

    def __init__(
        self,
        *,
        n_mels: int,
        n_tags: int,
        tag_size: int,
        z_size: int,
        widths: tuple[int, ...],
        n_recurrent: int,
        n_conditions: int,
        prior_width: int,
        n_couplings: int,
        dropout: float,
        temperature: float,
    ) -> None:
        super().__init__()
        self.n_mels, self.z_size, self.temperature = n_mels, z_size, temperature
        self.codec = Codec(n_mels, z_size=z_size, per_step=FRAMES_PER_STEP)
        self.grain = TagGrain(n_mels, z_size=z_size, n_tags=n_tags, n_frames=FRAMES_PER_STEP)
        self.limits = Limits(n_tags=n_tags, z_size=z_size, n_mels=n_mels, per_step=FRAMES_PER_STEP)
        self.tempi = Tempi(n_tags=n_tags, tag_size=tag_size)
        self.tag = TagInput(tag_size, n_conditions)
        self.prior_tag = TagInput(tag_size, n_conditions)
        self.prior = Prior(
            z_size=z_size,
            n_conditions=n_conditions,
            width=prior_width,
            n_couplings=n_couplings,
            birth_size=BIRTH_SIZE - 1,
            dropout=dropout,
        )
        self.decoder = Decoder(
            z_size + CLOCK_SIZE, n_conditions=n_conditions, widths=widths, n_recurrent=n_recurrent, n_mels=n_mels
        )

    def prior_condition(self, tag: Tensor, clock: Tensor) -> Tensor:
        """Condition of the prior beside the past: tag (..., tag_size), clock (..., CLOCK_SIZE) -> (..., n)."""
        embedded = self.prior_tag(tag if tag.dim() == 3 else tag[:, None]).transpose(1, 2)
        return torch.cat((clock, embedded if tag.dim() == 3 else embedded[:, 0]), dim=-1)

    def decode(self, latent: Tensor, tag: Tensor, clock: Tensor, tape: Tape | None = None) -> Tensor:
        """latent (B, S, z_size), tag (B, S, tag_size), clock (B, S, CLOCK_SIZE) -> scored mel (B, n_mels, 16 S)."""
        inputs = torch.cat((latent, clock), dim=-1).transpose(1, 2)
        return self.decoder(inputs, self.codec.draft(latent), self.tag(tag), tape)

    def smooth(self, latent: Tensor, tag: Tensor, clock: Tensor, tape: Tape | None = None) -> Tensor:
        """Scored mel (B, n_mels, 16 S) as it is played, without grain; arguments as of `decode`."""
        draft = self.codec.draft(latent)
        return draft + PLAYED * (self.decode(latent, tag, clock, tape) - draft)

    def frames(self, latent: Tensor, tag: Tensor, clock: Tensor, noise: Tensor, tape: Tape | None = None) -> Tensor:
        """log10 mel (B, n_mels, 16 S) as a vocoder takes it, with grain; arguments as of `decode`.

        noise: standard normal, for the grain (B, S, 16 * n_mels).
        """
        near = self.tempi.near(tag)
        mel = self.smooth(latent, tag, clock, tape) + self.grain(latent, noise, near, tape)
        return self.limits.levelled(self.codec.unscored(mel).clamp(min=math.log10(FLOOR)), near)

    @torch.no_grad()
    def roll(self, tag: Tensor, clock: Tensor, *, temperature: float | None = None) -> Tensor:
        """New latents under tags (B, S, tag_size) and clocks (B, S, CLOCK_SIZE), from the start: (B, S, z_size)."""
        known = self.prior_condition(tag, clock)
        least, largest = self.limits.latents(self.tempi.near(tag))
        birth = torch.randn(len(tag), BIRTH_SIZE - 1, device=tag.device)
        memory, latents = None, []
        heat = self.temperature if temperature is None else temperature
        for number in range(tag.shape[1]):
            tape = Tape(memory)
            noise = heat * torch.randn(len(tag), self.z_size, device=tag.device)
            begun = tag.new_full((), float(number > 0))
            within = least[:, number], largest[:, number]
            latents.append(self.prior.step(noise, known[:, number], birth, begun=begun, within=within, tape=tape))
            memory = tape.left()
        return torch.stack(latents, dim=1)

    def stream(
        self, tape: Tape, noise: Tensor, tag: Tensor, birth: Tensor, *, rate: Tensor, beating: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One step of one stream: its latent (1, 1, z_size) and clock (1, 1, CLOCK_SIZE).

        noise: (z_size,); tag: (tag_size,); birth: (BIRTH_SIZE,); rate, beating: beats of this step (), and whether
        there is a beat (), 1 or 0. On the tape: whether the stream has begun, and beats since the start.
        """
        begun, position = tape.recall((1,), noise), tape.recall((1,), noise)
        tape.keep(torch.ones_like(begun))
        tape.keep(wrapped(position + rate))
        clock = clock_features(position, beating[None])  # (1, CLOCK_SIZE)
        known = self.prior_condition(tag[None], clock)
        within = self.limits.latents(self.tempi.near(tag[None]))
        noise = self.temperature * noise[None]
        latent = self.prior.step(noise, known, birth[None, 1:], begun=begun, within=within, tape=tape)
        return latent[:, None], clock[:, None]
