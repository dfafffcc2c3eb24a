"""Tags as inputs of sound models: vectors of a text encoder, so that one model plays every tag and between tags."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from liveseq.train.sound.material.library import Library
from liveseq.train.tags import text_encoder

_OLD_SIZE = 256  # of models whose config.yaml does not say it


def tag_size(about: Mapping[str, Any]) -> int:
    """Numbers of a tag's vector. about: config.yaml."""
    return int(about.get("tag_size", _OLD_SIZE))


def tag_table(library: Library) -> Tensor:
    """Vectors of the library's tags, unit length, float32 (n_tags, n); zeros for a tag without a known word."""
    vectors = text_encoder().embed(list(library.tags)) if library.vectors is None else library.vectors
    return torch.from_numpy(np.array(vectors, dtype=np.float32))
