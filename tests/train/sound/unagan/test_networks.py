"""The decoder: in steps as in one piece, and a draft where it has learned nothing."""

import torch
from torch import nn

from liveseq.train.sound.streaming import Tape
from liveseq.train.sound.unagan.networks import Decoder


def test_decoder_in_steps_is_the_whole():
    torch.manual_seed(0)
    net = Decoder(6, n_conditions=4, widths=(16, 16, 8, 8, 8), n_recurrent=3, n_mels=12)
    for head in net.heads:
        nn.init.normal_(head.weight)
    latent, draft, condition = torch.randn(1, 6, 7), torch.randn(1, 12, 112), torch.randn(1, 4, 7)
    with torch.no_grad():
        whole = net(latent, draft, condition)
        memory, pieces = None, []
        for i in range(7):
            tape = Tape(memory)
            frames = draft[..., 16 * i : 16 * (i + 1)]
            pieces.append(net(latent[..., i : i + 1], frames, condition[..., i : i + 1], tape))
            memory = tape.left()
    torch.testing.assert_close(torch.cat(pieces, dim=-1), whole, atol=1e-4, rtol=0)


def test_an_untrained_decoder_gives_the_draft_but_for_an_offset():
    net = Decoder(6, n_conditions=4, widths=(16, 16, 8, 8, 8), n_recurrent=1, n_mels=12)
    draft = torch.randn(2, 12, 48)
    added = net(torch.randn(2, 6, 3), draft, torch.randn(2, 4, 3)) - draft
    assert added.std(dim=-1).max() < 0.5 * draft.std()
