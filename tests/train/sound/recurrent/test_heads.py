"""Heads: a mixture is drawn from and not averaged, and the energy score is least for the right spread."""

import torch
from torch import nn

from liveseq.train.sound.recurrent.blocks.head import MixtureHead
from liveseq.train.sound.recurrent.gan.networks import Critic, NoiseHead


@torch.no_grad()
def test_a_mixture_is_drawn_from_and_not_averaged():
    head = MixtureHead(2, n_context=4, n_components=2, temperature=1.0)
    nn.init.zeros_(head.leave.weight)
    head.leave.bias[:] = torch.tensor([0.0, 0.0, -1.0, -1.0, 1.0, 1.0, *[-3.0] * 4])
    noise = torch.randn(4000, head.n_noise, generator=torch.Generator().manual_seed(0))
    drawn = head.draw(noise, torch.zeros(4000, 4))
    assert float((drawn.abs() - 1.0).abs().mean()) < 0.1, "one of both, never between them"
    assert abs(float(drawn.sign().mean())) < 0.05
    assert float((drawn[:, 0].sign() * drawn[:, 1].sign()).mean()) > 0.95, "numbers of a latent belong together"
    at, between = head.nats(torch.tensor([[1.0, 1.0], [0.0, 0.0]]), torch.zeros(2, 4))
    assert float(at) + 1.0 < float(between)


def test_energy_is_least_where_draws_are_spread_as_what_comes_is():
    torch.manual_seed(0)
    latent, context = torch.randn(4000, 8), torch.zeros(4000, 1)

    class Wide(NoiseHead):
        def draw(self, noise, context):
            return self.width * noise

    scores = {}
    for width in (0.0, 0.5, 1.0, 2.0):
        head = Wide(8, n_context=1, n_noise=8, width=4)
        head.width = width
        scores[width] = float(head.energy(latent, context).mean())
    assert min(scores, key=scores.get) == 1.0, "not the average, which squared error would choose"


def test_the_critic_judges_by_the_past_alone():
    critic = Critic(8, tag_size=4, width=6, dropout=0.0)
    latent, tag, clock = torch.randn(2, 5, 8), torch.randn(2, 5, 4), torch.randn(2, 5, 7)
    verdicts = critic(latent, tag, clock)
    latent[:, 3:] += 1.0
    after = critic(latent, tag, clock)
    assert torch.equal(verdicts[:, :3], after[:, :3])
    assert not torch.equal(verdicts[:, 3:], after[:, 3:])
