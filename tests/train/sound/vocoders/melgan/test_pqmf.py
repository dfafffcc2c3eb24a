"""The filter bank: bands are bands, and give back the sound."""

import numpy as np
import torch

from liveseq.train.sound.vocoders.melgan.pqmf import Pqmf


def test_the_bank_gives_back_what_it_took_apart():
    bank = Pqmf()
    y = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 8000)).astype(np.float32))
    bands = bank.analysis(y)
    assert bands.shape == (2, 4, 2000)
    back = bank.synthesis(bands)
    wanted, error = y[:, : -bank.delay], back[:, bank.delay :] - y[:, : -bank.delay]
    assert 10 * torch.log10(wanted.square().mean() / error.square().mean()) > 60.0


def test_bands_are_bands():
    """A tone of 2.5 kHz at 16 kHz lies in the second of four, and 60 dB below it elsewhere but next door."""
    y = torch.sin(2 * np.pi * 2500 / 16_000 * torch.arange(16_000))[None]
    power = Pqmf().analysis(y)[0, :, 100:].square().mean(dim=1)
    level = 10 * torch.log10(power / power.max())
    assert level.argmax() == 1
    assert level[3] < -60
