"""How the default vocoder learns, so that minutes on one core count.

The clocks learn from the phases of recordings, on a few frames of each crop, and are told nothing of how the result
sounds. Magnitudes are held against those of the recording, frame by frame, beside the spectra of the sound, since the
first do not have to wait for good phases. That makes noise smooth, which buzzes: later on, each crop is made twice with
other chance, and the two are held to be as different as noise is. Discriminators come for the last part only: they cost
more than all the rest.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW, Optimizer

from liveseq.dsp.mel import MelFrontEnd
from liveseq.train.sound.discriminators import Judges
from liveseq.train.sound.losses import MelLoss, SpectralLoss, adversarial, feature_matching, hinge
from liveseq.train.sound.recipe import Batch, Recipe, Sound, frozen
from liveseq.train.sound.vocoders.clocks import N_RANDOM, surprise, times, unit
from liveseq.train.sound.vocoders.vocos import VocosVocoder

MEL, SPECTRAL, LEVEL, ADVERSARIAL, MATCHING = 15.0, 2.0, 1.0, 1.0, 1.0
"""Weights of the losses."""
WINDOWS = (2048, 512, 128)
PAIRED_FROM = 0.4
"""Share of the training after which crops are made twice."""
SPARSE = 4
"""Every fourth frame teaches the partials."""
JUDGED_ITEMS, JUDGED_SAMPLES = 4, 12_288
"""What discriminators hear of a batch."""
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
        super().__init__()
        self.vocoder = VocosVocoder(MelFrontEnd.from_dict(model["front_end"], where="config.yaml"), **model["net"])
        self.judges = Judges(**model["judge"])
        self.mel = MelLoss(self.vocoder.front_end)
        self.spectral = SpectralLoss(WINDOWS)
        self.learning_rate, self.judge_from = model["learning_rate"], model["judge_from"]
        self._heard: list[Sound] = []

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
        audio = batch[0]
        n_mixed = len(audio) // 2  # both one side and the mix of two are what will be asked for
        wanted = torch.cat((audio[:n_mixed].mean(dim=1), audio[n_mixed:, 0]))
        made, losses = self._reconstruct(fabric, wanted, number)
        total = MEL * losses["mel"] + SPECTRAL * losses["spectral"] + losses["partials"]
        if "level" in losses:
            total = total + LEVEL * losses["level"]
        if self.progress >= self.judge_from:
            losses |= self._judge(fabric, made, wanted[:, : made.shape[-1]])
            total = total + ADVERSARIAL * losses["fooling"] + MATCHING * losses["matching"]
        self._set_rate(number)
        self.update(fabric, "vocoder", total, max_norm=MAX_NORM)
        return losses

    def _reconstruct(self, fabric: Fabric, wanted: Tensor, number: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Made sound without its latency, and the losses that compare it with the recording's."""
        net = self.vocoder
        with torch.no_grad():
            mel = self.mel.frames(wanted)
            near, spectrum = net.near(mel), net.spectrum(wanted)
            with fabric.autocast():
                partials = net.partials(near)
        with fabric.autocast():
            told = net.told(mel, near)
        first, second = torch.randint(N_RANDOM, (2,)).tolist()
        made = net.sound(told, partials, first=first)[:, net.latency :]
        wanted = wanted[:, : made.shape[-1]]
        losses = {"partials": self._partials(fabric, near, spectrum, first=number % SPARSE)}
        if self.progress >= PAIRED_FROM:
            other = net.sound(told, partials, first=second)[:, net.latency :]
            losses["mel"] = self.mel.energy(made, other, wanted)
            losses["spectral"] = self.spectral.energy(made, other, wanted)
        else:
            losses["mel"], losses["spectral"] = self.mel(made, wanted), self.spectral(made, wanted)
            losses["level"] = self._level(told[0], partials[0], spectrum)
        return made, losses

    def _level(self, level: Tensor, rise: Tensor, spectrum: Tensor) -> Tensor:
        """L1 of the log magnitudes of frames, whatever their phases do."""
        late = self.vocoder.look_ahead
        level = level + functional.pad(rise, (0, self.vocoder.n_bins - rise.shape[-1]))
        truth = spectrum.square().sum(dim=2).sqrt().clamp(min=_SILENT).log()  # (B, T, n_bins)
        return (level[:, late:].clamp(min=math.log(_SILENT)) - truth[:, : truth.shape[1] - late]).abs().mean()

    def _partials(self, fabric: Fabric, near: Tensor, spectrum: Tensor, *, first: int) -> Tensor:
        """What they say of some frames, against phases and magnitudes there.

        Without what the backbone adds: it corrects what they leave, and two that correct each other run away.
        """
        net, n = self.vocoder, self.vocoder.partials.n_bins
        at = torch.arange(1 + first, spectrum.shape[1] - net.look_ahead, SPARSE, device=near.device)
        told = at + net.look_ahead  # the frame of the recording comes out this much later
        three = torch.stack([near[..., told + i] for i in range(3)], dim=-1)  # (B, n_mels, frames, 3)
        with fabric.autocast():
            parts = net.partials(three.transpose(1, 2).flatten(0, 1))
        rise, trust, clock = (part.squeeze(1).unflatten(0, (len(near), len(at))) for part in parts)
        gone_on = times(net.turns(clock), net.clocks(spectrum[:, at - 1]))
        true = spectrum[:, at]
        agreement = trust * (gone_on * unit(true)).sum(dim=2)[..., :n]
        trust = trust * (gone_on.square().sum(dim=2)[..., :n] + 1e-12).sqrt()
        magnitude = true.square().sum(dim=2)[..., :n].sqrt()
        weight = magnitude.sqrt() / magnitude.sqrt().sum().clamp(min=1e-6)  # loud ones matter, quiet ones too
        level = net.between(near)[:, told, :n] + rise
        error = level.clamp(min=math.log(_SILENT)) - magnitude.clamp(min=_SILENT).log()
        return (surprise(agreement, trust) * weight).sum() + error.abs().mean()

    def _judge(self, fabric: Fabric, made: Tensor, wanted: Tensor) -> dict[str, Tensor]:
        """Teach the discriminators on a part of the batch, then ask them."""
        items = torch.randperm(len(made), device=made.device)[:JUDGED_ITEMS]
        n = min(JUDGED_SAMPLES, made.shape[-1])
        start = int(torch.randint(made.shape[-1] - n + 1, ()))
        made, wanted = made[items, start : start + n], wanted[items, start : start + n]
        with fabric.autocast():
            lost = hinge(self.judges(wanted), self.judges(made.detach()))
        self.update(fabric, "judges", lost, max_norm=MAX_NORM)
        with frozen(self.judges), fabric.autocast():
            with torch.no_grad():
                real = self.judges(wanted)
            found = self.judges(made)
        return {"judges": lost, "fooling": adversarial(found), "matching": feature_matching(real, found)}

    def _set_rate(self, number: int) -> None:
        fallen = LAST + (1.0 - LAST) * 0.5 * (1.0 + math.cos(math.pi * self.progress))
        for group in self.bare_optimizers()["vocoder"].param_groups:
            group["lr"] = self.learning_rate * fallen * min(1.0, (number + 1) / WARM_UP)

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Without "score": errors rise a little where the adversary begins, and it sounds better."""
        found: dict[str, list[float]] = {"spectral": [], "mel": []}
        for audio, *_ in batches:
            wanted = audio[:, 0]
            made = self.vocoder(self.mel.frames(wanted))[:, self.vocoder.latency :]
            wanted = wanted[:, : made.shape[-1]]
            found["spectral"].append(float(self.spectral(made, wanted)))
            found["mel"].append(float(self.mel(made, wanted)))
        rate = self.vocoder.sample_rate
        self._heard = [
            (name, y[:4].reshape(-1, 1).cpu().numpy(), rate) for name, y in (("made", made), ("real", wanted))
        ]
        return {name: sum(values) / len(values) for name, values in found.items()}

    def listen(self) -> list[Sound]:
        return self._heard
