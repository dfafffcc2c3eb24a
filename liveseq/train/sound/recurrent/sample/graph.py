"""The exported step of the generator of samples: eight frames, in each a loop over samples (ONNX Scan).

Unrolled, a step would have a node for each operation of each sample, 15,000 of them. The loop costs 25
microseconds for a sample of all four bands on one thread.
"""

import torch
from torch import Tensor

from liveseq.train.sound.family import OpenVocoder
from liveseq.train.sound.output import output_stage
from liveseq.train.sound.recurrent.births import Course, heard
from liveseq.train.sound.recurrent.chance import chosen, gumbel, logistic
from liveseq.train.sound.recurrent.lstm import stacked
from liveseq.train.sound.recurrent.repeating import One, repeated
from liveseq.train.sound.recurrent.sample.networks import FRAME, LEAST, PARTS, SampleGenerator
from liveseq.train.sound.recurrent.sample.recipe import SampleRecipe
from liveseq.train.sound.streaming import StepGraph, Tape
from liveseq.train.sound.vocoders.melgan.pqmf import N_TAPS
from liveseq.train.sound.weights import unfinished

N_FRAMES = 8
"""Frames of a step (85 ms at 24 kHz): each is a loop, and each loop takes the exporter some seconds."""
FURTHEST = 1.2
"""Largest squeezed sample: one that is drawn from the end of a distribution must not throw the next ones off."""
SILENT = 1e-4
"""Power of a step (-40 dBFS) at which it counts as silence."""
REST = 12
"""Silent steps (1 s) after which a stream begins anew."""


class SampleGraph(StepGraph):
    """z: numbers of the samples, and one that chooses a birth."""

    channels = 1

    def __init__(self, recipe: SampleRecipe) -> None:
        super().__init__()
        self.generator: SampleGenerator = recipe.generator
        self.sample_rate, self.temperature = recipe.sample_rate, recipe.temperature
        self.n_steps = N_FRAMES * FRAME
        self.samples_per_step = self.n_steps * self.generator.n_bands
        self.n_before = -(-N_TAPS // self.generator.n_bands) * self.generator.n_bands
        self.n_noise = self.n_steps * self.generator.n_bands * (1 + self.generator.n_components)

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"z": (self.n_noise + 1,), "tag": (self.generator.tempi.tag_size,)}

    def heard_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"audio": (self.n_before + self.samples_per_step,), "tag": (self.generator.tempi.tag_size,)}

    def step(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """z (n,), tag (tag_size,) -> audio (1, samples_per_step); the birth, which is empty, as it came."""
        z, tag = inputs
        generator = self.generator
        near, told = generator.tempi.near(tag), generator.told(tag)[None]
        course = Course(tape, generator.births, near=near, normal=z[-1:], rest=REST)
        carried = list(generator.parts_of(course.memory))
        noise = z[:-1].unflatten(0, (N_FRAMES, FRAME, generator.n_bands, -1))
        frame, frames = self._frame(told), []
        for normal in noise.unbind(0):
            carried, samples = frame(carried, (normal,))
            frames.append(samples)
        course.memory = torch.cat(carried, dim=1)
        bands = generator.widened(torch.cat(frames)[None])
        course.count((bands.square().mean(dim=2).sum(dim=1) < SILENT).to(bands.dtype))
        course.keep(tape)
        audio = generator.bank.synthesis(bands, tape)
        return output_stage(audio, self.samples_per_step, tape), birth

    def _frame(self, told: Tensor) -> One:
        """A frame: its noise (FRAME, n_bands, 1 + K) becomes samples (FRAME, n_bands).

        Carried are the last frame, the memory of the LSTM and the state of the GRU. told: by the tag (1, frame_width).
        """
        generator = self.generator
        cell, sample = stacked(generator.lstms), self._sample()
        enter, enter_bias = generator.enter.weight.T, generator.enter.bias + told
        leave, leave_bias = generator.conditions.weight.T, generator.conditions.bias
        known, known_bias = generator.gru.weight_ih_l0[:, generator.n_bands :].T.clone(), generator.gru.bias_ih_l0
        n_conditions = len(known)

        def frame(carried: list[Tensor], given: tuple[Tensor, ...]) -> tuple[list[Tensor], Tensor]:
            (last, memory, state), (normal,) = carried, given
            hidden, memory = cell(torch.addmm(enter_bias, last, enter), memory)
            conditions = torch.addmm(leave_bias, hidden, leave).reshape(PARTS, n_conditions)
            gates = torch.addmm(known_bias, conditions, known)  # (PARTS, 3 * width)
            gates = gates[:, None].expand(-1, FRAME // PARTS, -1).reshape(FRAME, 1, -1)
            rounds = gates, gumbel(normal[..., 1:]), logistic(normal[..., 0])
            (state, _), samples = repeated(sample, [state, last[:, -generator.n_bands :]], rounds)
            return [samples.reshape(1, -1), memory, state], samples[:, 0]

        return frame

    def _sample(self) -> One:
        """A sample of all bands (1, n_bands), under gates of its frame, and Gumbel and logistic numbers.

        Carried are the state of the GRU and the sample before.
        """
        generator, n = self.generator, self.generator.width
        gru, shape = generator.gru, (generator.n_bands, generator.n_components, 3)
        inputs, recurrent = (
            gru.weight_ih_l0[:, : generator.n_bands].T.clone(),
            gru.weight_hh_l0.T,
        )  # no loop takes views
        bias, up, up_bias = gru.bias_hh_l0, generator.up.weight.T, generator.up.bias
        leave, leave_bias, temperature = generator.leave.weight.T, generator.leave.bias, self.temperature

        def sample(carried: list[Tensor], given: tuple[Tensor, ...]) -> tuple[list[Tensor], Tensor]:
            (state, last), (gates, gumbels, logistics) = carried, given
            now, before = torch.addmm(gates, last, inputs), torch.addmm(bias, state, recurrent)
            reset, keep = (now[:, : 2 * n] + before[:, : 2 * n]).sigmoid().split(n, dim=1)
            new = torch.tanh(now[:, 2 * n :] + reset * before[:, 2 * n :])
            state = new + keep * (state - new)
            hidden = torch.relu(torch.addmm(up_bias, state, up))
            mixture = torch.addmm(leave_bias, hidden, leave).reshape(shape)
            picked = (chosen(mixture[..., 0], gumbels)[..., None] * mixture[..., 1:]).sum(dim=1)  # (n_bands, 2)
            scale = temperature * picked[:, 1].clamp(min=LEAST).exp()
            drawn = (picked[:, 0] + scale * logistics).clamp(-FURTHEST, FURTHEST)[None]
            return [state, drawn], drawn.clone()

        return sample

    def hear(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> None:
        """audio (n_before + samples_per_step,), tag (tag_size,): a step of a recording, and what was before."""
        audio, tag = inputs
        generator = self.generator
        course = heard(tape, generator.births, tag)
        bands = generator.bank.analysis(audio[None])[..., self.n_before // generator.n_bands :]
        course.memory = generator.after(generator.squeezed(bands), generator.told(tag)[None], course.memory)
        course.keep(tape)


def sample_graph(recipe: SampleRecipe, open_vocoder: OpenVocoder) -> StepGraph:
    """The generator, which needs no vocoder. Raises ModelError where births are not there."""
    if not recipe.generator.births.table.any():
        raise unfinished("recurrent")
    return SampleGraph(recipe)
