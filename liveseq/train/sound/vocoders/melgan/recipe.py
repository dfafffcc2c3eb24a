"""Both trainings of MelGAN, the published one and the multi-band one: the network decides which losses there are."""

from collections.abc import Sequence
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, Optimizer

from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import TrainingError
from liveseq.train.sound.family import OpenVocoder
from liveseq.train.sound.losses import LogMel, SpectralLoss
from liveseq.train.sound.recipe import Batch, Recipe, Sound, frozen
from liveseq.train.sound.vocoders.graph import VocoderGraph
from liveseq.train.sound.vocoders.melgan.discriminators import (
    MultiScaleDiscriminator,
    discriminator_loss,
    feature_matching_loss,
    generator_loss,
)
from liveseq.train.sound.vocoders.melgan.multiband import MultiBand, MultiBandConfig
from liveseq.train.sound.vocoders.melgan.networks import MelGan, MelGanConfig, Windowed, plain

FEATURE_WEIGHT = 10.0
"""Weight of feature matching, as published."""
MEL_WEIGHT = 2.0
SPECTRAL_WINDOWS, BAND_WINDOWS = (2048, 1024, 512, 256, 128), (512, 256, 128)
"""Samples, at the full rate and at the bands'."""


class MelGanRecipe(Recipe):
    """Generator and discriminators."""

    def __init__(self, model: dict[str, Any]) -> None:
        """model: settings of a preset."""
        super().__init__()
        self.front_end = MelFrontEnd.from_dict(model["front_end"], where="config.yaml")
        self.generator = network(model)
        self.judges = MultiScaleDiscriminator(**model["judge"])
        self.frames = LogMel(self.front_end)
        self.spectral = SpectralLoss(SPECTRAL_WINDOWS)
        self.band_spectral = SpectralLoss(BAND_WINDOWS)
        self.learning_rate = model["learning_rate"]
        self.judge_from = model.get("judge_from", 0.0)
        self._examples: list[Sound] = []

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
        """batch: audio (B, 2, n_samples) first."""
        target = batch[0][:, 0]  # sides are swapped at random, so one of them is both
        output, target, bands = self._generate(fabric, self.frames(target), target)
        losses: dict[str, Tensor | float] = {}
        total = output.new_zeros(())
        if bands is not None:
            losses["spectral"] = self.spectral(output, target) + self.band_spectral(*bands)
            losses["mel"] = functional.l1_loss(self.frames(output), self.frames(target))
            total = losses["spectral"] + MEL_WEIGHT * losses["mel"]
        if self.progress >= self.judge_from:
            with fabric.autocast():
                real, generated = self.judges(target), self.judges(output.detach())
            losses["judges"] = discriminator_loss(real, generated)
            self.update(fabric, "judges", losses["judges"])
            with frozen(self.judges), fabric.autocast():
                generated = self.judges(output)
                with torch.no_grad():
                    real = self.judges(target)
            losses["matching"] = feature_matching_loss(real, generated)
            losses["fooling"] = generator_loss(generated)
            total = total + losses["fooling"] + FEATURE_WEIGHT * losses["matching"]
        self.update(fabric, "generator", total)
        return losses

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Spectral loss and L1 of log10 mel frames, of the sound as it is played, its delay taken off."""
        spectral, logs = [], []
        for audio, *_ in batches:
            late = self.generator.latency
            y = audio.flatten(0, 1)
            output = self.generator(self.frames(functional.pad(y, (0, late + self.front_end.hop_length))))
            output = output[:, late : late + y.shape[-1]]
            spectral.append(float(self.spectral(output, y)))
            logs.append(float(functional.l1_loss(self.frames(output), self.frames(y))))
        rate = self.front_end.sample_rate
        self._examples = [
            (name, s[:4].flatten().cpu().numpy()[:, None], rate) for name, s in (("made", output), ("real", y))
        ]
        score = sum(spectral) / len(spectral)
        return {"score": score, "spectral": score, "log_mel": sum(logs) / len(logs)}

    def listen(self) -> list[Sound]:
        return self._examples

    def _generate(
        self, fabric: Fabric, frames: Tensor, target: Tensor
    ) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor] | None]:
        """Output and target (B, n) in the same time, and the bands of both where there are any.

        frames: log10 mel (B, n_mels, T); target: (B, n_samples). The filter bank keeps all digits.
        """
        with fabric.autocast():
            if isinstance(self.generator, Windowed):
                return self.generator.net(frames).float(), target, None
            bands = self.generator.bands(frames).float()
        bank, late = self.generator.bank, self.generator.latency
        target_bands = bank.analysis(_delayed(target, late - bank.delay))
        start = late // bank.n_bands  # sound from before the crop is not known
        pairs = (bands[..., start:].flatten(0, 1), target_bands[..., start:].flatten(0, 1))
        return bank.synthesis(bands)[:, late:], target[:, : target.shape[-1] - late], pairs


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


def step_graph(recipe: Recipe, open_vocoder: OpenVocoder) -> VocoderGraph:
    """The vocoder alone. Its norms are folded into the weights, so that the recipe cannot go on learning."""
    assert isinstance(recipe, MelGanRecipe)
    generator = recipe.generator
    return VocoderGraph(plain(generator), exact=not isinstance(generator, Windowed) or generator.exact)


def _delayed(y: Tensor, n: int) -> Tensor:
    return functional.pad(y, (n, 0))[:, : y.shape[-1]]
