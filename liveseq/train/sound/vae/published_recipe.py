"""Training of the spectrogram VAE as it was, with its lower bound written out."""

from collections.abc import Sequence
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional
from torch.optim import Adam, Optimizer

from liveseq.train.sound.recipe import Batch, Recipe, Sound
from liveseq.train.sound.vae.mixture import Mixture
from liveseq.train.sound.vae.objectives import divergence, occupancy
from liveseq.train.sound.vae.published import (
    PublishedDecoder,
    PublishedEncoder,
    check_size,
    pictures,
    sampled,
    sound_of,
)

LEARNING_RATE = 5e-4
N_DRAWS = 3
"""Samples of a posterior that its divergence from the prior is measured by."""
SAMPLE_RATE = 44_100


class PublishedRecipe(Recipe):
    """Encoder, decoder, and a prior of Gaussians whose weights are all the same."""

    def __init__(self, settings: dict[str, Any]) -> None:
        """settings: `model` of a preset."""
        super().__init__()
        check_size(settings["size"])
        self.size = settings["size"]
        sizes = {"size": self.size, "z_size": settings["z_size"]}
        self.encoder, self.decoder = PublishedEncoder(**sizes), PublishedDecoder(**sizes)
        self.prior = Mixture(settings["z_size"], n_components=settings["n_components"], n_tags=1)
        self.prior.logits.requires_grad_(False)
        self.prior.started.fill_(1.0)
        self._pictures: list[Tensor] = []

    def networks(self) -> dict[str, torch.nn.Module]:
        return {"encoder": self.encoder, "decoder": self.decoder, "prior": self.prior}

    def optimizers(self) -> dict[str, Optimizer]:
        nets = (self.encoder, self.decoder, self.prior)
        weights = [p for net in nets for p in net.parameters() if p.requires_grad]
        return {"networks": Adam(weights, lr=LEARNING_RATE)}

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        """batch: audio (B, 2, n_samples) first. The likelihood is a sum over the batch, the divergence a mean: so it
        was, and so the prior hardly counts."""
        nats, kl, _ = self._terms(fabric, batch[0])
        self.update(fabric, "networks", nats.sum() + kl.mean())
        return {"nats": nats.mean().detach() / self.size**2, "kl": kl.mean().detach()}

    def _terms(self, fabric: Fabric | None, audio: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Negative log likelihoods and divergences of each picture (B,), and the pictures that come back."""
        picture = pictures(audio, size=self.size)
        posterior = self.encoder(picture)
        logits = self.decoder(sampled(*posterior, 1)[0][0]).float()
        nats = functional.binary_cross_entropy_with_logits(logits, picture, reduction="none").sum(dim=(1, 2, 3))
        z, log_posterior = sampled(*posterior, N_DRAWS)
        tag = torch.zeros(z.shape[:2], dtype=torch.int64, device=z.device)
        return nats, divergence(log_posterior, self.prior.log_prob(z, tag)), logits.sigmoid()

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """elbo: lower bound per pixel, in nats, and score its negative; kl: nats of a picture; error: of a pixel, by
        what a black picture has; occupancy: components in use, as a share."""
        sums = dict.fromkeys(("elbo", "kl", "error"), 0.0)
        held = []
        for audio, *_ in batches:
            picture = pictures(audio, size=self.size)
            nats, kl, found = self._terms(None, audio)
            sums["elbo"] -= float((nats + kl).mean()) / self.size**2
            sums["kl"] += float(kl.mean())
            sums["error"] += float((found - picture).abs().mean() / picture.mean().clamp(min=1e-9))
            z, _ = self.encoder(picture)
            held.append(self.prior.responsibilities(z, torch.zeros(len(z), dtype=torch.int64, device=z.device)))
        used = torch.cat(held).mean(dim=0)
        means = {name: value / len(batches) for name, value in sums.items()}
        place = self.prior.means[:1] + self.prior.scales()[:1] * torch.randn_like(self.prior.means[:1])
        self._pictures = [found[:1], self.decoder(place).sigmoid()]
        return {"score": -means["elbo"], **means, "occupancy": occupancy(used)}

    @torch.no_grad()
    def listen(self) -> list[Sound]:
        """A copy and a drawn picture, as the original made sound of them."""
        named = zip(("copy", "drawn"), self._pictures, strict=False)
        return [(name, sound_of(one)[0].clamp(-1, 1)[:, None].cpu().numpy(), SAMPLE_RATE) for name, one in named]
