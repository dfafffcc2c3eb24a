"""Copy-synthesis by a vocoder: are partials in tune, is an attack where it was, is stereo as wide?

    python -m benchmarks.models.copy_synthesis [--vocoder models/vocoder] [--corpus corpora/demo.corpus]

A recording's own frames are given to the exported vocoder, and the sound is held against the recording. Beside it
Griffin-Lim (32 rounds) of the same frames.

tuning   steady tones of eight harmonics, every fourth semitone from A1 to C7: cents by which each partial below 4 kHz
         that stands out is off (peak of a spectrum of 1.3 s, parabola through its logarithm)
attacks  the strokes of the recordings in tests/recordings and of the corpus's drums: milliseconds between the moment at
         which a stroke's envelope (1 ms) passes half of its height in the recording, and in the copy
width    side over mid in dB, of recordings of the corpus that are stereo: mid and side each go through the vocoder
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import options
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from liveseq.corpus.store import Corpus
from liveseq.dsp.files import load_audio
from liveseq.runtime.vocoder import OnnxVocoder
from liveseq.train.sound.judge.anchors import invert

RECORDINGS = Path(__file__).resolve().parents[2] / "tests" / "recordings"
SHIPPED = Path("models/vocoder")
STRUCK = ("drum", "hat", "loop", "perc", "tabla")
"""Beginnings of the names of recordings that are struck."""
KEYS = range(33, 97, 4)
"""MIDI numbers."""
HIGHEST_HZ, N_HARMONICS, SECONDS = 4000.0, 8, 2.0
ROUGHLY = 0.03
"""Share of a partial's frequency around it in which its peak is looked for: half a semitone."""
NEAR_S, APART_S = 0.03, 0.12
"""Seconds: how far a stroke may have moved, and the least between two that are looked at."""
STEEP_DB = 12.0
"""Rise within 5 ms, over the 20 ms before, that makes a stroke."""
Copy = Callable[[np.ndarray], np.ndarray]
"""A recording float32 (n_samples,) to its copy."""


def main() -> None:
    parser = options.parser(__doc__, corpus=True)
    parser.add_argument("--vocoder", type=Path, default=SHIPPED, help="another one is only printed")
    arguments = parser.parse_args()
    vocoder = OnnxVocoder(arguments.vocoder)
    end = vocoder.front_end
    ways: dict[str, Copy] = {
        arguments.vocoder.name: lambda y: vocoder.sound(end.log_mel(y)),
        "Griffin-Lim, 32 rounds": lambda y: invert(end.log_mel(y), front_end=end),
    }
    rate = end.sample_rate
    struck, stereo = list(_struck(rate)), list(_stereo(arguments.corpus, rate))
    figures = {
        name: {
            "tuning": _summary(np.abs(np.concatenate([cents_off(copy, key, rate=rate) for key in KEYS]))),
            "attacks": _summary(np.abs(np.concatenate([attacks_off(y, copy(y), rate=rate) for y in struck]))),
            "width": _widths(stereo, copy),
        }
        for name, copy in ways.items()
    }
    found = {"ways": figures}
    print(section(BENCHMARK.save(found) if arguments.vocoder == SHIPPED else found))


def cents_off(copy: Copy, key: int, *, rate: int) -> np.ndarray:
    """Cents by which each partial of a tone's copy is off: float64 (n_partials,)."""
    f0 = 440.0 * 2.0 ** ((key - 69) / 12)
    harmonics = np.arange(1, N_HARMONICS + 1)
    time = np.arange(int(SECONDS * rate)) / rate
    tone = (np.sin(2 * np.pi * np.outer(harmonics * f0, time)) / harmonics[:, None]).sum(axis=0)
    y = (0.2 * tone).astype(np.float32)
    wanted = [hz for hz in harmonics * f0 if hz < HIGHEST_HZ]
    made = copy(y)
    return np.array([1200.0 * np.log2(_peak(made, hz, rate=rate) / _peak(y, hz, rate=rate)) for hz in wanted])


