"""Effects: filters, rooms, echoes, drive; and the master of every piece.

Long signals are loops (see grid.py): filters and rooms act on the ring, by one transform of the whole piece. Stereo is
float32 (n_samples, 2).
"""

from collections.abc import Callable

import numpy as np
import scipy.fft
import scipy.signal

from liveseq.demo.envelopes import decay, ramps
from liveseq.demo.oscillators import coloured, noise
from liveseq.dsp.loudness import integrated_loudness

TARGET_LUFS = -20.0
PEAK = 10.0 ** (-1.5 / 20.0)
"""True peak of a piece, as amplitude: half a decibel below what is promised (-1 dBFS)."""
AIR_SEED = 5
AIR_DB = -74.0
"""Level of the pink noise under every piece: unheard, but no band is empty, and logarithms of bands can be compared."""


def biquad(y: np.ndarray, kind: str, cutoff_hz: float | tuple[float, float], *, sample_rate: int) -> np.ndarray:
    """y (n,) or (n, 2), short, through a Butterworth filter of second order; kind: lowpass, highpass or bandpass."""
    top = 0.46 * sample_rate
    corner = min(cutoff_hz, top) if isinstance(cutoff_hz, float) else (cutoff_hz[0], min(cutoff_hz[1], top))
    sections = scipy.signal.butter(2 if kind != "bandpass" else 1, corner, kind, fs=sample_rate, output="sos")
    return np.asarray(scipy.signal.sosfilt(sections, y, axis=0), dtype=np.float32)


def shape(y: np.ndarray, response: Callable[[np.ndarray], np.ndarray], *, sample_rate: int) -> np.ndarray:
    """y (n, ...) with its spectrum multiplied by response(f_hz): a static filter on the ring."""
    n_samples = y.shape[0]
    gain = response(scipy.fft.rfftfreq(n_samples, 1.0 / sample_rate)).astype(np.complex64)
    spectrum = scipy.fft.rfft(y, axis=0)
    return np.asarray(scipy.fft.irfft(spectrum * (gain if y.ndim == 1 else gain[:, None]), n=n_samples, axis=0))


def lowpass_response(f_hz: np.ndarray, cutoff_hz: float, order: int = 2) -> np.ndarray:
    """Gain of a Butterworth lowpass at each frequency (n_bins,)."""
    return np.asarray(1.0 / np.sqrt(1.0 + (f_hz / cutoff_hz) ** (2 * order)))


def highpass_response(f_hz: np.ndarray, cutoff_hz: float, order: int = 2) -> np.ndarray:
    """Gain of a highpass at each frequency (n_bins,)."""
    return np.asarray(1.0 - 1.0 / (1.0 + (f_hz / cutoff_hz) ** (2 * order)))


