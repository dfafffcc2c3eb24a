"""The smallest MelGANs: settings and sounds that their tests share."""

import numpy as np
import torch

from liveseq.dsp.mel import MelFrontEnd
from liveseq.train.sound.vocoders.melgan.networks import MelGanConfig

MEL = MelFrontEnd(sample_rate=16_000, n_fft=1024, hop_length=256, n_mels=80, f_max=8000.0, padding="reflect")
TINY = MelGanConfig(base=2)
BANDS = MelFrontEnd(sample_rate=16_000, n_fft=512, hop_length=128, n_mels=20, f_max=8000.0)
MULTIBAND = {
    "net": "multiband",
    "front_end": BANDS.as_dict(),
    "sizes": {"width": 16, "ratios": [4, 4, 2], "latency": 512},
    "judge": {"base": 4, "most": 16},
    "judge_from": 0.5,
    "learning_rate": 2e-3,
}


def n_parameters(net: torch.nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def tones(n: int, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    t = torch.arange(n) / 16_000
    one = 0.4 * torch.sin(2 * np.pi * torch.tensor([220.0, 330.0, 440.0, 550.0])[:batch, None] * t)
    return one[:, None].expand(-1, 2, -1).contiguous(), torch.zeros(batch, dtype=torch.long)
