"""MelGAN's discriminators and adversarial losses, as published (Kumar et al. 2019).

The hidden features of a discriminator are a list of tensors, one of each layer, its verdicts last.
"""

from itertools import pairwise

from torch import Tensor, nn, stack
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from liveseq.train.sound.vocoders.melgan.networks import SLOPE

Features = list[list[Tensor]]
"""One list of features for each scale."""


class ScaleDiscriminator(nn.Module):
    """A strided stack with grouped convolutions over windows of sound."""

    def __init__(self, base: int, most: int, *, n_strided: int = 4, stride: int = 4) -> None:
        """base: channels of the first layer; most: of any."""
        super().__init__()
        widths = [min(base * stride**i, most) for i in range(n_strided + 1)]
        self.layers = nn.ModuleList([nn.Conv1d(1, widths[0], 15, padding=7, padding_mode="reflect")])
        for before, after in pairwise(widths):
            self.layers.append(
                nn.Conv1d(before, after, 10 * stride + 1, stride, padding=5 * stride, groups=before // 4)
            )
        widths.append(min(2 * widths[-1], most))
        self.layers.append(nn.Conv1d(widths[-2], widths[-1], 5, padding=2))
        self.layers.append(nn.Conv1d(widths[-1], 1, 3, padding=1))
        for layer in self.layers:
            weight_norm(layer)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Audio (B, 1, n_samples) -> the features (B, C, T) of each layer, verdicts (B, 1, T) last."""
        features = []
        for layer in self.layers[:-1]:
            x = functional.leaky_relu(layer(x), SLOPE)
            features.append(x)
        return [*features, self.layers[-1](x)]


class MultiScaleDiscriminator(nn.Module):
    """The published discriminator: the same stack at the full rate, a half and a quarter of it."""

    def __init__(self, base: int = 16, most: int = 1024, *, n_scales: int = 3) -> None:
        super().__init__()
        self.scales = nn.ModuleList(ScaleDiscriminator(base, most) for _ in range(n_scales))

    def forward(self, y: Tensor) -> Features:
        """Audio (B, n_samples) -> the features of each scale."""
        x, features = y.unsqueeze(1), []
        for scale in self.scales:
            features.append(scale(x))
            x = functional.avg_pool1d(x, 4, 2, padding=1, count_include_pad=False)
        return features


def discriminator_loss(real: Features, generated: Features) -> Tensor:
    """Hinge loss summed over the scales, as published: a scalar ()."""
    verdicts = [(r[-1].float(), g[-1].float()) for r, g in zip(real, generated, strict=True)]
    return stack([(1 - r).relu().mean() + (1 + g).relu().mean() for r, g in verdicts]).sum()


def generator_loss(generated: Features) -> Tensor:
    """Negative verdicts, summed over the scales: a scalar ()."""
    return stack([-g[-1].float().mean() for g in generated]).sum()


def feature_matching_loss(real: Features, generated: Features) -> Tensor:
    """L1 of hidden features, weighted 4 / (strided layers + 1) / scales, as published: a scalar ()."""
    total = generated[0][0].new_zeros(()).float()
    for r, g in zip(real, generated, strict=True):
        distances = [functional.l1_loss(b.float(), a.detach().float()) for a, b in zip(r[:-1], g[:-1], strict=True)]
        total = total + stack(distances).sum() * (4.0 / (len(distances) - 1)) / len(generated)
    return total
