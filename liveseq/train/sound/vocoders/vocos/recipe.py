"""Training of the default vocoder, so that minutes on one core count.

The clocks learn from the phases of recordings, on a few frames of each crop, and not from how the result sounds.
Magnitudes are held against those of the recording, frame by frame, beside the spectra of the sound, since they do not
have to wait for good phases. That makes noise smooth, which buzzes: later on, each crop is generated twice with other
random phases, and the two are held to be as different as noise is. Discriminators come for the last part only: they
cost more than all the rest.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW, Optimizer

from liveseq.dsp.mel import MelFrontEnd
from liveseq.train.sound.family import OpenVocoder
from liveseq.train.sound.losses import MelLoss, SpectralLoss, adversarial, feature_matching, hinge
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.recipe import Batch, Recipe, Sound, frozen
from liveseq.train.sound.streaming import StepGraph
from liveseq.train.sound.vocoders.graph import VocoderGraph
from liveseq.train.sound.vocoders.vocos.clocks import N_RANDOM, phasors, product, von_mises_nll
from liveseq.train.sound.vocoders.vocos.discriminators import Discriminators
from liveseq.train.sound.vocoders.vocos.networks import VocosVocoder
from liveseq.train.sound.vocoders.vocos.registers import Register

MEL, SPECTRAL, LEVEL, ADVERSARIAL, MATCHING = 15.0, 2.0, 1.0, 1.0, 1.0
"""Weights of the losses."""
WINDOWS = (4096, 1024, 256)
PAIRED_FROM = 0.4
"""Share of the training after which crops are generated twice."""
SPARSE = 4
"""Every fourth frame teaches the partials."""
JUDGED_ITEMS, JUDGED_SAMPLES = 4, 12_288
"""The part of a batch that discriminators are given."""
WARM_UP = 200
"""Batches over which the learning rate rises; then it falls along a cosine to LAST of it."""
LAST = 0.05
JUDGES_RATE = 5e-4
MAX_NORM = 5.0
_SILENT = 1e-3
"""Magnitude under a window of 2048 below which nothing is heard (-115 dB of a full scale sine)."""


class VocosRecipe(Recipe):
    """VocosVocoder and its discriminators."""

    def __init__(self, model: dict[str, Any]) -> None:
        """model: settings of a preset."""
        super().__init__()
        self.vocoder = VocosVocoder(MelFrontEnd.from_dict(model["front_end"], where="config.yaml"), **model["net"])
        self.judges = Discriminators(**model["judge"])
        self.mel = MelLoss(self.vocoder.front_end)
        self.spectral = SpectralLoss(WINDOWS)
        self.learning_rate, self.judge_from = model["learning_rate"], model["judge_from"]
        self._examples: list[Sound] = []

    def networks(self) -> dict[str, nn.Module]:
        return {"vocoder": self.vocoder}

    def averaged(self) -> tuple[str, ...]:
        return ("vocoder",)

    def optimizers(self) -> dict[str, Optimizer]:
        return {
            "vocoder": AdamW(self.vocoder.parameters(), lr=self.learning_rate, betas=(0.8, 0.99), weight_decay=0.01),
            "judges": AdamW(self.judges.parameters(), lr=JUDGES_RATE, betas=(0.8, 0.99)),
        }

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        """batch: audio (B, 2, n_samples) first."""
        audio = batch[0]
        # It will be asked for each side, for their mean and their difference: any direction between left and right.
        angle = math.pi * torch.rand(len(audio), 1, device=audio.device)
        target = angle.cos() * audio[:, 0] + angle.sin() * audio[:, 1]
        output, losses = self._reconstruct(fabric, target, number)
        total = MEL * losses["mel"] + SPECTRAL * losses["spectral"] + losses["partials"]
        if "level" in losses:
            total = total + LEVEL * losses["level"]
        if self.progress >= self.judge_from:
            losses |= self._discriminate(fabric, output, target[:, : output.shape[-1]])
            total = total + ADVERSARIAL * losses["fooling"] + MATCHING * losses["matching"]
        self._set_rate(number)
        self.update(fabric, "vocoder", total, max_norm=MAX_NORM)
        return losses

    def _reconstruct(self, fabric: Fabric, target: Tensor, number: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Audio (B, n) without its latency, and the losses that compare it with the target (B, n_samples)."""
        net = self.vocoder
        with torch.no_grad():
            mel = self.mel.frames(target)
            levels, whole = net.band_levels(mel), net.frames_of(target)
            truths = [register.analysis(whole) for register in net.registers]
            with fabric.autocast():
                partials = [register.partials(levels) for register in net.registers]
        with fabric.autocast():
            features = net.features(mel)
            spectra = [register.spectrum(features, levels) for register in net.registers]

        def drawn() -> Tensor:
            first = int(torch.randint(N_RANDOM, ()))
            parts = zip(net.registers, spectra, partials, strict=True)
            return net.added_up([r.synthesis(s, p, first=first) for r, s, p in parts])[:, net.latency :]

        output = drawn()
        target = target[:, : output.shape[-1]]
        of_registers = list(zip(net.registers, truths, strict=True))
        losses = {"partials": self._mean(self._partials_loss(fabric, r, levels, t, number) for r, t in of_registers)}
        if self.progress >= PAIRED_FROM:
            other = drawn()
            losses["mel"] = self.mel.energy(output, other, target)
            losses["spectral"] = self.spectral.energy(output, other, target)
        else:
            losses["mel"], losses["spectral"] = self.mel(output, target), self.spectral(output, target)
            each = zip(spectra, partials, truths, strict=True)
            losses["level"] = self._mean(self._level_loss(s[0], p[0], t) for s, p, t in each)
        return output, losses

    @staticmethod
    def _mean(losses: Iterable[Tensor]) -> Tensor:
        return torch.stack(list(losses)).mean()

    def _level_loss(self, level: Tensor, boost: Tensor, truth: Tensor) -> Tensor:
        """L1 of the log magnitudes of frames, whatever their phases do.

        level: (B, T, n_bins); boost: of the lowest bins (B, T, n); truth: spectrum of the recording (B, T, 2, n_bins).
        """
        late = self.vocoder.look_ahead
        level = level + functional.pad(boost, (0, level.shape[-1] - boost.shape[-1]))
        magnitude = truth.square().sum(dim=2).sqrt().clamp(min=_SILENT).log()  # (B, T, n_bins)
        found = level[:, late:].clamp(min=math.log(_SILENT))
        return (found - magnitude[:, : magnitude.shape[1] - late]).abs().mean()

    def _partials_loss(self, fabric: Fabric, register: Register, levels: Tensor, truth: Tensor, number: int) -> Tensor:
        """Partials of some frames against the phases and magnitudes there: every fourth, other ones in each batch.

        Without the backbone's addition: it corrects what they leave, and two that correct each other run away.
        """
        net, n = self.vocoder, register.partials.n_bins
        at = torch.arange(1 + number % SPARSE, truth.shape[1] - net.look_ahead, SPARSE, device=levels.device)
        later = at + net.look_ahead  # the frame of the recording comes out this much later
        three = torch.stack([levels[..., later + i] for i in range(3)], dim=-1)  # (B, n_mels, frames, 3)
        with fabric.autocast():
            parts = register.partials(three.transpose(1, 2).flatten(0, 1))
        boost, concentration, rotation = (part.squeeze(1).unflatten(0, (len(levels), len(at))) for part in parts)
        expected = product(register.rotations(rotation), register.locked_phases(truth[:, at - 1]))
        true = truth[:, at]
        agreement = concentration * (expected * phasors(true)).sum(dim=2)[..., :n]
        concentration = concentration * (expected.square().sum(dim=2)[..., :n] + 1e-12).sqrt()
        magnitude = true.square().sum(dim=2)[..., :n].sqrt()
        weight = magnitude.sqrt() / magnitude.sqrt().sum().clamp(min=1e-6)  # loud ones matter, quiet ones too
        level = register.interpolated(levels)[:, later, :n] + boost
        error = level.clamp(min=math.log(_SILENT)) - magnitude.clamp(min=_SILENT).log()
        return (von_mises_nll(agreement, concentration) * weight).sum() + error.abs().mean()

    def _discriminate(self, fabric: Fabric, output: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Teach the discriminators on a part of the batch, then ask them. Both (B, n_samples)."""
        items = torch.randperm(len(output), device=output.device)[:JUDGED_ITEMS]
        n = min(JUDGED_SAMPLES, output.shape[-1])
        start = int(torch.randint(output.shape[-1] - n + 1, ()))
        output, target = output[items, start : start + n], target[items, start : start + n]
        with fabric.autocast():
            loss = hinge(self.judges(target), self.judges(output.detach()))
        self.update(fabric, "judges", loss, max_norm=MAX_NORM)
        with frozen(self.judges), fabric.autocast():
            with torch.no_grad():
                real = self.judges(target)
            generated = self.judges(output)
        return {"judges": loss, "fooling": adversarial(generated), "matching": feature_matching(real, generated)}

    def _set_rate(self, number: int) -> None:
        fallen = LAST + (1.0 - LAST) * 0.5 * (1.0 + math.cos(math.pi * self.progress))
        for group in self.bare_optimizers()["vocoder"].param_groups:
            group["lr"] = self.learning_rate * fallen * min(1.0, (number + 1) / WARM_UP)

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Spectral and mel loss. No "score": errors rise a little where the adversary begins, and it sounds better."""
        losses: dict[str, list[float]] = {"spectral": [], "mel": []}
        for audio, *_ in batches:
            target = audio[:, 0]
            output = self.vocoder(self.mel.frames(target))[:, self.vocoder.latency :]
            target = target[:, : output.shape[-1]]
            losses["spectral"].append(float(self.spectral(output, target)))
            losses["mel"].append(float(self.mel(output, target)))
        rate = self.vocoder.sample_rate
        self._examples = [
            (name, y[:4].reshape(-1, 1).cpu().numpy(), rate) for name, y in (("made", output), ("real", target))
        ]
        return {name: sum(values) / len(values) for name, values in losses.items()}

    def listen(self) -> list[Sound]:
        return self._examples


def build(about: dict[str, Any], library: Library | None) -> VocosRecipe:
    """Untrained; its input is normalised by the levels of the library's bands."""
    recipe = VocosRecipe(about["model"])
    if library is not None:
        end = recipe.vocoder.front_end
        frames = [end.log_mel(r.audio.mean(axis=1)) for r in library.train if len(r.audio) >= end.hop_length]
        recipe.vocoder.set_levels(np.concatenate(frames))
    return recipe


def step_graph(recipe: Recipe, open_vocoder: OpenVocoder) -> StepGraph:
    """The vocoder alone."""
    assert isinstance(recipe, VocosRecipe)
    return VocoderGraph(recipe.vocoder)
