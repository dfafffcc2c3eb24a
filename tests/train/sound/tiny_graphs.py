"""The smallest graphs that can be exported: a generator and a vocoder."""

import torch
from torch import Tensor

from liveseq.dsp.mel import MelFrontEnd
from liveseq.train.sound.streaming import CausalConv1d, CausalGru, StepGraph, Tape

N_FRAMES, HOP = 16, 32
END = MelFrontEnd(sample_rate=48_000, n_fft=128, hop_length=HOP, n_mels=12, f_max=24_000.0)
CONFIG = {"family": "tiny", "training": {"data": "none", "licence": "MIT", "command": "none"}, "tags": ["drone"]}


class Tiny(StepGraph):
    """Frames of noise, coloured by the tag and by what it was born with, through a GRU and a convolution."""

    sample_rate = 48_000
    samples_per_step = N_FRAMES * HOP
    channels = 2

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.gru = CausalGru(4 + 6 + 3, 8)
        self.conv = CausalConv1d(8, 2 * HOP, 5)

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"z": (4, N_FRAMES), "tag": (6,)}

    def birth_size(self) -> int:
        return 3

    def step(self, tape: Tape | None, birth: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        z, tag = inputs
        told = torch.cat((tag, birth))[:, None].expand(-1, z.shape[-1])
        frames = torch.tanh(self.conv(self.gru(torch.cat((z, told))[None], tape), tape))[0]  # (2 * HOP, n_frames)
        return frames.unflatten(0, (2, HOP)).transpose(1, 2).reshape(2, -1), birth * 1.0

    def whole(self, birth: Tensor, *inputs: Tensor) -> Tensor:
        z, tag = inputs
        return self.step(None, birth, torch.cat(tuple(z), dim=-1), tag[0])[0]


class TinyVocoder(StepGraph):
    """A mel's bands as amplitudes of one sample each."""

    sample_rate = 48_000
    samples_per_step = N_FRAMES * HOP
    channels = 1
    look_ahead = 7

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = CausalConv1d(12, HOP, 3)

    def about(self) -> dict[str, object]:
        return {"front_end": END.as_dict()}

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"mel": (N_FRAMES, 12)}

    def step(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        return torch.tanh(self.conv(inputs[0].T[None], tape)).transpose(1, 2).reshape(1, -1), birth
