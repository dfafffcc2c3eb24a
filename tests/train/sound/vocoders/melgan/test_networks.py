"""MelGAN as published: sizes, reach, and steps that equal the whole."""

import pytest
import torch

from liveseq.errors import TrainingError
from liveseq.train.sound.export import difference_from_whole
from liveseq.train.sound.families import FAMILIES
from liveseq.train.sound.vocoders.graph import VocoderGraph
from liveseq.train.sound.vocoders.melgan.discriminators import (
    MultiScaleDiscriminator,
)
from liveseq.train.sound.vocoders.melgan.family import PRESETS
from liveseq.train.sound.vocoders.melgan.networks import MelGan, MelGanConfig, Windowed, plain, reach
from liveseq.train.sound.vocoders.melgan.recipe import network
from tests.train.sound.vocoders.melgan.tiny_melgan import MEL, TINY, n_parameters


def test_sizes_are_the_published_ones():
    assert n_parameters(plain(MelGan(MelGanConfig()))) == 4_260_257
    assert n_parameters(plain(MelGan(MelGanConfig(recurrent=True)))) - 4_260_257 == 3_151_872
    assert n_parameters(MultiScaleDiscriminator()) == pytest.approx(16.92e6, rel=1e-3)


def test_a_frame_more_than_its_reach_is_not_heard_and_one_less_is():
    torch.manual_seed(0)
    net = MelGan(TINY).double()
    mel = torch.randn(1, 80, 32, dtype=torch.float64, requires_grad=True)
    heard = set()
    for sample in (0, 128, 255):
        (gradient,) = torch.autograd.grad(net(mel)[0, 16 * 256 + sample], mel)
        heard |= set((gradient.abs().sum(dim=(0, 1)).nonzero().flatten() - 16).tolist())
    assert reach(TINY) == max(-min(heard), max(heard)) == 6


@pytest.mark.parametrize("n", [1, 5, 32])
def test_steps_of_the_published_net_equal_the_whole(n):
    torch.manual_seed(0)
    step = VocoderGraph(Windowed(plain(MelGan(TINY)), MEL))
    step.n_frames = n
    assert step.look_ahead == 6 * 256
    difference = difference_from_whole(step.eval(), n_steps=-(-40 // n))
    assert difference is not None
    assert difference < 1e-5


@torch.no_grad()
def test_windows_say_what_the_network_says_late():
    torch.manual_seed(0)
    vocoder = Windowed(MelGan(TINY), MEL).eval()
    mel = torch.randn(1, 80, 40) - 2
    late, edge = vocoder.latency, 8 * 256
    torch.testing.assert_close(vocoder(mel)[:, late + edge :], vocoder.net(mel)[:, edge:-late], rtol=0, atol=1e-6)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_what_their_networks_take(preset):
    found = FAMILIES["melgan"].preset(preset)
    net = network(found["model"])
    assert net.sample_rate == found["sample_rate"]
    assert 8192 % net.hop_length == 0
    assert found["crops"]["n_samples"] % net.hop_length == 0


def test_an_unknown_net_is_refused():
    with pytest.raises(TrainingError, match="net: expected multiband or published, found 'other'"):
        network({"net": "other", "front_end": MEL.as_dict(), "sizes": {}})
