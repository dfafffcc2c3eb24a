"""The LSTM on blocks of the Fourier transform as it was (GRUV, Nayebi and Vitelli 2015; unnati; musicrgan).

Blocks of a second, without window or overlap, as real and imaginary parts, z-scored as in GRUV; dense, LSTM, dense; ten
blocks in, the same ten moved on by one out; squared error. What it plays clicks at each edge. Mended: history survives
a resume, and nothing is written 32,867 times too loud.

Everything but the LSTM is linear, so a step needs no transform: from the LSTM's output to the wave, and back to its
input, it is one matrix each.
"""

from collections.abc import Sequence
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer, RMSprop

from liveseq.train.sound.material.crops import AudioCrops
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.output import output_stage
from liveseq.train.sound.recipe import Batch
from liveseq.train.sound.recurrent.births import N_BIRTHS, Births, Course, heard
from liveseq.train.sound.recurrent.lstm import Lstm
from liveseq.train.sound.recurrent.recipe import STREAMS_FROM, Material, RecurrentRecipe
from liveseq.train.sound.streaming import StepGraph, Tape

N_MEASURED = 20
"""Batches that mean and deviation of each feature are taken from."""
LEAST_DEVIATION = 1e-8
NEVER = 1 << 30


class OriginalNet(nn.Module):
    """Blocks to the blocks that follow them."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, *, block: int, hidden: int) -> None:
        """block: samples; hidden: units of each layer."""
        super().__init__()
        self.block = block
        self.enter, self.lstm = nn.Linear(2 * block, hidden), Lstm(hidden, hidden)
        self.leave = nn.Linear(hidden, 2 * block)
        self.births = Births(n_tags=1, size=self.lstm.size + hidden)  # of the memory, and of the last output
        self.register_buffer("mean", torch.zeros(2 * block))
        self.register_buffer("deviation", torch.ones(2 * block))

    def features(self, audio: Tensor) -> Tensor:
        """Audio (B, n * block) -> real and imaginary parts of each block (B, n, 2 * block)."""
        spectrum = torch.fft.fft(audio.unflatten(-1, (-1, self.block)))
        return torch.cat((spectrum.real, spectrum.imag), dim=-1)

    def scored(self, audio: Tensor) -> Tensor:
        """The same as z-scores."""
        return (self.features(audio) - self.mean) / self.deviation

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """z-scores (B, n, 2 * block) -> those that follow, the LSTM's outputs (B, n, hidden), and its memory."""
        hidden, memory = self.lstm(self.enter(x))
        return self.leave(hidden), hidden, memory


def waves(features: Tensor) -> Tensor:
    """Waves of real and imaginary parts (..., 2 * block): the real part of the inverse transform, (..., block)."""
    real, imaginary = features.chunk(2, dim=-1)
    return torch.fft.ifft(torch.complex(real, imaginary)).real


