"""Interface between a recurrent model and its training: what it measures first, what it learns last."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from liveseq.train.sound.frames.tracks import Track
from liveseq.train.sound.material.crops import train_and_held_out
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.prefetch import Batches
from liveseq.train.sound.recipe import Recipe

STREAMS_FROM = 2
"""Pasts of each tag that are tried for each birth; the loudest are kept."""


@dataclass(frozen=True, kw_only=True)
class Material:
    """Recordings as they are learned from."""

    crops: Batches
    held_out: Batches
    library: Library
    tracks: tuple[Track, ...] = ()
    """Their frames; empty where audio is learned."""


class RecurrentRecipe(Recipe):
    """A recurrent model being trained. Here: on crops of audio, with nothing measured and nothing learned last."""

    is_original = False
    """Whether it is of a preset as published, not of the default."""

    def measure(self, library: Library, crops: dict[str, Any], *, seed: int) -> Material:
        """The material of a training; what must be known of it is measured before. crops: as of the preset."""
        train, held_out = train_and_held_out(library, crops, seed=seed)
        return Material(crops=train, held_out=held_out, library=library)

    def learn_last(self, material: Material, *, seed: int) -> None:
        """Learn what follows from the trained weights."""

    def last(self) -> dict[str, nn.Module]:
        """Parts that `learn_last` changes, by the beginning of their tensors' names."""
        return {}


Build = Callable[[dict[str, Any], Library | None], RecurrentRecipe]
"""See `family.Parts.build`."""
