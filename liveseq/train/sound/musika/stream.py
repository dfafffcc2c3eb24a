"""What is exported of Musika: a tag and a place in latent space to 8192 samples of stereo sound, without a seam.

At each step the generator makes the window around now, and the one before it, anew under the tag of this step, and two
latents are taken out of them: a changed tag is heard with the next step, while place and style, and so beat and chords,
go on. Everything behind the generator is causal.
"""

from typing import Any

import torch
from torch import Tensor

from liveseq.train.sound.musika.codec import Codec, Level
from liveseq.train.sound.musika.coordinates import N_ANCHORS, Windows, hats, picked, rising, window_times
from liveseq.train.sound.musika.latents import TagGenerator
from liveseq.train.sound.musika.levels import N_GRAINS
from liveseq.train.sound.musika.pool import to_sides
from liveseq.train.sound.streaming import StepGraph, Tape

LATENTS_PER_STEP = 2


class MusikaGraph(StepGraph):
    """z: the next anchor, taken when it is needed, then random numbers for the grain of each frame of both sides.
    birth: the style, which stays, and the anchors that the stream is between."""

    channels = 2

    def __init__(self, generator: TagGenerator, codec: Codec, level: Level, *, windows: Windows, tag_size: int) -> None:
        super().__init__()
        self.generator, self.codec, self.level = generator, codec, level
        self.windows, self.tag_size = windows, tag_size
        self.n_coordinate, self.n_style = generator.net.n_coordinate, generator.net.n_style
        self.n_frames = LATENTS_PER_STEP * codec.ratio
        self.sample_rate = level.sample_rate
        self.samples_per_step = self.n_frames * level.hop_length
        self.look_ahead = level.latency

    def about(self) -> dict[str, Any]:
        w = self.windows
        return {"window_latents": w.length, "overlap_latents": w.overlap, "anchor_latents": w.anchor_distance}

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"z": (self.n_coordinate + 2 * N_GRAINS * self.n_frames,), "tag": (self.tag_size,)}

    def birth_size(self) -> int:
        return self.n_style + N_ANCHORS * self.n_coordinate

    def step(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        z, tag = inputs
        count = tape.recall((1,), z)
        latents = self.latents(count, birth, tag)
        after, birth = self._go_on(count, birth, z)
        tape.keep(after)
        return self._sound(latents, self._grains(z[None]), tape), birth

    def whole(self, birth: Tensor, *inputs: Tensor) -> Tensor:
        """z (n_steps, ...), tag (n_steps, tag_size): latents of all steps, then their sound in one piece."""
        z, tag = inputs
        count, made = z.new_zeros(1), []
        for own_z, own_tag in zip(z, tag, strict=True):
            made.append(self.latents(count, birth, own_tag))
            count, birth = self._go_on(count, birth, own_z)
        return self._sound(torch.cat(made, dim=-1), self._grains(z), None)

    def latents(self, count: Tensor, birth: Tensor, tag: Tensor) -> Tensor:
        """Two of them, (1, 2 * depth, 2). count: (1,), latents since the second anchor, a whole number."""
        stride = self.windows.stride
        style, anchors = birth[: self.n_style], birth[self.n_style :].reshape(N_ANCHORS, self.n_coordinate)
        start = torch.floor((count + 0.5) / stride) * stride
        starts = torch.cat((start - stride, start))
        weights = hats(window_times(starts, self.windows), distance=self.windows.anchor_distance)
        places = (weights @ anchors).transpose(1, 2)  # (2, n_coordinate, length)
        before, now = self.generator(places, style.expand(2, -1), tag.expand(2, -1)).unbind(0)
        place = count - start
        times = place + torch.arange(LATENTS_PER_STEP, dtype=count.dtype, device=count.device)
        weight = rising(times, self.windows.overlap)
        own = now @ picked(place, LATENTS_PER_STEP, self.windows.length).T
        old = before @ picked(place + stride, LATENTS_PER_STEP, self.windows.length).T
        return (own * weight + old * (1.0 - weight))[None]

    def _go_on(self, count: Tensor, birth: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Where the next step is; beyond the third anchor the first one is forgotten and a new one comes."""
        after = count + LATENTS_PER_STEP
        style, anchors = birth.split((self.n_style, N_ANCHORS * self.n_coordinate))
        moved = torch.cat((anchors[self.n_coordinate :], z[: self.n_coordinate]))
        wrapped = (after >= self.windows.anchor_distance).to(z.dtype)
        return after - wrapped * self.windows.anchor_distance, torch.cat(
            (style, wrapped * moved + (1.0 - wrapped) * anchors)
        )

    def _grains(self, z: Tensor) -> Tensor:
        """z (n_steps, ...) -> (2, N_GRAINS, n_steps * n_frames)."""
        grains = z[:, self.n_coordinate :].reshape(len(z), 2, N_GRAINS, self.n_frames)
        return grains.permute(1, 2, 0, 3).reshape(2, N_GRAINS, -1)

    def _sound(self, latents: Tensor, grains: Tensor, tape: Tape | None) -> Tensor:
        frames = self.codec.decode(to_sides(latents), grains, tape)
        return self.level.sound(frames, tape)
