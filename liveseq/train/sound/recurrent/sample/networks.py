"""Generator of samples: four bands of a quarter of the rate, each next sample drawn from a mixture of logistics.

Two tiers, as in SampleRNN (Mehri et al. 2017): an LSTM hears frames of samples and keeps what lasts; a GRU makes the
samples under what it says, as in WaveRNN (Kalchbrenner et al. 2018), four bands at once (Yu et al. 2020). Samples are
squeezed, so that quiet ones have as many shades as loud ones, and mixtures are those of PixelCNN++ (Salimans et al.
2017), undivided: there are no steps of 16 bits in a band.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from liveseq.train.sound.beats import Tempi
from liveseq.train.sound.recurrent.births import Births
from liveseq.train.sound.recurrent.lstm import Lstm, through
from liveseq.train.sound.vocoders.melgan.pqmf import Pqmf

FRAME = 64
"""Steps of the GRU (10.7 ms at 24 kHz) in a frame."""
PARTS = 4
"""Parts of a frame, each with a condition of its own."""
CURVE = 30.0
"""How much samples are squeezed: those below a thirtieth of the loudest hardly."""
LEAST = -6.0
"""Logarithm of the least scale of a logistic, of squeezed samples."""
HIDDEN = 128
OWN = 0.25
"""Deviation of what tags add by themselves, before training: words of one kind are one to the text encoder."""


class SampleGenerator(nn.Module):
    """Both tiers, and what is learned of each tag."""

    loudest: Tensor

    def __init__(
        self,
        *,
        n_tags: int,
        tag_size: int,
        frame_width: int,
        n_layers: int,
        n_conditions: int,
        width: int,
        n_components: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.bank = Pqmf()
        self.n_bands, self.n_components, self.width = self.bank.n_bands, n_components, width
        self.n_frame = self.n_bands * FRAME
        self.register_buffer("loudest", torch.ones(self.n_bands))
        self.tempi = Tempi(n_tags=n_tags, tag_size=tag_size)  # for the weights of tags; samples follow no clock
        self.tag = nn.Linear(tag_size, frame_width)
        self.own = nn.Parameter(OWN * torch.randn(n_tags, frame_width))
        self.enter = nn.Linear(self.n_frame, frame_width)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(Lstm(frame_width, frame_width) for _ in range(n_layers))
        self.n_memory = 2 * n_layers * frame_width
        self.conditions = nn.Linear(frame_width, PARTS * n_conditions)
        self.gru = nn.GRU(self.n_bands + n_conditions, width, batch_first=True)
        self.up, self.leave = nn.Linear(width, HIDDEN), nn.Linear(HIDDEN, self.n_bands * n_components * 3)
        self.births = Births(n_tags=n_tags, size=self.n_frame + self.n_memory + width)

    @property
    def lstms(self) -> list[Lstm]:
        """Layers of the frames by their type."""
        return list(self.layers)  # type: ignore[arg-type]

    def squeezed(self, bands: Tensor) -> Tensor:
        """Bands (B, n_bands, T) -> samples as the networks have them (B, T, n_bands), mostly within -1 and 1."""
        return torch.asinh(CURVE * bands.transpose(1, 2) / self.loudest) / math.asinh(CURVE)

    def widened(self, samples: Tensor) -> Tensor:
        """The way back: (B, T, n_bands) -> bands (B, n_bands, T)."""
        return (torch.sinh(math.asinh(CURVE) * samples) * (self.loudest / CURVE)).transpose(1, 2)

    def told(self, tag: Tensor) -> Tensor:
        """Tags (..., tag_size) -> what they add to each frame (..., frame_width)."""
        told: Tensor = self.tag(tag)
        return told + self.tempi.near(tag) @ self.own

    def heard(
        self, samples: Tensor, told: Tensor, *, last: Tensor | None = None, memory: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Conditions of the parts of frames, by the frames before, (B, F, PARTS, n_conditions), and the memory after.

        samples: (B, F * FRAME, n_bands); told: (B, frame_width); last: the frame before them (B, n_frame); memory:
        (B, n_memory); zeros without.
        """
        frames = samples.reshape(len(samples), -1, self.n_frame)
        first = frames.new_zeros(len(frames), 1, self.n_frame) if last is None else last[:, None]
        before = torch.cat((first, frames[:, :-1]), dim=1)
        entered = self.dropout(self.enter(before) + told[:, None])
        hidden, memory = through(self.lstms, entered, memory)
        return self.conditions(self.dropout(hidden)).unflatten(-1, (PARTS, -1)), memory

    def after(self, samples: Tensor, told: Tensor, memory: Tensor | None = None) -> Tensor:
        """Memory of a stream after samples (B, F * FRAME, n_bands): (B, births.size).

        It holds the last frame, the memory of the LSTM and the state of the GRU. told: (B, frame_width); memory: of
        the stream before them; zeros without.
        """
        before = samples.new_zeros(len(samples), self.births.size) if memory is None else memory
        last, kept, state = self.parts_of(before)
        conditions, kept = self.heard(samples, told, last=last, memory=kept)
        late = torch.cat((last[:, None, -self.n_bands :], samples[:, :-1]), dim=1)
        each = conditions.flatten(1, 2).repeat_interleave(FRAME // PARTS, dim=1)
        _, state = self.gru(torch.cat((late, each), dim=-1), state[None].contiguous())
        return torch.cat((samples[:, -FRAME:].flatten(1), kept, state[0]), dim=1)

    def parts_of(self, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The last frame (B, n_frame), the memory of the LSTM, and the state of the GRU (B, width)."""
        last, kept, state = memory.split((self.n_frame, self.n_memory, self.width), dim=1)
        return last, kept, state

    def mixtures(self, hidden: Tensor) -> Tensor:
        """Outputs of the GRU (..., width) -> logits, means and logarithms of scales (..., n_bands, K, 3)."""
        parameters: Tensor = self.leave(functional.relu(self.up(hidden)))
        return parameters.unflatten(-1, (self.n_bands, self.n_components, 3))

    def nats(self, samples: Tensor, conditions: Tensor, *, n_left_out: int) -> Tensor:
        """Mean negative log likelihood () of a sample, in nats.

        samples: (B, T, n_bands), of which the first n_left_out, at least one, are only heard; conditions: of their
        parts (B, T * PARTS / FRAME, n_conditions).
        """
        each = conditions.repeat_interleave(FRAME // PARTS, dim=1)
        hidden, _ = self.gru(torch.cat((samples[:, :-1], each[:, 1:]), dim=-1))
        hidden, target = hidden[:, n_left_out - 1 :], samples[:, n_left_out:]
        logits, means, scales = self.mixtures(hidden).float().unbind(-1)
        scales = scales.clamp(min=LEAST)
        z = (target[..., None] - means) * torch.exp(-scales)
        density = torch.log_softmax(logits, dim=-1) - z - scales - 2.0 * functional.softplus(-z)
        return -torch.logsumexp(density, dim=-1).mean()
