"""Tags as inputs of sound models: the text encoder's vectors, so that one model plays every tag and between tags."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from liveseq.runtime.folders import MODELS, TEXT_ENCODER
from liveseq.runtime.text import TextEncoder

TAG_SIZE = 256
"""Numbers of a tag's vector."""


def tag_table(tags: Sequence[str]) -> Tensor:
    """Vectors of the tags, unit length, float32 (n_tags, TAG_SIZE); zeros for a tag without a known word."""
    vectors = TextEncoder(MODELS / TEXT_ENCODER).embed(list(tags))
    return torch.from_numpy(np.ascontiguousarray(vectors, dtype=np.float32))
