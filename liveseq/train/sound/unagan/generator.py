"""The generator that streams: noise and a tag to mel frames, and with a vocoder to sound, 16 frames at a step."""

import math

import torch
from torch import Tensor, nn

from liveseq.dsp.mel import FLOOR
from liveseq.train.sound.beats import CLOCK_SIZE, Tempi, clock_features, followed, wrapped
from liveseq.train.sound.leaving import leaving
from liveseq.train.sound.streaming import StepGraph, Tape
from liveseq.train.sound.unagan.codec import Codec
from liveseq.train.sound.unagan.grain import TagGrain
from liveseq.train.sound.unagan.limits import Limits
from liveseq.train.sound.unagan.nets import FRAMES_PER_STEP, Decoder, TagInput
from liveseq.train.sound.unagan.prior import Prior
from liveseq.train.sound.vocoders.vocoder import Vocoder

HEARD = 0.5
"""Share of what the decoder adds to the draft: the whole has patterns that an adversary of an hour does not mind."""
BIRTH_SIZE = 32
"""Normal numbers that a stream is born with: one tells its tempo, the others where its music begins."""


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
        self.codec = Codec(n_mels, z_size=z_size)
        self.grain = TagGrain(n_mels, z_size=z_size, n_tags=n_tags)
        self.limits = Limits(n_tags=n_tags, z_size=z_size, n_mels=n_mels)
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

    def known(self, tag: Tensor, clock: Tensor) -> Tensor:
        """What the prior knows beside the past: tag (..., tag_size), clock (..., CLOCK_SIZE) -> (..., n)."""
        told = self.prior_tag(tag if tag.dim() == 3 else tag[:, None]).transpose(1, 2)
        return torch.cat((clock, told if tag.dim() == 3 else told[:, 0]), dim=-1)

    def decode(self, latent: Tensor, tag: Tensor, clock: Tensor, tape: Tape | None = None) -> Tensor:
        """latent (B, S, z_size), tag (B, S, tag_size), clock (B, S, CLOCK_SIZE) -> mel (B, n_mels, 16 S), scored."""
        told = torch.cat((latent, clock), dim=-1).transpose(1, 2)
        return self.decoder(told, self.codec.draft(latent), self.tag(tag), tape)

    def heard(self, latent: Tensor, tag: Tensor, clock: Tensor, tape: Tape | None = None) -> Tensor:
        """The same with only a part of what the decoder adds to the draft."""
        draft = self.codec.draft(latent)
        return draft + HEARD * (self.decode(latent, tag, clock, tape) - draft)

    def frames(self, latent: Tensor, tag: Tensor, clock: Tensor, noise: Tensor, tape: Tape | None = None) -> Tensor:
        """The same with its grain, as a vocoder takes it: log10. noise (B, S, 16 * n_mels)."""
        near = self.tempi.near(tag)
        mel = self.heard(latent, tag, clock, tape) + self.grain(latent, noise, near, tape)
        return self.limits.levelled(self.codec.unscored(mel).clamp(min=math.log10(FLOOR)), near)

    @torch.no_grad()
    def roll(self, tag: Tensor, clock: Tensor, *, temperature: float | None = None) -> Tensor:
        """New latents under tags (B, S, tag_size) and clocks (B, S, CLOCK_SIZE), from the start: (B, S, z_size)."""
        known = self.known(tag, clock)
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
        """One step of one stream: noise (z_size,), tag (tag_size,), birth (BIRTH_SIZE,).

        rate, beating: beats of this step (), and 1 or 0: whether there is a beat.
        Returns the latent (1, 1, z_size) and the clock (1, 1, CLOCK_SIZE) of the step. On the tape: whether the stream
        has begun, and beats since the start.
        """
        begun, position = tape.recall((1,), noise), tape.recall((1,), noise)
        tape.keep(torch.ones_like(begun))
        tape.keep(wrapped(position + rate))
        clock = clock_features(position, beating[None])  # (1, CLOCK_SIZE)
        known = self.known(tag[None], clock)
        within = self.limits.latents(self.tempi.near(tag[None]))
        drawn = self.temperature * noise[None]
        latent = self.prior.step(drawn, known, birth[None, 1:], begun=begun, within=within, tape=tape)
        return latent[:, None], clock[:, None]


class UnaganGraph(StepGraph):
    """Generator and vocoder in one graph."""

    channels = 1

    def __init__(self, generator: Generator, vocoder: Vocoder, *, tag_size: int) -> None:
        super().__init__()
        self.generator, self.vocoder, self.tag_size = generator, vocoder, tag_size
        self.sample_rate = vocoder.front_end.sample_rate
        self.look_ahead = vocoder.latency
        self.samples_per_step = FRAMES_PER_STEP * vocoder.front_end.hop_length

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        # The prior's numbers first, then those of the grain.
        return {"z": (self.generator.z_size + self.generator.grain.size,), "tag": (self.tag_size,), "tempo": (1,)}

    def birth_size(self) -> int:
        return BIRTH_SIZE

    def step(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        noise, tag, tempo = inputs
        drawn, grain = noise[: self.generator.z_size], noise[self.generator.z_size :]
        latent, clock = self._stream(tape, drawn, tag, tempo, birth)
        mel = self.generator.frames(latent, tag[None, None], clock, grain[None, None], tape)
        return leaving(self.vocoder(mel, tape), self.samples_per_step, tape), birth

    def whole(self, birth: Tensor, *inputs: Tensor) -> Tensor:
        noise, tag, tempo = inputs
        drawn, grain = noise[:, : self.generator.z_size], noise[:, self.generator.z_size :]
        memory, steps = None, []
        for number in range(len(noise)):
            tape = Tape(memory)
            steps.append(self._stream(tape, drawn[number], tag[number], tempo[number], birth))
            memory = tape.left()
        latent, clock = (torch.cat(parts, dim=1) for parts in zip(*steps, strict=True))
        mel = self.generator.frames(latent, tag[None], clock, grain[None])
        return leaving(self.vocoder(mel), self.samples_per_step, None)

    def _stream(self, tape: Tape, drawn: Tensor, tag: Tensor, tempo: Tensor, birth: Tensor) -> tuple[Tensor, Tensor]:
        """Latent and clock of a step at the tempo that is asked for, or the stream's own."""
        own, has_beat = self.generator.tempi(tag, birth[0])
        rate, beating = followed(
            tempo, rate=own, beating=has_beat, samples_per_step=self.samples_per_step, sample_rate=self.sample_rate
        )
        return self.generator.stream(tape, drawn, tag, birth, rate=rate, beating=beating)
