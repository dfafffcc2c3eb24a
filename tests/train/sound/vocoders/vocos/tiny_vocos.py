"""The smallest Vocos: settings and sounds that its tests share."""

import math

import torch

from liveseq.dsp.mel import MelFrontEnd

SMALL = MelFrontEnd(sample_rate=16_000, n_fft=1024, hop_length=128, n_mels=40, f_max=8000.0)
NET = {
    "width": 16,
    "n_blocks": 2,
    "expansion": 2,
    "registers": [[1024, 2000.0], [512, 8000.0]],
    "clock_hz": 3000.0,
    "clock_width": 16,
    "look_ahead": 2,
}
MODEL = {
    "front_end": SMALL.as_dict(),
    "net": NET,
    "learning_rate": 5e-3,
    "judge": {"width": 4, "period_width": 1},
    "judge_from": 0.5,
}


def tones(*hertz, n_samples=16_384, sample_rate=16_000):
    time = torch.arange(n_samples) / sample_rate
    return torch.stack([0.3 * torch.sin(2 * math.pi * f * time) for f in hertz])
