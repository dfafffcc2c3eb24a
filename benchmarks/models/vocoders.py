"""Vocoders: cost of MelGAN's networks, and worth of phases without training.

    python -m benchmarks.models.vocoders [--corpus corpora/demo.corpus]

speed   processor time of one thread, untrained weights (they cost the same): MelGAN over 4 s in one piece, to be held
        against the 51,900 samples a second of its paper, and each network in the steps that a server runs
phases  RTISI-LA and Griffin-Lim (librosa's) on recordings of a corpus, from their own magnitudes and from 128 mel bands
        of them: spectral convergence in dB and mean distance of natural log magnitudes from the recording's, and
        processor time as a share of the sound's length, once the magnitudes are there
"""

import dataclasses
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import torch

from benchmarks import options
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from liveseq.corpus.store import Corpus
from liveseq.dsp.mel import PRESETS
from liveseq.dsp.rtisi import Rtisi, mel_to_magnitude
from liveseq.runtime.session import open_session
from liveseq.train.graph import write_graph
from liveseq.train.sound.vocoders.graph import VocoderGraph
from liveseq.train.sound.vocoders.melgan.family import PRESETS as MELGAN_PRESETS
from liveseq.train.sound.vocoders.melgan.networks import MelGan, MelGanConfig, Windowed, plain
from liveseq.train.sound.vocoders.melgan.recipe import network

PAPER = 51_900
"""Samples a second, MelGAN on a CPU (Kumar et al. 2019, table of speeds)."""
SECONDS, N_RECORDINGS, N_RUNS = 4.0, 8, 30
END = PRESETS["music48"]
RTISI = ((1, 2), (2, 4), (3, 4), (3, 8))
"""Look-ahead and rounds."""


def main() -> None:
    corpus = options.parser(__doc__, corpus=True).parse_args().corpus
    torch.set_num_threads(1)
    print(section(BENCHMARK.save({"speed": speed(), "phases": phases(list(_recordings(corpus)))})))


class _Whole(torch.nn.Module):
    def __init__(self, net: MelGan) -> None:
        super().__init__()
        self.net = net

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        return self.net(mel)


def speed() -> dict[str, dict[str, float]]:
    """Samples a second, and the real-time factor, by network."""
    net, gru = (plain(MelGan(MelGanConfig(recurrent=recurrent))) for recurrent in (False, True))
    published = dataclasses.replace(PRESETS["demiurge"], sample_rate=22_050, f_max=11_025.0)
    n_frames = int(SECONDS * 22_050) // 256
    found = {
        "MelGAN, whole, 22.05 kHz": _speed(_Whole(net), {"mel": (1, 80, n_frames)}, ["audio"], n_frames * 256, 22_050)
    }
    small = plain(network(MELGAN_PRESETS["small"]["model"]))
    for name, vocoder in (
        ("MelGAN in steps, 22.05 kHz", Windowed(net, published)),
        ("with the recurrent layer, in steps, 22.05 kHz", Windowed(gru, published)),
        ("multi-band (small) in steps, 48 kHz", small),
    ):
        step = VocoderGraph(vocoder)
        inputs = step.input_shapes() | step.state_shapes()
        found[name] = _speed(step, inputs, ["audio", "memory_next"], step.samples_per_step, step.sample_rate)
    return found


def _speed(
    step: torch.nn.Module, inputs: dict[str, tuple[int, ...]], outputs: list[str], n_samples: int, sample_rate: int
) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "step.onnx"
        write_graph(step, path, inputs=inputs, outputs=outputs)
        session = open_session(path)
    rng = np.random.default_rng(0)
    feed = {name: rng.uniform(-4.0, 0.0, shape).astype(np.float32) for name, shape in inputs.items()}
    session.warm_up(feed, n_runs=5)
    seconds = np.median([_cost(lambda: session.run(feed))[1] for _ in range(N_RUNS)])
    return {"samples_per_second": round(n_samples / seconds), "rtf": round(float(seconds * sample_rate / n_samples), 4)}


