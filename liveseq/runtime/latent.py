"""Latents that a performer gives a generator: a place to be held at, the way there, and how far it walks about.

The way is made here, step by step, and not in the graph: a model of anybody that takes `latent` and `travel` moves and
glides alike. Pure; a place is never changed, so that a stream can be taken back to one.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from liveseq.errors import ModelError
from liveseq.runtime.manifest import MANIFEST_NAME, Manifest

LATENT, TRAVEL = "latent", "travel"
"""Inputs of a graph: a place, float32 (n,), and float32 (2,): how much it is held there (0: the stream goes its own
way, 1: it is there), and how far it walks about (1: as it was taught, 0: not at all)."""
MOST_NUMBERS = 256
"""Numbers of a latent, at most."""
NOWHERE: np.ndarray = np.zeros(0, dtype=np.float32)
"""No place: a stream goes its own way."""


@dataclass(frozen=True, slots=True, eq=False)
class Travel:
    """A place that a stream is told to be at."""

    latent: np.ndarray = field(default_factory=lambda: NOWHERE)
    """float32 (n,); (0,): its own way."""
    seconds: float = 0.0
    """Time in which it goes there, or back to its own way."""
    walk: float = 1.0
    """How far it walks about, wherever it is; 1: as it was taught."""

    def is_like(self, other: "Travel") -> bool:
        """Whether it tells the same."""
        same = self.seconds == other.seconds and self.walk == other.walk
        return same and np.array_equal(self.latent, other.latent)


FREE = Travel()
"""A stream goes its own way, as far as it was taught."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A stream on its way."""

    latent: np.ndarray = field(default_factory=lambda: NOWHERE)
    """float32 (n,); (0,) before it was ever told one."""
    held: float = 0.0
    """How much it is held there, 0 to 1."""
    travel: Travel = FREE
    """The way that it goes."""
    left: float = 0.0
    """Seconds left of it."""

    def after(self, travel: Travel, seconds: float) -> "Place":
        """The place so many seconds later, along a line, under what is told now."""
        goes_on = self.travel.seconds == travel.seconds and np.array_equal(self.travel.latent, travel.latent)
        left = self.left if goes_on else travel.seconds
        share = 1.0 if left <= seconds else seconds / left
        latent, aim = self.latent, travel.latent
        if aim.size:
            # From its own way it is the hold that grows: where it comes from, nobody knows but the graph.
            latent = aim if self.held == 0.0 else (latent + np.float32(share) * (aim - latent)).astype(np.float32)
        held = self.held + share * (float(aim.size > 0) - self.held)
        return Place(latent, held, travel, max(0.0, left - seconds))

    def inputs(self, n: int) -> dict[str, np.ndarray]:
        """Inputs of a graph that takes latents of n numbers: by name."""
        latent = self.latent if self.latent.size else np.zeros(n, dtype=np.float32)
        return {LATENT: latent, TRAVEL: np.array([self.held, self.travel.walk], dtype=np.float32)}


START = Place()
"""A stream that was told nothing."""


def without_latent(travel: Travel) -> Travel:
    """The way back to the stream's own."""
    return replace(travel, latent=NOWHERE)


def latent_size(manifest: Manifest) -> int:
    """Numbers of a latent that a generator takes; 0: it takes none, or none that anybody could give it."""
    for tensor in manifest.inputs:
        if tensor.name == LATENT and len(tensor.shape) == 1 and tensor.shape[0] in range(1, MOST_NUMBERS + 1):
            return int(tensor.shape[0])
    return 0


def components(manifest: Manifest, folder: Path) -> dict[str, np.ndarray]:
    """Places of a generator that have names, float32 (n,) each, in their order. Raises ModelError."""
    written, n = manifest.settings.get("components", {}), latent_size(manifest)
    try:
        found = {str(name): np.asarray(place, dtype=np.float32) for name, place in written.items()}
    except (AttributeError, TypeError, ValueError):
        found = {"": NOWHERE}
    if any(place.shape != (n,) or not np.isfinite(place).all() for place in found.values()):
        where = folder / MANIFEST_NAME
        raise ModelError(f"{where}: settings: components: expected names with {n} numbers each; export it again")
    return found
