"""Tags that a model was taught, with the vectors under which it learned them: a file of its own beside the graph.

The vectors come from the text encoder of its training, whose hash stands with them. Which of these tags a word means
may be decided by any other one (`runtime.interpreter`).
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liveseq.errors import ModelError, one_line
from liveseq.runtime.manifest import Manifest

TAGS = "tags.npz"
"""Name of the file."""
_MAX_BYTES = 1 << 26  # unpacked: 16,000 tags of 1,024 numbers


@dataclass(frozen=True, eq=False)
class TagTable:
    """One row for each tag."""

    names: tuple[str, ...]
    vectors: np.ndarray
    """float32 (n_tags, n_dimensions): of length 1, or zeros for a tag of which the encoder knew no word."""
    encoder: str
    """Digest of the text encoder that they come from (`TextEncoder.digest`); empty where nobody knows."""

    @staticmethod
    def load(path: Path) -> "TagTable":
        """Read the file. Raises ModelError, by name, where it is none, or holds a vector that is no numbers."""
        try:
            parts = io.BytesIO(path.read_bytes())
            n_bytes = sum(part.file_size for part in zipfile.ZipFile(parts).infolist())
            if n_bytes > _MAX_BYTES:
                raise ValueError(f"{n_bytes} bytes, at most {_MAX_BYTES} are read")
            with np.load(parts, allow_pickle=False) as file:
                names, vectors, encoder = (file[key] for key in ("names", "vectors", "encoder"))
        except Exception as error:  # zipfile, zlib and numpy have a dozen between them
            raise ModelError(
                f"{path}: expected arrays names, vectors and encoder (.npz, no pickle), found {one_line(error)}; "
                "restore it with git, or export the model again"
            ) from error
        table = TagTable(tuple(str(name) for name in names.ravel()), vectors, str(encoder))
        table._check(path)
        return table

    @staticmethod
    def beside(folder: Path, manifest: Manifest) -> "TagTable | None":
        """The table of a model that takes a tag; None where its manifest lists none. Raises ModelError where it does
        not fit the model."""
        shape = next((tensor.shape for tensor in manifest.inputs if tensor.name == "tag"), None)
        if shape is None or TAGS not in manifest.files:
            return None
        table, path = TagTable.load(folder / TAGS), folder / TAGS
        if shape != table.vectors.shape[1:]:
            raise ModelError(
                f"{path}: expected vectors of {shape[0]} numbers, as the graph takes a tag, found "
                f"{table.vectors.shape[1]}; export the model again"
            )
        if missing := set(manifest.tags) - set(table.names):
            raise ModelError(f"{path}: has no vector for {min(missing)!r} of model.yaml; export the model again")
        return table

    def _check(self, path: Path) -> None:
        vectors, again = self.vectors, "export the model again"
        fits = vectors.dtype == np.float32 and vectors.ndim == 2
        if not fits or len(vectors) != len(self.names):
            found = f"{vectors.dtype} {list(vectors.shape)} for {len(self.names)} tags"
            raise ModelError(f"{path}: expected vectors float32 [tags, numbers], found {found}; {again}")
        if len(set(self.names)) != len(self.names):
            raise ModelError(f"{path}: expected each tag once, found one of them twice; {again}")
        if len(bad := np.flatnonzero(~np.isfinite(vectors).all(axis=1))):
            raise ModelError(f"{path}: the vector of {self.names[bad[0]]!r} is no finite numbers; {again}")

    def as_bytes(self) -> bytes:
        """The file."""
        file = io.BytesIO()
        np.savez(file, names=np.array(self.names, dtype=str), vectors=self.vectors, encoder=np.array(self.encoder))
        return file.getvalue()

    def by_name(self) -> dict[str, np.ndarray]:
        """Vector of each tag, float32 (n_dimensions,)."""
        return dict(zip(self.names, self.vectors, strict=True))

    def blend(self, weights: Mapping[str, float]) -> np.ndarray:
        """Weighted sum of the vectors of its own tags, float32 (n_dimensions,), of length 1; zeros where none is among
        them."""
        rows = [self.names.index(tag) for tag in weights if tag in self.names]
        if len(rows) == 1:
            return np.asarray(self.vectors[rows[0]])
        shares = np.asarray([weights[self.names[row]] for row in rows], dtype=np.float32)
        return of_length_one(shares @ self.vectors[rows])


def of_length_one(vector: np.ndarray) -> np.ndarray:
    """The vector with length 1, float32 (n,); zeros stay zeros."""
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-6), dtype=np.float32)
