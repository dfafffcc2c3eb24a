"""A pseudo-QMF bank: a signal as four of a quarter of its rate, and back (Nguyen 1994; Yang et al. 2020 for vocoders).

Cosine-modulated from one Kaiser prototype of 63 taps, whose cutoff was searched for the best reconstruction: 64 dB.
"""

import numpy as np
import torch
from scipy.signal import firwin
from torch import Tensor, nn
from torch.nn import functional

from liveseq.train.sound.streaming import Tape, extend

N_TAPS = 62
"""Order of the filters, and the samples by which a signal is late after analysis and synthesis."""
_CUTOFF, _BETA = 0.14200622, 9.0  # for four bands; found by minimising the error of white noise


class Pqmf(nn.Module):
    """Four bands, low to high; both ways are causal."""

    n_bands = 4
    delay = N_TAPS
    analysis_filters: Tensor
    synthesis_filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        n, band = np.arange(N_TAPS + 1), np.arange(self.n_bands)[:, np.newaxis]
        prototype = 2.0 * firwin(N_TAPS + 1, _CUTOFF, window=("kaiser", _BETA))
        angle = (2 * band + 1) * np.pi / (2 * self.n_bands) * (n - N_TAPS / 2)
        turn = (-1.0) ** band * np.pi / 4
        for name, filters in (
            ("analysis_filters", prototype * np.cos(angle + turn)),
            ("synthesis_filters", self.n_bands * prototype * np.cos(angle - turn)),
        ):
            # (n_bands, 1, taps)
            self.register_buffer(name, torch.from_numpy(filters[:, np.newaxis].astype(np.float32)), persistent=False)

    def analysis(self, y: Tensor) -> Tensor:
        """Audio (B, n_samples) -> its bands (B, n_bands, n_samples / n_bands)."""
        padded = functional.pad(y.unsqueeze(1), (N_TAPS, 0))
        return functional.conv1d(padded, self.analysis_filters.flip(-1), stride=self.n_bands)

    def synthesis(self, bands: Tensor, tape: Tape | None = None) -> Tensor:
        """Bands (B, n_bands, T) -> audio (B, T * n_bands)."""
        n_past = -(-N_TAPS // self.n_bands)
        whole = functional.conv_transpose1d(extend(bands, n_past, tape), self.synthesis_filters, stride=self.n_bands)
        start = n_past * self.n_bands
        return whole[:, 0, start : start + bands.shape[-1] * self.n_bands]
