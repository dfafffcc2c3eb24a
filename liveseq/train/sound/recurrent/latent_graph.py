"""The exported step of a generator of latents: two of them and their sound, by the shared vocoder."""

from typing import Any

import torch
from torch import Tensor

from liveseq.train.sound.beats import followed
from liveseq.train.sound.family import OpenVocoder, named_vocoder
from liveseq.train.sound.output import output_stage
from liveseq.train.sound.recurrent.latent_recipe import LatentRecipe
from liveseq.train.sound.recurrent.latents import PER_LATENT, LatentGenerator
from liveseq.train.sound.streaming import StepGraph, Tape
from liveseq.train.sound.vocoders.vocoder import Vocoder
from liveseq.train.sound.weights import unfinished

LATENTS_PER_STEP = 2


class LatentGraph(StepGraph):
    """z: numbers of the latents, those of the grain, and one that chooses a birth."""

    channels = 1

    def __init__(self, generator: LatentGenerator, vocoder: Vocoder) -> None:
        super().__init__()
        self.generator, self.vocoder = generator, vocoder
        self.sample_rate = vocoder.front_end.sample_rate
        self.look_ahead = vocoder.latency
        self.samples_per_step = LATENTS_PER_STEP * PER_LATENT * vocoder.front_end.hop_length
        self._sizes = (LATENTS_PER_STEP * generator.n_noise, LATENTS_PER_STEP * generator.grain.size, 1)

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"z": (sum(self._sizes),), "tag": (self.generator.tempi.tag_size,), "tempo": (1,)}

    def heard_shapes(self) -> dict[str, tuple[int, ...]]:
        n_frames = LATENTS_PER_STEP * PER_LATENT
        return {"mel": (n_frames, self.generator.n_mels), "tag": (self.generator.tempi.tag_size,), "tempo": (1,)}

    def heard_front_end(self) -> dict[str, Any]:
        return self.vocoder.front_end.as_dict()

    def birth_size(self) -> int:
        return 1

    def step(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """z (n,), tag (tag_size,), tempo (1,) -> audio (1, samples_per_step), and the birth (1,) again."""
        z, tag, tempo = inputs
        latent, grain = self._stream(tape, z, tag, tempo, birth)
        return self._sound(latent, tag.expand(1, LATENTS_PER_STEP, -1), grain, tape), birth

    def whole(self, birth: Tensor, *inputs: Tensor) -> Tensor:
        """z (n_steps, n), tag (n_steps, tag_size), tempo (n_steps, 1) -> audio (1, n_steps * samples_per_step)."""
        z, tag, tempo = inputs
        memory, steps = None, []
        for number in range(len(z)):
            tape = Tape(memory)
            steps.append(self._stream(tape, z[number], tag[number], tempo[number], birth))
            memory = tape.left()
        latent, grain = (torch.cat(parts, dim=1) for parts in zip(*steps, strict=True))
        return self._sound(latent, tag.repeat_interleave(LATENTS_PER_STEP, dim=0)[None], grain, None)

    def hear(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> None:
        """mel (n_frames, n_mels), tag (tag_size,), tempo (1,): a step of a recording."""
        mel, tag, tempo = inputs
        rate, beating = self._beat(tag, tempo, birth)
        latents = self.generator.codec.encode(self.generator.codec.scored(mel.T[None]))[0]
        self.generator.hear(tape, latents, tag, rate=rate, beating=beating)

    def _stream(self, tape: Tape, z: Tensor, tag: Tensor, tempo: Tensor, birth: Tensor) -> tuple[Tensor, Tensor]:
        """Latents (1, 2, z_size) of a step, and numbers of their grain (1, 2, grain.size)."""
        noise, grain, anew = z.split(self._sizes)
        noise, grain = (x.unflatten(0, (LATENTS_PER_STEP, -1)) for x in (noise, grain))
        rate, beating = self._beat(tag, tempo, birth)
        return self.generator.stream(tape, noise, anew, tag, rate=rate, beating=beating), grain[None]

    def _beat(self, tag: Tensor, tempo: Tensor, birth: Tensor) -> tuple[Tensor, Tensor]:
        """Beats of a latent (), and whether there is a beat (): as asked for, or the stream's own."""
        own, has_beat = self.generator.tempi(tag, birth[0])
        n = self.samples_per_step // LATENTS_PER_STEP
        return followed(tempo, rate=own, beating=has_beat, samples_per_step=n, sample_rate=self.sample_rate)

    def _sound(self, latent: Tensor, tag: Tensor, grain: Tensor, tape: Tape | None) -> Tensor:
        """Audio (1, S * samples) of latents (1, S, z_size) under tags (1, S, tag_size); grain: its numbers."""
        mel = self.generator.frames(latent, tag, grain, tape)
        return output_stage(self.vocoder(mel, tape), self.samples_per_step, tape)


def latent_graph(recipe: LatentRecipe, open_vocoder: OpenVocoder) -> StepGraph:
    """Generator and the vocoder that the config names.

    Raises ModelError where that is for other frames, and where births, grain and loudness are not there.
    """
    vocoder = named_vocoder(recipe.vocoder, open_vocoder, front_end=recipe.front_end, family="recurrent")
    if not recipe.generator.grain.scale:
        raise unfinished("recurrent")
    return LatentGraph(recipe.generator, vocoder)
