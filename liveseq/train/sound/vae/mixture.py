"""Prior of a VAE's latents: a mixture of Gaussians that is learned with the networks.

Diagonal components with trainable means and scales, as the system that this family re-implements has them; here each
tag has weights of its own over them, so that tags choose components, and a component is known by the tags that it holds
(compare Tomczak and Welling 2018).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from liveseq.train.sound.notes.codes import k_means

DEAD = 1 / 8
"""Share of its share, 1 / K, below which a component is used by nobody."""
NAMED = 0.3
"""Share of a component from which on a tag is in its name."""
N_NAMES = 2
"""Tags in a name, at most."""
ROUNDS = 12
"""Rounds of expectation and maximisation of a fit."""
_NARROWEST = 0.05
_UNSEEN = 0.5  # tiles of a tag that each component holds before any is counted
_SOFTLY = 0.25  # of the log-likelihoods: what lies between two components belongs to both


class Mixture(nn.Module):
    """Gaussian components, and the weights that each tag gives them."""

    started: Tensor

    def __init__(self, size: int, *, n_components: int, n_tags: int) -> None:
        """size: numbers of a latent."""
        super().__init__()
        self.size, self.n_components = size, n_components
        self.means = nn.Parameter(torch.randn(n_components, size))
        self.raw_scales = nn.Parameter(torch.full((n_components, size), math.log(math.e - 1.0)))  # softplus: 1
        self.logits = nn.Parameter(torch.zeros(n_tags, n_components))
        self.register_buffer("started", torch.zeros(()))

    def scales(self) -> Tensor:
        """Deviations (n_components, size)."""
        return functional.softplus(self.raw_scales)

    def shares(self) -> Tensor:
        """Weights that each tag gives the components, (n_tags, n_components), with sums of 1."""
        return self.logits.softmax(dim=-1)

    def log_likelihoods(self, z: Tensor) -> Tensor:
        """Log densities of latents (..., size) under each component, (..., n_components), in nats."""
        scales = self.scales()
        normal = (z[..., None, :] - self.means) / scales
        return -0.5 * (normal.square() + math.log(2.0 * math.pi)).sum(-1) - scales.log().sum(-1)

    def log_prob(self, z: Tensor, tag: Tensor) -> Tensor:
        """Log densities of latents (..., size) under their tags, int64 (...), in nats: (...).

        Before the components are started: under one standard normal.
        """
        if not self.started:
            return -0.5 * (z.square() + math.log(2.0 * math.pi)).sum(-1)
        return (self.log_likelihoods(z) + self.logits.log_softmax(dim=-1)[tag]).logsumexp(dim=-1)

    def responsibilities(self, z: Tensor, tag: Tensor) -> Tensor:
        """Share of each component in latents (..., size) under their tags (...): (..., n_components)."""
        return (self.log_likelihoods(z) + self.logits.log_softmax(dim=-1)[tag]).softmax(dim=-1)

    def place(self, near: Tensor, choice: Tensor) -> tuple[Tensor, Tensor]:
        """Middle and deviation of what a choice means under tags, (..., size) each.

        near: weights of the tags (..., n_tags); choice: (...), 0 to 1. Each tag's component is the one that its share
        of the choice falls into, and between tags their places are mixed: a sweep of tags is a way through the latents.
        """
        sums = self.shares().cumsum(dim=-1)[..., :-1]  # the last one is 1, but for what float32 leaves out
        passed = (sums < choice[..., None, None]).to(near.dtype)  # (..., n_tags, n_components - 1)
        chosen = functional.pad(passed, (1, 0), value=1.0) * (1.0 - functional.pad(passed, (0, 1)))
        return self._mixed(near, chosen, self.means), self._mixed(near, chosen, self.scales())

    def tags_of(self, z: Tensor) -> Tensor:
        """Weights of the tags in latents (..., size), with sums of 1: (..., n_tags)."""
        shares = self.shares()
        held = (self.log_likelihoods(z) * _SOFTLY + shares.mean(dim=0).log()).softmax(dim=-1)
        return held @ (shares / shares.sum(dim=0)).T

    def names(self, tags: Sequence[str]) -> list[str]:
        """A name of each component, no two alike: the tags that it mostly holds, by their shares."""
        shares = self.shares().detach()
        names: list[str] = []
        for column in (shares / shares.sum(dim=0)).T:
            order = column.argsort(descending=True)[:N_NAMES].tolist()
            kept = [tags[n] for n in order if column[n] >= NAMED] or [tags[order[0]]]
            name, n_alike = " + ".join(kept), 1
            while name in names:
                n_alike += 1
                name = f"{' + '.join(kept)} {n_alike}"
            names.append(name)
        return names

    @torch.no_grad()
    def start(self, z: Tensor, tag: Tensor, *, seed: int) -> None:
        """Begin with the clusters of latents (n, size) under tags (n,), found by k-means."""
        self.means.copy_(k_means(z, self.n_components, torch.Generator().manual_seed(seed)))
        nearest = torch.cdist(z, self.means).argmin(dim=1)
        self._take(functional.one_hot(nearest, self.n_components).to(z.dtype), z, tag)
        self.started.fill_(1.0)

    @torch.no_grad()
    def fit(self, z: Tensor, tag: Tensor) -> None:
        """Go on to where the latents (n, size) under tags (n,) are, in closed form."""
        for _ in range(ROUNDS):
            self._take(self.responsibilities(z, tag), z, tag)

    @torch.no_grad()
    def reseed(self, used: Tensor, z: Tensor, tag: Tensor) -> int:
        """Put components that nobody uses to latents (n, size) under tags (n,), and return how many.

        used: share of each component lately, (n_components,); it becomes what is expected of them.
        """
        dead = (used < DEAD / self.n_components).nonzero()[:, 0].tolist()
        for number in dead:
            row = int(torch.randint(len(z), ()))
            self.means[number] = z[row]
            self.raw_scales[number] = self.raw_scales.mean(dim=0)
            self.logits[:, number] = self.logits.amin(dim=1)
            self.logits[tag[row], number] = self.logits[tag[row]].amax()
            used[number] = 1.0 / self.n_components
        return len(dead)

    def _take(self, held: Tensor, z: Tensor, tag: Tensor) -> None:
        """Take means, scales and weights from shares of the components in latents, (n, n_components)."""
        counts = held.sum(dim=0)[:, None]
        means = held.T @ z / counts.clamp(min=1e-6)
        square = held.T @ z.square() / counts.clamp(min=1e-6) - means.square()
        overall = z.var(dim=0, unbiased=False)  # a component of a few tiles is as wide as the rest
        scales = ((counts * square.clamp(min=0.0) + 2.0 * overall) / (counts + 2.0)).sqrt().clamp(min=_NARROWEST)
        alive = (counts > 0.5).to(z.dtype)
        self.means.copy_(alive * means + (1.0 - alive) * self.means)
        self.raw_scales.copy_(torch.expm1(scales).log())
        n_tags = len(self.logits)
        self.logits.copy_((functional.one_hot(tag, n_tags).to(z.dtype).T @ held + _UNSEEN / self.n_components).log())

    @staticmethod
    def _mixed(near: Tensor, chosen: Tensor, values: Tensor) -> Tensor:
        return (near[..., None, :] @ (chosen @ values))[..., 0, :]
