"""Runs an exported graph step by step, as a server does: inputs of each step, and states that go round."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from liveseq.errors import ModelError
from liveseq.runtime.manifest import Manifest
from liveseq.runtime.session import Session

Arrays = list[np.ndarray]
"""Inputs, outputs or states of one step, in the manifest's order and of its shapes."""


def first_states(manifest: Manifest) -> Arrays:
    """States of a new stream, of the manifest's shapes (...)."""
    rng = np.random.default_rng(0)
    return [
        rng.standard_normal(s.shape).astype(s.dtype) if s.start == "normal" else np.zeros(s.shape, dtype=s.dtype)
        for s in manifest.states
    ]


def run_step(manifest: Manifest, session: Session, inputs: Arrays, states: Arrays) -> tuple[Arrays, Arrays]:
    """Outputs of one step, and the states after it, of the manifest's shapes (...)."""
    feed = named(manifest, inputs, states)
    outputs = [t.name for t in manifest.outputs]
    found = session.run(feed, [*outputs, *(s.output for s in manifest.states)])
    return list(found[: len(outputs)]), list(found[len(outputs) :])


def named(manifest: Manifest, inputs: Arrays, states: Arrays) -> dict[str, np.ndarray]:
    """Inputs and states by name, of the manifest's shapes (...), for a session."""
    feed = {t.name: value for t, value in zip(manifest.inputs, inputs, strict=True)}
    return feed | {s.input: value for s, value in zip(manifest.states, states, strict=True)}


def resumes(manifest: Manifest, first: Session, second: Session, inputs: Sequence[Arrays]) -> bool:
    """Whether states that are saved in one session go on in the other bit for bit, as they do in the first.

    inputs: of each step; the states are saved half way.
    """
    states, half = first_states(manifest), len(inputs) // 2
    for arrays in inputs[:half]:
        _, states = run_step(manifest, first, arrays, states)
    restored = [np.frombuffer(s.tobytes(), dtype=s.dtype).reshape(s.shape) for s in states]
    for arrays in inputs[half:]:
        one, states = run_step(manifest, first, arrays, states)
        two, restored = run_step(manifest, second, arrays, restored)
        if any(a.tobytes() != b.tobytes() for a, b in zip((*one, *states), (*two, *restored), strict=True)):
            return False
    return True


def check_resumes(folder: Path, manifest: Manifest, first: Session, second: Session, inputs: Sequence[Arrays]) -> None:
    """Raises ModelError, in the name of the folder, where a saved state does not go on in another session."""
    if not resumes(manifest, first, second, inputs):
        raise ModelError(f"{folder}: a restored state does not go on bit for bit; the graph holds a hidden state")


@torch.no_grad()
def side_by_side(
    step: nn.Module, manifest: Manifest, session: Session, inputs: Iterable[Arrays], *, stretch: int | None = None
) -> Iterator[tuple[Arrays, Arrays]]:
    """Outputs of torch and of onnxruntime on the same inputs, step by step; each carries its own states.

    step: takes inputs and states and gives outputs and states, in the manifest's order. stretch: steps after which
    torch goes on from the graph's states; None: never.
    """
    states, n = first_states(manifest), len(manifest.outputs)
    own = [torch.from_numpy(state) for state in states]
    for number, arrays in enumerate(inputs):
        if stretch is not None and number % stretch == 0:
            own = [torch.from_numpy(state) for state in states]
        tensors = step(*(torch.from_numpy(array) for array in arrays), *own)
        own = tensors[n:]
        found, states = run_step(manifest, session, arrays, states)
        yield [tensor.numpy() for tensor in tensors[:n]], found
