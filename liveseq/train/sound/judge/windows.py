"""Seconds of sound as points: three spaces in which sets of seconds are compared.

`statistics`: descriptors and how they move, readable numbers. `RandomNet`: a convolutional net that nobody has trained,
which is not biased towards any sound (Naeem et al. 2020). The third is the inside of the `Classifier`.
"""

import numpy as np
import torch
from torch import Tensor, nn

from liveseq.dsp.descriptors import N_MFCC, base_descriptors, describe
from liveseq.dsp.mel import MelFrontEnd

WINDOW_SECONDS = 1.0
RANDOM_SEED = 20


def windows_of(audio: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Mono seconds of a take (n_samples, n_channels), one after the other: float32 (n_windows, n_window)."""
    n = int(WINDOW_SECONDS * sample_rate)
    mono = audio.mean(axis=1)
    return mono[: len(mono) // n * n].reshape(-1, n)


def statistics(windows: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Mean and spread of 17 descriptors, speed of the MFCCs, attack: float64 (n, 48) of seconds (n, n_window)."""
    return np.stack([_statistics(window, sample_rate=sample_rate) for window in windows])


def _statistics(window: np.ndarray, *, sample_rate: int) -> np.ndarray:
    found = base_descriptors(describe(window, sample_rate=sample_rate)).astype(np.float64)  # (n_frames, 17)
    moves = np.diff(found, axis=0)
    rises = np.maximum(moves[:, N_MFCC], 0.0).mean(keepdims=True)  # of loudness: attacks
    return np.concatenate([found.mean(axis=0), found.std(axis=0), np.abs(moves[:, :N_MFCC]).mean(axis=0), rises])


def log_mels(windows: np.ndarray, *, front_end: MelFrontEnd) -> np.ndarray:
    """Log-mels of windows (n_windows, n_window): float32 (n_windows, n_mels, n_frames)."""
    return np.stack([front_end.log_mel(window).T for window in windows])


class MelNet(nn.Module):
    """Log-mel seconds, standardised, to an embedding."""

    def __init__(self, n_mels: int, *, width: int = 32, size: int = 64) -> None:
        super().__init__()
        self.n_mels = n_mels
        self.layers = nn.Sequential(
            nn.Conv1d(n_mels, 2 * width, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv1d(2 * width, 2 * width, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv1d(2 * width, size, 5, stride=2, padding=2),
            nn.ReLU(),
        )
        self.register_buffer("mean", torch.zeros(n_mels, 1))
        self.register_buffer("deviation", torch.ones(n_mels, 1))

    def standardise(self, mels: np.ndarray) -> None:
        """Take mean and deviation from these log-mels, (n, n_mels, n_frames): the real ones."""
        self.mean.copy_(torch.from_numpy(mels.mean(axis=(0, 2))[:, None]))
        self.deviation.copy_(torch.from_numpy(mels.std(axis=(0, 2))[:, None] + 1e-3))

    def forward(self, mels: Tensor) -> Tensor:
        """Mean and largest over time of the layers' output, (B, 2 size), for log-mels (B, n_mels, T)."""
        x = self.layers((mels - self.mean) / self.deviation)
        return torch.cat((x.mean(dim=-1), x.amax(dim=-1)), dim=-1)

    @torch.no_grad()
    def embed(self, mels: np.ndarray) -> np.ndarray:
        """Points of log-mels (n, n_mels, n_frames), float32 (n, 2 size)."""
        self.eval()
        return self(torch.from_numpy(mels)).numpy()


def random_net(real: np.ndarray) -> MelNet:
    """Untrained net, always of the same weights. real: log-mels (n, n_mels, n_frames) to standardise by."""
    with torch.random.fork_rng():
        torch.manual_seed(RANDOM_SEED)
        net = MelNet(real.shape[1])
        for layer in net.layers:
            if isinstance(layer, nn.Conv1d):
                nn.init.orthogonal_(layer.weight, gain=2**0.5)
                nn.init.zeros_(layer.bias)
    net.standardise(real)
    return net
