"""Training on latents of frames, for the GAN and for the blocks: all but the loss."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from liveseq.dsp.mel import PRESETS as FRONT_ENDS
from liveseq.dsp.mel import MelFrontEnd
from liveseq.train.sound.beats import clock_features
from liveseq.train.sound.frames.apart import apart
from liveseq.train.sound.frames.crops import MelCrops
from liveseq.train.sound.frames.grain import Reconstruction
from liveseq.train.sound.frames.holds import with_holds
from liveseq.train.sound.frames.tracks import Framing, Track, beginnings, make_tracks
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.recipe import Batch
from liveseq.train.sound.recurrent.births import N_BIRTHS
from liveseq.train.sound.recurrent.latents import PER_LATENT, Head, LatentGenerator
from liveseq.train.sound.recurrent.recipe import STREAMS_FROM, Material, RecurrentRecipe
from liveseq.train.sound.tags import tag_size, tag_table

ASTRAY = 0.5
"""Deviation, at most, of the noise on the latents that are remembered: its own will not be as good."""
WARM_UP = 0.02
"""Share of the training over which the learning rate rises."""
PRIMED = 48
"""Latents of a recording (4.1 s) that a birth has heard."""
ENDING = 4
"""Latents at its end whose loudness counts."""
LONGEST_HOLD = 95
GRAIN_LATENTS = 500
"""Latents of each tag (43 s) that the grain is learned from."""
GAIN_STREAMS, GAIN_LATENTS = 8, 96
"""Streams of each tag, and their latents, that its loudness is measured on."""
HEARD = 16
"""Latents of a held-out crop that are heard before others are drawn and compared."""

Inputs = tuple[Tensor, Tensor, Tensor, Tensor]
"""Latents (B, S, z_size), tags (B, S, tag_size), clocks (B, S, CLOCK_SIZE), and where something is learned (B, S)."""


class LatentRecipe(RecurrentRecipe):
    """Generator of latents, its measures, its births, its grain and loudness."""

    def __init__(self, head: Head, about: dict[str, Any]) -> None:
        """about: config.yaml."""
        super().__init__()
        settings, self.vocoder = about["model"], about.get("vocoder")
        self.front_end: MelFrontEnd = FRONT_ENDS[settings["front_end"]]
        sizes = {name: settings[name] for name in ("z_size", "width", "n_layers", "n_conditions", "dropout")}
        self.generator = LatentGenerator(
            head, n_mels=self.front_end.n_mels, n_tags=len(about["tags"]), tag_size=tag_size(about), **sizes
        )

    def measure(self, library: Library, crops: dict[str, Any], *, seed: int) -> Material:
        """See `RecurrentRecipe.measure`: bands, components, extremes, tempi, and the vectors of the tags."""
        framing = Framing(front_end=self.front_end, per_step=PER_LATENT)
        shared = {"tags": library.tags, "framing": framing, "n_frames": crops["n_steps"] * PER_LATENT, "seed": seed}
        tracks, held_out = (tuple(make_tracks(some, **shared)) for some in (library.train, library.held_out))
        generator = self.generator
        generator.codec.learn(tracks, seed=seed)
        generator.limits.learn(self.encoded, tracks)
        generator.tempi.learn(tracks, tag_table(library), n_per_step=PER_LATENT)
        settings = crops | {"per_step": PER_LATENT, "seed": seed}
        return Material(
            crops=MelCrops(tracks, **settings),
            held_out=MelCrops(held_out or tracks, augment=False, **settings),
            library=library,
            tracks=tracks,
        )

    def encoded(self, frames: Tensor) -> Tensor:
        """log10 frames (B, n_mels, PER_LATENT * S) -> latents (B, S, z_size)."""
        return self.generator.codec.encode(self.generator.codec.scored(frames))

    def inputs(self, batch: Batch) -> Inputs:
        """A batch of `MelCrops` as inputs of the networks; in training some sounds are held for too long."""
        frames, tags, clock = batch
        with torch.autocast(frames.device.type, enabled=False):
            latent = self.encoded(frames)
        tag, real = self.generator.tempi.tags[tags], torch.ones(latent.shape[:2], device=latent.device)
        if self.training:
            latent, tag, clock, real = with_holds(latent, tag, clock, longest=LONGEST_HOLD)
        return latent, tag, clock_features(clock[..., 0], clock[..., 1]), real

    def contexts(self, latent: Tensor, tag: Tensor, clock: Tensor) -> Tensor:
        """Contexts of whole crops (B, S, width), of which the first latents follow nothing; in training, astray."""
        before = nn.functional.pad(latent[:, :-1], (0, 0, 1, 0))
        if self.training:
            level = ASTRAY * torch.rand(len(before), 1, 1, device=before.device)
            before = before + level * torch.randn_like(before)
        return self.generator.contexts(before, tag, clock)[0]

    def set_rates(self, rates: dict[str, float]) -> None:
        """A short rise, and down to nothing along a cosine. rates: the highest, by optimiser."""
        share = min(1.0, self.progress / WARM_UP + 0.01) * 0.5 * (1.0 + math.cos(math.pi * self.progress))
        for name, rate in rates.items():
            for group in self.bare_optimizers()[name].param_groups:
                group["lr"] = max(share, 0.01) * rate

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": self.generator}

    def averaged(self) -> tuple[str, ...]:
        return ("generator",)

    @torch.no_grad()
    def apart(self, batch: Batch) -> float:
        """Distance of drawn frames that follow some real ones from those that followed, see `frames.apart`."""
        latent, tag, clock, _ = self.inputs(batch)
        n = min(HEARD, latent.shape[1] // 2)
        before = nn.functional.pad(latent[:, : n - 1], (0, 0, 1, 0))
        _, memory = self.generator.contexts(before, tag[:, :n], clock[:, :n])
        drawn = self.generator.roll(tag[:, n:], clock[:, n:], before=latent[:, n - 1], memory=memory)
        codec = self.generator.codec
        return apart(codec.draft(drawn), codec.draft(latent[:, n:]))

    @torch.no_grad()
    def learn_last(self, material: Material, *, seed: int) -> None:
        """Births, then the grain, then the loudness of each tag."""
        torch.manual_seed(seed)
        generator, codec, pairs = self.generator, self.generator.codec, []
        for tag in sorted({track.tag for track in material.tracks}):
            own = [track for track in material.tracks if track.tag == tag]
            self._learn_births(tag, own, seed=seed)
            frames = torch.from_numpy(beginnings(own, GRAIN_LATENTS, per_step=PER_LATENT)[0].T)[None]
            latent = self.encoded(frames)
            scored = codec.scored(frames)
            pairs.append(Reconstruction(tag=tag, latent=latent, mel=scored, decoded=codec.draft(latent)))
        generator.grain.learn(pairs, width=codec.deviation[:, None], seed=seed)
        for pair in pairs:
            self._learn_gain(pair.tag, codec.unscored(pair.mel))

    def _learn_births(self, tag: int, own: Sequence[Track], *, seed: int) -> None:
        crops = MelCrops(
            own, n_steps=PRIMED, per_step=PER_LATENT, batch_size=STREAMS_FROM * N_BIRTHS, seed=seed, augment=False
        )
        frames, tags, clock = crops.batch(0)
        latent, vectors = self.encoded(frames), self.generator.tempi.tags[tags]
        before = nn.functional.pad(latent[:, :-1], (0, 0, 1, 0))
        _, memory = self.generator.contexts(before, vectors, clock_features(clock[..., 0], clock[..., 1]))
        position = clock[:, -1:, 0] + (clock[:, -1:, 0] - clock[:, -2:-1, 0]).clamp(min=0.0)
        born = torch.cat((position, latent[:, -1], memory), dim=1)
        self.generator.births.learn(tag, born, frames[..., -ENDING * PER_LATENT :].amax(dim=1).mean(dim=1))

    def _learn_gain(self, tag: int, real: Tensor) -> None:
        """Learn the gain of a tag from some streams, each at a tempo of its own. real: log10 mel (1, n_mels, T)."""
        generator = self.generator
        vectors, clock = generator.tempi.streams(tag, n_streams=GAIN_STREAMS, n_steps=GAIN_LATENTS)
        latent = generator.roll(vectors, clock)
        generator.limits.gains[tag] = 0.0
        drawn = generator.frames(latent, vectors, torch.randn(*latent.shape[:2], generator.grain.size))
        generator.limits.learn_gain(tag, real=real, drawn=drawn)

    def last(self) -> dict[str, nn.Module]:
        generator = self.generator
        return {
            "generator.births": generator.births,
            "generator.grain": generator.grain,
            "generator.limits": generator.limits,
        }
