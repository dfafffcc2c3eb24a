"""Training of the VAE on tiles: the lower bound written out, an adversary against blur, and a prior that fits."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.optim import Adam, AdamW, Optimizer

from liveseq.dsp.mel import PRESETS as FRONT_ENDS
from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import TrainingError
from liveseq.train.sound.beats import clock_features
from liveseq.train.sound.frames.apart import apart
from liveseq.train.sound.frames.crops import MelCrops
from liveseq.train.sound.frames.grain import Reconstruction
from liveseq.train.sound.frames.tracks import Track
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.notes.codec import N_GROUPS, PER_LATENT
from liveseq.train.sound.recipe import Batch, Recipe, frozen
from liveseq.train.sound.tags import tag_size
from liveseq.train.sound.unagan.objectives import Hinge
from liveseq.train.sound.vae.generator import AT_ONCE, Generator
from liveseq.train.sound.vae.networks import LEVELS
from liveseq.train.sound.vae.objectives import Likelihood, diagonal_log_prob, divergence, occupancy, patches
from liveseq.train.sound.vae.published_recipe import PublishedRecipe

WARM_UP = 0.3
"""Share of the training in which the divergence comes to its whole weight."""
LEAST_BETA = 0.1
"""Share of its weight that the divergence begins with."""
START = 200
"""Batches before the components of the prior are started, where the latents are by then."""
RECENT = 1024
"""Tiles whose latents are remembered for that, and for components that nobody uses."""
RESEED_EVERY = 100
LATELY = 0.98
"""Share of the old in what is known of how much each component is used."""
PATCHES = 1.0
"""Weight of `patches`."""
ADVERSARY_AFTER = 0.3
"""Share of the training before the adversary begins."""
N_COPIED, N_DRAWN = 8, 8
"""Tiles of a batch, and new ones out of the prior, that the adversary hears."""
UNREAL, MATCHING = 0.1, 0.5
LEARNING_RATE, PRIOR_RATE, CRITIC_RATE = 1e-3, 3e-3, 3e-4
MAX_NORM = 3.0
GRAIN_TILES, GAIN_TILES = 24, 16
"""Tiles of each tag that its grain is learned from, and its loudness measured on."""
MOST_GRAIN = 0.6
"""Strength of the grain, at most: what a tile leaves out is music too, and not to be filled with noise."""
FIT_BATCHES = 64
ACTIVE = 0.01
"""Variance of a number's means from which on it says something."""
LOSSES = ("nats", "kl", "patches", "unreal", "unlike", "critic")