def phases(recordings: list[np.ndarray]) -> dict[str, dict[str, list[float]]]:
    """Mean convergence, log distance and real-time factor, by what the magnitudes are from and by way."""
    filters = END.filterbank()
    rows: dict[str, dict[str, list[tuple[float, ...]]]] = {"magnitudes": {}, "mel frames": {}}
    for y in recordings:
        true = _magnitudes(y)
        mel = np.log10(np.maximum(true @ filters.T, 1e-5)).astype(np.float32)
        for source, magnitudes in zip(rows, (true, mel_to_magnitude(mel, END)), strict=True):
            for way, run in _ways().items():
                made, seconds = _cost(lambda run=run, magnitudes=magnitudes: run(magnitudes))
                row = (*_distance(made, true), seconds * END.sample_rate / len(y))
                rows[source].setdefault(way, []).append(row)
    return {s: {w: np.round(np.mean(r, axis=0), 3).tolist() for w, r in ways.items()} for s, ways in rows.items()}


def _ways() -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Magnitudes (n_frames, n_bins) -> sound, by name."""

    def rtisi(look_ahead: int, n_iterations: int) -> Callable[[np.ndarray], np.ndarray]:
        def run(magnitudes: np.ndarray) -> np.ndarray:
            inverse = Rtisi(
                n_fft=END.n_fft, hop_length=END.hop_length, look_ahead=look_ahead, n_iterations=n_iterations
            )
            silence = np.zeros((look_ahead, magnitudes.shape[1]), dtype=np.float32)
            return inverse.step(np.concatenate((magnitudes, silence)))[inverse.latency :]

        return run

    def griffin_lim(n_iterations: int, momentum: float) -> Callable[[np.ndarray], np.ndarray]:
        return lambda magnitudes: librosa.griffinlim(
            magnitudes.T,
            n_iter=n_iterations,
            hop_length=END.hop_length,
            n_fft=END.n_fft,
            center=False,
            momentum=momentum,
            random_state=0,
        )

    ways = {f"RTISI-LA, {ahead} ahead, {n} rounds": rtisi(ahead, n) for ahead, n in RTISI}
    return ways | {"Griffin-Lim, 12 rounds": griffin_lim(12, 0.0), "accelerated, 32 rounds": griffin_lim(32, 0.99)}


def _distance(made: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    found = _magnitudes(made)
    n = min(len(found), len(true))
    found, true = found[:n], true[:n]
    convergence = 20 * np.log10(np.linalg.norm(found - true) / np.linalg.norm(true))
    return float(convergence), float(np.abs(np.log(found + 1e-5) - np.log(true + 1e-5)).mean())


def _magnitudes(y: np.ndarray) -> np.ndarray:
    """(n_frames, n_bins), from the first sample on."""
    spectrum = librosa.stft(y, n_fft=END.n_fft, hop_length=END.hop_length, center=False)
    return np.asarray(np.abs(spectrum).T, dtype=np.float32)


def _recordings(path: Path) -> Iterator[np.ndarray]:
    """The middle of some of a corpus's recordings, one channel."""
    with Corpus.open(path) as corpus:
        sources = [source.id for source in corpus.sources()]
        for source in sources[:: max(1, len(sources) // N_RECORDINGS)][:N_RECORDINGS]:
            y = corpus.audio(source)[:, 0]
            start = max(0, len(y) // 2 - int(SECONDS * END.sample_rate) // 2)
            yield np.asarray(y[start : start + int(SECONDS * END.sample_rate)], dtype=np.float32)


def _cost(run: Callable[[], Any]) -> tuple[Any, float]:
    """Result, and seconds of processor time: other work of the machine is not counted."""
    began = time.process_time()
    return run(), time.process_time() - began


def section(figures: dict[str, Any]) -> str:
    speeds = [[name, f"{row['samples_per_second']:,}", f"{row['rtf']:.3f}"] for name, row in figures["speed"].items()]
    whole = next(iter(figures["speed"].values()))["samples_per_second"]
    ways = [
        [way, source, f"{convergence:.1f}", f"{distance:.2f}", f"{rtf:.3f}"]
        for source, rows in figures["phases"].items()
        for way, (convergence, distance, rtf) in rows.items()
    ]
    return f"""`{BENCHMARK.command}`, one thread, processor time ({figures["machine"]["cpu"]}). The first network makes
{whole / PAPER:.1f} times the {PAPER:,} samples a second of the paper's table.

{table(["network", "samples made a second", "real-time factor"], speeds)}

Phases without training, on recordings of the demo corpus, against their own magnitudes: spectral convergence (lower is
nearer), mean distance of log magnitudes, and time over the sound's length.

{table(["way", "from", "convergence, dB", "log distance", "real-time factor"], ways)}"""


BENCHMARK = Benchmark(file=__file__, minutes=1, sections=(Section(text=section, page="models.md"),))

if __name__ == "__main__":
    main()
