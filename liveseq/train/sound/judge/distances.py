"""Distances between two sets of points: is generated sound distributed as recorded sound?

Points are float32 or float64 (n_points, n_dimensions). The first is always real sound. None of these numbers means
anything alone: each is to be read beside the same number for real sound against other real sound of the same amount.
"""

import numpy as np
import scipy.linalg
from scipy.cluster.vq import kmeans2, vq
from scipy.spatial.distance import cdist

NEIGHBOURS = 5
CELLS = 50


def mmd(real: np.ndarray, generated: np.ndarray) -> float:
    """Squared maximum mean discrepancy under a Gaussian kernel of median width (Gretton et al. 2012), unbiased.

    About 0 for two draws of one distribution, and below 0 half of the time. At least two points each.
    """
    return sum(float(part.sum()) for part in mmd_parts(real, generated))


def mmd_parts(real: np.ndarray, generated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of each point in `mmd`, float64 (n_real,) and (n_generated,): more where fewer of the others are near."""
    width = float(np.median(cdist(real, real)[np.triu_indices(len(real), 1)])) or 1.0

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.exp(-cdist(a, b, "sqeuclidean") / (2.0 * width**2))

    def own(a: np.ndarray) -> np.ndarray:
        return (kernel(a, a).sum(axis=1) - 1.0) / (len(a) * (len(a) - 1))

    across = kernel(real, generated) / (len(real) * len(generated))
    return own(real) - across.sum(axis=1), own(generated) - across.sum(axis=0)


def frechet(real: np.ndarray, generated: np.ndarray) -> float:
    """Fréchet distance of two Gaussians fitted to the points (Heusel et al. 2017). It grows as the sets shrink."""
    difference = real.mean(axis=0) - generated.mean(axis=0)
    a, b = np.cov(real, rowvar=False), np.cov(generated, rowvar=False)
    # The trace of the root of a b equals that of the root of a^(1/2) b a^(1/2), which is symmetric: no complex noise.
    values, vectors = scipy.linalg.eigh(a)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    both = np.sqrt(np.maximum(scipy.linalg.eigvalsh(root @ b @ root), 0.0)).sum()
    return float(difference @ difference + np.trace(a) + np.trace(b) - 2.0 * both)


def density_coverage(real: np.ndarray, generated: np.ndarray, *, k: int = NEIGHBOURS) -> tuple[float, float]:
    """Nearness of the generated points to real ones (1 = as near), and the share of real points that have one near.

    Naeem et al. 2020: within the distance to a real point's own k-th real neighbour.
    """
    own = np.sort(cdist(real, real), axis=1)[:, k]
    near = cdist(real, generated) < own[:, None]  # (n_real, n_generated)
    return float(near.sum(axis=0).mean() / k), float(near.any(axis=1).mean())


def different_bins(real: np.ndarray, generated: np.ndarray, *, n_cells: int = CELLS, seed: int = 0) -> float:
    """Share of k-means cells of real points that generated points fill otherwise (NDB: Richardson & Weiss 2018).

    Otherwise: by more than chance explains at 5 %; two draws of one distribution have about 0.05.
    """
    n = min(n_cells, len(real) // 4)
    centres, labels = kmeans2(real, n, minit="++", rng=seed)
    p = np.bincount(labels, minlength=n) / len(real)
    q = np.bincount(vq(generated, centres)[0], minlength=n) / len(generated)
    pooled = (p * len(real) + q * len(generated)) / (len(real) + len(generated))
    error = np.sqrt(pooled * (1.0 - pooled) * (1.0 / len(real) + 1.0 / len(generated)))
    return float((np.abs(p - q) > 1.96 * np.maximum(error, 1e-12)).mean())
