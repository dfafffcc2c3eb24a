"""Settling: differences of a trained generator from the recordings of a tag, put right in closed form, tag by tag.

Minutes teach a generator one restlessness for all tags: the timbre of pads and of bells moved up to ten times as much
from latent to latent as that of recordings, while drums moved as they should. So each number of a latent is followed:
a step that is small for it slowly, a large one, an attack, at once. The mean of the tag's numbers, their spread and the
loudness of frames become those of recordings; and no frame is louder than those of recordings get.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from liveseq.train.sound.streaming import Tape

MOST_GAIN = 0.7
"""Natural logarithm of the largest factor of a number's spread, either way: a spread further off was never learned."""
MOST_LEVEL = 0.3
"""Largest change of level, either way, log10 of amplitude: 6 dB."""
RARE = 0.01
"""Share of a tag's frames that are louder than its ceiling."""
LOUDEST = -0.8
"""Highest ceiling of any tag, as of `loudness_of`: -8 LUFS, or -12 dBFS of hiss; a louder one would clip."""
FULLEST = 1.2
"""Largest log10 of the sum of a frame's squared bands, of any tag: -17 dBFS of bass, -10 of white noise.

Drawn frames are at their tag's ceiling several times as often as recordings are, mostly with a bass, which this holds
back.
"""
_HOLDS = (0.0, *(0.01 * 500.0 ** (k / 38) for k in range(39)))  # candidates, in deviations
_BEGUN = 8  # latents after which a beginning no longer matters
_TINY = 1e-6  # squared units of latents
_ROUNDS = 8


