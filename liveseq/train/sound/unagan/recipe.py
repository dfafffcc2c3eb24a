"""Training of UNAGAN's streaming form: its decoder by a cycle and an adversary, its prior by likelihood."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional
from torch.optim import Adam, AdamW, Optimizer

from liveseq.dsp.mel import PRESETS as FRONT_ENDS
from liveseq.dsp.mel import MelFrontEnd
from liveseq.train.sound.beats import clock_features
from liveseq.train.sound.frames.apart import apart
from liveseq.train.sound.frames.grain import Reconstruction
from liveseq.train.sound.frames.tracks import Track, beginnings
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.recipe import Batch, Recipe, frozen
from liveseq.train.sound.tags import tag_size
from liveseq.train.sound.unagan.generator import BIRTH_SIZE, Generator
from liveseq.train.sound.unagan.networks import FRAMES_PER_STEP
from liveseq.train.sound.unagan.objectives import Began, Hinge
from liveseq.train.sound.unagan.published import MAX_NORM
from liveseq.train.sound.unagan.published_recipe import PublishedRecipe
from liveseq.train.sound.weights import take_over

GRAIN_STEPS = 250
"""Steps of each tag (43 s) that the grain is learned from."""
GAIN_STREAMS, GAIN_STEPS = 8, 64
"""Streams of each tag, and their steps, that its loudness is measured on."""
WINDOW = 16
"""Steps of a crop that are decoded in one batch; the prior is given all of them."""
N_COPIED, N_DRAWN = 8, 4
"""Crops of a batch that are decoded, and crops that the prior draws anew for the adversary."""
NOISE = 0.15
"""Deviation of the noise on latents before they are decoded: those that the prior draws are as far off."""
PRIOR_NOISE = 0.1
"""Deviation of the noise on the latents that the prior learns."""
ASTRAY = 0.5
"""Deviation, at most, of the noise on the latents that the prior remembers: its own will not be as good."""
WARM_UP = 0.1
"""Share of the training before the adversary begins."""
GENERATOR_EVERY = 5
"""Batches between two of the decoder's: the prior has more to learn, and costs less."""
RECONSTRUCTION, MATCHING, CYCLE = 8.0, 2.0, 0.5
LEARNING_RATE = 1e-3
CRITIC_RATE = 3e-4
LOSSES = ("prior", "mel", "unreal", "unlike", "cycle", "critic")


