"""The exported step of any vocoder: the mel frames of 8192 samples in, these samples out."""

from typing import Any

from torch import Tensor

from liveseq.train.sound.streaming import StepGraph, Tape
from liveseq.train.sound.vocoders.vocoder import Vocoder

SAMPLES_PER_STEP = 8192


class VocoderGraph(StepGraph):
    """Takes mel (n_frames, n_mels), log10, as `MelFrontEnd.log_mel` gives them."""

    channels = 1

    def __init__(self, vocoder: Vocoder, *, exact: bool = True) -> None:
        """exact: steps equal the whole; not where a recurrent layer hears a window of what it should hear all of."""
        super().__init__()
        self.vocoder = vocoder
        self.sample_rate = vocoder.sample_rate
        self.n_frames = SAMPLES_PER_STEP // vocoder.hop_length
        self.samples_per_step = self.n_frames * vocoder.hop_length
        self.look_ahead = vocoder.latency
        self._exact = exact

    def about(self) -> dict[str, Any]:
        return {"front_end": self.vocoder.front_end.as_dict()}

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"mel": (self.n_frames, self.vocoder.n_mels)}

    def step(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """mel (n_frames, n_mels) -> audio (1, samples_per_step); the birth, which is empty, as it came."""
        return self.vocoder(inputs[0].T.unsqueeze(0), tape), birth

    def whole(self, birth: Tensor, *inputs: Tensor) -> Tensor | None:
        """mel (n_steps, n_frames, n_mels) -> audio (1, n_steps * samples_per_step), or None where it is not exact."""
        if not self._exact:
            return None
        return self.vocoder(inputs[0].flatten(0, 1).T.unsqueeze(0))
