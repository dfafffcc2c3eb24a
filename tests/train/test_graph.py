"""Graphs on disk: weights that float16 holds take half the room, and sound the same."""

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from liveseq.runtime.session import open_session
from liveseq.train.graph import write_graph
from liveseq.train.sound.half import write_half


@pytest.mark.parametrize(("rounded", "size"), [(True, 2), (False, 4)])
def test_weights_are_stored_in_half_where_nothing_is_lost(tmp_path, rounded, size):
    torch.manual_seed(1)
    net = nn.Linear(100, 60)
    if rounded:
        net.weight.data = net.weight.data.half().float()
    write_graph(net, tmp_path / "net.onnx", inputs={"x": (1, 100)}, outputs=["y"])
    (weight,) = (
        t for t in onnx.load(tmp_path / "net.onnx").graph.initializer if list(t.dims) in ([60, 100], [100, 60])
    )
    assert len(weight.raw_data) == 6000 * size
    x = torch.randn(1, 100)
    (found,) = open_session(tmp_path / "net.onnx", provider="cpu").run({"x": x.numpy()})
    np.testing.assert_allclose(found, net(x).detach().numpy(), atol=1e-6)


def test_a_float16_copy_of_halved_weights_plays(tmp_path):
    torch.manual_seed(1)
    net = nn.Linear(100, 60)
    net.weight.data = net.weight.data.half().float()
    write_graph(net, tmp_path / "net.onnx", inputs={"x": (1, 100)}, outputs=["y"])
    write_half(tmp_path / "net.onnx", tmp_path / "half" / "net.onnx")
    x = torch.randn(1, 100)
    (found,) = open_session(tmp_path / "half" / "net.onnx", provider="cpu").run({"x": x.numpy()})
    np.testing.assert_allclose(found, net(x).detach().numpy(), atol=1e-2)
