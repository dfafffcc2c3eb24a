"""Loop over samples: in a graph one ONNX Scan, in torch a loop of Python's."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch._higher_order_ops.scan import scan

One = Callable[[list[Tensor], tuple[Tensor, ...]], tuple[list[Tensor], Tensor]]
"""One round: what is carried, and the part of each tensor that is its own -> what is carried on, and its output."""


def repeated(one: One, carried: list[Tensor], given: tuple[Tensor, ...]) -> tuple[list[Tensor], Tensor]:
    """Rounds over the first axis of what is given, (n, ...) each: what is left, and all outputs (n, ...)."""
    if torch.compiler.is_exporting():
        # A part of a vector keeps its strides, where scan wants those of a tensor of its own, and of a fixed size.
        begun = [value.clone(memory_format=torch.contiguous_format) for value in carried]
        with torch._dynamo.config.patch(automatic_dynamic_shapes=False):
            left, outputs = scan(one, begun, given)
        return list(left), outputs
    rounds = []
    for parts in zip(*given, strict=True):
        carried, output = one(carried, parts)
        rounds.append(output)
    return carried, torch.stack(rounds)
