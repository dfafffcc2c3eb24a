"""LSTM with its memory in one vector: in steps as in one piece, as a cell as in layers."""

import torch
from torch import nn

from liveseq.train.sound.recurrent.lstm import Lstm, stacked, through


@torch.no_grad()
def test_it_is_the_lstm_of_torch_in_one_piece_and_in_steps():
    lstm = Lstm(3, 5, n_layers=2)
    x = torch.randn(2, 7, 3)
    expected, (hidden, cell) = nn.LSTM.forward(lstm, x)
    whole, memory = lstm(x)
    torch.testing.assert_close(whole, expected)
    assert memory.shape == (2, lstm.size)
    torch.testing.assert_close(memory, torch.cat((*hidden, *cell), dim=1))
    first, kept = lstm(x[:, :4])
    second, kept = lstm(x[:, 4:], kept)
    torch.testing.assert_close(torch.cat((first, second), dim=1), expected)
    torch.testing.assert_close(kept, memory)


@torch.no_grad()
def test_cells_one_upon_the_other_are_the_layers():
    layers = [Lstm(1, 6), Lstm(6, 4)]
    x = torch.randn(1, 5, 1)
    expected, after = through(layers, x)
    cell, memory = stacked(layers), torch.zeros(1, 20)
    for number in range(5):
        hidden, memory = cell(x[:, number], memory)
        torch.testing.assert_close(hidden, expected[:, number])
    torch.testing.assert_close(memory, after)
