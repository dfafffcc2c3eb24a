"""Tags of a training: the vectors that its model is told, from its first batch to its export.

They are the text encoder's in use when it begins, and stay with it: a training that goes on, or begins from a trained
model, is told the same ones whatever encoder has come since.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from liveseq.errors import TrainingError
from liveseq.runtime.folders import TEXT_ENCODER, model_folder
from liveseq.runtime.tag_table import TAGS, TagTable
from liveseq.runtime.text import TextEncoder
from liveseq.train import checkpoint

_NEAR = 1e-3
"""Difference of vectors that are the same but for the machine."""


def text_encoder() -> TextEncoder:
    """The text encoder in use."""
    return TextEncoder(model_folder(TEXT_ENCODER))


def begin_table(tags: Iterable[str], out: Path, *, resume: bool = False, begin_from: Path | None = None) -> TagTable:
    """The tags of a training with their vectors. begin_from: folder of a trained model that it begins from.

    Raises TrainingError where that model was told by another text encoder, and has no vector for one of the tags.
    """
    names = sorted(set(tags))
    begun = saved_table(out) if resume else None
    if begun is not None:
        return _only(begun, names, because=f"{out}: began with other tags")
    theirs = saved_table(begin_from) if begin_from is not None else None
    encoder = text_encoder()
    if theirs is None or theirs.encoder == encoder.digest:
        return encoder.table(names)
    return _only(theirs, names, because=f"--from {begin_from}: was taught beside another text encoder")


def saved_table(folder: Path) -> TagTable | None:
    """The table that a training began with, out of its weights where an older program began it; None where there is
    none."""
    if (folder / TAGS).is_file():
        return TagTable.load(folder / TAGS)
    for name, prefix in ((checkpoint.CHECKPOINT, ""), (checkpoint.RESUME, "recipe.")):
        if not (folder / name).is_file() or not (folder / checkpoint.CONFIG).is_file():
            continue
        tensors, _ = checkpoint.load_tensors(folder / name)
        names = checkpoint.load_yaml(folder / checkpoint.CONFIG).get("tags", ())
        vectors = tensors.get(f"{prefix}generator.tempi.tags")
        if vectors is not None and len(names) == len(vectors):
            return _with_origin(names, vectors.float().numpy())
    return None


def save_table(table: TagTable, folder: Path) -> None:
    """Write the table into the folder of a model. Raises TrainingError where the disk refuses."""
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint.save_bytes(folder / TAGS, table.as_bytes())


def _only(table: TagTable, names: list[str], *, because: str) -> TagTable:
    """The rows of these tags. Raises TrainingError for the first that has none."""
    own = table.by_name()
    if strange := [name for name in names if name not in own]:
        raise TrainingError(
            f"{because}, and has no vector for {strange[0]!r}, only for {', '.join(table.names[:8])}; give recordings "
            "of its own tags, put that text encoder back, or begin anew with another --out"
        )
    rows = np.stack([own[name] for name in names]) if names else table.vectors[:0]
    return TagTable(tuple(names), rows, table.encoder)


def _with_origin(names: Iterable[str], vectors: np.ndarray) -> TagTable:
    """A table whose encoder is the one in use, where that gives the same vectors, float32 (n_tags, n_dimensions)."""
    now = text_encoder().table(tuple(names))
    same = now.vectors.shape == vectors.shape and np.allclose(now.vectors, vectors, atol=_NEAR)
    return TagTable(now.names, vectors, now.encoder if same else "")
