"""Networks of notes: steps are the whole, a window is a window, and a flow goes straight."""

import torch

from liveseq.train.sound.notes.networks import FlowHead, Transformer


def _transformer(n_layers=2):
    torch.manual_seed(0)
    net = Transformer(16, n_layers=n_layers, heads=2, window=5, dropout=0.0).eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return net


@torch.no_grad()
def _in_steps(net, x, past):
    steps = []
    for number in range(x.shape[1]):
        y, past = net.step(x[:, number], past, torch.tensor([float(min(number, net.n_before))]))
        steps.append(y)
    return torch.stack(steps, dim=1)


def test_steps_are_the_whole_from_the_first_one_on_and_beyond_the_window():
    net, x = _transformer(), torch.randn(3, 17, 16)
    whole = net(x)
    torch.testing.assert_close(_in_steps(net, x, [torch.zeros(2, 3, 4, 16)] * 2), whole, atol=1e-5, rtol=0)
    # a past of nothing counts for nothing, whatever stands in it
    torch.testing.assert_close(_in_steps(net, x, [torch.randn(2, 3, 4, 16)] * 2), whole, atol=1e-5, rtol=0)


def test_a_position_hears_its_window_and_no_more():
    net, x = _transformer(n_layers=1), torch.randn(1, 12, 16)
    other = x.clone()
    other[:, 4] = torch.randn(16)
    changed = (net(x) - net(other)).abs().amax(dim=(0, 2)) > 1e-6
    assert changed.tolist() == [False] * 4 + [True] * 5 + [False] * 3


def test_what_is_near_sounds_otherwise_than_what_is_far():
    net = _transformer(n_layers=1)
    a, b = torch.randn(2, 16)
    last = torch.randn(16)
    assert not torch.allclose(net(torch.stack((a, b, last))[None])[0, -1], net(torch.stack((b, a, last))[None])[0, -1])


def test_a_head_begins_with_no_direction_and_learns_context_and_time():
    torch.manual_seed(0)
    head = FlowHead(6, n_context=4, width=32, n_blocks=2)
    assert not head(torch.randn(5, 6), head.context(torch.randn(5, 4)) + head.times(torch.rand(5))).any()
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-2)
    for _ in range(150):
        context, time = torch.randn(64, 4), torch.rand(64)
        wanted = torch.cat((context, time[:, None], torch.ones(64, 1)), dim=1)
        loss = (head(torch.randn(64, 6), head.context(context) + head.times(time)) - wanted).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.1  # 0.9 at the start
