"""MelGAN as a family: the published training, and one that learns on two CPU cores.

full is what was published: hinge and feature matching alone, no loss that hears spectra, for a week on a GPU. small is
multi-band MelGAN with spectral losses, in both the bands and the sum: an adversary alone teaches nothing within an
hour, spectra do from the first minute, and four bands at a quarter of the rate are three times as many steps.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm
from torch.optim import Adam, Optimizer

from liveseq.dsp import mel
from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import TrainingError
from liveseq.train.sound.losses import LogMel, SpectralLoss
from liveseq.train.sound.recipe import Batch, Recipe, Sound, frozen
from liveseq.train.sound.vocoders.graph import VocoderStep
from liveseq.train.sound.vocoders.melgan_layout import TRAINING
from liveseq.train.sound.vocoders.melgan_nets import SLOPE, MelGan, MelGanConfig, Windowed, plain
from liveseq.train.sound.vocoders.multiband import MultiBand, MultiBandConfig

FEATURE_WEIGHT = 10.0
"""Of feature matching, as published."""
MEL_WEIGHT = 2.0
SPECTRAL_WINDOWS, BAND_WINDOWS = (2048, 1024, 512, 256, 128), (512, 256, 128)

PRESETS: dict[str, dict[str, Any]] = {
    "small": {
        "sample_rate": 48_000,
        "needs_seconds": 60,
        "model": {
            "net": "multiband",
            "front_end": mel.PRESETS["music48"].as_dict(),
            "sizes": {"width": 192, "ratios": [8, 4, 4], "latency": 1536},
            "judge": {"base": 8, "most": 256},
            "judge_from": 0.8,
            "learning_rate": 1e-3,
        },
        "crops": {"n_samples": 16_384, "batch_size": 8},
        "train": {"steps": 20_000, "minutes": 60.0, "save_every": 250, "ema": 0.995},
    },
    "full": {
        "sample_rate": 44_100,
        "needs_seconds": 600,
        "model": {
            "net": "published",
            "front_end": mel.PRESETS["demiurge"].as_dict(),
            "sizes": {"base": 32, "ratios": [8, 8, 2, 2], "n_residuals": 3, "recurrent": False},
            **TRAINING,
        },
        "crops": {"n_samples": 8192, "batch_size": 16},
        "train": {"steps": 2_500_000, "save_every": 1000},
    },
}
PRESETS["gru"] = PRESETS["full"] | {
    "model": PRESETS["full"]["model"] | {"sizes": PRESETS["full"]["model"]["sizes"] | {"recurrent": True}}
}


class Scale(nn.Module):
    """One discriminator: a strided stack with grouped convolutions over windows of sound."""

    def __init__(self, base: int, most: int, *, n_strided: int = 4, stride: int = 4) -> None:
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
        """(B, 1, n_samples) -> what each layer hears, the verdict over time last."""
        heard = []
        for layer in self.layers[:-1]:
            x = functional.leaky_relu(layer(x), SLOPE)
            heard.append(x)
        return [*heard, self.layers[-1](x)]


class Judges(nn.Module):
    """The published discriminator: the same stack at the full rate, a half and a quarter of it."""

    def __init__(self, base: int = 16, most: int = 1024, *, n_scales: int = 3) -> None:
        super().__init__()
        self.scales = nn.ModuleList(Scale(base, most) for _ in range(n_scales))

    def forward(self, y: Tensor) -> list[list[Tensor]]:
        """(B, n_samples) -> of each scale what its layers hear."""
        x, heard = y.unsqueeze(1), []
        for scale in self.scales:
            heard.append(scale(x))
            x = functional.avg_pool1d(x, 4, 2, padding=1, count_include_pad=False)
        return heard


def hinge_of_judges(real: list[list[Tensor]], made: list[list[Tensor]]) -> Tensor:
    """Summed over the scales, as published."""
    verdicts = [(r[-1].float(), m[-1].float()) for r, m in zip(real, made, strict=True)]
    each = [(1 - r).relu().mean() + (1 + m).relu().mean() for r, m in verdicts]
    return torch.stack(each).sum()


def hinge_of_generator(made: list[list[Tensor]]) -> Tensor:
    return torch.stack([-m[-1].float().mean() for m in made]).sum()


def matching(real: list[list[Tensor]], made: list[list[Tensor]]) -> Tensor:
    """L1 of what hidden layers hear; weighted 4 / (strided layers + 1) / scales, as published."""
    total = made[0][0].new_zeros((), dtype=torch.float32)
    for r, m in zip(real, made, strict=True):
        distances = [functional.l1_loss(b.float(), a.detach().float()) for a, b in zip(r[:-1], m[:-1], strict=True)]
        total = total + torch.stack(distances).sum() * (4.0 / (len(distances) - 1)) / len(made)
    return total


class MelGanRecipe(Recipe):
    """Both trainings: which losses there are is the network's."""

    def __init__(self, model: dict[str, Any]) -> None:
        super().__init__()
        self.front_end = MelFrontEnd.from_dict(model["front_end"], where="config.yaml")
        self.generator = network(model)
        self.judges = Judges(**model["judge"])
        self.frames = LogMel(self.front_end)
        self.spectral = SpectralLoss(SPECTRAL_WINDOWS)
        self.band_spectral = SpectralLoss(BAND_WINDOWS)
        self.learning_rate = model["learning_rate"]
        self.judge_from = model.get("judge_from", 0.0)
        self._heard: list[Sound] = []

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": self.generator}

    def averaged(self) -> tuple[str, ...]:
        return () if isinstance(self.generator, Windowed) else ("generator",)

    def optimizers(self) -> dict[str, Optimizer]:
        return {
            "generator": Adam(self.generator.parameters(), lr=self.learning_rate, betas=(0.5, 0.9)),
            "judges": Adam(self.judges.parameters(), lr=1e-4, betas=(0.5, 0.9)),
        }

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        wanted = batch[0][:, 0]  # sides are swapped by chance, so one of them is both
        frames = self.frames(wanted)
        made, wanted, bands = self._make(fabric, frames, wanted)
        losses: dict[str, Tensor | float] = {}
        total = made.new_zeros(())
        if bands is not None:
            losses["spectral"] = self.spectral(made, wanted) + self.band_spectral(*bands)
            losses["mel"] = functional.l1_loss(self.frames(made), self.frames(wanted))
            total = losses["spectral"] + MEL_WEIGHT * losses["mel"]
        if self.progress >= self.judge_from:
            with fabric.autocast():
                real, found = self.judges(wanted), self.judges(made.detach())
            losses["judges"] = hinge_of_judges(real, found)
            self.update(fabric, "judges", losses["judges"])
            with frozen(self.judges), fabric.autocast():
                found = self.judges(made)
                with torch.no_grad():
                    real = self.judges(wanted)
            losses["matching"] = matching(real, found)
            losses["fooling"] = hinge_of_generator(found)
            total = total + losses["fooling"] + FEATURE_WEIGHT * losses["matching"]
        self.update(fabric, "generator", total)
        return losses

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """As it is played: with its delay, which is taken off."""
        spectral, logs = [], []
        for audio, *_ in batches:
            late = self.generator.latency
            y = audio.flatten(0, 1)
            made = self.generator(self.frames(functional.pad(y, (0, late + self.front_end.hop_length))))
            made = made[:, late : late + y.shape[-1]]
            spectral.append(float(self.spectral(made, y)))
            logs.append(float(functional.l1_loss(self.frames(made), self.frames(y))))
        rate = self.front_end.sample_rate
        self._heard = [
            (name, s[:4].flatten().cpu().numpy()[:, None], rate) for name, s in (("made", made), ("real", y))
        ]
        score = sum(spectral) / len(spectral)
        return {"score": score, "spectral": score, "log_mel": sum(logs) / len(logs)}

    def listen(self) -> list[Sound]:
        return self._heard

    def _make(
        self, fabric: Fabric, frames: Tensor, wanted: Tensor
    ) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor] | None]:
        """Made, wanted in the same time, and the bands of both where there are any. The bank is heard in all digits."""
        with fabric.autocast():
            if isinstance(self.generator, Windowed):
                return self.generator.net(frames).float(), wanted, None
            bands = self.generator.bands(frames).float()
        bank, late = self.generator.bank, self.generator.latency
        told = bank.analysis(_delayed(wanted, late - bank.delay))
        start = late // bank.n_bands  # what comes before was not in the crop
        pairs = (bands[..., start:].flatten(0, 1), told[..., start:].flatten(0, 1))
        return bank.synthesis(bands)[:, late:], wanted[:, : wanted.shape[-1] - late], pairs


def network(model: dict[str, Any]) -> Windowed | MultiBand:
    """Untrained, of these settings. Raises TrainingError where there is no such network."""
    front_end = MelFrontEnd.from_dict(model["front_end"], where="config.yaml")
    sizes = {name: tuple(v) if isinstance(v, list) else v for name, v in model["sizes"].items()}
    if model["net"] == "multiband":
        return MultiBand(front_end, MultiBandConfig(**sizes))
    if model["net"] == "published":
        return Windowed(MelGan(MelGanConfig(n_mels=front_end.n_mels, **sizes)), front_end)
    raise TrainingError(f"melgan: net: expected multiband or published, found {model['net']!r}")


def build(about: dict[str, Any], library: Any = None) -> MelGanRecipe:
    """Untrained; nothing is read off the recordings."""
    return MelGanRecipe(about["model"])


def step_graph(recipe: MelGanRecipe) -> VocoderStep:
    """What is exported. Its norms are folded into the weights, so that the recipe cannot go on learning."""
    generator = recipe.generator
    return VocoderStep(plain(generator), exact=not isinstance(generator, Windowed) or generator.exact)


def _delayed(y: Tensor, n: int) -> Tensor:
    return functional.pad(y, (n, 0))[:, : y.shape[-1]]