def vary(y: np.ndarray, response: Callable[[np.ndarray, np.ndarray], np.ndarray], *, sample_rate: int) -> np.ndarray:
    """y (n,) through a filter that moves, on the ring.

    response(f_hz (1, n_bins), at (n_frames,) samples) -> gain (n_frames, n_bins). Frames of about 21 ms, a quarter
    apart, with root-Hann windows on the way in and out.
    """
    size = 1 << round(np.log2(0.0213 * sample_rate))
    hop = size // 4
    n_samples = y.shape[0]
    n_frames = -(-n_samples // hop)
    padded = np.concatenate([y[-size:], y, y[: 2 * size]])
    window = np.sqrt(scipy.signal.get_window("hann", size)).astype(np.float32)
    starts = np.arange(-4, n_frames + 4) * hop  # in y
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[starts + size]  # (n_frames, size)
    f_hz = scipy.fft.rfftfreq(size, 1.0 / sample_rate)[None, :]
    gain = response(f_hz, (starts + size // 2) % n_samples).astype(np.float32)
    filtered = scipy.fft.irfft(scipy.fft.rfft(frames * window, axis=1) * gain, n=size, axis=1) * (window / 2.0)
    out = np.zeros((len(starts) + 3, hop), dtype=np.float32)
    for part in range(4):  # overlap-add, one quarter of every frame at a time
        out[part : part + len(starts)] += filtered[:, part * hop : (part + 1) * hop]
    return out.reshape(-1)[4 * hop : 4 * hop + n_samples]


def sweep(
    y: np.ndarray, cutoff_hz: np.ndarray, *, sample_rate: int, resonance: float = 1.0, order: int = 2
) -> np.ndarray:
    """y (n,) through a resonant lowpass whose cutoff moves, in Hz (n,); order 1 is 12 dB per octave, 2 is 24."""

    def response(f_hz: np.ndarray, at: np.ndarray) -> np.ndarray:
        x = (f_hz / cutoff_hz[at][:, None]) ** 2
        two_pole = 1.0 / np.sqrt((1.0 - x) ** 2 + x / resonance**2)
        return np.asarray(two_pole / np.sqrt(1.0 + x**2) ** (order - 1))

    return vary(y, response, sample_rate=sample_rate)


def drive(y: np.ndarray, amount: float) -> np.ndarray:
    """y (n, ...) softly saturated at twice the rate, so that harmonics fold less; small signals keep their level."""
    up = scipy.signal.resample_poly(y, 2, 1, axis=0)
    return np.asarray(scipy.signal.resample_poly(np.tanh(amount * up) / amount, 1, 2, axis=0), dtype=np.float32)


def room(
    *, t60: float, sample_rate: int, rng: np.random.Generator, damping: float = 0.5, predelay: float = 0.01
) -> np.ndarray:
    """Impulse response of a room, stereo (n, 2), unit power per channel.

    Noise in octave bands, each with its own decay (t60 seconds in the middle, shorter above: damping 0 to 1), growing
    dense over 30 ms, after a few early reflections; no bass, which would blur.
    """
    n_samples = scipy.fft.next_fast_len(round(1.1 * t60 * sample_rate) + 2048, real=True)
    spectrum = scipy.fft.rfft(noise(n_samples, rng=rng, n_channels=2), axis=0)
    octave = np.log2(np.maximum(scipy.fft.rfftfreq(n_samples, 1.0 / sample_rate), 1.0) / 125.0)
    y = np.zeros((n_samples, 2), dtype=np.float32)
    for band in range(8):
        gain = np.clip(1.0 - np.abs(octave - band), 0.0, 1.0) ** 0.5
        tone = 0.5 if band == 0 else 2.0 ** (-0.45 * damping * max(0, band - 3))
        band_t60 = t60 * (1.0 - damping * 0.11 * max(0, band - 2)) * (0.8 if band == 0 else 1.0)
        envelope = tone * decay(n_samples, t60=band_t60, sample_rate=sample_rate)
        y += scipy.fft.irfft(spectrum * gain[:, None], n=n_samples, axis=0) * envelope[:, None]
    n_grow = round(0.03 * sample_rate)
    y[:n_grow] *= np.linspace(0.2, 1.0, n_grow, dtype=np.float32)[:, None]
    for _ in range(10):
        early = round(rng.uniform(0.004, 0.06) * sample_rate)
        y[early, rng.integers(2)] += rng.choice([-4.0, 4.0]) * np.exp(-early / (0.03 * sample_rate))
    y = np.roll(ramps(y, attack=0.0, release=0.1 * t60, sample_rate=sample_rate), round(predelay * sample_rate), axis=0)
    return np.asarray(y / np.sqrt(np.sum(y**2, axis=0)), dtype=np.float32)


def reverb(y: np.ndarray, response: np.ndarray, *, wet: float, dry: float = 1.0) -> np.ndarray:
    """y (n, 2) in a room: dry * y + wet * (y in the room), on the ring. The room mixes the sides a little."""
    n_samples = y.shape[0]
    spectrum = scipy.fft.rfft(y * 0.7 + y[:, ::-1] * 0.3, axis=0)
    spectrum *= scipy.fft.rfft(response[:n_samples], n=n_samples, axis=0)
    return np.asarray(dry * y + wet * scipy.fft.irfft(spectrum, n=n_samples, axis=0), dtype=np.float32)


def ping_pong(
    y: np.ndarray, *, delay: int, feedback: float, wet: float, sample_rate: int, tone_hz: tuple[float, float]
) -> np.ndarray:
    """y (n, 2) with echoes that change sides, each one darker and thinner.

    delay in samples; tone_hz: low and high corner.

    The feedback loop is solved in the frequency domain: with E = g L exp(-iwd), left gets E / (1 - E^2) and right
    E^2 / (1 - E^2).
    """
    n_samples = y.shape[0]
    f_hz = scipy.fft.rfftfreq(n_samples, 1.0 / sample_rate)
    tone = lowpass_response(f_hz, tone_hz[1], 1) * highpass_response(f_hz, tone_hz[0], 1)
    echo = feedback * tone * np.exp(-2j * np.pi * f_hz * (delay / sample_rate))
    spectrum = scipy.fft.rfft(y.mean(axis=1)) / feedback
    sides = np.stack([spectrum * echo / (1 - echo**2), spectrum * echo**2 / (1 - echo**2)], axis=1)
    return np.asarray(y + wet * scipy.fft.irfft(sides, n=n_samples, axis=0), dtype=np.float32)


def chorus(y: np.ndarray, *, depth: float, n_cycles: int, sample_rate: int) -> np.ndarray:
    """Stereo (n, 2) from y (n,) or (n, 2): each side beside a copy whose delay breathes by `depth` seconds."""
    n_samples = y.shape[0]
    at = np.arange(n_samples)
    sides = []
    for side in range(2):
        source = y if y.ndim == 1 else y[:, side]
        turn = 2 * np.pi * (n_cycles * at / n_samples + 0.25 * side)
        where = at - sample_rate * (0.008 + depth * (0.5 + 0.5 * np.sin(turn)))
        low = np.floor(where).astype(np.int64)
        part = (where - low).astype(np.float32)
        sides.append(0.7 * (source + source[low % n_samples] * (1 - part) + source[(low + 1) % n_samples] * part))
    return np.stack(sides, axis=1).astype(np.float32)


def true_peak(y: np.ndarray) -> float:
    """Largest amplitude of y (n, 2), between the samples too: fourfold oversampling around the loudest samples."""
    level = np.max(np.abs(y), axis=1)
    block = 2048
    n_blocks = -(-len(level) // block)
    tops = np.max(np.pad(level, (0, n_blocks * block - len(level))).reshape(n_blocks, block), axis=1)
    peak = float(np.max(tops))
    for index in np.flatnonzero(tops > 0.7 * peak):
        piece = y[max(0, index * block - 64) : (index + 1) * block + 64]
        peak = max(peak, float(np.max(np.abs(scipy.signal.resample_poly(piece, 4, 1, axis=0)))))
    return peak


def master(y: np.ndarray, *, sample_rate: int, lufs: float = TARGET_LUFS) -> np.ndarray:
    """Finished piece (n, 2): no DC, mono below 120 Hz, the wanted loudness unless the peak forbids it, faded ends."""
    middle, side = (y[:, 0] + y[:, 1]) / 2.0, (y[:, 0] - y[:, 1]) / 2.0
    middle = shape(middle, lambda f: highpass_response(f, 26.0), sample_rate=sample_rate)
    side = shape(side, lambda f: highpass_response(f, 120.0), sample_rate=sample_rate)
    y = ramps(np.stack([middle + side, middle - side], axis=1), attack=0.003, release=0.03, sample_rate=sample_rate)
    gain = 10.0 ** ((lufs - integrated_loudness(y, sample_rate=sample_rate)) / 20.0)
    y = y * min(gain, PEAK / true_peak(y))
    rng = np.random.default_rng(AIR_SEED)
    air = np.stack([coloured(len(y), rng=rng, slope_db=-3.0) for _ in range(2)], axis=1) * 10.0 ** (AIR_DB / 20.0)
    return np.asarray(y + ramps(air, attack=0.003, release=0.03, sample_rate=sample_rate), dtype=np.float32)
