"""LSTM whose memory is one vector, so that it is kept, drawn and blended as one (Hochreiter and Schmidhuber 1997)."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

Cell = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""One step: input (1, n) and memory (1, size) -> output (1, width) and memory."""


class Lstm(nn.LSTM):
    """Layers of LSTM. A memory holds the outputs of all layers, then their cells."""

    def __init__(self, inputs: int, width: int, *, n_layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__(inputs, width, n_layers, batch_first=True, dropout=dropout)
        self.size = 2 * n_layers * width
        """Count of the memory's numbers."""

    def forward(self, x: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """x (B, T, inputs), memory (B, size), zeros without -> (B, T, width), and the memory after it."""
        before = x.new_zeros(len(x), self.size) if memory is None else memory
        parts = before.view(len(x), 2, self.num_layers, self.hidden_size).permute(1, 2, 0, 3).contiguous()
        y, (hidden, cell) = super().forward(x, (parts[0], parts[1]))
        return y, torch.stack((hidden, cell)).permute(2, 0, 1, 3).reshape(len(x), self.size)

    def cell(self) -> Cell:
        """The only layer as a function, for the loop of a graph. Weights are looked up once, outside of it."""
        n = self.hidden_size
        inputs, recurrent = self.weight_ih_l0.T, self.weight_hh_l0.T
        bias = self.bias_ih_l0 + self.bias_hh_l0

        def step(x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
            hidden, cell = memory[:, :n], memory[:, n:]
            gates = torch.addmm(torch.addmm(bias, x, inputs), hidden, recurrent)
            let_in, keep, new, let_out = gates.split(n, dim=1)
            cell = keep.sigmoid() * cell + let_in.sigmoid() * new.tanh()
            hidden = let_out.sigmoid() * cell.tanh()
            return hidden, torch.cat((hidden, cell), dim=1)

        return step


def stacked(layers: Sequence[Lstm]) -> Cell:
    """Layers of other widths, one upon the other, as one cell: their memories one behind the other."""
    cells, sizes = [layer.cell() for layer in layers], [layer.size for layer in layers]

    def step(x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        after = []
        for cell, part in zip(cells, memory.split(sizes, dim=1), strict=True):
            x, kept = cell(x, part)
            after.append(kept)
        return x, torch.cat(after, dim=1)

    return step


def through(layers: Sequence[Lstm], x: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The same over whole sequences: x (B, T, n), memory (B, size) -> (B, T, width), and the memory after it."""
    parts = [None] * len(layers) if memory is None else memory.split([layer.size for layer in layers], dim=1)
    after = []
    for layer, part in zip(layers, parts, strict=True):
        x, kept = layer(x, part)
        after.append(kept)
    return x, torch.cat(after, dim=1)
