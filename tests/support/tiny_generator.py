"""A generator of a dozen nodes, made on the spot: a tone per tag, a little noise from z, a phase that goes on."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from liveseq.runtime.manifest import StateTensor, Tensor
from tests.support.tiny_set import SAMPLE_RATE, TAGS, save_model

STEP = 8192
SILENT, BROKEN = "bells", "hum"
"""Tags of the odd generator that makes silence of one and NaN of the other."""


def make_generator(
    folder,
    *,
    tags=tuple(TAGS),
    sample_rate=SAMPLE_RATE,
    odd=False,
    level=0.2,
    n_again=0,
    tempo=False,
    slow=([], {}),
    latent=0,
    **fields,
):
    """tags: those that it was taught; () takes no tag. n_again: products of matrices, to keep it busy.

    tempo: it takes one, and sounds a Hz higher for each beat per minute. latent: numbers of one that it takes; where it
    is held it sounds as many Hz higher as the first of them says, and ten lower without a walk. slow: nodes that it
    waits for.
    """
    folder.mkdir()
    names = ["[UNK]", *TAGS]
    pitch = {**TAGS, "[UNK]": 330.0}
    power = dict.fromkeys(names, level**2) | ({SILENT: 0.0, BROKEN: -1.0} if odd else {})
    value = helper.make_tensor_value_info
    constants = {
        "turn": np.array([[2 * np.pi * pitch[name] / sample_rate] for name in names], np.float32),  # radians per sample
        "loud": np.array([[power[name]] for name in names], np.float32),
        "ramp": np.arange(1, STEP + 1, dtype=np.float32)[None, :],
        "end": np.array([[STEP]], np.float32),
        "around": np.array([[2 * np.pi]], np.float32),
        "row": np.array([1, len(names)], np.int64),
        "little": np.array([[0.02]], np.float32),
        "nobody": np.eye(1, len(names), dtype=np.float32)[0],
        "sides": np.ones((2, 1), np.float32),
        "no_tempo": np.zeros(1, np.float32),
        "hertz": np.array([2 * np.pi / sample_rate], np.float32),
        "no_latent": np.zeros(1, np.float32),
        "held": np.array([[1.0], [0.0]], np.float32),
        "walks": np.array([[0.0], [10.0]], np.float32),
        "ten": np.array([10.0], np.float32),
        "one_of": np.eye(1, max(latent, 1), dtype=np.float32).T,
        "square": np.eye(256, dtype=np.float32),
        "first": np.array([0], np.int64),
        **slow[1],
    }
    nodes = [
        helper.make_node("Reshape", ["tag" if tags else "nobody", "row"], ["tags"]),
        helper.make_node("MatMul", ["tags", "turn"], ["own"]),
        helper.make_node("Add", ["tempo" if tempo else "no_tempo", "moved"], ["hz"]),
        helper.make_node("Mul", ["hz", "hertz"], ["higher"]),
        helper.make_node("Add", ["own", "higher"], ["step"]),
        helper.make_node("MatMul", ["tags", "loud"], ["power"]),
        helper.make_node("Sqrt", ["power"], ["gain"]),
        helper.make_node("Mul", ["step", "ramp"], ["gone"]),
        helper.make_node("Add", ["phase", "gone"], ["angle"]),
        helper.make_node("Sin", ["angle"], ["tone"]),
        helper.make_node("Mul", ["little", "z"], ["noise"]),
        helper.make_node("Add", ["tone", "noise"], ["mono"]),
        helper.make_node("Mul", ["gain", "mono"], ["louder"]),
        helper.make_node("Mul", ["step", "end"], ["further"]),
        *slow[0],
        helper.make_node("Add", ["further", "waited" if slow[0] else "no_tempo"], ["then"]),
        helper.make_node("Add", ["phase", "then"], ["later"]),
        helper.make_node("Mod", ["later", "around"], ["phase_next"], fmod=1),
    ]
    if latent:
        nodes[:0] = [
            helper.make_node("MatMul", ["latent", "one_of"], ["there"]),
            helper.make_node("MatMul", ["travel", "held"], ["hold"]),
            helper.make_node("Mul", ["there", "hold"], ["gone_there"]),
            helper.make_node("MatMul", ["travel", "walks"], ["walk"]),
            helper.make_node("Add", ["gone_there", "walk"], ["with_walk"]),
            helper.make_node("Sub", ["with_walk", "ten"], ["moved"]),
        ]
    else:
        nodes.insert(0, helper.make_node("Identity", ["no_latent"], ["moved"]))
    busy = "sides"
    for number in range(n_again):  # the state goes in, so that nothing is folded away
        source = "square" if number == 0 else f"product{number - 1}"
        nodes.append(helper.make_node("Add", [source, "phase"], [f"sum{number}"]))
        nodes.append(helper.make_node("MatMul", [f"sum{number}", "square"], [f"product{number}"]))
    if n_again:
        nodes.append(helper.make_node("ReduceMin", [f"product{n_again - 1}"], ["least"], keepdims=0))
        nodes.append(helper.make_node("Sign", ["least"], ["sign"]))
        nodes.append(helper.make_node("Abs", ["sign"], ["one"]))
        nodes.append(helper.make_node("Max", ["one", "sides"], ["busy"]))
        busy = "busy"
    nodes.append(helper.make_node("Mul", [busy, "louder"], ["audio"]))
    inputs = [("z", (1, STEP)), *([("tag", (len(names),))] if tags else []), *([("tempo", (1,))] if tempo else [])]
    inputs += [("latent", (latent,)), ("travel", (2,))] if latent else []
    graph = helper.make_graph(
        nodes,
        "generator",
        [value(name, TensorProto.FLOAT, shape) for name, shape in [*inputs, ("phase", (1, 1))]],
        [value("audio", TensorProto.FLOAT, (2, STEP)), value("phase_next", TensorProto.FLOAT, (1, 1))],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    save_model(
        folder,
        graph,
        role="generator",
        inputs=tuple(Tensor(name=name, shape=shape, dtype="float32") for name, shape in inputs),
        outputs=(Tensor(name="audio", shape=(2, STEP), dtype="float32"),),
        states=(StateTensor(input="phase", output="phase_next", shape=(1, 1), dtype="float32"),),
        sample_rate=sample_rate,
        samples_per_step=STEP,
        channels=2,
        tags=tuple(tags),
        **fields,
    )
    return folder
