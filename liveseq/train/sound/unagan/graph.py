"""The exported step of UNAGAN: generator and vocoder in one graph."""

import torch
from torch import Tensor

from liveseq.errors import ModelError
from liveseq.train.sound.beats import followed
from liveseq.train.sound.family import OpenVocoder, named_vocoder
from liveseq.train.sound.output import output_stage
from liveseq.train.sound.recipe import Recipe
from liveseq.train.sound.streaming import StepGraph, Tape
from liveseq.train.sound.unagan.generator import BIRTH_SIZE, Generator
from liveseq.train.sound.unagan.networks import FRAMES_PER_STEP
from liveseq.train.sound.unagan.recipe import StreamingRecipe
from liveseq.train.sound.vocoders.vocoder import Vocoder
from liveseq.train.sound.weights import unfinished


class UnaganGraph(StepGraph):
    """16 mel frames and their sound at each step. z: numbers of the prior, then those of the grain."""

    channels = 1

    def __init__(self, generator: Generator, vocoder: Vocoder, *, tag_size: int) -> None:
        super().__init__()
        self.generator, self.vocoder, self.tag_size = generator, vocoder, tag_size
        self.sample_rate = vocoder.front_end.sample_rate
        self.look_ahead = vocoder.latency
        self.samples_per_step = FRAMES_PER_STEP * vocoder.front_end.hop_length

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"z": (self.generator.z_size + self.generator.grain.size,), "tag": (self.tag_size,), "tempo": (1,)}

    def birth_size(self) -> int:
        return BIRTH_SIZE

    def step(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """z (n,), tag (tag_size,), tempo (1,) -> audio (1, samples_per_step), and the birth (BIRTH_SIZE,) again."""
        z, tag, tempo = inputs
        noise, grain = z[: self.generator.z_size], z[self.generator.z_size :]
        latent, clock = self._stream(tape, noise, tag, tempo, birth)
        mel = self.generator.frames(latent, tag[None, None], clock, grain[None, None], tape)
        return output_stage(self.vocoder(mel, tape), self.samples_per_step, tape), birth

    def whole(self, birth: Tensor, *inputs: Tensor) -> Tensor:
        """z (n_steps, n), tag (n_steps, tag_size), tempo (n_steps, 1) -> audio (1, n_steps * samples_per_step)."""
        z, tag, tempo = inputs
        noise, grain = z[:, : self.generator.z_size], z[:, self.generator.z_size :]
        memory, steps = None, []
        for number in range(len(z)):
            tape = Tape(memory)
            steps.append(self._stream(tape, noise[number], tag[number], tempo[number], birth))
            memory = tape.left()
        latent, clock = (torch.cat(parts, dim=1) for parts in zip(*steps, strict=True))
        mel = self.generator.frames(latent, tag[None], clock, grain[None])
        return output_stage(self.vocoder(mel), self.samples_per_step, None)

    def _stream(self, tape: Tape, noise: Tensor, tag: Tensor, tempo: Tensor, birth: Tensor) -> tuple[Tensor, Tensor]:
        """Latent and clock of a step at the tempo that is asked for, or the stream's own."""
        own, has_beat = self.generator.tempi(tag, birth[0])
        rate, beating = followed(
            tempo, rate=own, beating=has_beat, samples_per_step=self.samples_per_step, sample_rate=self.sample_rate
        )
        return self.generator.stream(tape, noise, tag, birth, rate=rate, beating=beating)


def step_graph(recipe: Recipe, open_vocoder: OpenVocoder) -> StepGraph:
    """Generator and the vocoder that the config names.

    Raises ModelError for a published variant, which knows whole clips only, for a vocoder of other frames, and where
    grain and loudness are not there.
    """
    if not isinstance(recipe, StreamingRecipe):
        raise ModelError(
            "unagan: the published variants hear the whole clip in both directions and cannot stream; "
            "train --preset small or full for a model that plays"
        )
    vocoder = named_vocoder(recipe.vocoder, open_vocoder, front_end=recipe.front_end, family="unagan")
    if not recipe.generator.grain.scale:
        raise unfinished("unagan")
    return UnaganGraph(recipe.generator, vocoder, tag_size=recipe.generator.tempi.tag_size)
