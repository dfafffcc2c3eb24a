"""Graphs that would not sound the same twice, or whose weights nobody has vouched for, are not opened."""

import dataclasses

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper

from liveseq.errors import ModelError
from liveseq.runtime.graph import check_graph
from liveseq.runtime.manifest import Manifest, sha256_of
from liveseq.runtime.session import open_model


def save(path, nodes, *, constants=(), functions=(), outputs=("y",), location=None):
    value = helper.make_tensor_value_info
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in dict(constants).items()]
    graph = helper.make_graph(
        nodes,
        "test",
        [value("x", TensorProto.FLOAT, [4])],
        [value(name, TensorProto.FLOAT, None) for name in outputs],
        tensors,
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10, functions=functions)
    onnx.save(model, path, save_as_external_data=location is not None, location=location, size_threshold=0)
    return path


DRAWING = [
    helper.make_node("RandomNormal", [], ["y"], shape=[4], seed=1.0),
    helper.make_node("RandomNormalLike", ["x"], ["y"]),
    helper.make_node("RandomUniform", [], ["y"], shape=[4]),
    helper.make_node("RandomUniformLike", ["x"], ["y"]),
    helper.make_node("Bernoulli", ["x"], ["y"]),
    helper.make_node("Multinomial", ["x"], ["y"]),
]


@pytest.mark.parametrize("node", DRAWING, ids=lambda node: node.op_type)
def test_a_graph_that_draws_numbers_is_refused_by_the_operator(tmp_path, node):
    path = save(tmp_path / "step.onnx", [node])
    expected = rf"step\.onnx: expected a graph without randomness, found {node.op_type}: the same seed .* input z"
    with pytest.raises(ModelError, match=expected):
        check_graph(path, listed=())


def test_what_is_drawn_inside_a_branch_or_a_function_is_found(tmp_path):
    draw = helper.make_node("RandomNormalLike", ["x"], ["drawn"])
    branch = helper.make_graph([draw], "b", [], [helper.make_tensor_value_info("drawn", TensorProto.FLOAT, [4])])
    choice = helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)
    inside = save(tmp_path / "if.onnx", [choice], constants={"yes": True})
    opsets = [helper.make_opsetid("", 20)]
    function = helper.make_function("own", "Noisy", ["x"], ["drawn"], [draw], opsets)
    call = helper.make_node("Noisy", ["x"], ["y"], domain="own")
    called = save(tmp_path / "function.onnx", [call], functions=[function])
    for path in (inside, called):
        with pytest.raises(ModelError, match="found RandomNormalLike"):
            check_graph(path, listed=())


def test_a_dropout_is_refused_in_training_alone(tmp_path):
    ratio = {"ratio": np.float32(0.5)}
    constant = helper.make_node("Constant", [], ["training"], value=numpy_helper.from_array(np.asarray(True)))
    node = helper.make_node("Dropout", ["x", "ratio", "training"], ["y"])
    for nodes, constants in (([node], {"training": True}), ([constant, node], {})):
        path = save(tmp_path / "on.onnx", nodes, constants=ratio | constants)
        with pytest.raises(ModelError, match="found Dropout in training mode"):
            check_graph(path, listed=())
    check_graph(save(tmp_path / "off.onnx", [node], constants=ratio | {"training": False}), listed=())
    plain = helper.make_node("Dropout", ["x", "ratio"], ["y"])
    check_graph(save(tmp_path / "plain.onnx", [plain], constants=ratio), listed=())
    named = helper.make_node("Identity", ["x"], ["y"], name="RandomNormal")
    check_graph(save(tmp_path / "named.onnx", [named]), listed=())


def test_weights_in_a_file_of_their_own_belong_to_the_manifest(make_model):
    folder = make_model()
    model = onnx.load(folder / "step.onnx")
    onnx.save(model, folder / "step.onnx", save_as_external_data=True, location="step.onnx.data", size_threshold=0)
    data = yaml.safe_load((folder / "model.yaml").read_text())
    data["files"] = {"step.onnx": sha256_of(folder / "step.onnx")}
    (folder / "model.yaml").write_text(yaml.safe_dump(data))
    with pytest.raises(ModelError, match=r"its weights lie in step\.onnx\.data, which model\.yaml does not list"):
        open_model(folder, role="predictor")
    data["files"]["step.onnx.data"] = sha256_of(folder / "step.onnx.data").upper()
    (folder / "model.yaml").write_text(yaml.safe_dump(data))
    manifest, session = open_model(folder, role="predictor")
    assert session.inputs[0].name == "features"
    assert manifest == dataclasses.replace(manifest, files=manifest.files)
    weights = bytearray((folder / "step.onnx.data").read_bytes())
    weights[0] ^= 1
    (folder / "step.onnx.data").write_bytes(weights)
    with pytest.raises(ModelError, match=r"step\.onnx\.data: expected SHA-256"):
        open_model(folder, role="predictor")


def test_a_hash_in_upper_case_is_the_same(make_model):
    folder = make_model()
    manifest = Manifest.load(folder)
    path = folder / "model.yaml"
    digest = manifest.files["step.onnx"]
    path.write_text(path.read_text().replace(digest, digest.upper()))
    assert digest.upper() in path.read_text()
    assert Manifest.load(folder) == manifest


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_graph_that_is_cut_short_is_named(tmp_path, cut):
    path = save(tmp_path / "step.onnx", [DRAWING[0]])
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ModelError, match=r"step\.onnx: "):
        check_graph(path, listed=())
