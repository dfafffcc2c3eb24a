"""Teachers that are none."""

import pytest

from liveseq.errors import ModelError
from liveseq.train.words.teacher import Teacher


def test_a_source_that_is_no_model_is_refused_by_name(tmp_path):
    with pytest.raises(ModelError, match="not a text model"):
        Teacher(str(tmp_path))
