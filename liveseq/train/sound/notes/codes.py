"""Codes of latents: what kind of sound comes next, chosen by chance before its details are drawn.

A flow that has learned little draws what comes most often, and a held note comes more often than the next one: chords
stay for ever. A softmax tells how often each kind comes, rare ones too. Codes are residual (k-means of latents, then of
what is left; Zeghidour et al. 2021), each predicted under those before it.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

N_ROUNDS = 12
"""Rounds of k-means."""
N_LEARNED = 60_000
"""Latents that the codes are learned from, at most."""
LEAST_LIKELY = 0.01
"""Least likelihood of a code that is chosen, by the likeliest one's: what is rarer is an error more often than not."""
_AT_ONCE = 4096


class Codes(nn.Module):
    """Residual codes of latents, their likelihoods under a context, and what they add to it."""

    books: Tensor
    scale: Tensor

    def __init__(self, size: int, *, width: int, n_books: int, n_codes: int) -> None:
        """size: of a latent; width: of a context; n_codes: of each book."""
        super().__init__()
        self.n_books, self.n_codes = n_books, n_codes
        self.register_buffer("books", torch.zeros(n_books, n_codes, size))
        self.register_buffer("scale", torch.ones(size))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(n_books))
        self.heads = nn.ModuleList(nn.Linear(width, n_codes) for _ in range(n_books))
        self.told = nn.Parameter(0.05 * torch.randn(n_books, n_codes, width))
        for head in self.heads:
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    @torch.no_grad()
    def learn(self, latent: Tensor, scale: Tensor, *, seed: int) -> None:
        """Fit to latents (n, size). scale: how much each number counts in a distance, (size,)."""
        random = torch.Generator().manual_seed(seed)
        self.scale[:] = scale
        left = latent[torch.randperm(len(latent), generator=random)[:N_LEARNED]] * scale
        for book in self.books:
            book[:] = k_means(left, self.n_codes, random)
            left = left - book[_nearest(left, book)]

    def of(self, latent: Tensor) -> Tensor:
        """Codes of latents: (..., size) -> int64 (..., n_books)."""
        left, codes = latent.flatten(0, -2) * self.scale, []
        for book in self.books:
            codes.append(_nearest(left, book))
            left = left - book[codes[-1]]
        return torch.stack(codes, dim=-1).unflatten(0, latent.shape[:-1])

    def errors(self, context: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Cross-entropy of codes (..., n_books) under contexts (..., width), in nats, and the contexts that tell them.

        Returns (...) and (..., width).
        """
        nats = torch.zeros(codes.shape[:-1], device=context.device)
        for number in range(self.n_books):
            logits, now = self._logits(context, number), codes[..., number]
            nats = nats + functional.cross_entropy(logits.float().flatten(0, -2), now.flatten(), reduction="none").view(
                now.shape
            )
            context = context + self.told[number][now]
        return nats, context

    def choose(self, context: Tensor, normal: Tensor, *, guidance: float = 1.0) -> Tensor:
        """Contexts (n, width) that tell codes which are chosen by normal numbers (B, n_books).

        n is B, or 2 B with the contexts under no tag behind the others, where guidance is not 1.
        """
        share = 0.5 * (1.0 + torch.erf(normal / math.sqrt(2.0)))
        for number in range(self.n_books):
            logits = self._logits(context, number)
            if guidance != 1.0:
                under, without = logits.chunk(2)
                logits = without + guidance * (under - without)
            code = _chosen(torch.softmax(logits, dim=-1), share[:, number : number + 1])
            told = self.told[number][code]
            context = context + (told if guidance == 1.0 else torch.cat((told, told)))
        return context

    def _logits(self, context: Tensor, number: int) -> Tensor:
        logits: Tensor = self.heads[number](self.norms[number](context))
        return logits


def _chosen(likely: Tensor, share: Tensor) -> Tensor:
    """Places (B,) in distributions (B, n) by shares (B, 1), 0 to 1; the least likely are left out, see LEAST_LIKELY.

    In the order of the codes, not of their likelihoods, which a rounding error would change.
    """
    kept = likely * (likely >= LEAST_LIKELY * likely.amax(dim=-1, keepdim=True)).to(likely.dtype)
    passed = (kept.cumsum(dim=-1) <= share * kept.sum(dim=-1, keepdim=True)).to(likely.dtype)
    last = (kept > 0).to(likely.dtype) * torch.arange(likely.shape[-1], dtype=likely.dtype, device=likely.device)
    return torch.minimum(passed.sum(dim=-1), last.amax(dim=-1)).long()


def _nearest(rows: Tensor, book: Tensor) -> Tensor:
    """Place of the nearest of a book (n_codes, size) for each row (n, size): int64 (n,)."""
    squares = book.square().sum(dim=1)
    return torch.cat([(squares - 2.0 * some @ book.T).argmin(dim=1) for some in rows.split(_AT_ONCE)])


def k_means(rows: Tensor, n: int, random: torch.Generator) -> Tensor:
    """Means of n clusters of rows (m, size); one that loses all its rows takes one of them: (n, size)."""
    means = rows[torch.randint(len(rows), (n,), generator=random)].clone()
    for _ in range(N_ROUNDS):
        nearest = _nearest(rows, means)
        counts = torch.bincount(nearest, minlength=n).to(rows.dtype)[:, None]
        sums = torch.zeros_like(means).index_add_(0, nearest, rows)
        others = rows[torch.randint(len(rows), (n,), generator=random)]
        means = torch.where(counts > 0, sums / counts.clamp(min=1.0), others)
    return means
