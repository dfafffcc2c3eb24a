"""Networks that run in steps: all memory of the past is on one tape, so that the same code plays whole and in steps.

A causal layer recalls its past frames from the tape and keeps there the ones that it needs next time. For training
there is no tape: the past is zeros, as at the start of a stream. For live use the tape is one flat tensor that goes in
and comes out of the graph, so that onnxruntime has one state to bind and not one for each layer.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Tape:
    """Memory of the layers from one step to the next, in the order in which they ask."""

    def __init__(self, memory: Tensor | None = None) -> None:
        """memory: float32 (n,), as the tape before has left it; None: zeros, to measure how much there is."""
        self._memory = memory
        self._place = 0
        self._left: list[Tensor] = []

    def recall(self, shape: Sequence[int], like: Tensor) -> Tensor:
        """The next part of the memory, in this shape; follow it by `keep`. like: a tensor of its kind and device."""
        n = math.prod(shape)
        if self._memory is None:
            return like.new_zeros(tuple(shape))
        part = self._memory[self._place : self._place + n].reshape(tuple(shape))
        self._place += n
        return part

    def keep(self, value: Tensor) -> None:
        """Leave a value, of the shape (...) that was recalled, for the next step."""
        self._left.append(value.reshape(-1))

    def pass_on(self) -> None:
        """Leave the rest of the memory as it is."""
        if self._memory is not None:
            self._left.append(self._memory[self._place :])

    def left(self) -> Tensor:
        """Memory for the next step, float32 (n,)."""
        return torch.cat(self._left) if self._left else torch.zeros(0)


def extend(x: Tensor, n: int, tape: Tape | None) -> Tensor:
    """Put the n frames before x in front of it: (B, C, T) -> (B, C, n + T). Without a tape: zeros."""
    if n == 0:
        return x
    if tape is None:
        return functional.pad(x, (n, 0))
    whole = torch.cat((tape.recall((*x.shape[:2], n), x), x), dim=-1)
    tape.keep(whole[..., -n:])
    return whole


class CausalConv1d(nn.Conv1d):
    """Convolution over its own frame and those before it. T must be a multiple of the stride."""

    def __init__(
        self, inputs: int, outputs: int, width: int, *, dilation: int = 1, groups: int = 1, stride: int = 1
    ) -> None:
        super().__init__(inputs, outputs, width, dilation=dilation, groups=groups, stride=stride)
        self.n_past = (width - 1) * dilation - (stride - 1)
        """Frames of the past that the first output needs."""

    def forward(self, x: Tensor, tape: Tape | None = None) -> Tensor:  # type: ignore[override]
        """(B, inputs, T) -> (B, outputs, T / stride)."""
        return super().forward(extend(x, self.n_past, tape))


class CausalGru(nn.GRU):
    """GRU in one direction, channels first: (B, C, T) -> (B, width, T)."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__(inputs, width, batch_first=True)

    def forward(self, x: Tensor, tape: Tape | None = None) -> Tensor:  # type: ignore[override]
        """(B, C, T) -> (B, width, T)."""
        if tape is None:
            return super().forward(x.transpose(1, 2))[0].transpose(1, 2)
        y, after = super().forward(x.transpose(1, 2), tape.recall((1, len(x), self.hidden_size), x))
        tape.keep(after)
        return y.transpose(1, 2)


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each frame, independent of other frames, so it streams."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) -> the same."""
        return self.norm(x.transpose(1, 2)).transpose(1, 2)


def overlap_add(frames: Tensor, hop_length: int, tape: Tape | None) -> Tensor:
    """(B, T, n_fft) -> (B, T * hop_length): each frame ends where the samples of its hop end.

    n_fft is a multiple of hop_length. The first n_fft - hop_length samples of a stream lie before its start.
    """
    batch, n_frames, n_fft = frames.shape
    n_parts = n_fft // hop_length
    parts = frames.reshape(batch, n_frames, n_parts, hop_length)
    before = (
        frames.new_zeros((batch, n_parts - 1, hop_length))
        if tape is None
        else tape.recall((batch, n_parts - 1, hop_length), frames)
    )
    whole = functional.pad(before, (0, 0, 0, n_frames))  # (B, n_parts - 1 + T, hop)
    for number in range(n_parts):
        whole = whole + functional.pad(parts[:, :, number], (0, 0, number, n_parts - 1 - number))
    if tape is not None:
        tape.keep(whole[:, n_frames:])
    return whole[:, :n_frames].reshape(batch, -1)


