"""Training of notes: a transformer that foresees the next latent, and a flow that draws it, in one loss."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.optim import AdamW, Optimizer

from liveseq.dsp.mel import PRESETS as FRONT_ENDS
from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import TrainingError
from liveseq.train import checkpoint
from liveseq.train.sound.beats import clock_features, weights_in
from liveseq.train.sound.frames.apart import apart
from liveseq.train.sound.frames.codec import some_steps
from liveseq.train.sound.frames.grain import Reconstruction
from liveseq.train.sound.frames.holds import with_holds
from liveseq.train.sound.frames.tracks import Track, beginnings
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.notes.codec import PER_LATENT
from liveseq.train.sound.notes.codes import N_LEARNED
from liveseq.train.sound.notes.generator import Generator
from liveseq.train.sound.recipe import Batch, Recipe
from liveseq.train.sound.tags import tag_size
from liveseq.train.sound.weights import take_over

DRAWS = 2
"""Places on the way from noise that each latent is learned at, in a batch."""
ASTRAY, LOST = 0.5, 2.0
"""Deviation, at most, of the noise on the latents that are remembered: its own will not be as good. Some crops remember
next to nothing, so that a tag is listened to while there is a past as well."""
FORGETFUL = 0.2
"""Share of the crops that are lost."""
CHOICE = 0.1
"""Weight of a nat of the codes beside the squared errors of the flow."""
UNTOLD = 0.1
"""Share of the crops whose tag is kept back, so that what a tag adds can be told."""
LEARNING_RATE, WARM_UP = 1e-3, 0.02
GOING_ON = 0.5
"""Share of the learning rate of whoever begins from a trained model."""
MAX_NORM = 1.0
GRAIN_LATENTS = 500
"""Latents of each tag (43 s) that the grain is learned from."""
GAIN_STREAMS, GAIN_LATENTS = 8, 96
"""Streams of each tag, and their latents, that its loudness is measured on,"""
GAIN_TAGS = 8
"""and the tags whose streams are drawn at once."""
N_APART = 2
"""Held-out batches beside which streams are drawn."""


class NotesRecipe(Recipe):
    """The generator, which is all there is to learn."""

    def __init__(self, settings: dict[str, Any], *, n_tags: int, tag_size: int, vocoder: str | None) -> None:
        """settings: `model` of a preset; tag_size: numbers of a tag's vector; vocoder: its folder."""
        super().__init__()
        self.front_end: MelFrontEnd = FRONT_ENDS[settings["front_end"]]
        self.vocoder = vocoder
        self.rate = LEARNING_RATE
        sizes = {name: value for name, value in settings.items() if name != "front_end"}
        self.generator = Generator(n_mels=self.front_end.n_mels, n_tags=n_tags, tag_size=tag_size, **sizes)

    def learn_statistics(
        self, tracks: Sequence[Track], vectors: Tensor, *, seed: int, begin_from: str | None = None
    ) -> None:
        """Measure the recordings before training: bands, components, widths and tempi.

        vectors: of the tags, (n_tags, tag_size).
        begin_from: folder of a trained model whose codec and weights are taken over; then only tags are measured.
        """
        generator = self.generator
        if begin_from is None:
            generator.codec.learn(tracks, seed=seed)
            self._learn_codes(tracks, seed=seed)
        else:
            self._begin_from(Path(begin_from), vectors)
            self.rate = GOING_ON * LEARNING_RATE
        generator.limits.learn(generator.codec.encode, tracks)
        generator.tempi.learn(tracks, vectors, n_per_step=PER_LATENT)

    def _learn_codes(self, tracks: Sequence[Track], *, seed: int) -> None:
        """Learn the codes from latents of all tracks; loud numbers count more, as in the loss."""
        codec, codes = self.generator.codec, self.generator.codes
        n_patches = max(16, N_LEARNED // len(tracks))
        steps = some_steps(tracks, PER_LATENT, n_patches, seed=seed)
        latent = torch.cat([codec.encode(torch.from_numpy(some).flatten(0, 1).T[None])[0] for some in steps])
        codes.learn(latent, codec.weights(), seed=seed)

    @torch.no_grad()
    def _begin_from(self, folder: Path, vectors: Tensor) -> None:
        """Take over weights; each tag adds what it, or those that are near to it, added there.

        vectors: (n_tags, tag_size).
        """
        generator = self.generator
        take_over(self, folder, but=("own",))
        tensors, _ = checkpoint.load_tensors(folder / checkpoint.CHECKPOINT)
        duals, own = tensors["generator.tempi.duals"], tensors["generator.own"].float()
        generator.own.copy_(weights_in(vectors, duals) @ own)
        generator.grain.scale.zero_()  # unfinished

    @torch.no_grad()
    def learn_grain_and_loudness(self, tracks: Sequence[Track], *, seed: int) -> None:
        """Learn grain and loudness after training."""
        generator, pairs = self.generator, []
        codec = generator.codec
        for tag in sorted({track.tag for track in tracks}):
            own = [track for track in tracks if track.tag == tag]
            frames = torch.from_numpy(beginnings(own, GRAIN_LATENTS, per_step=PER_LATENT)[0].T)[None]
            latent, mel = codec.encode(frames), codec.bands.scored(frames[:, : codec.n_mels])
            decoded = codec.middle(latent)
            pairs.append(Reconstruction(tag=tag, latent=latent[..., : codec.z_size], mel=mel, decoded=decoded))
        generator.grain.learn(pairs, width=codec.bands.deviation[:, None], seed=seed)
        torch.manual_seed(seed)
        for at in range(0, len(pairs), GAIN_TAGS):
            self._learn_gains(pairs[at : at + GAIN_TAGS])

    def _learn_gains(self, pairs: Sequence[Reconstruction]) -> None:
        """Learn the gain of some tags from streams of each, every stream at a tempo of its own."""
        generator = self.generator
        streams = [generator.tempi.streams(p.tag, n_streams=GAIN_STREAMS, n_steps=GAIN_LATENTS) for p in pairs]
        vectors, clock = (torch.cat(parts) for parts in zip(*streams, strict=True))
        latents = generator.roll(vectors, clock).split(GAIN_STREAMS)
        for pair, latent, vector in zip(pairs, latents, vectors.split(GAIN_STREAMS), strict=True):
            generator.limits.gains[pair.tag] = 0.0
            drawn, _ = generator.frames(latent, vector, torch.randn(*latent.shape[:2], generator.grain.size))
            generator.limits.learn_gain(pair.tag, real=generator.codec.bands.unscored(pair.mel), drawn=drawn)

    def networks(self) -> dict[str, torch.nn.Module]:
        return {"generator": self.generator}

    def averaged(self) -> tuple[str, ...]:
        return ("generator",)

    def optimizers(self) -> dict[str, Optimizer]:
        return {"generator": AdamW(self.generator.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01)}

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        """batch: frames, tags and clocks of `MelCrops`."""
        share = min(1.0, self.progress / WARM_UP + 0.01) * 0.5 * (1.0 + math.cos(math.pi * self.progress))
        for group in self.bare_optimizers()["generator"].param_groups:
            group["lr"] = max(share, 0.01) * self.rate
        with fabric.autocast():
            flow, nats = self._losses(batch)
        self.update(fabric, "generator", flow + CHOICE * nats, max_norm=MAX_NORM)
        return {"flow": flow.detach(), "codes": nats.detach()}

    def _losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Mean weighted squared error of the flow, (), and nats of the codes of a latent, ()."""
        latent, tag, clock = self._inputs(batch)
        real = torch.ones(latent.shape[:2], device=latent.device)
        if self.training:
            latent, tag, clock, real = with_holds(latent, tag, clock, longest=self.generator.transformer.n_before)
        before = latent
        if self.training:
            lost = torch.rand(len(latent), 1, 1, device=latent.device) < FORGETFUL
            level = torch.where(lost, LOST, ASTRAY) * torch.rand(len(latent), 1, 1, device=latent.device)
            before = latent + level * torch.randn_like(latent)
            tag = tag * (torch.rand(len(tag), 1, 1, device=tag.device) >= UNTOLD)
        context = self.generator.contexts(before, tag, clock_features(clock[..., 0], clock[..., 1]))
        nats, context = self.generator.codes.errors(context, self.generator.codes.of(latent))
        errors = self.generator.flow_errors(latent, context, n_draws=DRAWS) * self.generator.codec.weights()
        return (errors.mean(dim=(0, 3)) * real).sum() / real.sum(), (nats * real).sum() / real.sum()

    def _inputs(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """A batch as inputs of the networks: latent (B, S, size), tag (B, S, tag_size), clock (B, S, 2)."""
        frames, tags, clock = batch
        generator = self.generator
        with torch.autocast(frames.device.type, enabled=False):
            latent = generator.codec.encode(frames)
        return latent, generator.tempi.tags[tags], clock

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Losses of the flow and of the codes, both as in training (score), and `apart`.

        apart: distance of drawn frames from real ones of the same tags, both through latents, in each band's mean,
        deviation and movement, in deviations of the band.
        """
        generator, score, distance = self.generator, 0.0, 0.0
        for batch in batches:
            flow, nats = self._losses(batch)
            score += float(flow + CHOICE * nats) / len(batches)
        for batch in batches[:N_APART]:
            latent, tag, clock = self._inputs(batch)
            features = clock_features(clock[..., 0], clock[..., 1])
            real, drawn = generator.codec.middle(latent), generator.codec.middle(generator.roll(tag, features))
            distance += apart(drawn, real)
        return {"score": score, "apart": distance / len(batches[:N_APART])}


def build(about: dict[str, Any], library: Library | None) -> NotesRecipe:
    """Untrained. The library is not needed: `learn_statistics` measures it."""
    settings, n_steps = about["model"], about["crops"]["n_steps"]
    if settings["window"] > n_steps:
        raise TrainingError(
            f"notes: window: expected at most the {n_steps} latents of a crop (n_steps), found {settings['window']}"
        )
    return NotesRecipe(settings, n_tags=len(about["tags"]), tag_size=tag_size(about), vocoder=about.get("vocoder"))
