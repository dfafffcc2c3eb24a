"""Training of the published variants of UNAGAN."""

from collections.abc import Sequence
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional
from torch.optim import Adam, Optimizer

from liveseq.dsp.mel import PRESETS as FRONT_ENDS
from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import TrainingError
from liveseq.train.sound.frames.codec import band_statistics
from liveseq.train.sound.frames.tracks import Track
from liveseq.train.sound.recipe import Batch, Recipe, frozen
from liveseq.train.sound.unagan.networks import FRAMES_PER_STEP
from liveseq.train.sound.unagan.objectives import Began
from liveseq.train.sound.unagan.published import MAX_NORM, FlatGenerator, PublishedEncoder, PublishedGenerator


class PublishedRecipe(Recipe):
    """Generator and BEGAN's auto-encoder, and for hc the encoder of the cycle."""

    def __init__(self, settings: dict[str, Any]) -> None:
        """settings: `model` of a preset."""
        super().__init__()
        self.front_end: MelFrontEnd = FRONT_ENDS[settings["front_end"]]
        self.variant = settings["variant"]
        flat = self.variant == "nh"
        self.z_size, self.n_frames = settings["z_size"], 1 if flat else FRAMES_PER_STEP
        sizes = {"n_mels": self.front_end.n_mels, "z_size": self.z_size, "width": settings["critic_width"]}
        self.generator = FlatGenerator(**sizes) if flat else PublishedGenerator(**sizes)
        self.objective = Began(self.front_end.n_mels, width=settings["critic_width"])
        self.encoder = PublishedEncoder(**sizes) if self.variant == "hc" else None
        self.register_buffer("mean", torch.zeros(self.front_end.n_mels))
        self.register_buffer("deviation", torch.ones(self.front_end.n_mels))

    def learn_statistics(
        self, tracks: Sequence[Track], vectors: Tensor, *, seed: int, begin_from: str | None = None
    ) -> None:
        """Take mean and deviation of the bands from the recordings.

        begin_from: not for a published variant, whose checkpoint does not keep the deviations that its weights are for.
        """
        if begin_from is not None:
            raise TrainingError(f"--from {begin_from}: a published variant of unagan begins anew; small and full can")
        self.mean[:], self.deviation[:] = band_statistics(tracks)

    def networks(self) -> dict[str, torch.nn.Module]:
        return {"generator": self.generator}

    def optimizers(self) -> dict[str, Optimizer]:
        nets = {"generator": self.generator, "critic": self.objective} | (
            {"encoder": self.encoder} if self.encoder is not None else {}
        )
        return {name: Adam(net.parameters(), lr=1e-4) for name, net in nets.items()}

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        """One step of the generator (and the encoder with it), then one of the discriminator.

        batch: log10 mel (B, n_mels, T) first.
        """
        mel = (batch[0] - self.mean[:, None]) / self.deviation[:, None]
        noise = torch.randn(len(mel), self.z_size, mel.shape[-1] // self.n_frames, device=mel.device)
        with fabric.autocast():
            generated = self.generator(noise)
            with frozen(self.objective):
                unreal = self.objective.error(generated)
            loss, losses = unreal, {"unreal": unreal}
            if self.encoder is not None:
                cycles = (
                    functional.l1_loss(self.encoder(generated), noise),
                    functional.l1_loss(self.generator(self.encoder(mel)), mel),
                )
                loss = loss + cycles[0] + cycles[1]
                losses |= {"cycle": cycles[0], "mel": cycles[1]}
        makers = ("generator",) if self.encoder is None else ("generator", "encoder")
        self.update(fabric, makers, loss, max_norm=MAX_NORM)
        with fabric.autocast():
            critic = self.objective.critic_loss(mel, generated.detach())
        self.update(fabric, "critic", critic, max_norm=MAX_NORM)
        return losses | {"critic": critic, "balance": self.objective.balance}

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Mean of BEGAN's M, as published."""
        total = 0.0
        for mel, *_ in batches:
            mel = (mel - self.mean[:, None]) / self.deviation[:, None]
            noise = torch.randn(len(mel), self.z_size, mel.shape[-1] // self.n_frames, device=mel.device)
            total += float(self.objective.convergence(mel, self.generator(noise)))
        return {"score": total / len(batches)}
