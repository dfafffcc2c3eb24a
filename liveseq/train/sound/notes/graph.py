"""The exported step of notes: generator and vocoder in one graph."""

import torch
from torch import Tensor

from liveseq.train.sound.beats import followed
from liveseq.train.sound.family import OpenVocoder, named_vocoder
from liveseq.train.sound.notes.codec import PER_LATENT
from liveseq.train.sound.notes.generator import Generator
from liveseq.train.sound.notes.recipe import NotesRecipe
from liveseq.train.sound.notes.stereo import stereo_sound
from liveseq.train.sound.recipe import Recipe
from liveseq.train.sound.streaming import StepGraph, Tape
from liveseq.train.sound.vocoders.vocoder import Vocoder
from liveseq.train.sound.weights import unfinished

LATENTS_PER_STEP = 2


class NotesGraph(StepGraph):
    """Two latents and their sound at each step. z: numbers of the latents, then those of the grain."""

    channels = 2
    times: Tensor

    def __init__(self, generator: Generator, vocoder: Vocoder, *, tag_size: int) -> None:
        super().__init__()
        self.generator, self.vocoder, self.tag_size = generator, vocoder, tag_size
        self.sample_rate = vocoder.front_end.sample_rate
        self.look_ahead = vocoder.latency
        self.samples_per_latent = PER_LATENT * vocoder.front_end.hop_length
        self.samples_per_step = LATENTS_PER_STEP * self.samples_per_latent
        self.register_buffer("times", generator.times().detach(), persistent=False)

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        n = LATENTS_PER_STEP * (self.generator.n_noise + self.generator.grain.size)
        return {"z": (n,), "tag": (self.tag_size,), "tempo": (1,)}

    def birth_size(self) -> int:
        return 1

    def step(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """z (n,), tag (tag_size,), tempo (1,) -> audio (2, samples_per_step), and the birth (1,) again."""
        z, tag, tempo = inputs
        noise, grain = self._numbers(z[None])
        latent = self._stream(tape, noise[0], tag, tempo, birth)
        return self._sound(latent, tag.expand(1, LATENTS_PER_STEP, -1), grain, tape), birth

    def whole(self, birth: Tensor, *inputs: Tensor) -> Tensor:
        """z (n_steps, n), tag (n_steps, tag_size), tempo (n_steps, 1) -> audio (2, n_steps * samples_per_step)."""
        z, tag, tempo = inputs
        noise, grain = self._numbers(z)
        memory, steps = None, []
        for number in range(len(z)):
            tape = Tape(memory)
            steps.append(self._stream(tape, noise[number], tag[number], tempo[number], birth))
            memory = tape.left()
        tags = tag.repeat_interleave(LATENTS_PER_STEP, dim=0)[None]
        return self._sound(torch.cat(steps, dim=1), tags, grain.flatten(0, 1)[None], None)

    def _numbers(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z (n_steps, n) -> noise (n_steps, 2, n_noise) and numbers of the grain (n_steps, 2, grain.size)."""
        noise, grain = z.split(
            (LATENTS_PER_STEP * self.generator.n_noise, LATENTS_PER_STEP * self.generator.grain.size), 1
        )
        return noise.unflatten(1, (LATENTS_PER_STEP, -1)), grain.unflatten(1, (LATENTS_PER_STEP, -1))

    def _stream(self, tape: Tape, noise: Tensor, tag: Tensor, tempo: Tensor, birth: Tensor) -> Tensor:
        """Latents of a step (1, 2, size), at the tempo that is asked for, or the stream's own. noise: (2, n_noise)."""
        own, has_beat = self.generator.tempi(tag, birth[0])
        rate, beating = followed(
            tempo, rate=own, beating=has_beat, samples_per_step=self.samples_per_latent, sample_rate=self.sample_rate
        )
        return self.generator.stream(tape, noise, tag, rate=rate, beating=beating, times=self.times)

    def _sound(self, latent: Tensor, tag: Tensor, grain: Tensor, tape: Tape | None) -> Tensor:
        """Audio (2, S * samples_per_latent) of latents (1, S, size) under tags (1, S, tag_size).

        grain: its numbers (1, S, grain.size).
        """
        frames = self.generator.frames(latent, tag, grain, tape)
        return stereo_sound(self.vocoder, frames, samples_per_step=self.samples_per_step, tape=tape)


def step_graph(recipe: Recipe, open_vocoder: OpenVocoder) -> StepGraph:
    """Generator and the vocoder that the config names.

    Raises ModelError where that is for other frames, and where grain and loudness are not there.
    """
    assert isinstance(recipe, NotesRecipe)
    vocoder = named_vocoder(recipe.vocoder, open_vocoder, front_end=recipe.front_end, family="notes")
    if not recipe.generator.grain.scale:
        raise unfinished("notes")
    return NotesGraph(recipe.generator, vocoder, tag_size=recipe.generator.tempi.tag_size)