class StepGraph(nn.Module):
    """The part of a generator or vocoder that is exported: one step, no batch, all of its memory explicit.

    A subclass gives shapes and `step`. States are `memory` (the tape, zeros at the start) and, where a stream has
    random numbers of its own, `birth` (normal at the start, from the seed; it may change from step to step too).
    """

    sample_rate: int
    samples_per_step: int
    channels: int
    look_ahead: int = 0
    """Samples by which sound comes later than its input."""

    def about(self) -> dict[str, Any]:
        """Settings for the manifest beside the config's: a vocoder's front_end."""
        return {}

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of step's arguments by name, in their order.

        z: new standard normal numbers at each step; tag: its vector; tempo: (1,), beats per minute, 0: the stream's
        own; mel: log10 (n_frames, n_mels).
        """
        raise NotImplementedError

    def birth_size(self) -> int:
        """Count of the numbers that are drawn once, when a stream begins."""
        return 0

    def step(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """One step: audio (channels, samples_per_step), and the birth (birth_size,) for the next one."""
        raise NotImplementedError

    def whole(self, birth: Tensor, *inputs: Tensor) -> Tensor | None:
        """Sound of many steps in one piece, (channels, n_steps * samples_per_step); None: not comparable.

        inputs: as of `step`, with the steps in front of their shape. Steps from the start of a stream must equal it.
        """
        return None

    def heard_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of hear's arguments by name, in their order; none: it listens to no recording.

        mel: its frames in a step, as of `heard_front_end` (n_frames, n_mels); audio: its samples in a step, behind
        some that were before (n_before + samples_per_step,); tag and tempo as of `step`.
        """
        return {}

    def heard_front_end(self) -> dict[str, Any]:
        """Parameters of the front end of mel in `heard_shapes`."""
        return {}

    def hear(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> None:
        """Put a step of a recording into the memory, as if the stream had played it; what is behind it is passed on."""
        raise NotImplementedError

    def output_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the outputs without the states, in their order."""
        return {"audio": (self.channels, self.samples_per_step)}

    @torch.no_grad()
    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the states, in their order."""
        tape = Tape()
        self.step(tape, torch.zeros(self.birth_size()), *(torch.zeros(s) for s in self.input_shapes().values()))
        births = {"birth": (self.birth_size(),)} if self.birth_size() else {}
        return {"memory": tuple(tape.left().shape)} | births

    def state_starts(self) -> dict[str, str]:
        """Start of each state by its name: zeros or normal."""
        return {"memory": "zeros", "birth": "normal"}

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Audio (channels, n_samples) and states after, for inputs and states in the order of their shapes."""
        n = len(self.input_shapes())
        memory, birth = tensors[n], tensors[n + 1] if len(tensors) > n + 1 else tensors[n].new_zeros(0)
        tape = Tape(memory)
        audio, birth = self.step(tape, birth, *tensors[:n])
        return (audio, tape.left(), birth) if len(tensors) > n + 1 else (audio, tape.left())


class HearGraph(nn.Module):
    """The part of a generator that listens to a recording: the memory after a step of it."""

    def __init__(self, graph: StepGraph) -> None:
        super().__init__()
        self.stream = graph

    def forward(self, *tensors: Tensor) -> Tensor:
        """Memory after, for inputs and states in the order of their shapes."""
        n = len(self.stream.heard_shapes())
        tape = Tape(tensors[n])
        self.stream.hear(tape, tensors[n + 1] if len(tensors) > n + 1 else tensors[n].new_zeros(0), *tensors[:n])
        tape.pass_on()
        return tape.left()
