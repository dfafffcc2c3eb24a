"""The exported step of Musika: a tag and a place in latent space to 8192 samples of stereo sound, without a seam.

At each step the generator computes the window around now, and the one before it, anew under the tag of this step, and
two latents are taken out of them: a changed tag is heard with the next step, while place, style and beat, and so chords
and rhythm, go on. Everything behind the generator is causal.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from liveseq.dsp.mel import FLOOR
from liveseq.train.sound.beats import followed, wrapped
from liveseq.train.sound.family import OpenVocoder, named_vocoder
from liveseq.train.sound.grain import Grain
from liveseq.train.sound.musika.codec import Codec
from liveseq.train.sound.musika.coordinates import N_ANCHORS, Windows, clock_of, hats, picked, rising, window_times
from liveseq.train.sound.musika.generator import TagGenerator
from liveseq.train.sound.musika.level_one import Level
from liveseq.train.sound.musika.networks import N_NOISE
from liveseq.train.sound.musika.recipe import LatentGan
from liveseq.train.sound.musika.settling import Settling, limited
from liveseq.train.sound.musika.tracks import to_sides
from liveseq.train.sound.output import output_stage
from liveseq.train.sound.recipe import Recipe
from liveseq.train.sound.streaming import StepGraph, Tape
from liveseq.train.sound.vocoders.vocoder import Vocoder
from liveseq.train.sound.weights import unfinished

LATENTS_PER_STEP = 2
_QUIETEST = math.log10(FLOOR)


class MusikaGraph(StepGraph):
    """Two latents and their sound at each step.

    z: the next anchor, taken when it is needed; noise of the latents that come a window later; and the random numbers
    of the grain, which both sides share. birth: the style, which stays; the anchors that the stream is between; the
    noise of the window before, of the one around now, and of the one after, as far as it is known; and a number that
    decides the tempo, which stays too.
    """

    channels = 2

    def __init__(
        self,
        generator: TagGenerator,
        codec: Codec,
        level: Level,
        grain: Grain,
        settling: Settling,
        vocoder: Vocoder,
        *,
        windows: Windows,
        tag_size: int,
    ) -> None:
        super().__init__()
        self.generator, self.codec, self.level, self.vocoder = generator, codec, level, vocoder
        self.grain, self.settling = grain, settling
        self.windows, self.tag_size = windows, tag_size
        self.n_coordinate, self.n_style = generator.net.n_coordinate, generator.net.n_style
        self.n_frames = LATENTS_PER_STEP * codec.ratio
        self.n_noise = 2 * windows.stride + windows.length
        """Latents whose noise is kept, from the start of the window before the one around now."""
        self._of_z = (self.n_coordinate, N_NOISE * LATENTS_PER_STEP, LATENTS_PER_STEP * grain.size)
        self._of_birth = (self.n_style, N_ANCHORS * self.n_coordinate, N_NOISE * self.n_noise, 1)
        self.sample_rate = vocoder.sample_rate
        self.samples_per_step = self.n_frames * vocoder.hop_length
        self.look_ahead = vocoder.latency

    def about(self) -> dict[str, Any]:
        w = self.windows
        return {"window_latents": w.length, "overlap_latents": w.overlap, "anchor_latents": w.anchor_distance}

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"z": (sum(self._of_z),), "tag": (self.tag_size,), "tempo": (1,)}

    def birth_size(self) -> int:
        return sum(self._of_birth)

    def step(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """z (n,), tag (tag_size,), tempo (1,) -> audio (2, samples_per_step), and the next birth (birth_size,)."""
        z, tag, tempo = inputs
        latents, birth = self._next(tape, birth, z, tag, tempo)
        return self._sound(latents, z[None], tag[None], tape), birth

    def whole(self, birth: Tensor, *inputs: Tensor) -> Tensor:
        """z (n_steps, n), tag (n_steps, tag_size), tempo (n_steps, 1) -> audio (2, n_steps * samples_per_step)."""
        z, tag, tempo = inputs
        memory, steps = None, []
        for step in zip(z, tag, tempo, strict=True):
            tape = Tape(memory)
            latents, birth = self._next(tape, birth, *step)
            steps.append(latents)
            memory = tape.left()
        return self._sound(torch.cat(steps, dim=-1), z, tag, None)

    def _next(self, tape: Tape, birth: Tensor, z: Tensor, tag: Tensor, tempo: Tensor) -> tuple[Tensor, Tensor]:
        """Latents of a step, (1, 2 * depth, LATENTS_PER_STEP), and the birth for the next one.

        On the tape: latents since the second anchor, and beats since the start, (1,) both; and those of `Settling`.
        """
        count, position = tape.recall((1,), z), tape.recall((1,), z)
        own, has_beat = self.generator.tempi(tag, self._parts(birth)[-1])
        samples = self.samples_per_step // LATENTS_PER_STEP
        rate, beating = followed(
            tempo, rate=own, beating=has_beat, samples_per_step=samples, sample_rate=self.sample_rate
        )
        latents = self.latents(count, birth, tag, position=position, rate=rate, beating=beating)
        after, birth = self._go_on(count, birth, z)
        tape.keep(after)
        tape.keep(wrapped(position + LATENTS_PER_STEP * rate))
        return self.settling(latents, tag, tape), birth

    def latents(
        self, count: Tensor, birth: Tensor, tag: Tensor, *, position: Tensor, rate: Tensor, beating: Tensor
    ) -> Tensor:
        """Two latents, (1, 2 * depth, 2), before they are settled.

        count: (1,), latents since the second anchor, a whole number; birth: (birth_size,); tag: (tag_size,); position:
        (1,), beats since the start; rate: (), beats per latent; beating: (), 1, or 0 without a beat. Windows are
        computed as if the beat had always gone and will go at this rate.
        """
        windows, stride = self.windows, self.windows.stride
        style, anchors, noise, _ = self._parts(birth)
        start = self._start(count)
        times = window_times(torch.cat((start - stride, start)), windows)
        weights = hats(times, distance=windows.anchor_distance)
        places = (weights @ anchors).transpose(1, 2)  # (2, n_coordinate, length)
        both = torch.stack((noise[:, : windows.length], noise[:, stride : stride + windows.length]))
        clock = clock_of(position + rate * (times - count), beating.expand(times.shape))
        before, now = self.generator(places, style.expand(2, -1), both, tag.expand(2, -1), clock).unbind(0)
        place = count - start
        times = place + torch.arange(LATENTS_PER_STEP, dtype=count.dtype, device=count.device)
        weight = rising(times, windows.overlap)
        own = now @ picked(place, LATENTS_PER_STEP, windows.length).T
        old = before @ picked(place + stride, LATENTS_PER_STEP, windows.length).T
        return (own * weight + old * (1.0 - weight))[None]

    def _parts(self, birth: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Style (n_style,), anchors (N_ANCHORS, n_coordinate), noise (N_NOISE, n_noise), number of the tempo ()."""
        style, anchors, noise, tempo = birth.split(self._of_birth)
        return style, anchors.reshape(N_ANCHORS, -1), noise.reshape(N_NOISE, -1), tempo[0]

    def _start(self, count: Tensor) -> Tensor:
        """Start of the window around now, in latents since the second anchor."""
        return torch.floor((count + 0.5) / self.windows.stride) * self.windows.stride

    def _go_on(self, count: Tensor, birth: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Count and birth for the next step.

        With a new window, noise moves on; with a new piece of the line, anchors do.
        """
        windows, stride = self.windows, self.windows.stride
        style, anchors, noise, tempo = self._parts(birth)
        next_anchor, new, *_ = z.split(self._of_z)
        place = count - self._start(count)
        rows = picked(place + stride + windows.length, LATENTS_PER_STEP, self.n_noise)
        noise = noise * (1.0 - rows.sum(dim=0)) + new.reshape(N_NOISE, LATENTS_PER_STEP) @ rows
        after = count + LATENTS_PER_STEP
        left = (place + LATENTS_PER_STEP >= stride).to(z.dtype)
        noise = left * functional.pad(noise[:, stride:], (0, stride)) + (1.0 - left) * noise
        passed = (after >= windows.anchor_distance).to(z.dtype)
        anchors = passed * torch.cat((anchors[1:], next_anchor[None])) + (1.0 - passed) * anchors
        birth = torch.cat((style, anchors.flatten(), noise.flatten(), tempo[None]))
        return after - passed * windows.anchor_distance, birth

    def _sound(self, latents: Tensor, z: Tensor, tag: Tensor, tape: Tape | None) -> Tensor:
        """Audio (2, n_steps * samples_per_step) of latents (1, 2 * depth, n).

        z: (n_steps, n); tag: (n_steps, tag_size).
        """
        sides = to_sides(latents)
        bands = self.level.bands(self.codec.decode(sides, tape))
        normal = z.split(self._of_z, dim=1)[2].reshape(1, -1, self.grain.size).expand(2, -1, -1)
        strength = self.settling.grain(tag)[:, 0].relu().repeat_interleave(LATENTS_PER_STEP).expand(2, -1)
        bands = bands + self.grain.noise(sides.transpose(1, 2), normal, strength, tape)
        bands = bands + self.settling.level(tag)[:, 0].repeat_interleave(self.n_frames)
        bands = bands.clamp(min=_QUIETEST)
        # Latents add up where sound is multiplied: where they do so wrongly, it is no louder than the tag ever is.
        ceiling = torch.repeat_interleave(self.generator.ceiling(tag)[:, 0], self.n_frames)
        bands = limited(bands, ceiling, self.level.shares)
        return output_stage(self.vocoder(bands.clamp(min=_QUIETEST), tape), self.samples_per_step, tape)


def step_graph(recipe: Recipe, open_vocoder: OpenVocoder) -> StepGraph:
    """Generator, codec and the vocoder that the config names.

    Raises ModelError where that is for other frames, and where the grain's strength, level and calm are not there.
    """
    assert isinstance(recipe, LatentGan)
    # ceilings of mean squares are below 0; those of an older program were sums of bands
    if not recipe.settling.offset.bias.any() or recipe.generator.ceiling.bias > 0:
        raise unfinished("musika")
    front_end = recipe.level.front_end
    vocoder = named_vocoder(recipe.about.get("vocoder"), open_vocoder, front_end=front_end, family="musika")
    return MusikaGraph(
        recipe.generator,
        recipe.codec,
        recipe.level,
        recipe.grain,
        recipe.settling,
        vocoder,
        windows=recipe.windows,
        tag_size=recipe.generator.tempi.tag_size,
    )
