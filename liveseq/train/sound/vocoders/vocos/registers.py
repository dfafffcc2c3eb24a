"""Registers: ranges of frequencies, each with an inverse Fourier transform of its own length.

A long window tells the notes of a low chord from each other, a short one does not smear an attack. So the low register
has the front end's own window, and the high one a shorter one, in the middle of the same frame.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import ModelError
from liveseq.train.sound.streaming import Tape
from liveseq.train.sound.vocoders.vocos.clocks import Partials, phasors, product, random_phases

MAX_LOG = 9.0
"""Natural logarithm of the loudest magnitude: a full scale sine has 6.9 under a Hann window of 4096."""
LOCK = (0.25, 0.75, 1.0, 0.75, 0.25)
"""Weights with which a bin follows the phases around it: the main lobe of a Hann window is four bins wide."""
LEAST = 0.2
"""Length, against random phasors of length 1, below which a number has no phase: its gradient would explode."""
BLEND = 0.1
"""Share of the frequency between two registers, either way, in which one goes over into the other."""


class Register(nn.Module):
    """Hidden features and the levels of bands -> frames of sound in one range of frequencies."""

    spread: Tensor
    share: Tensor
    hann: Tensor
    window: Tensor
    turn: Tensor
    sign: Tensor
    lock: Tensor

    def __init__(
        self,
        front_end: MelFrontEnd,
        *,
        n_fft: int,
        f_from: float,
        f_to: float,
        clock_hz: float,
        clock_width: int,
        width: int,
    ) -> None:
        """n_fft: of its transform, at most the front end's. f_from, f_to: the range in Hz, from 0 or to half the rate
        at the ends. clock_hz: bins below have their frequencies estimated, those above are at their centre.
        width: of the features. Raises ModelError for an n_fft whose squared windows do not add up to a constant."""
        super().__init__()
        if not 4 * front_end.hop_length <= n_fft <= front_end.n_fft:
            between = f"four hops ({4 * front_end.hop_length}) to the front end's n_fft ({front_end.n_fft})"
            raise ModelError(f"registers: n_fft: expected {between}, found {n_fft}")
        self.n_fft, self.hop_length, self._n_around = n_fft, front_end.hop_length, (front_end.n_fft - n_fft) // 2
        hz = np.arange(n_fft // 2 + 1) * (front_end.sample_rate / n_fft)
        share = _share(hz, f_from, f_to, half=front_end.sample_rate / 2)
        bins = np.flatnonzero(share)
        self.first, self.n_bins = int(bins[0]), len(bins)
        self._n_above = n_fft // 2 - int(bins[-1])
        self.head = nn.Linear(width, 3 * self.n_bins)
        nn.init.trunc_normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        filters = front_end.filterbank()
        known = np.flatnonzero(filters.any(axis=1))
        every = np.arange(filters.shape[1])
        centres = np.array([np.average(every, weights=filters[band]) for band in known]) * (n_fft / front_end.n_fft)
        clocked = bins[hz[bins] < clock_hz]
        self.partials = Partials(known, centres, bins=clocked, n_mels=front_end.n_mels, width=clock_width)
        spread = np.zeros((front_end.n_mels, self.n_bins))
        spread[known] = [np.interp(bins, centres, one) for one in np.eye(len(known))]
        self._add_constants(bins, share[bins], spread)
        self._shorter = math.log(n_fft / front_end.n_fft)

    def _add_constants(self, bins: np.ndarray, share: np.ndarray, spread: np.ndarray) -> None:
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.n_fft) / self.n_fft)
        advance = 2 * np.pi * bins * self.hop_length / self.n_fft  # phase of a bin's centre, by a hop
        constants = {
            "spread": spread,
            "share": share,
            "hann": hann,
            "window": hann / (np.square(hann).sum() / self.hop_length),  # before frames are added up
            "turn": np.stack((np.cos(advance), np.sin(advance))),
            # Phases are those at the middle of a window, where all bins of a partial agree; this moves its start there.
            "sign": 1.0 - 2.0 * (bins % 2),
            "lock": np.array(LOCK)[None, None],
        }
        for name, value in constants.items():
            self.register_buffer(name, torch.from_numpy(np.asarray(value, dtype=np.float32)), persistent=False)

    def analysis(self, frames: Tensor) -> Tensor:
        """Spectrum of frames of a recording, with phases at the middle: (B, T, the front end's n_fft) -> complex
        (B, T, 2, n_bins)."""
        middle = frames[..., self._n_around : self._n_around + self.n_fft]
        spectrum = torch.fft.rfft(middle * self.hann)[..., self.first : self.first + self.n_bins]
        return torch.stack((spectrum.real, spectrum.imag), dim=2) * self.sign

    def spectrum(self, features: Tensor, levels: Tensor) -> tuple[Tensor, Tensor]:
        """Log magnitudes (B, T, n_bins) and phases to begin with, complex (B, T, 2, n_bins).

        features: (B, T, width); levels: of the bands (B, n_mels, T + 2). The longer a complex number is, the more the
        phase is its own and not the clock's.
        """
        correction, phase = self.head(features).float().split((self.n_bins, 2 * self.n_bins), dim=-1)
        return self.interpolated(levels) + correction, phase.unflatten(-1, (2, self.n_bins))

    def interpolated(self, levels: Tensor) -> Tensor:
        """Log magnitudes (B, T, n_bins) on lines from band to band: where all that is learned begins."""
        with torch.autocast(levels.device.type, enabled=False):
            return math.log(10.0) * levels[..., 1:-1].transpose(1, 2) @ self.spread + self._shorter

    def synthesis(
        self,
        spectrum: tuple[Tensor, Tensor],
        partials: tuple[Tensor, Tensor, Tensor],
        tape: Tape | None = None,
        *,
        first: int = 0,
    ) -> Tensor:
        """Log magnitudes and phases as of `spectrum`, partials as of `Partials` -> frames (B, T, the longest n_fft).

        They are ready to be added up. first: number of the first frame for `random_phases`, where there is no tape.
        """
        (level, begin), (boost, concentration, rotation) = spectrum, partials
        n_above = self.n_bins - boost.shape[-1]
        magnitude = (level + functional.pad(boost, (0, n_above))).clamp(max=MAX_LOG).exp().unsqueeze(2)
        free = begin + random_phases(self.n_bins, begin, tape, first=first, seed=self.first)
        rotation, trust = self.rotations(rotation), functional.pad(concentration, (0, n_above)).unsqueeze(2)
        before = self._phases_before(magnitude.detach(), free.detach(), trust.detach(), rotation.detach(), tape)
        phase = phasors(trust * product(rotation, before) + free, least=LEAST)
        whole = functional.pad(magnitude * phase * (self.sign * self.share), (self.first, self._n_above))
        frames = torch.fft.irfft(torch.complex(*whole.unbind(2)), n=self.n_fft, dim=-1)
        return functional.pad(frames * self.window, (self._n_around, self._n_around))

    def locked_phases(self, before: Tensor) -> Tensor:
        """Phases of the frame before, complex (..., 2, n_bins), each drawn to the loudest around it.

        Of length 1 where all around agree. Where they do not, it is shorter in proportion, so that a rounding error
        cannot decide between them.
        """
        magnitude = before.square().sum(dim=-2, keepdim=True).sqrt()
        around = torch.cat((before, magnitude), dim=-2).reshape(-1, 1, self.n_bins)
        mixed = functional.conv1d(around, self.lock, padding=len(LOCK) // 2).reshape(*before.shape[:-2], 3, -1)
        return mixed[..., :2, :] / (mixed[..., 2:, :] + 1e-6)

    def rotations(self, rotation: Tensor) -> Tensor:
        """Phasors (B, T, 2, n_bins) of the phase's advance in a frame.

        rotation: beyond that of the bin's centre, of the lowest bins (B, T, 2, n).
        """
        one, n_above = rotation.new_tensor([1.0, 0.0])[:, None], self.n_bins - rotation.shape[-1]
        beyond = functional.pad(rotation - one, (0, n_above))
        return product(self.turn.expand_as(beyond), beyond + one)

    @torch.no_grad()
    def _phases_before(
        self, magnitude: Tensor, free: Tensor, trust: Tensor, rotation: Tensor, tape: Tape | None
    ) -> Tensor:
        """`locked_phases` before each frame (B, T, 2, n_bins), in order: each goes on from the one before it."""
        shape = (len(free), 2, self.n_bins)
        before = free.new_zeros(shape) if tape is None else tape.recall(shape, free)
        locked = []
        for number in range(free.shape[1]):
            locked.append(self.locked_phases(before))
            phase = phasors(trust[:, number] * product(rotation[:, number], locked[-1]) + free[:, number], least=LEAST)
            before = magnitude[:, number] * phase
        if tape is not None:
            tape.keep(before)
        return torch.stack(locked, dim=1)


def _share(hz: np.ndarray, f_from: float, f_to: float, *, half: float) -> np.ndarray:
    """Share of each frequency that belongs to a register, 0 to 1: two neighbours' sum to 1."""
    rising = np.ones_like(hz) if f_from <= 0.0 else (hz / f_from - (1.0 - BLEND)) / (2.0 * BLEND)
    falling = np.ones_like(hz) if f_to >= half else ((1.0 + BLEND) - hz / f_to) / (2.0 * BLEND)
    return np.asarray(np.clip(rising, 0.0, 1.0) * np.clip(falling, 0.0, 1.0))
