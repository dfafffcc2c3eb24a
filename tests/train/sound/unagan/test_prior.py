"""The prior: back to the noise it came from, and in steps as in one piece."""

import math

import torch
from torch import nn

from liveseq.train.sound.beats import CLOCK_SIZE
from liveseq.train.sound.streaming import Tape
from liveseq.train.sound.unagan.prior import Prior


def test_prior_goes_back_to_the_noise_it_came_from():
    torch.manual_seed(0)
    net = Prior(z_size=6, n_conditions=4, width=16, n_couplings=4, birth_size=3, dropout=0.0)
    for coupling in net.couplings:
        nn.init.normal_(coupling.leave.weight, std=0.3)
    context, noise = torch.randn(5, 16), torch.randn(5, 6)
    latent = net.draw(noise, context)
    mean, log_scale = net._affine(context)
    back = (latent - mean) / log_scale.exp()
    volume = -log_scale.sum(-1)
    for coupling in net.couplings:
        back, shrunk = coupling.to_noise(back, context)
        volume = volume + shrunk
    torch.testing.assert_close(back, noise, atol=1e-4, rtol=0)
    expected = (0.5 * (noise.square() + math.log(2 * math.pi)).sum(-1) - volume).mean() / 6
    torch.testing.assert_close(net.nll(latent[None], context[None]), expected, atol=1e-4, rtol=0)


def test_prior_in_steps_knows_what_the_whole_knows():
    torch.manual_seed(0)
    net = Prior(z_size=6, n_conditions=4, width=16, n_couplings=2, birth_size=3, dropout=0.0).eval()
    known, birth, noise = torch.randn(2, 5, CLOCK_SIZE + 4), torch.randn(2, 3), torch.randn(2, 5, 6)
    with torch.no_grad():
        memory, latents, ones = None, [], torch.full((2, 6), 9.0)
        for i in range(5):
            tape = Tape(memory)
            begun = torch.tensor(float(i > 0))
            latents.append(net.step(noise[:, i], known[:, i], birth, begun=begun, within=(-ones, ones), tape=tape))
            memory = tape.left()
        latent = torch.stack(latents, dim=1)
        before = torch.nn.functional.pad(latent[:, :-1], (0, 0, 1, 0))
        again = net.draw(noise, net.contexts(before, known, birth))
    torch.testing.assert_close(again, latent, atol=1e-5, rtol=0)