class StreamingRecipe(Recipe):
    """Generator (with prior and codec) and adversary."""

    def __init__(self, settings: dict[str, Any], *, n_tags: int, tag_size: int, vocoder: str | None) -> None:
        """settings: `model` of a preset; tag_size: numbers of a tag's vector; vocoder: its folder."""
        super().__init__()
        self.front_end: MelFrontEnd = FRONT_ENDS[settings["front_end"]]
        self.vocoder = vocoder
        n_mels, widths = self.front_end.n_mels, tuple(settings["widths"])
        names = ("z_size", "n_recurrent", "n_conditions", "prior_width", "n_couplings", "dropout", "temperature")
        self.generator = Generator(
            n_mels=n_mels, n_tags=n_tags, tag_size=tag_size, widths=widths, **{name: settings[name] for name in names}
        )
        objective = {"hinge": Hinge, "began": Began}[settings["objective"]]
        self.objective: Hinge | Began = objective(n_mels, width=settings["critic_width"], n_conditions=tag_size)
        self._losses: dict[str, Tensor | float] = dict.fromkeys(LOSSES, 0.0)

    def learn_statistics(
        self, tracks: Sequence[Track], vectors: Tensor, *, seed: int, begin_from: str | None = None
    ) -> None:
        """Measure the recordings before training: bands, components and tempi.

        vectors: of the tags, (n_tags, tag_size).
        begin_from: folder of a trained model whose codec and weights are taken over; then only tags are measured.
        """
        generator = self.generator
        if begin_from is None:
            generator.codec.learn(tracks, seed=seed)
        else:
            take_over(self, Path(begin_from))
            generator.grain.scale.zero_()  # unfinished
        codec = generator.codec
        generator.limits.learn(lambda mel: codec.encode(codec.scored(mel)), tracks)
        generator.tempi.learn(tracks, vectors, n_per_step=FRAMES_PER_STEP)

    @torch.no_grad()
    def learn_grain_and_loudness(self, tracks: Sequence[Track], *, seed: int) -> None:
        """Learn grain and loudness after training, from latents that are as far off as those that are drawn."""
        generator, random = self.generator, torch.Generator().manual_seed(seed)
        pairs = []
        for tag in sorted({track.tag for track in tracks}):
            mel, clock = beginnings(
                [track for track in tracks if track.tag == tag], GRAIN_STEPS, per_step=FRAMES_PER_STEP
            )
            scored = generator.codec.scored(torch.from_numpy(mel.T)[None])
            latent = generator.codec.encode(scored)
            rough = latent + NOISE * torch.randn(latent.shape, generator=random)
            vector = generator.tempi.tags[tag].expand(1, latent.shape[1], -1)
            decoded = generator.smooth(rough, vector, clock_features(*torch.from_numpy(clock)[None].unbind(-1)))
            pairs.append(Reconstruction(tag=tag, latent=latent, mel=scored, decoded=decoded))
        generator.grain.learn(pairs, width=generator.codec.deviation[:, None], seed=seed)
        torch.manual_seed(seed)
        for pair in pairs:
            self._learn_gain(pair.tag, generator.codec.unscored(pair.mel))

    def _learn_gain(self, tag: int, real: Tensor) -> None:
        """Learn the gain of a tag from some streams, each at a tempo of its own. real: log10 mel (1, n_mels, T)."""
        generator = self.generator
        vectors, clock = generator.tempi.streams(tag, n_streams=GAIN_STREAMS, n_steps=GAIN_STEPS)
        latent = generator.roll(vectors, clock)
        generator.limits.gains[tag] = 0.0
        drawn = generator.frames(latent, vectors, clock, torch.randn(*latent.shape[:2], generator.grain.size))
        generator.limits.learn_gain(tag, real=real, drawn=drawn)

    def networks(self) -> dict[str, torch.nn.Module]:
        return {"generator": self.generator}

    def averaged(self) -> tuple[str, ...]:
        return ("generator",)

    def optimizers(self) -> dict[str, Optimizer]:
        prior = [*self.generator.prior.parameters(), *self.generator.prior_tag.parameters()]
        makers = [*self.generator.decoder.parameters(), *self.generator.tag.parameters()]
        return {
            "generator": Adam(makers, lr=LEARNING_RATE, betas=(0.8, 0.98)),
            "prior": AdamW(prior, lr=LEARNING_RATE, weight_decay=1e-2),
            "critic": Adam(self.objective.parameters(), lr=CRITIC_RATE, betas=(0.5, 0.98)),
        }

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        """batch: mel, tags and clocks of `MelCrops`."""
        self._set_rates()
        mel, tag, clock = self._inputs(batch)
        latent = self.generator.codec.encode(mel)
        nll = self._prior_nll(latent + PRIOR_NOISE * torch.randn_like(latent), tag, clock)
        self.update(fabric, "prior", nll, max_norm=MAX_NORM)
        self._losses["prior"] = nll.detach()
        if number % GENERATOR_EVERY == 0:
            n_steps = tag.shape[1]
            start = int(torch.randint(max(1, n_steps - WINDOW + 1), ()))
            steps = slice(start, start + WINDOW)
            frames = slice(start * FRAMES_PER_STEP, (start + WINDOW) * FRAMES_PER_STEP)
            some = slice(N_COPIED)
            self._learn_decoder(fabric, mel[some, :, frames], latent[some, steps], tag[some, steps], clock[some, steps])
        return dict(self._losses)

    def _learn_decoder(self, fabric: Fabric, mel: Tensor, latent: Tensor, tag: Tensor, clock: Tensor) -> None:
        """mel (B, n_mels, 16 S), latent (B, S, z_size), tag (B, S, tag_size), clock (B, S, CLOCK_SIZE)."""
        generator, adversary = self.generator, self.objective
        adversarial = self.progress >= WARM_UP
        drawn = generator.roll(tag[:N_DRAWN], clock[:N_DRAWN]) if adversarial else latent[:0]
        rough = torch.cat((latent + NOISE * torch.randn_like(latent), drawn))
        tags, clocks = (torch.cat((x, x[: len(drawn)])) for x in (tag, clock))
        with fabric.autocast():
            both = generator.decode(rough, tags, clocks)
        error = functional.l1_loss(both[: len(mel)].float(), mel)
        loss = RECONSTRUCTION * error
        self._losses["mel"] = error.detach()
        conditions, all_conditions = tag.transpose(1, 2), tags.transpose(1, 2)
        if adversarial:
            with fabric.autocast(), frozen(adversary):
                unreal, unlike = adversary.generator_loss(mel, both, conditions, all_conditions)
            cycle = functional.l1_loss(generator.codec.encode(both[len(mel) :].float()), drawn)
            loss = loss + unreal.float() + MATCHING * unlike.float() + CYCLE * cycle
            self._losses |= {"unreal": unreal.detach(), "unlike": unlike.detach(), "cycle": cycle.detach()}
        self.update(fabric, "generator", loss, max_norm=MAX_NORM)
        if adversarial:
            with fabric.autocast():
                critic = adversary.critic_loss(mel, both.detach(), conditions, all_conditions)
            self.update(fabric, "critic", critic, max_norm=MAX_NORM)
            self._losses["critic"] = critic.detach()

    def _set_rates(self) -> None:
        """A short rise, and down to nothing along a cosine."""
        share = min(1.0, self.progress / 0.01 + 0.05) * 0.5 * (1.0 + math.cos(math.pi * self.progress))
        for name, rate in (("generator", LEARNING_RATE), ("prior", LEARNING_RATE), ("critic", CRITIC_RATE)):
            for group in self.bare_optimizers()[name].param_groups:
                group["lr"] = max(share, 0.01) * rate

    def _prior_nll(self, latent: Tensor, tag: Tensor, clock: Tensor) -> Tensor:
        """Negative log likelihood per number, in nats: latent (B, S, z_size) -> ()."""
        generator = self.generator
        known = generator.prior_condition(tag, clock)
        before = functional.pad(latent[:, :-1], (0, 0, 1, 0))
        if self.training:
            before = before + ASTRAY * torch.rand(len(before), 1, 1, device=before.device) * torch.randn_like(before)
        birth = torch.randn(len(latent), BIRTH_SIZE - 1, device=latent.device)
        return generator.prior.nll(latent, generator.prior.contexts(before, known, birth))

    def _inputs(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """A batch as inputs of the networks: scored mel (B, n_mels, 16 S), tag (B, S, tag_size), clock (B, S, n)."""
        mel, tags, clock = batch
        generator = self.generator
        return generator.codec.scored(mel), generator.tempi.tags[tags], clock_features(clock[..., 0], clock[..., 1])

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Errors of the reconstruction (mel) and of its draft, the prior's nats, and `apart`. The latest are kept.

        apart: distance of drawn frames from real ones of the same tags in each band's mean, deviation and movement, in
        deviations of the band.
        """
        generator = self.generator
        sums = dict.fromkeys(("mel", "draft", "prior", "apart"), 0.0)
        for batch in batches:
            mel, tag, clock = self._inputs(batch)
            latent = generator.codec.encode(mel)
            sums["mel"] += float(functional.l1_loss(generator.decode(latent, tag, clock), mel))
            sums["draft"] += float(functional.l1_loss(generator.codec.draft(latent), mel))
            sums["prior"] += float(self._prior_nll(latent + PRIOR_NOISE * torch.randn_like(latent), tag, clock))
            drawn = generator.decode(generator.roll(tag, clock), tag, clock)
            sums["apart"] += apart(drawn, mel)
        return {name: value / len(batches) for name, value in sums.items()}


def build(about: dict[str, Any], library: Library | None) -> StreamingRecipe | PublishedRecipe:
    """Untrained. The library is not needed: `learn_statistics` measures it."""
    settings = about["model"]
    if settings["variant"] == "streaming":
        return StreamingRecipe(
            settings, n_tags=len(about["tags"]), tag_size=tag_size(about), vocoder=about.get("vocoder")
        )
    return PublishedRecipe(settings)
