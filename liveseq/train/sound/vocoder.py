"""Mel frames to sound: what every vocoder is to those who use it, and the default one as a family to train."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from liveseq.dsp import mel
from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import TrainingError
from liveseq.train.sound.library import Library
from liveseq.train.sound.recipe import Recipe
from liveseq.train.sound.saved import load_recipe
from liveseq.train.sound.streaming import StepGraph, Tape

_FRONT_END = mel.PRESETS["music48"].as_dict()
PRESETS: dict[str, dict[str, Any]] = {
    "small": {
        "sample_rate": 48_000,
        "model": {
            "front_end": _FRONT_END,
            "net": {
                "width": 192,
                "n_blocks": 6,
                "expansion": 3,
                "clock_bins": 384,
                "clock_width": 48,
                "look_ahead": 2,
            },
            "learning_rate": 8e-4,
            "judge": {"width": 12, "period_width": 6},
            "judge_from": 0.8,
        },
        "crops": {"n_samples": 24_576, "batch_size": 4, "balance": "tag"},
        "train": {"steps": 40_000, "minutes": 75.0, "save_every": 250, "ema": 0.998, "precision": "bf16-mixed"},
    },
    "full": {
        "sample_rate": 48_000,
        "needs_seconds": 600,
        "model": {
            "front_end": _FRONT_END,
            "net": {
                "width": 256,
                "n_blocks": 8,
                "expansion": 3,
                "clock_bins": 384,
                "clock_width": 96,
                "look_ahead": 2,
            },
            "learning_rate": 5e-4,
            "judge": {"width": 32, "period_width": 8},
            "judge_from": 0.1,
        },
        "crops": {"n_samples": 24_576, "batch_size": 32, "balance": "seconds"},
        "train": {"steps": 300_000, "save_every": 2000, "ema": 0.9995, "precision": "bf16-mixed"},
    },
}


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


def build(about: dict[str, Any], library: Library | None) -> Recipe:
    """Untrained; it knows how loud each band of the recordings is."""
    from liveseq.train.sound.vocos_training import VocosRecipe

    recipe = VocosRecipe(about["model"])
    if library is not None:
        end = recipe.vocoder.front_end
        frames = [end.log_mel(r.audio.mean(axis=1)) for r in library.train if len(r.audio) >= end.hop_length]
        recipe.vocoder.set_levels(np.concatenate(frames))
    return recipe


def step_graph(recipe: Recipe) -> StepGraph:
    """What is exported: the vocoder alone."""
    from liveseq.train.sound.vocoder_graph import VocoderStep

    return VocoderStep(next(n for n in recipe.networks().values() if isinstance(n, Vocoder)))
