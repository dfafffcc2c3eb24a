"""Sources of sound: band-limited waves, banks of decaying partials, spread spectra, noise.

Everything is mono float32 of shape (n_samples,) unless the docstring says stereo. No wave aliases audibly: saw and
pulse are polyBLEP (Valimaki and Huovilainen 2007), the rest is additive and stops below half the sample rate.
"""

import numpy as np
import scipy.fft
import scipy.signal

LOG_60_DB = float(np.log(1000.0))
HIGHEST = 0.45
"""Partials stop at this fraction of the sample rate."""


def cycles(f0_hz: float | np.ndarray, *, n_samples: int, sample_rate: int, start: float = 0.0) -> np.ndarray:
    """Running phase of an oscillator in cycles, float64 (n_samples,), `start` at sample 0."""
    if np.ndim(f0_hz) == 0:
        return np.asarray(start + np.arange(n_samples) * (float(f0_hz) / sample_rate))
    steps = np.asarray(f0_hz, dtype=np.float64) / sample_rate
    return np.asarray(start + np.cumsum(steps) - steps[0])


def sine(f0_hz: float | np.ndarray, *, n_samples: int, sample_rate: int, start: float = 0.0) -> np.ndarray:
    """Sine (n_samples,) of a constant frequency or a moving one (n_samples,); `start` in cycles."""
    phase = cycles(f0_hz, n_samples=n_samples, sample_rate=sample_rate, start=start) % 1.0
    return np.asarray(np.sin(2.0 * np.pi * phase.astype(np.float32)))


def saw(f0_hz: float | np.ndarray, *, n_samples: int, sample_rate: int, start: float = 0.0) -> np.ndarray:
    """Rising saw (n_samples,) in [-1, 1], of a constant frequency or a moving one (n_samples,); `start` in cycles."""
    phase = cycles(f0_hz, n_samples=n_samples, sample_rate=sample_rate, start=start) % 1.0
    step = np.broadcast_to(np.asarray(f0_hz, dtype=np.float64) / sample_rate, phase.shape)
    y = 2.0 * phase - 1.0
    after = np.flatnonzero(phase < step)
    t = phase[after] / step[after]
    y[after] -= 2.0 * t - t * t - 1.0
    before = np.flatnonzero(phase > 1.0 - step)
    t = (phase[before] - 1.0) / step[before]
    y[before] -= t * t + 2.0 * t + 1.0
    return y.astype(np.float32)


def pulse(
    f0_hz: float | np.ndarray, *, n_samples: int, sample_rate: int, width: float = 0.5, start: float = 0.0
) -> np.ndarray:
    """Pulse (n_samples,) of the given duty cycle, free of DC: the difference of two saws."""
    first = saw(f0_hz, n_samples=n_samples, sample_rate=sample_rate, start=start)
    return np.asarray(first - saw(f0_hz, n_samples=n_samples, sample_rate=sample_rate, start=start + width))


def modes(
    freqs_hz: np.ndarray,
    *,
    t60: np.ndarray,
    gains: np.ndarray,
    n_samples: int,
    sample_rate: int,
    phases: np.ndarray | None = None,
) -> np.ndarray:
    """Sum (n_samples,) of exponentially decaying sines: strings, bells, drum heads.

    freqs_hz, t60 (seconds to -60 dB), gains, phases (radians, default 0): shape (n_modes,).
    z**(block + i) = z**block * z**i, so that the whole bank is one matrix product instead of n_modes long sines.
    """
    kept = freqs_hz < HIGHEST * sample_rate
    log_z = (-LOG_60_DB / t60[kept] + 2j * np.pi * freqs_hz[kept]) / sample_rate  # (n_modes,)
    start = gains[kept] * np.exp(1j * (np.zeros_like(freqs_hz) if phases is None else phases)[kept])
    block = 256
    n_blocks = -(-n_samples // block)
    rows = start * np.exp(log_z * (block * np.arange(n_blocks))[:, None])  # (n_blocks, n_modes)
    columns = np.exp(log_z[:, None] * np.arange(block))  # (n_modes, block)
    left = np.concatenate([rows.real, rows.imag], axis=1).astype(np.float32)
    right = np.concatenate([columns.imag, columns.real], axis=0).astype(np.float32)
    return (left @ right).reshape(-1)[:n_samples]


def spread(
    f0_hz: float, *, gains: np.ndarray, cents: float, n_samples: int, sample_rate: int, rng: np.random.Generator
) -> np.ndarray:
    """An ensemble on one pitch, stereo (n_samples, 2), unit power per channel, that loops without a seam.

    gains: amplitude of harmonic 1, 2, ... Every harmonic is a bell of noise `cents` wide in the spectrum, with phases
    that differ left and right above 150 Hz (Nasca's PADsynth).
    """
    size = n_samples // 2 + 1
    magnitude = np.zeros(size)
    width = 2.0 ** (cents / 1200.0) - 1.0
    for k, gain in enumerate(gains, start=1):
        centre = k * f0_hz * n_samples / sample_rate
        sigma = max(width * centre, 0.6)
        low, high = max(1, int(centre - 4 * sigma)), int(centre + 4 * sigma) + 2
        if high >= size * 2 * HIGHEST:
            break
        magnitude[low:high] += gain / np.sqrt(sigma) * np.exp(-0.5 * ((np.arange(low, high) - centre) / sigma) ** 2)
    angle = rng.uniform(0, 2 * np.pi, (2, size))
    shared = int(150.0 * n_samples / sample_rate)
    angle[1, :shared] = angle[0, :shared]
    y = scipy.fft.irfft((magnitude * np.exp(1j * angle)).astype(np.complex64), n=n_samples, axis=-1)
    return np.ascontiguousarray((y / np.sqrt(np.mean(y**2))).T, dtype=np.float32)


def noise(n_samples: int, *, rng: np.random.Generator, n_channels: int | None = None) -> np.ndarray:
    """White noise, standard deviation 1: (n_samples,), or (n_samples, n_channels) when that is given."""
    shape = (n_samples,) if n_channels is None else (n_samples, n_channels)
    return rng.standard_normal(shape, dtype=np.float32)


def coloured(n_samples: int, *, rng: np.random.Generator, slope_db: float) -> np.ndarray:
    """Noise (n_samples,) whose spectrum rises `slope_db` per octave (-3: pink), standard deviation 1; it loops."""
    bins = np.maximum(np.arange(n_samples // 2 + 1), n_samples // 2000 + 1)
    spectrum = rng.standard_normal((2, len(bins)), dtype=np.float32) * bins ** (slope_db / 6.0206)
    spectrum[:, 0] = 0.0
    y = scipy.fft.irfft((spectrum[0] + 1j * spectrum[1]).astype(np.complex64), n=n_samples)
    return np.asarray(y / np.std(y), dtype=np.float32)
