"""The regressor of single samples as it was: LSTMs of 100, 50, 25 and 12, squared error (musicrgan).

It hears windows of 200 samples and is asked for the next one. Mended: the next one is the next (it was the one after
that), LSTMs have their own activation (linear ones blew up to 1e27), and at play it hears what it made (it heard
zeros). Played sample by sample with its memory kept, instead of the last 200 anew for each.
"""

from collections.abc import Sequence
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, Optimizer

from liveseq.train.sound.material.crops import AudioCrops
from liveseq.train.sound.output import output_stage
from liveseq.train.sound.recipe import Batch
from liveseq.train.sound.recurrent.births import N_BIRTHS, Births, Course, heard
from liveseq.train.sound.recurrent.lstm import Lstm, stacked, through
from liveseq.train.sound.recurrent.recipe import STREAMS_FROM, Material, RecurrentRecipe
from liveseq.train.sound.recurrent.repeating import repeated
from liveseq.train.sound.streaming import StepGraph, Tape

NEVER = 1 << 30
STEP_SECONDS = 0.1


class OriginalNet(nn.Module):
    """Samples to the one that follows them."""

    loudest: Tensor

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Lstm(n, width) for n, width in zip((1, *widths), widths, strict=False))
        self.leave = nn.Linear(widths[-1], 1)
        self.register_buffer("loudest", torch.ones(()))  # samples are divided by it, to lie within -1 and 1
        self.births = Births(n_tags=1, size=2 * sum(widths) + 1)  # of the memory, and of the last sample

    @property
    def lstms(self) -> list[Lstm]:
        """Layers by their type."""
        return list(self.layers)  # type: ignore[arg-type]

    def forward(self, samples: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Samples (B, T) -> the one behind them (B,), and the memory after them (B, size)."""
        hidden, memory = through(self.lstms, samples[..., None], memory)
        return self.leave(hidden[:, -1])[:, 0], memory


class OriginalSamples(RecurrentRecipe):
    """The network, on waves without a tag."""

    def __init__(self, about: dict[str, Any]) -> None:
        """about: config.yaml."""
        super().__init__()
        settings, self.sample_rate = about["model"], about["sample_rate"]
        self.generator = OriginalNet(settings["widths"])

    def measure(self, library: Any, crops: dict[str, Any], *, seed: int) -> Material:
        """See `RecurrentRecipe.measure`: the loudest sample."""
        material = super().measure(library, crops, seed=seed)
        self.generator.loudest.fill_(max(float(abs(one.audio).max()) for one in library.train))
        return material

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": self.generator}

    def optimizers(self) -> dict[str, Optimizer]:
        return {"generator": Adam(self.generator.parameters(), lr=1e-3)}

    def _error(self, audio: Tensor) -> Tensor:
        """Squared error () of the last sample. audio: (B, 2, n_samples)."""
        samples = audio.mean(dim=1) / self.generator.loudest
        return functional.mse_loss(self.generator(samples[:, :-1])[0], samples[:, -1])

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        """batch: crops of `AudioCrops`, each a window and the sample after it."""
        error = self._error(batch[0])
        self.update(fabric, "generator", error)
        return {"error": error.detach()}

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Squared error."""
        return {"score": sum(float(self._error(audio)) for audio, _ in batches) / len(batches)}

    @torch.no_grad()
    def learn_last(self, material: Material, *, seed: int) -> None:
        """Births, out of windows."""
        assert isinstance(material.crops, AudioCrops)
        settings = {"n_samples": material.crops.n_samples, "batch_size": STREAMS_FROM * N_BIRTHS}
        audio, _ = AudioCrops(material.library.train, seed=seed, augment=False, **settings).batch(0)
        samples = audio.mean(dim=1) / self.generator.loudest
        _, memory = self.generator(samples[:, :-1])
        born = torch.cat((memory, samples[:, -1:]), dim=1)
        self.generator.births.learn(0, born, samples.square().mean(dim=1))

    def last(self) -> dict[str, nn.Module]:
        return {"generator.births": self.generator.births}


class OriginalSamplesGraph(StepGraph):
    """A tenth of a second, sample by sample (ONNX Scan). z: the number that chooses a birth."""

    channels = 1

    def __init__(self, recipe: OriginalSamples) -> None:
        super().__init__()
        self.net, self.sample_rate = recipe.generator, recipe.sample_rate
        self.samples_per_step = round(STEP_SECONDS * recipe.sample_rate)

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"z": (1,)}

    def heard_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"audio": (self.samples_per_step,)}

    def step(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """z (1,) -> audio (1, samples_per_step); the birth, which is empty, as it came."""
        course = Course(tape, self.net.births, near=inputs[0].new_ones(1), normal=inputs[0], rest=NEVER)
        cell, weight, bias = stacked(self.net.lstms), self.net.leave.weight.T, self.net.leave.bias

        def one(carried: list[Tensor], given: tuple[Tensor, ...]) -> tuple[list[Tensor], Tensor]:
            memory, sample = carried
            hidden, memory = cell(sample + given[0], memory)
            sample = torch.addmm(bias, hidden, weight)
            return [memory, sample], sample.clone()

        begun = list(course.memory.split((self.net.births.size - 1, 1), dim=1))
        (memory, sample), samples = repeated(one, begun, (torch.zeros(self.samples_per_step, 1, 1),))
        course.memory = torch.cat((memory, sample), dim=1)
        course.keep(tape)
        return output_stage(self.net.loudest * samples[:, 0].T, self.samples_per_step, tape), birth

    def hear(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> None:
        """audio (samples_per_step,): a piece of a recording."""
        course = heard(tape, self.net.births, inputs[0])
        memory, last = course.memory.split((self.net.births.size - 1, 1), dim=1)
        samples = torch.cat((last, inputs[0][None] / self.net.loudest), dim=1)
        _, memory = self.net(samples[:, :-1], memory)
        course.memory = torch.cat((memory, samples[:, -1:]), dim=1)
        course.keep(tape)
