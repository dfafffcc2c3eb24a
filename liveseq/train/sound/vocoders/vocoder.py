"""Mel frames to sound: what every vocoder is to those who use it."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from liveseq.dsp import mel
from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import TrainingError
from liveseq.train.sound.saved import load_recipe
from liveseq.train.sound.streaming import Tape


class Vocoder(nn.Module):
    """Mel frames to sound, whole or in steps."""

    def __init__(self, front_end: MelFrontEnd, *, latency: int) -> None:
        """latency: samples by which the sound comes later than in the recording that the frames are of."""
        super().__init__()
        self.front_end = front_end
        self.n_mels = front_end.n_mels
        self.hop_length = front_end.hop_length
        self.sample_rate = front_end.sample_rate
        self.latency = latency

    def forward(self, mel: Tensor, tape: Tape | None = None) -> Tensor:
        """(B, n_mels, T), log10 as the front end tells it -> (B, T * hop_length). Without a tape: from silence."""
        raise NotImplementedError

    @torch.no_grad()
    def render(self, frames: np.ndarray) -> np.ndarray:
        """A whole recording from its frames float32 (T, n_mels), in time with it: float32 (T * hop_length,)."""
        n_late = -(-self.latency // self.hop_length)
        silent = np.full((n_late, self.n_mels), np.log10(mel.FLOOR), dtype=np.float32)
        given = torch.from_numpy(np.concatenate((frames, silent)).T[None])
        made = self(given.to(next(self.parameters()).device))[0, self.latency :][: len(frames) * self.hop_length]
        return np.asarray(made.cpu().numpy())


def load_vocoder(folder: Path) -> Vocoder:
    """A trained one, of any family that is one, ready to be heard. Raises TrainingError where the folder has none."""
    recipe, about = load_recipe(folder)
    for network in recipe.networks().values():
        if isinstance(network, Vocoder):
            return network
    raise TrainingError(f"{folder}: expected a vocoder, found a {about['family']}; give the folder of a vocoder")
