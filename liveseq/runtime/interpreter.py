"""Interpreter between the text encoder in use and a model, which may have been trained beside another one.

The encoder decides which tags are meant. The model is given vectors that it was taught: by the same encoder for any
word, by another one those of its own tags that are meant.
"""

import logging
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from liveseq.runtime.manifest import MANIFEST_NAME, Manifest
from liveseq.runtime.tag_matcher import TagMatcher
from liveseq.runtime.tag_table import TAGS, TagTable, of_length_one
from liveseq.runtime.text import TextEncoder

log = logging.getLogger(__name__)


class Interpreter:
    """Vectors for the input `tag` of one model."""

    def __init__(self, folder: Path, manifest: Manifest, encoder: TextEncoder) -> None:
        """folder: of the model. Raises ModelError where its table of tags is damaged."""
        self.size = next((int(tensor.shape[0]) for tensor in manifest.inputs if tensor.name == "tag"), 0)
        """Numbers of a vector; 0: it takes no tag."""
        self._encoder = encoder
        self._table = TagTable.beside(folder, manifest)
        self._meant: dict[str, Mapping[str, float]] = {}  # own tags by the corpus's, which grows while it plays
        self._same = encoder.n_dimensions == self.size if self._table is None else encoder.digest == self._table.encoder
        if self.size and self._table is None and not self._same:
            _warn(
                f"{folder / MANIFEST_NAME}: a tag is {self.size} numbers, but the text encoder gives "
                f"{encoder.n_dimensions}, and there is no {TAGS} of those that it was taught: it plays without a tag; "
                "export it again, or restore the text encoder that it was trained with"
            )

    def of_tags(self, vectors: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Vector for each tag of a corpus, float32 (size,); without those that say nothing to the model.

        vectors: of the tags by the text encoder, float32 (n_dimensions,).
        """
        if self._same:
            return vectors
        if self._table is None or not self._table.names:
            return {}
        if new := vectors.keys() - self._meant.keys():
            matcher = TagMatcher(self._encoder, self._table.names)
            self._meant |= {tag: matcher.match(tag).weights for tag in new}
        return {tag: self._table.blend(weights) for tag in vectors if (weights := self._meant[tag])}

    def blend(self, weights: Mapping[str, float]) -> np.ndarray:
        """Vector of several tags by their weights, float32 (size,), of length 1; zeros where none says anything to it.

        By the same encoder any texts will do, at least one; by another one they are tags that it was taught.
        """
        if self.size and self._same:
            shares = np.asarray(list(weights.values()), dtype=np.float32)
            return of_length_one(shares @ self._encoder.embed(list(weights)))
        if self._table is None:
            return np.zeros(self.size, dtype=np.float32)
        return self._table.blend(weights)


@cache
def _warn(message: str) -> None:
    """Say it, once in a process: a model is opened again with every corpus that has grown."""
    log.warning(message)
