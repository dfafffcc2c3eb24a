"""Generator of tiles: encoder, prior and decoder, and the endless walk through the latents.

A stream is one tile after the other, each as long as there are beats that fit, and each fading in before the beat on
which it is there: z moves on the beat, and attacks stay whole. The walk is in the prior's own terms (which part of a
tag's weights, and how many deviations away), so that a tag means a place to it, a mix of tags a place between theirs,
and a change of tag no new beginning.
"""

import math

import torch
from torch import Tensor, nn

from liveseq.train.sound.beats import Tempi, clock_features, wrapped
from liveseq.train.sound.frames.grain import TagGrain
from liveseq.train.sound.frames.limits import Limits
from liveseq.train.sound.notes.codec import PER_LATENT, StereoCodec
from liveseq.train.sound.notes.stereo import stereo_frames
from liveseq.train.sound.streaming import Tape
from liveseq.train.sound.vae.mixture import Mixture
from liveseq.train.sound.vae.networks import Decoder, Encoder

AT_ONCE = 2
"""Steps of codec latents that a stream makes at once."""
BEATS = (4.0, 2.0, 1.0, 0.5)
"""Beats from one tile to the next: the first that fits into it."""
N_CHANCE = 2
"""Normal numbers of a step beside those of z: whether the stream goes to another place of its tag, and to which."""

_JUST = 1e-3  # beats


