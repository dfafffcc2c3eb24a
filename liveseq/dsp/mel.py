"""The front end of sound models: mel spectrograms, by parameters that stand in each model's manifest.

Training data, generation and vocoding call this very function, so that a mel frame means the same to all of them, to
the bit. Magnitudes (not powers) under a periodic Hann window, in Slaney's mel bands, as log10 clamped at 1e-5: what
MelGAN and UNAGAN were published with. Where notes are to be kept, the bands below f_split are as fine as half a
semitone, or a bin. Pure numpy.
"""

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from liveseq.dsp.spectral import band_power, mel_edges, power_spectrum, triangular_filterbank
from liveseq.errors import ModelError, SignalError

FLOOR = 1e-5
"""Smallest magnitude of a band: less counts as silence."""
PADDINGS = ("causal", "reflect")
_AT_A_TIME = 512  # frames: a longer recording needs no more memory


@dataclass(frozen=True, kw_only=True)
class MelFrontEnd:
    """Parameters of a mel spectrogram."""

    sample_rate: int
    """Hz."""
    n_fft: int
    """Samples of a window."""
    hop_length: int
    """Samples between two frames."""
    n_mels: int
    """Bands, the fine ones too."""
    f_min: float = 0.0
    """Lower edge of the lowest band, in Hz."""
    f_max: float
    """Upper edge of the highest band, in Hz."""
    padding: str = "causal"
    """causal: frame k ends where sample (k + 1) * hop_length begins, zeros come before the first sample.
    reflect: (n_fft - hop_length) / 2 samples mirrored on both sides, as published; it knows the future."""
    per_octave: int = 0
    """Bands in an octave below f_split, but none is narrower than a bin. 0: mel bands from f_min on."""
    f_split: float = 0.0
    """Upper end of the fine bands, in Hz; mel bands begin there."""

    def __post_init__(self) -> None:
        if self.padding not in PADDINGS:
            raise ModelError(f"front end: padding: expected {' or '.join(PADDINGS)}, found {self.padding!r}")
        if not 0 < self.hop_length <= self.n_fft:
            raise ModelError(f"front end: hop_length: expected 1 to n_fft ({self.n_fft}), found {self.hop_length}")
        if not 0.0 <= self.f_min < self.f_max <= self.sample_rate / 2:
            half = f"{self.sample_rate / 2:g}"
            raise ModelError(f"front end: f_min, f_max: expected 0 to {half} Hz, found {self.f_min:g}, {self.f_max:g}")
        if self.per_octave and not self.f_min < self.f_split < self.f_max:
            between = f"between {self.f_min:g} and {self.f_max:g} Hz, where mel bands begin"
            raise ModelError(f"front end: f_split: expected a place {between}, found {self.f_split:g}")
        if len(self.edges) != self.n_mels + 2:
            n_fine = len(self.edges) - 3
            raise ModelError(f"front end: n_mels: expected more than the {n_fine} fine bands, found {self.n_mels}")

    def log_mel(self, y: np.ndarray) -> np.ndarray:
        """Mel spectrogram of a signal: log10 of the magnitude in each band.

        y: float32 (..., n_samples): several signals of one length at once, where there are more axes. Returns float32
        (..., n_frames, n_mels), n_frames = n_samples // hop_length: what is left over behind the last whole hop is in
        no frame. Raises SignalError where y is shorter than a hop, or too short to be mirrored.
        """
        padded = self._pad(y)
        n_frames = y.shape[-1] // self.hop_length
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.n_fft, axis=-1)[..., :: self.hop_length, :]
        frames = windows[..., :n_frames, :].reshape(-1, self.n_fft) if y.ndim > 1 else windows[:n_frames]
        parts = [self._log_mel(frames[at : at + _AT_A_TIME]) for at in range(0, len(frames), _AT_A_TIME)]
        return np.concatenate(parts).reshape(*y.shape[:-1], n_frames, self.n_mels)

    def filterbank(self) -> np.ndarray:
        """Triangular filters: float32 (n_mels, 1 + n_fft // 2), read-only."""
        return triangular_filterbank(self.edges, sample_rate=self.sample_rate, n_fft=self.n_fft)

    @cached_property
    def edges(self) -> tuple[float, ...]:
        """Edges of the bands in Hz, n_mels + 2, see `spectral.triangular_filterbank`."""
        fine = _fine_edges(self) if self.per_octave else [self.f_min]
        n_mels = max(1, self.n_mels - len(fine) + 1)
        return (*fine[:-1], *mel_edges(n_mels=n_mels, f_min=fine[-1], f_max=self.f_max))

    def as_dict(self) -> dict[str, Any]:
        """Parameters by name, for a manifest."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_dict(values: dict[str, Any], *, where: str) -> "MelFrontEnd":
        """Inverse of `as_dict`. where: its file. Raises ModelError that names what is missing or unknown."""
        known = {field.name: field for field in dataclasses.fields(MelFrontEnd)}
        needed = {name for name, field in known.items() if field.default is dataclasses.MISSING}
        wrong = sorted((values.keys() - known.keys()) | (needed - values.keys()))
        if wrong:
            raise ModelError(f"{where}: front end: expected {', '.join(known)}; unknown or missing: {', '.join(wrong)}")
        return MelFrontEnd(**values)

    def check(self, other: "MelFrontEnd", *, where: str) -> None:
        """Raises ModelError, by the name of the parameter, where `other`, found in `where`, is not this front end."""
        for name, value in self.as_dict().items():
            found = getattr(other, name)
            if found != value:
                raise ModelError(
                    f"{where}: front end: {name}: expected {value}, found {found}; "
                    "use models that were trained on the same mel frames, or train one of them again"
                )

    def _pad(self, y: np.ndarray) -> np.ndarray:
        n_samples = y.shape[-1]
        if n_samples < self.hop_length:
            raise SignalError(f"{n_samples} samples are no frame; expected at least {self.hop_length} (one hop)")
        n_around = self.n_fft - self.hop_length
        none = [(0, 0)] * (y.ndim - 1)
        if self.padding == "causal":
            return np.pad(y, [*none, (n_around, 0)])
        left = n_around // 2
        if n_samples <= n_around - left:
            raise SignalError(f"{n_samples} samples cannot be mirrored; expected more than {n_around - left}")
        return np.pad(y, [*none, (left, n_around - left)], mode="reflect")

    def _log_mel(self, frames: np.ndarray) -> np.ndarray:
        """Mel frames of windows (n, n_fft): float32 (n, n_mels)."""
        magnitude = np.sqrt(power_spectrum(frames))
        bands = band_power(magnitude, self.edges, sample_rate=self.sample_rate)
        return np.asarray(np.log10(np.maximum(bands, np.float32(FLOOR))))


def _fine_edges(end: MelFrontEnd) -> list[float]:
    """Edges from f_min to f_split or just above: a bin apart, from where an octave's share is wider, that."""
    bin_hz, ratio = end.sample_rate / end.n_fft, 2.0 ** (1.0 / end.per_octave)
    edges = [end.f_min]
    while edges[-1] < end.f_split:
        edges.append(max(edges[-1] + bin_hz, edges[-1] * ratio))
    return edges


PRESETS: dict[str, MelFrontEnd] = {
    "music48": MelFrontEnd(sample_rate=48_000, n_fft=2048, hop_length=512, n_mels=128, f_max=24_000.0),
    "notes48": MelFrontEnd(
        sample_rate=48_000, n_fft=4096, hop_length=512, n_mels=192, f_max=24_000.0, per_octave=24, f_split=2000.0
    ),
    "demiurge": MelFrontEnd(
        sample_rate=44_100, n_fft=1024, hop_length=256, n_mels=80, f_max=22_050.0, padding="reflect"
    ),
}
"""Front ends by name. notes48: keeps notes. music48: coarser, 43 ms quicker. demiurge: of its UNAGAN and MelGAN."""


def front_end_of(value: str | dict[str, Any], *, where: str) -> MelFrontEnd:
    """Front end of a config, which names one of PRESETS or gives its parameters. where: its file.

    Raises ModelError for neither.
    """
    if isinstance(value, dict):
        return MelFrontEnd.from_dict(value, where=where)
    if value not in PRESETS:
        raise ModelError(f"{where}: front end: expected {', '.join(PRESETS)}, or parameters, found {value!r}")
    return PRESETS[value]
