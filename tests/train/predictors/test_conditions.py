"""Conditions of a predictor: vectors of the tags that recordings are grouped by."""

from pathlib import Path

import numpy as np
import pytest

from liveseq.runtime.text import TextEncoder
from liveseq.train.predictors.conditions import tag_vectors


def test_the_encoder_gives_every_group_a_vector():
    folder = Path(__file__).parents[3] / "models" / "text-encoder"
    if not folder.is_dir():
        pytest.skip(f"no text encoder in {folder}")
    encoder = TextEncoder(folder)
    found = tag_vectors(["drone", "bells", "drone"], encoder)
    assert set(found) == {"bells", "drone"}
    np.testing.assert_allclose(np.linalg.norm(found["drone"]), 1.0, rtol=1e-4)
    assert tag_vectors([], encoder) == {}
