"""UNAGAN's networks as they stream: mel frames out of a latent, level by level, and the critic of what comes out.

The hierarchy is the published one (Liu et al., "Unconditional Audio Generation with Generative Adversarial Networks and
Cycle Regularization", 2020): a body and a head at each of five rates, each head adding detail to the one before. Layers
that knew the future there (two directions of the GRU, group norm over time) are causal here; the tag is a condition of
each level.
"""

from torch import Tensor, nn
from torch.nn import functional

from liveseq.train.sound.streaming import CausalConv1d, CausalGru, ChannelNorm, Tape

LEVELS = 5
FRAMES_PER_STEP = 2 ** (LEVELS - 1)
"""Mel frames of one latent, which is one step."""
SLOPE = 0.1
_GROUPS = 4


def faster(x: Tensor, factor: int) -> Tensor:
    """Each frame `factor` times: (B, C, T) -> (B, C, factor * T)."""
    return x.repeat_interleave(factor, dim=-1) if factor > 1 else x


class TagInput(nn.Module):
    """Embedding of tags for the networks."""

    def __init__(self, tag_size: int, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(tag_size, width), nn.LeakyReLU(SLOPE), nn.Linear(width, width))

    def forward(self, tag: Tensor) -> Tensor:
        """(B, T, tag_size) -> (B, width, T)."""
        return self.net(tag).transpose(1, 2)


class Level(nn.Module):
    """One rate of the hierarchy. From a slower level each frame becomes two, by a convolution that tells them apart."""

    def __init__(self, inputs: int, width: int, *, n_conditions: int, recurrent: bool, doubles: bool) -> None:
        super().__init__()
        self.doubles = doubles
        self.enter = CausalConv1d(inputs, 2 * width if doubles else width, 3)
        self.past = nn.Conv1d(inputs, width, 1)
        self.film = nn.Conv1d(n_conditions, 2 * width, 1)
        nn.init.zeros_(self.film.weight)
        nn.init.zeros_(self.film.bias)
        self.norm = ChannelNorm(width)
        self.memory = CausalGru(width, width) if recurrent else CausalConv1d(width, width, 3, dilation=3)
        self.branch = CausalConv1d(width, width, 3, groups=_GROUPS)
        self.branch_norm = ChannelNorm(width)
        self.leave = CausalConv1d(width, width, 3)

    def forward(self, x: Tensor, condition: Tensor, tape: Tape | None, *, seen: Tensor | None = None) -> Tensor:
        """x (B, inputs, T), condition (B, n_conditions, S) -> (B, width, T), or 2 T frames where it doubles.

        seen: a further input at the rate and of the shape of the output.
        """
        entered = self.enter(x, tape)
        if self.doubles:
            batch, channels, n_frames = entered.shape
            pairs = entered.reshape(batch, channels // 2, 2, n_frames)
            entered = pairs.transpose(2, 3).reshape(batch, channels // 2, 2 * n_frames)
            x = faster(x, 2)
        if seen is not None:
            entered = entered + seen
        scale, shift = faster(self.film(condition), entered.shape[-1] // condition.shape[-1]).chunk(2, dim=1)
        body = functional.leaky_relu(self.norm(entered) * (1.0 + scale) + shift, SLOPE)
        body = body + self.memory(body, tape) + functional.leaky_relu(self.branch_norm(self.branch(body, tape)), SLOPE)
        return self.past(x) + self.leave(body, tape)


class Decoder(nn.Module):
    """Mel frames from a latent and a first draft, at five rates, each head adding detail to the slower one."""

    def __init__(
        self, inputs: int, *, n_conditions: int, widths: tuple[int, ...], n_recurrent: int, n_mels: int
    ) -> None:
        super().__init__()
        assert len(widths) == LEVELS
        self.levels = nn.ModuleList(
            Level(before, width, n_conditions=n_conditions, recurrent=number < n_recurrent, doubles=number > 0)
            for number, (before, width) in enumerate(zip((inputs, *widths), widths, strict=False))
        )
        self.heads = nn.ModuleList(CausalConv1d(width, n_mels, 3) for width in widths)
        for head in self.heads:
            nn.init.zeros_(head.weight)  # at first the draft stays as it is
        self.seen = CausalConv1d(n_mels, widths[-1], 3)

    def forward(self, latent: Tensor, draft: Tensor, condition: Tensor, tape: Tape | None = None) -> Tensor:
        """latent (B, inputs, S), draft (B, n_mels, 16 S), condition (B, n_conditions, S) -> mel (B, n_mels, 16 S)."""
        body, mel = latent, None
        for number, (level, head) in enumerate(zip(self.levels, self.heads, strict=True)):
            seen = self.seen(draft, tape) if number == LEVELS - 1 else None
            body = level(body, condition, tape, seen=seen)
            detail = head(body, tape)
            mel = detail if mel is None else detail + faster(mel, 2)
        return draft + mel


class Critic(nn.Module):
    """Discriminator of patches of a mel, by their tag: hinge with projection (Miyato and Koyama 2018)."""

    def __init__(self, n_mels: int, *, width: int, n_conditions: int) -> None:
        super().__init__()
        norm = nn.utils.parametrizations.spectral_norm
        sizes = ((1, width), (width, 2 * width), (2 * width, 4 * width), (4 * width, 4 * width))
        strides = ((2, 2), (2, 2), (2, 2), (2, 1))
        self.fronts = nn.ModuleList(
            norm(nn.Conv2d(*size, 5, stride=stride, padding=2)) for size, stride in zip(sizes, strides, strict=True)
        )
        self.flat = norm(nn.Conv1d(4 * width * (n_mels // 16), 8 * width, 3, padding=1))
        self.last = norm(nn.Conv1d(8 * width, 8 * width, 5, padding=2))
        self.told = norm(nn.Conv1d(8 * width, 1, 1))  # the verdict, by its name in saved trainings
        self.tag = norm(nn.Conv1d(n_conditions, 8 * width, 1, bias=False))

    def forward(self, mel: Tensor, condition: Tensor) -> tuple[Tensor, list[Tensor]]:
        """mel (B, n_mels, 16 S), condition (B, n_conditions, S) -> verdicts (B, 1, 2 S), and hidden features."""
        body, features = mel[:, None], []
        for front in self.fronts:
            body = functional.leaky_relu(front(body), 0.2)
            features.append(body)
        body = functional.leaky_relu(self.flat(body.flatten(1, 2)), 0.2)
        features.append(body)
        body = functional.leaky_relu(self.last(body), 0.2)
        verdict = self.told(body) + (self.tag(faster(condition, 2)) * body).sum(1, keepdim=True)
        return verdict, features
