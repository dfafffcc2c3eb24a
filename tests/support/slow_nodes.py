"""Nodes that take their time, for the graph of a model that is quick where it is tried out and slow where it plays.

They give `waited`, float32 [1]: 0, as long as it took. While the numbers of their source are all zero, as in a warm-up,
they take no time.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper

ENDLESS = 10**9
"""Turns: about twenty minutes."""
WIDE = 4000
"""Rows of a product that takes more than three seconds."""

Nodes = tuple[list[onnx.NodeProto], dict[str, np.ndarray]]
"""Nodes, and their constants by name."""


def in_a_loop(source: str, n_turns: int, *, at_rest: bool = False) -> Nodes:
    """Slow in many small operations: between two of them it can be ended. A thousand turns are about a millisecond.

    at_rest: where the source is zeros, too.
    """
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["more"], ["more_then"]),
            helper.make_node("Mul", ["sum", "sum"], ["sum_then"]),
        ],
        "turn",
        [
            value("turn", TensorProto.INT64, []),
            value("more", TensorProto.BOOL, []),
            value("sum", TensorProto.FLOAT, [1]),
        ],
        [value("more_then", TensorProto.BOOL, []), value("sum_then", TensorProto.FLOAT, [1])],
    )
    nodes, constants = _how_much(source, n_turns, at_rest=at_rest)
    nodes += [
        helper.make_node("Squeeze", ["much"], ["turns"]),
        helper.make_node("Loop", ["turns", "again", "no_wait"], ["waited"], body=body),
    ]
    return nodes, constants | {"again": np.array(True)}


def in_one(source: str, n_rows: int = WIDE, *, at_rest: bool = False) -> Nodes:
    """Slow in one operation, in the middle of which nothing can be ended. at_rest: where the source is zeros, too."""
    nodes, constants = _how_much(source, n_rows, at_rest=at_rest)
    nodes += [
        helper.make_node("Add", ["much", "one_row"], ["rows"]),
        helper.make_node("Concat", ["rows", "rows"], ["square"], axis=0),
        helper.make_node("Expand", ["no_wait", "square"], ["matrix"]),
        helper.make_node("MatMul", ["matrix", "matrix"], ["product"]),
        helper.make_node("ReduceMax", ["product"], ["most"], keepdims=0),
        helper.make_node("Reshape", ["most", "one_row"], ["waited"]),
    ]
    return nodes, constants | {"one_row": np.array([1], np.int64)}


def after_steps(n_steps: int, slow: Nodes) -> Nodes:
    """Slow in a predictor that has heard more steps than that in a row. slow: of the source `late`."""
    nodes = [
        helper.make_node("Sub", ["state", "many"], ["more_steps"]),
        helper.make_node("Relu", ["more_steps"], ["late"]),
    ]
    return [*nodes, *slow[0]], {"many": np.array([n_steps], np.float32)} | slow[1]


def _how_much(source: str, most: int, *, at_rest: bool) -> Nodes:
    """`much`, int64 [1]: so much, or 0 where all numbers of the source are."""
    nodes = [
        helper.make_node("Cos" if at_rest else "Identity", [source], ["heard"]),
        helper.make_node("ReduceL1", ["heard"], ["size"], keepdims=0),
        helper.make_node("Sign", ["size"], ["some"]),
        helper.make_node("Mul", ["some", "most_of_it"], ["amount"]),
        helper.make_node("Cast", ["amount"], ["much"], to=TensorProto.INT64),
    ]
    return nodes, {"most_of_it": np.array([most], np.float32), "no_wait": np.zeros(1, np.float32)}
