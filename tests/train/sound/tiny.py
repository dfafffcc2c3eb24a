"""The smallest thing that the loop can train: a level, and a critic that guesses it."""

import numpy as np
import torch
from torch import nn

from liveseq.train.sound.config import SoundTrainConfig
from liveseq.train.sound.loop import train_recipe
from liveseq.train.sound.material.crops import AudioCrops
from liveseq.train.sound.material.reading import Recording
from liveseq.train.sound.recipe import Recipe

CONFIG = SoundTrainConfig(steps=12, save_every=4, n_held_out=2, ema=0.9, accelerator="cpu")


class Tiny(Recipe):
    """generator tells the level of recordings out of noise, critic guesses; k is a number that must survive a kill."""

    def __init__(self, *, fail_at=None):
        super().__init__()
        torch.manual_seed(0)
        self.generator = nn.Linear(4, 8)
        self.critic = nn.Linear(8, 1)
        self.register_buffer("k", torch.zeros(()))
        self.fail_at = fail_at
        self.seen = []

    def networks(self):
        return {"generator": self.generator}

    def averaged(self):
        return ("generator",)

    def optimizers(self):
        return {
            "generator": torch.optim.Adam(self.generator.parameters(), lr=1e-2),
            "critic": torch.optim.Adam(self.critic.parameters(), lr=1e-2),
        }

    def train_step(self, fabric, batch, number):
        audio, tags = batch
        self.seen.append((number, tags.tolist(), self.progress))
        with fabric.autocast():
            fake = self.generator(torch.randn(len(audio), 4, device=audio.device))
        level = audio.square().mean(dim=(1, 2)).sqrt().unsqueeze(1)
        loss = (fake.float() - level).square().mean()
        if number == self.fail_at:
            loss = loss * torch.nan
        self.update(fabric, "generator", loss, max_norm=1.0)
        critic = (self.critic(fake.detach().float()) - level).square().mean()
        self.update(fabric, "critic", critic)
        self.k += loss.detach()
        return {"generator": loss, "critic": critic}

    @torch.no_grad()
    def score(self, batches):
        level = torch.stack([audio.square().mean().sqrt() for audio, _ in batches]).mean()
        made = self.generator(torch.randn(64, 4)).mean()
        return {"score": float((made - level).abs()), "level": float(level)}

    def listen(self):
        return [("noise", np.full((4800, 2), 0.1, dtype=np.float32), 48_000)]


def recordings(*, seed=1, n=4):
    rng = np.random.default_rng(seed)
    return tuple(
        Recording(
            name=f"{i}.wav",
            tag=f"tag{i % 2}",
            audio=(0.1 * (1 + i) * rng.standard_normal((6_000, 2))).clip(-1, 1).astype(np.float32),
        )
        for i in range(n)
    )


def run(out, *, config=CONFIG, resume=False, recipe=None, wandb=False, about=None, finish=None):
    cut = {"n_samples": 2048, "batch_size": 4, "seed": config.seed}
    return train_recipe(
        recipe or Tiny(),
        AudioCrops(recordings(), **cut),
        AudioCrops(recordings(seed=2), augment=False, **cut),
        out,
        config=config,
        about=about or {"family": "tiny", "model": {"size": 4}, "fingerprint": "abc"},
        resume=resume,
        wandb=wandb,
        finish=finish,
    )