class OriginalBlocks(RecurrentRecipe):
    """The network, on waves without a tag."""

    def __init__(self, about: dict[str, Any]) -> None:
        """about: config.yaml."""
        super().__init__()
        settings, self.sample_rate = about["model"], about["sample_rate"]
        self.generator = OriginalNet(block=settings["block"], hidden=settings["hidden"])

    def measure(self, library: Library, crops: dict[str, Any], *, seed: int) -> Material:
        """See `RecurrentRecipe.measure`: mean and deviation of each feature."""
        material, net = super().measure(library, crops, seed=seed), self.generator
        total, square, n = 0.0, 0.0, 0
        for number in range(N_MEASURED):
            features = net.features(material.crops.batch(number)[0].mean(dim=1)).flatten(0, 1)
            total, square, n = total + features.sum(dim=0), square + features.square().sum(dim=0), n + len(features)
        net.mean[:] = total / n
        net.deviation[:] = (square / n - net.mean.square()).clamp(min=0.0).sqrt().clamp(min=LEAST_DEVIATION)
        return material

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": self.generator}

    def optimizers(self) -> dict[str, Optimizer]:
        return {"generator": RMSprop(self.generator.parameters(), lr=1e-3, alpha=0.9)}

    def _error(self, audio: Tensor) -> Tensor:
        """Squared error () of the blocks that follow. audio: (B, 2, n_samples)."""
        x = self.generator.scored(audio.mean(dim=1))
        return functional.mse_loss(self.generator(x[:, :-1])[0], x[:, 1:])

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        """batch: crops of `AudioCrops`."""
        error = self._error(batch[0])
        self.update(fabric, "generator", error)
        return {"error": error.detach()}

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Squared error."""
        return {"score": sum(float(self._error(audio)) for audio, _ in batches) / len(batches)}

    @torch.no_grad()
    def learn_last(self, material: Material, *, seed: int) -> None:
        """Births, out of whole crops."""
        settings = {"n_samples": material.crops.n_samples, "batch_size": STREAMS_FROM * N_BIRTHS}  # type: ignore[attr-defined]
        audio, _ = AudioCrops(material.library.train, seed=seed, augment=False, **settings).batch(0)
        mono = audio.mean(dim=1)
        _, hidden, memory = self.generator(self.generator.scored(mono))
        born = torch.cat((memory, hidden[:, -1]), dim=1)
        self.generator.births.learn(0, born, mono[:, -self.generator.block :].square().mean(dim=1))

    def last(self) -> dict[str, nn.Module]:
        return {"generator.births": self.generator.births}


class OriginalBlocksGraph(StepGraph):
    """A block at each step. z: the number that chooses a birth; there is no other chance in it."""

    channels = 1
    back: Tensor
    back_bias: Tensor
    wave: Tensor
    wave_bias: Tensor
    ear: Tensor
    ear_bias: Tensor

    @torch.no_grad()
    def __init__(self, recipe: OriginalBlocks) -> None:
        super().__init__()
        net = recipe.generator
        self.net, self.sample_rate, self.samples_per_step = net, recipe.sample_rate, net.block
        enter, leave = net.enter, net.leave
        scaled = enter.weight / net.deviation
        for name, value in (
            ("back", leave.weight.T @ enter.weight.T),
            ("back_bias", leave.bias @ enter.weight.T + enter.bias),
            ("wave", waves(leave.weight.T * net.deviation)),
            ("wave_bias", waves(leave.bias * net.deviation + net.mean)),
            ("ear", net.block * waves(scaled).T),
            ("ear_bias", enter.bias - scaled @ net.mean),
        ):
            self.register_buffer(name, value.contiguous(), persistent=False)

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"z": (1,)}

    def heard_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"audio": (self.samples_per_step,)}

    def step(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """z (1,) -> audio (1, block); the birth, which is empty, as it came."""
        course = Course(tape, self.net.births, near=inputs[0].new_ones(1), normal=inputs[0], rest=NEVER)
        memory, hidden = course.memory.split((self.net.lstm.size, self.net.lstm.hidden_size), dim=1)
        audio = torch.addmm(self.wave_bias, hidden, self.wave)
        course.memory = self._after(torch.addmm(self.back_bias, hidden, self.back), memory)
        course.keep(tape)
        return output_stage(audio, self.samples_per_step, tape), birth

    def hear(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> None:
        """audio (block,): a block of a recording."""
        course = heard(tape, self.net.births, inputs[0])
        memory, _ = course.memory.split((self.net.lstm.size, self.net.lstm.hidden_size), dim=1)
        course.memory = self._after(torch.addmm(self.ear_bias, inputs[0][None], self.ear), memory)
        course.keep(tape)

    def _after(self, x: Tensor, memory: Tensor) -> Tensor:
        """Memory and output of the LSTM (1, size) after an input (1, hidden)."""
        hidden, memory = self.net.lstm(x[None], memory)
        return torch.cat((memory, hidden[0]), dim=1)
