"""Tags as sound models hear them: the text encoder's vectors, so that one model plays every tag and between tags."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from liveseq.runtime.text import TextEncoder

TEXT_ENCODER = Path(__file__).resolve().parents[3] / "models" / "text-encoder"
TAG_SIZE = 256


def tag_table(tags: Sequence[str]) -> Tensor:
    """The vector of each tag, unit length, float32 (n_tags, TAG_SIZE); of a tag without a known word, zeros."""
    return torch.from_numpy(np.ascontiguousarray(TextEncoder(TEXT_ENCODER).embed(list(tags)), dtype=np.float32))
