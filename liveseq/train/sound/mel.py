"""The front end in torch, for losses only: data are told by `liveseq.dsp.mel`, which this equals to four digits."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from liveseq.dsp.mel import FLOOR, MelFrontEnd
from liveseq.dsp.spectral import mel_filterbank


class LogMel(nn.Module):
    """float32 (B, n_samples) to (B, n_mels, n_frames): gradients go through it."""

    def __init__(self, front_end: MelFrontEnd) -> None:
        super().__init__()
        self.front_end = front_end
        filters = mel_filterbank(
            sample_rate=front_end.sample_rate,
            n_fft=front_end.n_fft,
            n_mels=front_end.n_mels,
            f_min=front_end.f_min,
            f_max=front_end.f_max,
        )
        self.register_buffer("filters", torch.from_numpy(np.array(filters)), persistent=False)
        self.register_buffer("window", torch.hann_window(front_end.n_fft), persistent=False)

    def forward(self, y: Tensor) -> Tensor:
        front_end = self.front_end
        n_around = front_end.n_fft - front_end.hop_length
        if front_end.padding == "causal":
            padded = functional.pad(y, (n_around, 0))
        else:
            padded = functional.pad(y.unsqueeze(1), (n_around // 2, n_around - n_around // 2), mode="reflect")[:, 0]
        frames = padded.unfold(-1, front_end.n_fft, front_end.hop_length)  # (B, T, n_fft)
        spectrum = torch.fft.rfft(frames * self.window)
        # The root of 0 has no gradient; 1e-7 squared is far below FLOOR.
        magnitude = torch.sqrt(spectrum.real.square() + spectrum.imag.square() + 1e-14)
        return torch.log10((magnitude @ self.filters.T).clamp_min(FLOOR)).transpose(1, 2)
