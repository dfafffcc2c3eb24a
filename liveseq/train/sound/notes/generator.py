"""Generator of notes: latents one by one, each drawn from noise under those before it, the tag and the clock."""

import torch
from torch import Tensor, nn

from liveseq.train.sound.beats import CLOCK_SIZE, Tempi, clock_features, wrapped
from liveseq.train.sound.frames.grain import TagGrain
from liveseq.train.sound.frames.limits import Limits
from liveseq.train.sound.notes.codec import PER_LATENT, StereoCodec
from liveseq.train.sound.notes.codes import Codes
from liveseq.train.sound.notes.networks import FlowHead, Past, Transformer
from liveseq.train.sound.notes.stereo import stereo_frames
from liveseq.train.sound.streaming import Tape

OWN = 0.25
"""Deviation of what tags add by themselves, before training: the last latents enter with 1."""
REST = 12
"""Latents of silence (1 s) after which a stream forgets its past, and begins anew."""


class Generator(nn.Module):
    """Codec, transformer and head, and what is learned of each tag."""

    def __init__(
        self,
        *,
        n_mels: int,
        n_tags: int,
        tag_size: int,
        z_size: int,
        width: int,
        n_layers: int,
        heads: int,
        window: int,
        n_conditions: int,
        head_width: int,
        head_blocks: int,
        n_books: int,
        n_codes: int,
        dropout: float,
        flow_steps: int,
        temperature: float,
        guidance: float,
    ) -> None:
        """n_books, n_codes: see `Codes`.

        flow_steps: midpoint steps from noise to a latent; guidance: 1 is none, more is more of the tag's own.
        """
        super().__init__()
        self.n_mels, self.temperature, self.guidance, self.flow_steps = n_mels, temperature, guidance, flow_steps
        self.codec = StereoCodec(n_mels, z_size=z_size)
        self.size = self.codec.size
        self.grain = TagGrain(n_mels, z_size=z_size, n_tags=n_tags, n_frames=PER_LATENT)
        self.limits = Limits(n_tags=n_tags, z_size=self.size, n_mels=n_mels, per_step=PER_LATENT)
        self.tempi = Tempi(n_tags=n_tags, tag_size=tag_size)
        self.tag = nn.Sequential(nn.Linear(tag_size, n_conditions), nn.SiLU(), nn.Linear(n_conditions, n_conditions))
        self.enter = nn.Linear(self.size, width)
        self.known = nn.Linear(n_conditions + CLOCK_SIZE, width)
        self.own = nn.Parameter(OWN * torch.randn(n_tags, width))
        self.start = nn.Parameter(torch.zeros(width))
        self.transformer = Transformer(width, n_layers=n_layers, heads=heads, window=window, dropout=dropout)
        self.codes = Codes(self.size, width=width, n_books=n_books, n_codes=n_codes)
        self.head = FlowHead(self.size, n_context=width, width=head_width, n_blocks=head_blocks)

    @property
    def n_noise(self) -> int:
        """Normal numbers that a latent is drawn from: its own, then those that choose its codes."""
        return self.size + self.codes.n_books

    def condition(self, tag: Tensor, clock: Tensor) -> Tensor:
        """Tag (..., tag_size) and clock (..., CLOCK_SIZE) of the latent that is to come -> (..., width)."""
        condition: Tensor = self.known(torch.cat((self.tag(tag), clock), dim=-1))
        return condition + self.tempi.near(tag) @ self.own

    def contexts(self, latent: Tensor, tag: Tensor, clock: Tensor) -> Tensor:
        """Contexts of whole sequences: each latent's, by the ones before it, (B, S, width).

        latent: (B, S, size); tag: (B, S, tag_size); clock: (B, S, CLOCK_SIZE).
        """
        before = self.enter(latent[:, :-1])
        start = self.start.to(before.dtype).expand(len(latent), 1, -1)
        contexts: Tensor = self.transformer(torch.cat((start, before), dim=1) + self.condition(tag, clock))
        return contexts

    def times(self) -> Tensor:
        """Modulation of the head at the times at which it is asked, (2 * flow_steps, n): a constant."""
        return self.head.times(torch.arange(2 * self.flow_steps, device=self.start.device) / (2 * self.flow_steps))

    def draw(self, noise: Tensor, context: Tensor, times: Tensor) -> Tensor:
        """Latents (B, size) from standard normal noise (B, size), along the flow in midpoint steps.

        context: (B, width), or (2 B, width) with those under no tag behind the others; times: of `times`.
        """
        x, flow = self.temperature * noise, (self.head.context(context) + times[:, None]).unbind(0)
        for first, second in zip(flow[0::2], flow[1::2], strict=True):
            middle = x + self._direction(x, first) / (2 * self.flow_steps)
            x = x + self._direction(middle, second) / self.flow_steps
        return x

    def _direction(self, x: Tensor, modulation: Tensor) -> Tensor:
        if self.guidance == 1.0:
            return self.head(x, modulation)
        under, without = self.head(torch.cat((x, x)), modulation).chunk(2)
        return without + self.guidance * (under - without)

    def next(
        self, noise: Tensor, tag: Tensor, clock: Tensor, *, before: Tensor, counts: Tensor, past: Past, times: Tensor
    ) -> tuple[Tensor, Tensor, Past]:
        """The next latent of each stream (B, size), and counts and past after it.

        noise: (B, n_noise); before: (B, size), the last latent; tag: (B, tag_size); clock: (B, CLOCK_SIZE); counts: of
        latents that the past holds, 0 at the start of a stream, and of silent ones in a row (2, B); times: of `times`.
        """
        near, counts_now = self.tempi.near(tag), counts[0]
        if self.guidance != 1.0:
            tag, clock = torch.cat((tag, torch.zeros_like(tag))), torch.cat((clock, clock))
            before, counts_now = torch.cat((before, before)), torch.cat((counts_now, counts_now))
        begun = counts_now.clamp(max=1.0)[:, None]
        entered = begun * self.enter(before) + (1.0 - begun) * self.start
        context, past = self.transformer.step(entered + self.condition(tag, clock), past, counts_now)
        least, largest = self.limits.latents(near)
        context = self.codes.choose(context, noise[:, self.size :], guidance=self.guidance)
        drawn = self.draw(noise[:, : self.size], context, times)
        latent = torch.maximum(torch.minimum(drawn, largest), least)
        return latent, self._counted(counts, latent, near), past

    def _counted(self, counts: Tensor, latent: Tensor, near: Tensor) -> Tensor:
        """Counts (2, B) after a latent (B, size) under weights of tags (B, n_tags).

        Who has learned from pieces falls silent where one has ended, and silence goes on from silence.
        """
        silent = self.limits.silent(self.codec.bands.unscored(self.codec.middle(latent[:, None])), near)
        n_silent = silent * (counts[1] + 1.0)
        awake = (n_silent < REST).to(latent.dtype)
        n_real = (counts[0] + 1.0).clamp(max=self.transformer.n_before)
        return torch.stack((awake * n_real, awake * n_silent))

    def blank(self, n_streams: int) -> list[tuple[int, ...]]:
        """Shapes of the past of so many streams, which is zeros at their start."""
        n = n_streams if self.guidance == 1.0 else 2 * n_streams
        transformer = self.transformer
        return [(2, n, transformer.n_before, transformer.width)] * transformer.n_layers

    @torch.no_grad()
    def roll(self, tag: Tensor, clock: Tensor) -> Tensor:
        """New latents under tags (B, S, tag_size) and clocks (B, S, CLOCK_SIZE), from the start: (B, S, size)."""
        past = [tag.new_zeros(shape) for shape in self.blank(len(tag))]
        counts, times, latents = tag.new_zeros(2, len(tag)), self.times(), [tag.new_zeros(len(tag), self.size)]
        for number in range(tag.shape[1]):
            noise = torch.randn(len(tag), self.n_noise, device=tag.device)
            now = {"before": latents[-1], "counts": counts, "past": past, "times": times}
            latent, counts, past = self.next(noise, tag[:, number], clock[:, number], **now)
            latents.append(latent)
        return torch.stack(latents[1:], dim=1)

    def stream(self, tape: Tape, noise: Tensor, tag: Tensor, *, rate: Tensor, beating: Tensor, times: Tensor) -> Tensor:
        """Next latents of one stream, (1, S, size). noise: (S, n_noise); tag: (tag_size,); times: of `times`.

        rate, beating: beats of a latent (), and whether there is a beat (), 1 or 0. On the tape: beats since
        the start between the counts of `next`, the last latent, and the past.
        """
        n_real, position, n_silent = (tape.recall((1,), noise) for _ in range(3))
        counts = torch.stack((n_real, n_silent))
        latent = tape.recall((1, self.size), noise)
        past = [tape.recall(shape, noise) for shape in self.blank(1)]
        latents = []
        for some in noise.unbind(0):
            clock = clock_features(position, beating[None])  # (1, CLOCK_SIZE)
            now = {"before": latent, "counts": counts, "past": past, "times": times}
            latent, counts, past = self.next(some[None], tag[None], clock, **now)
            position = wrapped(position + rate)
            latents.append(latent)
        for value in (counts[0], position, counts[1], latent, *past):
            tape.keep(value)
        return torch.stack(latents, dim=1)

    def frames(self, latent: Tensor, tag: Tensor, noise: Tensor, tape: Tape | None = None) -> tuple[Tensor, Tensor]:
        """log10 mel of middle and side (B, n_mels, PER_LATENT * S) as a vocoder takes them, with grain.

        latent: (B, S, size); tag: (B, S, tag_size); noise: standard normal, for the grain (B, S, grain.size).
        """
        parts = {"codec": self.codec, "grain": self.grain, "limits": self.limits}
        return stereo_frames(latent, self.tempi.near(tag), noise, **parts, tape=tape)

    def flow_errors(self, latent: Tensor, context: Tensor, *, n_draws: int) -> Tensor:
        """Squared errors of the direction at random places, (n_draws, B, S, size), under contexts that tell the codes.

        latent: (B, S, size); context: (B, S, width). Each sequence has a time in each draw. They are logit-normal,
        denser in the middle (Esser et al. 2024), and spread evenly over the batch.
        """
        n = n_draws * len(latent)
        share = (torch.arange(n, device=latent.device) + torch.rand(n, device=latent.device)) / n
        time = torch.special.ndtri(share.clamp(1e-4, 1.0 - 1e-4)).sigmoid().view(n_draws, -1, 1)
        noise = torch.randn(n_draws, *latent.shape, device=latent.device)
        place = torch.lerp(noise, latent.expand_as(noise), time[..., None])
        found = self.head(place, self.head.context(context) + self.head.times(time))
        return (found.float() - (latent - noise)).square()