class Settling(nn.Module):
    """Corrections of latents and levels as linear maps of the tag's vector; without effect until they are learned."""

    def __init__(self, *, depth: int, tag: int) -> None:
        """depth: numbers of a latent of both sides; tag: numbers of a tag's vector."""
        super().__init__()
        self.hold, self.gain, self.offset = (nn.Linear(tag, depth) for _ in range(3))
        """Size of a step that is followed by half; log of the factor; offset."""
        self.level = nn.Linear(tag, 1)
        """log10 of the factor of the amplitude."""
        self.grain = nn.Linear(tag, 1)
        """Strength of the tag's grain, see `Grain`."""
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def forward(self, latents: Tensor, tag: Tensor, tape: Tape) -> Tensor:
        """latents (1, depth, n), tag (tag_size,) -> settled latents (1, depth, n).

        On the tape: the last followed latent, and whether there was one.
        """
        last, begun = tape.recall((latents.shape[1],), latents), tape.recall((1,), latents)
        last = begun * last + (1.0 - begun) * latents[0, :, 0]
        hold = self.hold(tag).relu()
        steps = []
        for latent in latents[0].unbind(-1):
            last = _followed(last, latent, hold)
            steps.append(last)
        tape.keep(last)
        tape.keep(torch.ones_like(begun))
        return (self.gain(tag).exp()[:, None] * torch.stack(steps, dim=-1) + self.offset(tag)[:, None])[None]

    @torch.no_grad()
    def learn(self, vectors: Tensor, pairs: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
        """Fit hold, gain and offset. Returns the drawn latents as a stream will have them, but for their first ones.

        vectors: of the tags (n_tags, tag); pairs: latents of recordings of each and drawn ones, (B, depth, n) both.
        """
        learned = [_learned(*pair) for pair in pairs]
        holds, gains, offsets, settled = zip(*learned, strict=True)
        for layer, targets in ((self.hold, holds), (self.gain, gains), (self.offset, offsets)):
            fit_to_tags(layer, vectors, torch.stack(targets))
        return list(settled)


@torch.no_grad()
def fit_to_tags(layer: nn.Linear, vectors: Tensor, targets: Tensor) -> None:
    """Fit a layer that maps the vectors of the tags (n_tags, tag) to the targets of each (n_tags, n)."""
    middle = targets.mean(dim=0)
    # ridge regression, dual form: fewer tags than numbers of a vector
    gram = vectors @ vectors.T + 1e-2 * torch.eye(len(vectors))
    layer.weight.copy_((vectors.T @ torch.linalg.solve(gram, targets - middle)).T)
    layer.bias.copy_(middle)


def level_for(real: Tensor, drawn: Tensor, *, ceiling: Tensor, shares: Tensor) -> float:
    """Level at which drawn log10 mel bands (B, n_mels, T) are as loud as real ones, both `limited`: log10 of amplitude.

    ceiling: (), shares: (n_mels,).
    """
    target, level = _power(limited(real, ceiling, shares), shares), torch.zeros(())
    for _ in range(_ROUNDS):
        power = _power(limited(drawn + level, ceiling, shares), shares)
        level = (level + 0.5 * (target - power)).clamp(-MOST_LEVEL, MOST_LEVEL)
    return float(level)


def ceiling_of(recordings: Iterable[Tensor], shares: Tensor) -> Tensor:
    """Ceiling () of the loudness of frames, as of `loudness_of`, but for the rarest.

    recordings: log10 mel bands, (B, n_mels, T) each; shares: (n_mels,).
    """
    loudness = torch.cat([loudness_of(bands, shares).flatten() for bands in recordings])
    return loudness.quantile(1.0 - RARE).clamp(max=LOUDEST)


def limited(bands: Tensor, ceiling: Tensor, shares: Tensor) -> Tensor:
    """log10 mel bands (B, n_mels, T) with frames no louder than the ceiling, and no fuller than FULLEST.

    ceiling: as of `loudness_of`, one () or of each frame (T,); shares: (n_mels,).
    """
    over = torch.maximum(loudness_of(bands, shares) - ceiling, loudness_of(bands, torch.ones_like(shares)) - FULLEST)
    return bands - 0.5 * torch.relu(over)[:, None]


def _power(bands: Tensor, shares: Tensor) -> Tensor:
    """Mean loudness () of a typical item of (B, n_mels, T), since a few of the drawn ones are much louder."""
    return (10.0 ** loudness_of(bands, shares)).mean(dim=1).log10().mean()


def loudness_of(bands: Tensor, shares: Tensor) -> Tensor:
    """Loudness of each frame, log10 of power (B, T), of log10 mel bands (B, n_mels, T).

    shares: of the bands (n_mels,), see `shares_of`.
    """
    return torch.log10((10.0 ** (2.0 * bands) * shares[:, None]).sum(dim=1))


def _followed(last: Tensor, latent: Tensor, hold: Tensor) -> Tensor:
    """The next followed latent: a step as large as hold is followed by half, a small one hardly, a large one wholly."""
    step, squared = latent - last, hold * hold
    return latent - step * squared / (step * step + squared + _TINY)


def _all_followed(latents: Tensor, hold: Tensor) -> Tensor:
    """Followed latents (B, depth, n) under hold (depth,), without their beginning."""
    last, steps = latents[..., 0], []
    for latent in latents.unbind(-1):
        last = _followed(last, latent, hold)
        steps.append(last)
    return torch.stack(steps[_BEGUN:], dim=-1)


def _restlessness(latents: Tensor) -> Tensor:
    """Mean size of steps, in deviations, (depth,)."""
    return latents.diff(dim=-1).abs().mean(dim=(0, 2)) / latents.std(dim=(0, 2)).clamp(min=1e-4)


def _learned(real: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Hold, gain and offset of a tag, (depth,) each, and the drawn latents settled by them."""
    unit = drawn.std(dim=(0, 2))
    tried = torch.tensor(_HOLDS)[:, None] * unit  # (n, depth)
    moved = torch.stack([_restlessness(_all_followed(drawn, hold)) for hold in tried])
    calm = moved <= _restlessness(real)
    # the least that is enough; where nothing is, what comes nearest
    number = torch.where(calm.any(dim=0), calm.float().argmax(dim=0), moved.argmin(dim=0))
    hold = tried.gather(0, number[None])[0]
    followed = _all_followed(drawn, hold)
    target, spread = (latents.std(dim=(0, 2)).clamp(min=1e-4) for latents in (real, followed))
    gain = (target / spread).log().clamp(-MOST_GAIN, MOST_GAIN)
    offset = real.mean(dim=(0, 2)) - gain.exp() * followed.mean(dim=(0, 2))
    return hold, gain, offset, gain.exp()[:, None] * followed + offset[:, None]
