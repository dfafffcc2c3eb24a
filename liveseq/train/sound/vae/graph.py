"""The exported step of the VAE: generator and vocoder in one graph, with a place for latents that come from outside."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from liveseq.errors import ModelError
from liveseq.train.sound.beats import followed
from liveseq.train.sound.family import OpenVocoder, named_vocoder
from liveseq.train.sound.notes.codec import PER_LATENT
from liveseq.train.sound.notes.stereo import stereo_sound
from liveseq.train.sound.recipe import Recipe
from liveseq.train.sound.streaming import StepGraph, Tape
from liveseq.train.sound.vae.generator import AT_ONCE, Generator
from liveseq.train.sound.vae.recipe import TilesRecipe
from liveseq.train.sound.vocoders.vocoder import Vocoder
from liveseq.train.sound.weights import unfinished


class VaeGraph(StepGraph):
    """AT_ONCE codec latents and their sound at each step. z: numbers of the walk, then those of the grain."""

    channels = 2

    def __init__(self, generator: Generator, vocoder: Vocoder, *, tag_size: int, tags: Sequence[str]) -> None:
        super().__init__()
        self.generator, self.vocoder, self.tag_size, self.tags = generator, vocoder, tag_size, tuple(tags)
        self.sample_rate = vocoder.front_end.sample_rate
        self.look_ahead = vocoder.latency
        self.samples_per_latent = PER_LATENT * vocoder.front_end.hop_length
        self.samples_per_step = AT_ONCE * self.samples_per_latent

    def about(self) -> dict[str, Any]:
        """The components of the prior: where each is, by its name."""
        prior = self.generator.prior
        means = [[round(float(value), 4) for value in mean] for mean in prior.means.detach()]
        return {"components": dict(zip(prior.names(self.tags), means, strict=True))}

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        generator = self.generator
        n = generator.n_noise + AT_ONCE * generator.grain.size
        return {
            "z": (n,),
            "tag": (self.tag_size,),
            "tempo": (1,),
            "latent": (generator.z_size,),
            "travel": (2,),
        }

    def birth_size(self) -> int:
        """Numbers that tempo and place of a stream begin with."""
        return self.generator.z_size + 2

    def step(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """z (n,), tag (tag_size,), tempo (1,), latent (z_size,), travel (2,) -> audio (2, samples_per_step), and the
        birth (z_size + 2,) again."""
        z, *told = inputs
        noise, grain = self._numbers(z[None])
        latent, near = self._stream(tape, noise[0], *told, birth=birth)
        return self._sound(latent, near, grain, tape), birth

    def whole(self, birth: Tensor, *inputs: Tensor) -> Tensor:
        """Inputs of `step`, (n_steps, ...) each -> audio (2, n_steps * samples_per_step)."""
        z, *told = inputs
        noise, grain = self._numbers(z)
        memory, steps = None, []
        for number in range(len(z)):
            tape = Tape(memory)
            steps.append(self._stream(tape, noise[number], *(one[number] for one in told), birth=birth))
            memory = tape.left()
        latent, near = (torch.cat(parts, dim=1) for parts in zip(*steps, strict=True))
        return self._sound(latent, near, grain.flatten(0, 1)[None], None)

    def _numbers(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z (n_steps, n) -> noise (n_steps, n_noise) and numbers of the grain (n_steps, AT_ONCE, grain.size)."""
        n = self.generator.n_noise
        return z[:, :n], z[:, n:].unflatten(1, (AT_ONCE, -1))

    def _stream(
        self, tape: Tape, noise: Tensor, tag: Tensor, tempo: Tensor, latent: Tensor, travel: Tensor, *, birth: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Codec latents of a step and their tags, at the tempo that is asked for, or the stream's own."""
        own, has_beat = self.generator.tempi(tag, birth[0])
        rate, beating = followed(
            tempo, rate=own, beating=has_beat, samples_per_step=self.samples_per_latent, sample_rate=self.sample_rate
        )
        told = {"rate": rate, "beating": beating, "latent": latent, "travel": travel}
        return self.generator.stream(tape, noise, tag, birth[1:], **told)

    def _sound(self, latent: Tensor, near: Tensor, grain: Tensor, tape: Tape | None) -> Tensor:
        """Audio of codec latents (1, S, size) of tags (1, S, n_tags). grain: its numbers (1, S, grain.size)."""
        frames = self.generator.frames(latent, near, grain, tape)
        return stereo_sound(self.vocoder, frames, samples_per_step=self.samples_per_step, tape=tape)


def step_graph(recipe: Recipe, open_vocoder: OpenVocoder) -> StepGraph:
    """Generator and the vocoder that the config names.

    Raises ModelError for the original, whose pictures cannot become a stream, for a vocoder of other frames, and where
    prior, grain and loudness are not finished.
    """
    if not isinstance(recipe, TilesRecipe):
        raise ModelError(
            "vae: the original makes pictures of 12 s without phases, one apart from the next, and cannot stream; "
            "train --preset small or full for a model that plays"
        )
    vocoder = named_vocoder(recipe.vocoder, open_vocoder, front_end=recipe.front_end, family="vae")
    if not recipe.generator.grain.scale:
        raise unfinished("vae")
    return VaeGraph(recipe.generator, vocoder, tag_size=recipe.generator.tempi.tag_size, tags=recipe.tags)