class Generator(nn.Module):
    """Codec, networks and prior, and what is learned of each tag."""

    def __init__(
        self,
        *,
        n_mels: int,
        n_tags: int,
        tag_size: int,
        codec_size: int,
        z_size: int,
        n_steps: int,
        n_overlap: int,
        width: int,
        encoder_width: int,
        n_components: int,
        temperature: float,
        steadiness: float,
        leaps: float,
    ) -> None:
        """n_steps: of a tile; n_overlap: those of them in which it fades in.

        temperature: deviations of the prior that are walked in; steadiness: correlation of one tile's z with the
        next's; leaps: share of the tiles that begin at another place of the tag.
        """
        super().__init__()
        self.z_size, self.n_steps, self.n_overlap = z_size, n_steps, n_overlap
        self.temperature, self.steadiness, self.leaps = temperature, steadiness, leaps
        self.codec = StereoCodec(n_mels, z_size=codec_size)
        self.grain = TagGrain(n_mels, z_size=codec_size, n_tags=n_tags, n_frames=PER_LATENT)
        self.limits = Limits(n_tags=n_tags, z_size=self.codec.size, n_mels=n_mels, per_step=PER_LATENT)
        self.tempi = Tempi(n_tags=n_tags, tag_size=tag_size)
        self.encoder = Encoder(self.codec.size, z_size=z_size, width=encoder_width, n_steps=n_steps)
        self.decoder = Decoder(self.codec.size, z_size=z_size, width=width, n_steps=n_steps)
        self.prior = Mixture(z_size, n_components=n_components, n_tags=n_tags)

    @property
    def n_noise(self) -> int:
        """Normal numbers of a step of a stream."""
        return self.z_size + N_CHANCE

    def drawn(self, tag: Tensor, *, heat: float | None = None) -> Tensor:
        """New latents of learned tags, int64 (B,), each apart from the others: (B, z_size)."""
        near = nn.functional.one_hot(tag, len(self.prior.logits)).float()
        middle, deviation = self.prior.place(near, torch.rand(len(tag), device=tag.device))
        return middle + (self.temperature if heat is None else heat) * deviation * torch.randn_like(middle)

    def walk(self, tag: Tensor, n_tiles: int) -> Tensor:
        """Latents of tiles one after the other, without a leap: tags int64 (B,) -> (n_tiles, B, z_size)."""
        near = nn.functional.one_hot(tag, len(self.prior.logits)).float()
        middle, deviation = self.prior.place(near, torch.rand(len(tag), device=tag.device))
        away = [torch.randn_like(middle)]
        for _ in range(n_tiles - 1):
            away.append(self._further(away[-1], torch.randn_like(middle)))
        return middle + self.temperature * deviation * torch.stack(away)

    def _further(self, away: Tensor, noise: Tensor) -> Tensor:
        """The next place of a walk, in deviations: it stays as far away as it is wont to be."""
        return self.steadiness * away + math.sqrt(1.0 - self.steadiness**2) * noise

    def stream(
        self,
        tape: Tape,
        noise: Tensor,
        tag: Tensor,
        birth: Tensor,
        *,
        rate: Tensor,
        beating: Tensor,
        latent: Tensor,
        travel: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """AT_ONCE codec latents of one stream (1, AT_ONCE, size), and the tags that they are of (1, AT_ONCE, n_tags).

        noise: (n_noise,); tag: (tag_size,); birth: (z_size + 1,); rate, beating: beats of a codec latent (), and
        whether there is a beat (), 1 or 0; latent: (z_size,), a place to be held at; travel: (2,), how much (0 to 1),
        and how far it walks (1: as it was taught). On the tape: whether it has begun, beats since the start, steps
        since each of the two tiles began, and of each its choice and how far away it is.
        """
        begun, position = tape.recall((1,), noise), tape.recall((1,), noise)
        ages, choices = tape.recall((2,), noise), tape.recall((2,), noise)
        away = tape.recall((2, self.z_size), noise)
        ages = begun * ages + (1.0 - begun) * self.n_overlap
        choices = begun * choices + (1.0 - begun) * birth[0]
        away = begun * away + (1.0 - begun) * birth[1:]
        due = begun * self._is_due(ages[0], position, rate, beating)
        leaps = (_share(noise[0]) < self.leaps).to(noise.dtype)
        choice = leaps * noise[1] + (1.0 - leaps) * choices[0]
        ages = due * torch.stack((ages[0] * 0.0, ages[0])) + (1.0 - due) * ages
        choices = due * torch.stack((choice, choices[0])) + (1.0 - due) * choices
        further = self._further(away[0], noise[N_CHANCE:])
        away = due * torch.stack((further, away[0])) + (1.0 - due) * away
        latents = self._tiles(tag, choices, away, latent, travel)
        steps = torch.arange(AT_ONCE, device=noise.device)
        places = (ages[:, None] + steps).clamp(max=self.n_steps - 1)  # (2, AT_ONCE)
        clock = self._clocks(position, ages, rate, beating)
        tiles = self.decoder(latents, clock)  # (2, n_steps, size)
        new, old = (tile[place.long()] for tile, place in zip(tiles, places, strict=True))
        near = self.prior.tags_of(latents)  # (2, n_tags)
        share = ((places[0] + 1.0) / self.n_overlap).clamp(max=1.0)[:, None]
        share = share * share * (3.0 - 2.0 * share)
        near = share * near[0] + (1.0 - share) * near[1]
        least, largest = self.limits.latents(near)
        mixed = torch.maximum(torch.minimum(share * new + (1.0 - share) * old, largest), least)
        tape.keep(torch.ones_like(begun))
        tape.keep(wrapped(position + AT_ONCE * rate))
        for value in (ages + AT_ONCE, choices, away):
            tape.keep(value)
        return mixed[None], near[None]

    def _tiles(self, tag: Tensor, choices: Tensor, away: Tensor, latent: Tensor, travel: Tensor) -> Tensor:
        """z of both tiles, (2, z_size): where tag and choice lead, or where it is held, and away from there."""
        near = self.tempi.near(tag).expand(2, -1)
        middle, deviation = self.prior.place(near, _share(choices))
        held, walk = travel[0], travel[1]
        return middle + held * (latent - middle) + walk * self.temperature * deviation * away

    def _is_due(self, age: Tensor, position: Tensor, rate: Tensor, beating: Tensor) -> Tensor:
        """Whether another tile begins now, 1 or 0 (1,): it is whole on a beat, or this one is at its end."""
        room = float(self.n_steps - self.n_overlap)
        beats = torch.full_like(rate, BEATS[-1])
        for longer in BEATS[-2::-1]:  # rate is beats of a step
            fits = (room * rate >= longer).to(rate.dtype)
            beats = fits * longer + (1.0 - fits) * beats
        ahead = position + self.n_overlap * rate + _JUST  # where a beat falls on a step, on all machines alike
        crossed = torch.floor(ahead / beats) > torch.floor((ahead - AT_ONCE * rate) / beats)
        whole = (age >= self.n_overlap).to(rate.dtype)
        over = (age >= room).to(rate.dtype)
        return torch.maximum(beating * whole * crossed.to(rate.dtype), over)

    def _clocks(self, position: Tensor, ages: Tensor, rate: Tensor, beating: Tensor) -> Tensor:
        """Clocks of all steps of both tiles, (2, n_steps, CLOCK_SIZE)."""
        steps = torch.arange(self.n_steps, device=ages.device) - ages[:, None]
        return clock_features(position + rate * steps, beating.expand(2, self.n_steps))

    def frames(self, latent: Tensor, near: Tensor, noise: Tensor, tape: Tape | None = None) -> tuple[Tensor, Tensor]:
        """log10 mel of middle and side; see `stereo_frames`."""
        parts = {"codec": self.codec, "grain": self.grain, "limits": self.limits}
        return stereo_frames(latent, near, noise, **parts, tape=tape)


def _share(normal: Tensor) -> Tensor:
    """Shares 0 to 1 by normal numbers, (...) each."""
    return 0.5 * (1.0 + torch.erf(normal / math.sqrt(2.0)))