class TilesRecipe(Recipe):
    """Generator (with its encoder and its prior) and adversary."""

    recent: Tensor
    recent_tag: Tensor
    used: Tensor

    def __init__(self, settings: dict[str, Any], *, tags: Sequence[str], tag_size: int, vocoder: str | None) -> None:
        """settings: `model` of a preset; tag_size: numbers of a tag's vector; vocoder: its folder."""
        super().__init__()
        self.front_end: MelFrontEnd = FRONT_ENDS[settings["front_end"]]
        self.tags, self.vocoder, self.beta = tuple(tags), vocoder, float(settings["beta"])
        n_mels = self.front_end.n_mels
        sizes = {
            name: value
            for name, value in settings.items()
            if name not in ("variant", "front_end", "beta", "critic_width")
        }
        self.generator = Generator(n_mels=n_mels, n_tags=len(tags), tag_size=tag_size, **sizes)
        self.likelihood = Likelihood(n_mels, n_widths=N_GROUPS)
        self.adversary = Hinge(n_mels, width=settings["critic_width"], n_conditions=tag_size)
        self.register_buffer("recent", torch.zeros(RECENT, self.generator.z_size))
        self.register_buffer("recent_tag", torch.zeros(RECENT, dtype=torch.int64))
        n_components = self.generator.prior.n_components
        self.register_buffer("used", torch.full((n_components,), 1.0 / n_components))
        self._losses: dict[str, Tensor | float] = dict.fromkeys(LOSSES, 0.0)

    def learn_statistics(self, tracks: Sequence[Track], vectors: Tensor, *, seed: int) -> None:
        """Measure the recordings before training: bands, components, widths, limits, tempi.

        vectors: of the tags, (n_tags, tag_size).
        """
        generator = self.generator
        generator.codec.learn(tracks, seed=seed)
        generator.limits.learn(generator.codec.encode, tracks)
        generator.tempi.learn(tracks, vectors, n_per_step=PER_LATENT)

    def networks(self) -> dict[str, torch.nn.Module]:
        return {"generator": self.generator}

    def averaged(self) -> tuple[str, ...]:
        return ("generator",)

    def optimizers(self) -> dict[str, Optimizer]:
        generator = self.generator
        networks = [*generator.encoder.parameters(), *generator.decoder.parameters(), *self.likelihood.parameters()]
        return {
            "networks": AdamW(networks, lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01),
            "prior": Adam(generator.prior.parameters(), lr=PRIOR_RATE, betas=(0.9, 0.98)),
            "critic": Adam(self.adversary.parameters(), lr=CRITIC_RATE, betas=(0.5, 0.98)),
        }

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        """batch: frames, tags and clocks of `MelCrops`, of one tag each."""
        self._set_rates()
        generator = self.generator
        if number == START:
            self._start_prior(fabric, number * len(batch[0]))
        latent, tag, clock = self._inputs(batch)
        with fabric.autocast():
            mean, log_variance = generator.encoder(latent, clock)
        z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        drawn = generator.drawn(tag[:N_DRAWN], heat=1.0) if self._is_judged() else z[:0]
        with fabric.autocast():
            decoded = generator.decoder(torch.cat((z, drawn.detach())), torch.cat((clock, clock[: len(drawn)]))).float()
        bands = generator.codec.middle(decoded)
        loss = self._bound(bands[: len(z)], decoded[: len(z)], latent, z, mean, log_variance, tag)
        if self._is_judged():
            loss = loss + self._unreal(fabric, bands, latent, tag)
        self.update(fabric, ("networks", "prior"), loss, max_norm=MAX_NORM)
        if self._is_judged():
            self._teach_critic(fabric, bands.detach(), latent, tag)
        self._look_after_prior(fabric, z.detach(), tag, number)
        return dict(self._losses)

    def _bound(
        self,
        bands: Tensor,
        decoded: Tensor,
        latent: Tensor,
        z: Tensor,
        mean: Tensor,
        log_variance: Tensor,
        tag: Tensor,
    ) -> Tensor:
        """Negative lower bound per number of a tile with the divergence at its weight of now, and `patches`: ()."""
        target = self.generator.codec.middle(latent)
        nats = self._nats(bands, target, decoded, latent)
        kl = divergence(diagonal_log_prob(z, mean, log_variance)[None], self.generator.prior.log_prob(z, tag)[None])
        n = bands[0].numel() + N_GROUPS * latent.shape[1]
        beta = self.beta * min(1.0, max(LEAST_BETA, self.progress / WARM_UP))
        coarse = patches(bands, target)
        self._losses |= {"nats": nats.mean().detach() / n, "kl": kl.mean().detach(), "patches": coarse.detach()}
        return (nats + beta * kl).mean() / n + PATCHES * coarse

    def _nats(self, bands: Tensor, target: Tensor, decoded: Tensor, latent: Tensor) -> Tensor:
        n = self.generator.codec.z_size
        return self.likelihood.nats(bands, target, decoded[..., n:], latent[..., n:])

    def _is_judged(self) -> bool:
        return self.progress >= ADVERSARY_AFTER and bool(self.generator.prior.started)

    def _heard(self, bands: Tensor, latent: Tensor, tag: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The adversary's batch: real tiles, copies of them and drawn ones, and the conditions of each."""
        n = min(N_COPIED, len(latent))
        n_drawn = len(bands) - len(latent)
        real = self.generator.codec.middle(latent[:n])
        made = torch.cat((bands[:n], bands[len(latent) :]))
        vectors = self.generator.tempi.tags[tag]
        own = torch.cat((vectors[:n], vectors[:n_drawn]))
        each = latent.shape[1] // 2  # the critic counts 16 frames
        conditions, own_conditions = (x[..., None].expand(-1, -1, each) for x in (vectors[:n], own))
        return real, made, conditions, own_conditions

    def _unreal(self, fabric: Fabric, bands: Tensor, latent: Tensor, tag: Tensor) -> Tensor:
        heard = self._heard(bands, latent, tag)
        with fabric.autocast(), frozen(self.adversary):
            unreal, unlike = self.adversary.generator_loss(*heard)
        self._losses |= {"unreal": unreal.detach(), "unlike": unlike.detach()}
        return UNREAL * unreal.float() + MATCHING * unlike.float()

    def _teach_critic(self, fabric: Fabric, bands: Tensor, latent: Tensor, tag: Tensor) -> None:
        heard = self._heard(bands, latent, tag)
        with fabric.autocast():
            critic = self.adversary.critic_loss(*heard)
        self.update(fabric, "critic", critic, max_norm=MAX_NORM)
        self._losses["critic"] = critic.detach()

    def _set_rates(self) -> None:
        """A short rise, and down to nothing along a cosine."""
        share = min(1.0, self.progress / 0.01 + 0.05) * 0.5 * (1.0 + math.cos(math.pi * self.progress))
        for name, rate in (("networks", LEARNING_RATE), ("prior", PRIOR_RATE), ("critic", CRITIC_RATE)):
            for group in self.bare_optimizers()[name].param_groups:
                group["lr"] = max(share, 0.01) * rate

    @torch.no_grad()
    def _start_prior(self, fabric: Fabric, n_known: int) -> None:
        """Begin with the latents that are remembered so far."""
        n = min(RECENT, n_known)
        self.generator.prior.start(self.recent[:n], self.recent_tag[:n], seed=0)
        self._agree(fabric)

    @torch.no_grad()
    def _look_after_prior(self, fabric: Fabric, z: Tensor, tag: Tensor, number: int) -> None:
        """Remember latents (B, z_size) under tags (B,), count the components' use, and wake those that have none."""
        places = (number * len(z) + torch.arange(len(z), device=z.device)) % RECENT
        self.recent[places], self.recent_tag[places] = z, tag
        prior = self.generator.prior
        if not prior.started:
            return
        self.used.lerp_(prior.responsibilities(z, tag).mean(dim=0), 1.0 - LATELY)
        if number % RESEED_EVERY == RESEED_EVERY - 1:
            prior.reseed(self.used, self.recent, self.recent_tag)
            self._agree(fabric)

    def _agree(self, fabric: Fabric) -> None:
        """All devices take the first one's prior: each has remembered other tiles."""
        if fabric.world_size > 1:
            for tensor in (*self.generator.prior.parameters(), self.used):
                tensor.data.copy_(fabric.broadcast(tensor.data))

    def _inputs(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """A batch as inputs of the networks: codec latents (B, T, size), tags (B,), clocks (B, T, CLOCK_SIZE)."""
        frames, tags, clock = batch
        with torch.autocast(frames.device.type, enabled=False):
            latent = self.generator.codec.encode(frames)
        return latent, tags[:, 0], clock_features(clock[..., 0], clock[..., 1])

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """The latest weights are kept: an adversary's judgement has no better one. All on held-out tiles.

        elbo: lower bound per number, in nats; kl: nats of a tile; mel: mean error of its scored bands; apart: of drawn
        tiles, as UNAGAN and notes have it; occupancy: components in use lately, as a share; active: numbers of z that
        say something; smooth: what changes from tile to tile of a walk, by what does between tiles drawn anew.
        """
        generator, prior = self.generator, self.generator.prior
        sums = dict.fromkeys(("elbo", "kl", "mel", "apart", "smooth"), 0.0)
        means = []
        for batch in batches:
            latent, tag, clock = self._inputs(batch)
            mean, log_variance = generator.encoder(latent, clock)
            z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
            decoded = generator.decoder(z, clock)
            bands, target = generator.codec.middle(decoded), generator.codec.middle(latent)
            nats = self._nats(bands, target, decoded, latent)
            kl = divergence(diagonal_log_prob(z, mean, log_variance)[None], prior.log_prob(z, tag)[None])
            sums["elbo"] -= float((nats + kl).mean()) / (bands[0].numel() + N_GROUPS * latent.shape[1])
            sums["kl"] += float(kl.mean())
            sums["mel"] += float((bands - target).abs().mean())
            one, two, other = (
                generator.codec.middle(generator.decoder(place, clock))
                for place in (*generator.walk(tag, 2), generator.drawn(tag))
            )
            sums["apart"] += apart(other, target)
            sums["smooth"] += float((two - one).abs().mean() / (other - one).abs().mean().clamp(min=1e-6))
            means.append(mean)
        more = {
            "occupancy": occupancy(self.used),
            "active": int((torch.cat(means).var(dim=0) > ACTIVE).sum()),
        }
        return {name: value / len(batches) for name, value in sums.items()} | more

    @torch.no_grad()
    def finish(self, tracks: Sequence[Track], *, seed: int) -> None:
        """Learn last, in closed form: the prior where the latents of the recordings are, grain and loudness."""
        torch.manual_seed(seed)
        self._fit_prior(tracks, seed=seed)
        generator, pairs = self.generator, []
        for tag in sorted({track.tag for track in tracks}):
            own = [track for track in tracks if track.tag == tag]
            latent, _, clock = self._inputs(self._tiles(own, GRAIN_TILES, seed=seed).batch(0))
            decoded = generator.decoder(generator.encoder(latent, clock)[0], clock)
            mel, smooth = (generator.codec.middle(x).transpose(0, 1).flatten(1)[None] for x in (latent, decoded))
            inputs = decoded[..., : generator.codec.z_size].flatten(0, 1)[None]
            pairs.append(Reconstruction(tag=tag, latent=inputs, mel=mel, decoded=smooth))
        generator.grain.learn(pairs, width=generator.codec.bands.deviation[:, None], seed=seed)
        generator.grain.strengths.clamp_(max=MOST_GRAIN)
        for pair in pairs:
            self._learn_gain(pair.tag, generator.codec.bands.unscored(pair.mel))

    def _fit_prior(self, tracks: Sequence[Track], *, seed: int) -> None:
        crops, generator = self._tiles(tracks, 16, seed=seed), self.generator
        z, tags = [], []
        for number in range(FIT_BATCHES):
            latent, tag, clock = self._inputs(crops.batch(number))
            mean, log_variance = generator.encoder(latent, clock)
            z.append(mean + (0.5 * log_variance).exp() * torch.randn_like(mean))
            tags.append(tag)
        if not generator.prior.started:
            generator.prior.start(torch.cat(z), torch.cat(tags), seed=seed)
        generator.prior.fit(torch.cat(z), torch.cat(tags))

    def _learn_gain(self, tag: int, real: Tensor) -> None:
        """Learn the gain of a tag from drawn tiles. real: log10 mel (1, n_mels, T)."""
        generator = self.generator
        _, clock = generator.tempi.streams(tag, n_streams=GAIN_TILES, n_steps=generator.n_steps)
        z = generator.drawn(torch.full((GAIN_TILES,), tag))
        near = generator.prior.tags_of(z)[:, None].expand(-1, generator.n_steps, -1)
        generator.limits.gains[tag] = 0.0
        noise = torch.randn(GAIN_TILES, generator.n_steps, generator.grain.size)
        drawn, _ = generator.frames(generator.decoder(z, clock), near, noise)
        generator.limits.learn_gain(tag, real=real, drawn=drawn)

    def _tiles(self, tracks: Sequence[Track], n: int, *, seed: int) -> MelCrops:
        """Batches of n tiles of the recordings as they are."""
        n_steps = self.generator.n_steps
        return MelCrops(tracks, n_steps=n_steps, per_step=PER_LATENT, batch_size=n, seed=seed, augment=False)


def build(about: dict[str, Any], library: Library | None) -> TilesRecipe | PublishedRecipe:
    """Untrained. The library is not needed: `learn_statistics` measures it."""
    settings = about["model"]
    if settings["variant"] == "original":
        return PublishedRecipe(settings)
    n_steps, n_overlap = settings["n_steps"], settings["n_overlap"]
    if n_steps % (1 << LEVELS) or n_steps < 3 * n_overlap or n_overlap % AT_ONCE:
        raise TrainingError(
            f"vae: n_steps, n_overlap: expected a multiple of {1 << LEVELS}, and an even number of at most a third of "
            f"it, found {n_steps} and {n_overlap}"
        )
    return TilesRecipe(settings, tags=about["tags"], tag_size=tag_size(about), vocoder=about.get("vocoder"))
