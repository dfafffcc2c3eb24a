"""Multi-band MelGAN: steps equal the whole, levels are read off the frames, and it is exported."""

import numpy as np
import pytest
import torch

from liveseq.errors import ModelError
from liveseq.runtime.vocoder import OnnxVocoder
from liveseq.train.sound.export import difference_from_whole, export_graph
from liveseq.train.sound.saved import load_vocoder
from liveseq.train.sound.vocoders.graph import VocoderGraph
from liveseq.train.sound.vocoders.melgan.multiband import MultiBand, MultiBandConfig
from liveseq.train.sound.vocoders.melgan.networks import plain
from liveseq.train.sound.vocoders.melgan.recipe import build, step_graph
from tests.train.sound.vocoders.melgan.tiny_melgan import BANDS, MULTIBAND

ABOUT = {"family": "melgan", "training": {"data": "none", "licence": "MIT", "command": "none"}}


def test_multi_band_steps_equal_the_whole_and_a_bad_product_is_named():
    torch.manual_seed(0)
    step = VocoderGraph(plain(MultiBand(BANDS, MultiBandConfig(width=16, ratios=(4, 4, 2), latency=512))))
    step.n_frames = 3
    difference = difference_from_whole(step.eval(), n_steps=6)
    assert difference is not None
    assert difference < 1e-5
    with pytest.raises(ModelError, match=r"expected a product of 32 \(hop_length / 4\), found 64"):
        MultiBand(BANDS, MultiBandConfig(width=16, ratios=(4, 4, 4)))


def test_the_frames_tell_how_loud_each_band_is():
    """White noise: the level that is told is the level of its bands, and one latency before it is told of nothing."""
    torch.manual_seed(0)
    net = MultiBand(BANDS, MultiBandConfig(width=16, ratios=(4, 4, 2), latency=512))
    y = np.zeros(32_000, dtype=np.float32)
    y[16_000:] = 0.1 * np.random.default_rng(0).standard_normal(16_000)
    with torch.no_grad():
        level = net._level(torch.from_numpy(BANDS.log_mel(y)).T[None], None)[0]
        wanted = net.bank.analysis(torch.from_numpy(y)[None])[0, :, -2000:].square().mean(dim=1).sqrt()
    np.testing.assert_allclose(
        level[:, -2000:].mean(dim=1), wanted, rtol=0.25
    )  # the mean of a noise's bins is 0.89 rms
    begins = int((level[1] > 0.5 * level[1, -1]).nonzero()[0]) * 4 - net.latency
    assert abs(begins - 16_000) < BANDS.hop_length
    with pytest.raises(ModelError, match=r"latency: expected n_fft / 2 and some hops \(256, 384 ...\), found 500"):
        MultiBand(BANDS, MultiBandConfig(width=16, ratios=(4, 4, 2), latency=500))


def test_multi_band_is_exported(tmp_path):
    torch.manual_seed(0)
    recipe = build({"model": MULTIBAND})
    report = export_graph(step_graph(recipe, load_vocoder), tmp_path, ABOUT)
    assert report.failures == []
    assert OnnxVocoder(tmp_path).look_ahead == 512
