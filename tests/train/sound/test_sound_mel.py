"""The front end of losses is that of data."""

import numpy as np
import pytest
import torch

from liveseq.dsp.mel import PRESETS
from liveseq.train.sound.mel import LogMel


@pytest.mark.parametrize("name", PRESETS)
def test_losses_see_what_data_are_told(name):
    front_end = PRESETS[name]
    rng = np.random.default_rng(1)
    y = (0.2 * rng.standard_normal((2, 12_345)) * np.linspace(0, 1, 12_345)).astype(np.float32)
    found = LogMel(front_end)(torch.from_numpy(y))
    np.testing.assert_allclose(found.numpy(), front_end.log_mel(y).transpose(0, 2, 1), atol=1e-4)


def test_gradients_go_through_silence():
    y = torch.zeros(1, 4096, requires_grad=True)
    LogMel(PRESETS["music48"])(y).sum().backward()
    assert y.grad.isfinite().all()
