"""Places and windows: lines between anchors, and pieces that are one line again."""

import torch

from liveseq.train.sound.musika.coordinates import Windows, hats, joined, rising


def test_coordinates_are_lines_between_anchors():
    anchors = torch.tensor([[0.0], [1.0], [-1.0], [3.0]])
    places = hats(torch.tensor([-12.0, -6.0, 0.0, 3.0, 12.0, 18.0, 24.0]), distance=12) @ anchors
    torch.testing.assert_close(places[:, 0], torch.tensor([0.0, 0.5, 1.0, 0.5, -1.0, 1.0, 3.0]))


def test_windows_that_are_cut_out_of_one_line_are_that_line_again_when_they_are_joined():
    line = torch.arange(100.0)
    for overlap in (0, 4):
        windows = Windows(length=16, overlap=overlap, per_anchor=3)
        first, second = (line[None, None, at : at + 16] for at in (0, windows.stride))
        whole = joined(first, second, overlap)
        half = overlap // 2
        torch.testing.assert_close(whole[0, 0], line[half : half + 2 * windows.stride])


def test_rising_weights_of_two_windows_add_up_to_one():
    weights = rising(torch.arange(-2.0, 20.0), 4)
    assert weights.min() == 0.0
    assert weights.max() == 1.0
    torch.testing.assert_close(weights[2:6], torch.tensor([0.125, 0.375, 0.625, 0.875]))
