"""The recurrent GAN as it was planned: LSTMs of 100, 250 and 100 make a wave out of noise, one of 250 judges it.

Sizes, rates and label noise are those of musicrgan; it never ran. Two faults are mended: the last layer makes -1 to 1
(it made 0 to 1), and the rate is reduced with a filter (every third sample was taken).
"""

from collections.abc import Sequence
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer, RMSprop

from liveseq.train.sound.output import output_stage
from liveseq.train.sound.recipe import Batch, frozen
from liveseq.train.sound.recurrent.lstm import Lstm, through
from liveseq.train.sound.recurrent.recipe import RecurrentRecipe
from liveseq.train.sound.streaming import StepGraph, Tape

RATES = {"generator": 4e-4, "critic": 8e-4}
LABEL_NOISE = 0.05
CLIP = 1.0
STEP_SECONDS = 0.1


class OriginalGenerator(nn.Module):
    """A number of noise for each sample, through layers of LSTM, to a sample."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Lstm(n, width) for n, width in zip((1, *widths), widths, strict=False))
        self.leave = nn.Linear(widths[-1], 1)
        self.size = 2 * sum(widths)

    def forward(self, noise: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Noise (B, n_samples), memory (B, size) -> audio (B, n_samples), and the memory after it."""
        hidden, memory = through(list(self.layers), noise[..., None], memory)  # type: ignore[arg-type]
        return torch.tanh(self.leave(hidden))[..., 0], memory


class OriginalCritic(nn.Module):
    """A verdict on a whole wave, as a logit."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.lstm, self.dropout, self.verdict = Lstm(1, width), nn.Dropout(dropout), nn.Linear(width, 1)

    def forward(self, audio: Tensor) -> Tensor:
        """(B, n_samples) -> (B,)."""
        verdicts: Tensor = self.verdict(self.dropout(self.lstm(audio[..., None])[0][:, -1]))[..., 0]
        return verdicts


class OriginalGan(RecurrentRecipe):
    """Both networks, on waves without a tag."""

    def __init__(self, about: dict[str, Any]) -> None:
        """about: config.yaml."""
        super().__init__()
        settings, self.sample_rate = about["model"], about["sample_rate"]
        self.generator = OriginalGenerator(settings["widths"])
        self.critic = OriginalCritic(settings["critic_width"], settings["critic_dropout"])

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": self.generator}

    def optimizers(self) -> dict[str, Optimizer]:
        nets = {"generator": self.generator, "critic": self.critic}
        return {name: RMSprop(net.parameters(), lr=RATES[name], alpha=0.9) for name, net in nets.items()}

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        """batch: crops of `AudioCrops`."""
        real = batch[0].mean(dim=1)
        drawn, _ = self.generator(torch.randn_like(real))
        verdicts = self.critic(torch.cat((real, drawn.detach())))
        labels = torch.cat((torch.ones(len(real)), torch.zeros(len(real)))).to(real)
        labels = labels + LABEL_NOISE * torch.rand_like(labels)
        critic = functional.binary_cross_entropy_with_logits(verdicts, labels)
        self.update(fabric, "critic", critic, max_norm=CLIP)
        with frozen(self.critic):
            unreal = functional.binary_cross_entropy_with_logits(
                self.critic(drawn), torch.ones_like(labels[: len(real)])
            )
        self.update(fabric, "generator", unreal, max_norm=CLIP)
        return {"critic": critic.detach(), "unreal": unreal.detach()}

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Level of drawn waves and of real ones. The latest weights are kept."""
        real = torch.cat([batch[0].mean(dim=1) for batch in batches])
        drawn, _ = self.generator(torch.randn_like(real))
        return {"level": float(drawn.square().mean().sqrt()), "real_level": float(real.square().mean().sqrt())}


class OriginalGanGraph(StepGraph):
    """z: a number for each sample."""

    channels = 1

    def __init__(self, recipe: OriginalGan) -> None:
        super().__init__()
        self.generator, self.sample_rate = recipe.generator, recipe.sample_rate
        self.samples_per_step = round(STEP_SECONDS * recipe.sample_rate)

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"z": (self.samples_per_step,)}

    def step(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """z (n,) -> audio (1, n); the birth, which is empty, as it came."""
        audio, memory = self.generator(inputs[0][None], tape.recall((1, self.generator.size), inputs[0]))
        tape.keep(memory)
        return output_stage(audio, self.samples_per_step, tape), birth

    def whole(self, birth: Tensor, *inputs: Tensor) -> Tensor:
        """z (n_steps, n) -> audio (1, n_steps * n)."""
        return output_stage(self.generator(inputs[0].flatten()[None])[0], self.samples_per_step, None)