def _peak(y: np.ndarray, hz: float, *, rate: int) -> float:
    """Frequency in Hz of the loudest bin near this one, between bins."""
    middle = y[len(y) // 6 : -len(y) // 6]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), n=4 * len(middle)))
    bin_hz = rate / (4 * len(middle))
    first, end = (int(hz * (1.0 + off) / bin_hz) for off in (-ROUGHLY, ROUGHLY))
    top = first + int(spectrum[first : end + 1].argmax())
    before, at, after = np.log(spectrum[top - 1 : top + 2] + 1e-12)
    return float((top + 0.5 * (before - after) / (before - 2.0 * at + after)) * bin_hz)


def attacks_off(y: np.ndarray, made: np.ndarray, *, rate: int) -> np.ndarray:
    """Milliseconds by which each stroke of a copy is late: float64 (n_strokes,)."""
    one, other = (_envelope(signal, rate) for signal in (y, made))
    near = int(NEAR_S * 1000)
    late = []
    for at in strokes(one):
        height = one[at : at + near].max()
        real, copied = (_passes(signal[at - near : at + near], 0.5 * height) for signal in (one, other))
        if real is not None and copied is not None:
            late.append(copied - real)
    return np.array(late)


def _envelope(y: np.ndarray, rate: int) -> np.ndarray:
    """RMS of each millisecond, float64 (n,)."""
    n = rate // 1000
    return np.sqrt(np.square(y[: len(y) // n * n].reshape(-1, n), dtype=np.float64).mean(axis=1) + 1e-10)


def strokes(envelope: np.ndarray) -> list[int]:
    """Milliseconds at which a stroke begins, all far enough from the ends and from each other."""
    level = 20.0 * np.log10(envelope)
    found: list[int] = []
    near, apart = int(NEAR_S * 1000), int(APART_S * 1000)
    for at in range(near, len(level) - near):
        rise = level[at : at + 5].max() - level[at - 20 : at].max()
        if rise > STEEP_DB and level[at : at + 5].max() > level.max() - 25.0 and (not found or at - found[-1] > apart):
            found.append(at)
    return found


def _passes(envelope: np.ndarray, height: float) -> float | None:
    """First place at which it passes a height, between two milliseconds; None: never."""
    above = np.flatnonzero(envelope >= height)
    if not len(above):
        return None
    at = int(above[0])
    if at == 0:
        return 0.0
    return at - 1 + float((height - envelope[at - 1]) / (envelope[at] - envelope[at - 1]))


def _widths(recordings: list[np.ndarray], copy: Copy) -> list[float]:
    """Side over mid in dB, of recordings (n_samples, 2) and of their copies: means, and the mean distance."""
    real, made = [], []
    for y in recordings:
        mid, side = y.mean(axis=1), (y[:, 0] - y[:, 1]) / 2
        real.append(_db(side) - _db(mid))
        made.append(_db(copy(side)) - _db(copy(mid)))
    off = np.abs(np.subtract(made, real))
    return [round(float(value), 2) for value in (np.mean(real), np.mean(made), off.mean())]


def _db(y: np.ndarray) -> float:
    return float(10.0 * np.log10(np.square(y, dtype=np.float64).mean() + 1e-12))


def _summary(values: np.ndarray) -> dict[str, float]:
    p50, p99, most = (float(np.percentile(values, share)) for share in (50, 99, 100))
    return {"p50": round(p50, 2), "p99": round(p99, 2), "max": round(most, 2), "n": len(values)}


def _struck(rate: int) -> Iterator[np.ndarray]:
    for path in sorted(RECORDINGS.glob("*.flac")):
        if path.name.startswith(STRUCK):
            yield load_audio(path, sample_rate=rate).mean(axis=1)


def _stereo(path: Path, rate: int) -> Iterator[np.ndarray]:
    """Four seconds of recordings whose sides differ, one of each tag."""
    seen = set()
    with Corpus.open(path) as corpus:
        for source in corpus.sources():
            if not source.tags or source.tags[0] in seen or corpus.sample_rate != rate:
                continue
            y = np.asarray(corpus.audio(source.id)[: 4 * rate], dtype=np.float32)
            if np.square(y[:, 0] - y[:, 1]).mean() > 1e-4 * np.square(y).mean():
                seen.add(source.tags[0])
                yield y


def section(figures: dict[str, Any]) -> str:
    rows = []
    for name, way in figures["ways"].items():
        spread = [f"{way[kind][p]:.1f}" for kind in ("tuning", "attacks") for p in ("p50", "p99", "max")]
        rows.append([name, *spread, *(f"{value:.1f}" for value in way["width"])])
    first = next(iter(figures["ways"].values()))
    head = ["way", "cents off: p50", "p99", "max", "attack off, ms: p50", "p99", "max"]
    return f"""`{BENCHMARK.command}`: {first["tuning"]["n"]} partials of steady tones, {first["attacks"]["n"]} strokes,
and the width of stereo recordings (side over mid in dB; mid and side each go through the vocoder).

{table([*head, "width: recordings", "copies", "mean distance"], rows)}"""


BENCHMARK = Benchmark(file=__file__, minutes=2, sections=(Section(text=section, page="generators.md"),))

if __name__ == "__main__":
    main()
