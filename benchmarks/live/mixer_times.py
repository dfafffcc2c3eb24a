"""Time of the engine's mixer alone, block by block, in the cases that cost it most."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from benchmarks.rigs.jack_server import BLOCK_SIZE, SAMPLE_RATE
from benchmarks.rigs.running_engine import N_SOURCE, UNIT
from liveseq.engine.events import Play
from liveseq.engine.grains import MAX_GRAINS
from liveseq.engine.mixer import Mixer
from liveseq.engine.realtime import prefer_audio
from liveseq.sequencer.timeline import Grain, GrainShape

GRAIN = Grain(
    layer=1,
    start=0,
    length=SAMPLE_RATE,
    interval=BLOCK_SIZE,
    unit=0,
    shard=0,
    position=0,
    source_start=0,
    source_end=N_SOURCE,
    attack=MAX_GRAINS * BLOCK_SIZE // 2,
    release=MAX_GRAINS * BLOCK_SIZE // 2,
    shape=GrainShape.HANN,
    gain=0.3,
)
Player = Callable[[Mixer, int, int, int], None]
"""Mixer, layer, turn, position -> sends that layer in that turn the sound at that position."""


def summary(name: str, values: np.ndarray) -> dict[str, float]:
    """Percentiles of milliseconds, by name, of those that are finite."""
    heard = values[np.isfinite(values)]
    points = {"p50": 50, "p95": 95, "p99": 99, "max": 100}
    return {f"{name}_{label}_ms": round(float(np.percentile(heard, point)), 3) for label, point in points.items()}


def render_times(*, n_layers: int, level: float = 0.1, play: Player, n_blocks: int = 5_000) -> dict[str, float]:
    """Time of the mixer alone, in ms per block of layers that `play`; at level 1 the limiter works."""
    prefer_audio()  # as the engine's audio thread does; this is the last thing measured
    rng = np.random.default_rng(1)
    shard = (level * rng.standard_normal((N_SOURCE, 2))).astype(np.float32)
    mixer = Mixer({0: shard}, sample_rate=SAMPLE_RATE, n_layers=n_layers)
    mixer.push(Play(seconds=0.0))
    out = np.empty((BLOCK_SIZE, 2), dtype=np.float32)
    seconds = np.empty(n_blocks)
    for turn in range(n_blocks):
        for layer in range(1, n_layers + 1):
            play(mixer, layer, turn, int(rng.integers(20_000, N_SOURCE - 20_000)))
        began = time.perf_counter()
        mixer.render_into(out)
        seconds[turn] = time.perf_counter() - began
    return summary("block", 1e3 * seconds)


def jump(mixer: Mixer, layer: int, turn: int, position: int, *, ratio: float = 1.0) -> None:
    """A unit every 64 blocks, with a crossfade of 22 ms."""
    if turn % 64 == 0:
        unit = replace(UNIT, layer=layer, position=position, start=mixer.clock + 30, fade=1056, ratio=ratio)
        mixer.push(unit)


def cloud(mixer: Mixer, layer: int, turn: int, position: int, *, ratio: float) -> None:
    """Grains, as many as there may be, each as many blocks long: one begins and one ends in every block."""
    length = MAX_GRAINS * BLOCK_SIZE
    mixer.push(replace(GRAIN, layer=layer, position=position, start=mixer.clock + 30, length=length, ratio=ratio))


_FULL = f"{MAX_GRAINS} grains each"
MIXER_CASES: dict[str, Callable[[], dict[str, float]]] = {
    "2 layers, noise at 0.1": partial(render_times, n_layers=2, play=jump),
    "4 layers, noise at 0.1": partial(render_times, n_layers=4, play=jump),
    "4 layers, noise at 1": partial(render_times, n_layers=4, level=1.0, play=jump),
    "2 layers, pitch matched": partial(render_times, n_layers=2, play=partial(jump, ratio=1.03)),
    f"1 layer of {_FULL}, as recorded": partial(render_times, n_layers=1, play=partial(cloud, ratio=1.0)),
    f"1 layer of {_FULL}, pitched": partial(render_times, n_layers=1, play=partial(cloud, ratio=1.03)),
    f"1 layer of {_FULL}, 1.5 octaves up": partial(render_times, n_layers=1, play=partial(cloud, ratio=2.8)),
    f"2 layers of {_FULL}, pitched": partial(render_times, n_layers=2, play=partial(cloud, ratio=1.03)),
}
