"""From a trigger to the first changed sample at a JACK output port: liveseq's engine, and scsynth beside it.

    python -m benchmarks.live.latency [--triggers 500]

JACK dummy driver, 128-sample blocks at 48 kHz. A trigger is sent at a random moment out of silence; a probe (a JACK
client in its own process) notes when the block with the first sound is at the output port. `block` is the time from
just before the send to that moment; `sample` adds the place of the sample inside the block, and so the 31 samples by
which the limiter looks ahead. Idle, and with two busy processes per core.

`xruns` are the server's, whoever caused them; the rows "server alone" have those with nobody but the probe connected.
`underruns` are those that PortAudio told the engine of.

Triggers: a record into the engine's pipe ("engine"); OSC datagrams to a whole running server ("server, tag" and
"server, mute", see server_latency.py); scsynth's /s_new, an OSC datagram too. `measure` takes any trigger.
"""

import argparse
import multiprocessing
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from pythonosc.osc_message_builder import OscMessageBuilder

from benchmarks.live.server_latency import TAGS, RunningServer, make_corpus
from benchmarks.results import save
from benchmarks.rigs.jack_dummy import JackServer, Probe, trigger_latencies
from benchmarks.rigs.started import spawned, started
from liveseq.engine.arguments import EngineArguments
from liveseq.engine.events import Play
from liveseq.engine.grains import MAX_GRAINS
from liveseq.engine.mixer import Mixer
from liveseq.engine.pipe import RecordWriter
from liveseq.engine.process import run_engine
from liveseq.engine.realtime import prefer_audio
from liveseq.engine.state import EngineState
from liveseq.sequencer.timeline import Grain, GrainShape, PlayUnit, StopLayer

SAMPLE_RATE, BLOCK_SIZE = 48_000, 128
N_SOURCE = 10 * SAMPLE_RATE
BUSY_PER_CORE = 2
UNIT = PlayUnit(
    layer=1,
    start=0,
    length=SAMPLE_RATE,
    unit=0,
    shard=0,
    position=0,
    source_start=0,
    source_end=N_SOURCE,
    fade=0,
    gain=1.0,
)
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
"""Sends a layer of a mixer, in a turn, what is at a position."""
ENGINE_PORT = "PortAudio.*:out_0"
SCSYNTH_PORT = "SuperCollider:out_1"


def measure(
    port: str,
    *,
    trigger: Callable[[], None],
    release: Callable[[], None],
    n: int,
    underruns: Callable[[], int] | None = None,
    sample_rate: int = SAMPLE_RATE,
) -> dict[str, float]:
    """Latency, in ms, of anything that answers `trigger` with sound at a JACK port, and `release` with silence.

    underruns: its own count of them, asked for when the probe is connected (which makes xruns) and at the end.
    """
    probe = Probe(port)
    try:
        before = underruns() if underruns else 0
        block, sample = trigger_latencies(probe, trigger=trigger, release=release, n=n, sample_rate=sample_rate)
        return {
            "triggers": n,
            "missed": int(np.sum(np.isinf(sample))),
            **_summary("block", block),
            **_summary("sample", sample),
            "blocks": probe.n_blocks,
            "xruns": probe.n_xruns,
            "probe_gaps": probe.gaps(),
            **({"underruns": underruns() - before} if underruns else {}),
        }
    finally:
        probe.close()


def _summary(name: str, values: np.ndarray) -> dict[str, float]:
    heard = values[np.isfinite(values)]
    points = {"p50": 50, "p95": 95, "p99": 99, "max": 100}
    return {f"{name}_{label}_ms": round(float(np.percentile(heard, point)), 3) for label, point in points.items()}


def _loop() -> None:
    while True:
        pass


@contextmanager
def busy_processes(work: Callable[[], None] = _loop) -> Iterator[None]:
    """Two processes per core that work without end, at normal priority."""
    loops = [spawned(work) for _ in range(n_busy())]
    time.sleep(1.0)
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.join()


def n_busy() -> int:
    return BUSY_PER_CORE * (os.cpu_count() or 1)


@contextmanager
def running_engine(output: str = "system") -> Iterator[tuple[RecordWriter, EngineState]]:
    """An engine on a shard of random signs at half scale: sound from the first sample on."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        signs = np.random.default_rng(1).choice(np.array([-0.5, 0.5], dtype=np.float32), (N_SOURCE, 2))
        signs.tofile(Path(folder) / "0000.f32")
        state = EngineState.create()
        stack.callback(state.close)
        arguments = EngineArguments(
            state=state.name,
            audio_folder=Path(folder),
            shards=((0, N_SOURCE),),
            sample_rate=SAMPLE_RATE,
            block_size=BLOCK_SIZE,
            output=output,
        )
        reader, sender = multiprocessing.Pipe(duplex=False)
        process = spawned(run_engine, arguments, reader)
        stack.callback(process.join, 5.0)
        stack.callback(process.terminate)
        limit = time.monotonic() + 15.0
        while state.read_status().state != "ready":
            if time.monotonic() > limit:
                raise RuntimeError(f"engine: {state.read_status()}")
            time.sleep(0.01)
        time.sleep(1.0)
        yield RecordWriter(sender), state


def engine_latency(*, n: int) -> dict[str, object]:
    with running_engine() as (writer, state):
        writer.send([Play(seconds=0.0)])
        before = state.read_pulse()
        figures = measure(
            ENGINE_PORT,
            trigger=lambda: writer.send([UNIT]),
            release=lambda: writer.send([StopLayer(layer=1, start=0, fade=0)]),
            n=n,
            underruns=lambda: state.read_pulse().underruns,
        )
        after = state.read_pulse()
        return figures | {
            "slow": after.slow - before.slow,
            "cpu": round(after.cpu, 3),
            "cpu_peak": round(after.cpu_peak, 3),
            "granted": state.read_status().granted,
        }


def tag_latency(corpus: Path, *, n: int) -> dict[str, object]:
    """A tag sent to a stopped server."""
    turns = iter(range(10 * n))
    with RunningServer(corpus, "--output", "system") as server:
        server.send("/liveseq/grain/crossfade_ms", 1.0)
        time.sleep(1.0)
        return dict(
            measure(
                ENGINE_PORT,
                trigger=lambda: server.send("/liveseq/tag", TAGS[next(turns) % len(TAGS)]),
                release=lambda: server.send("/liveseq/panic"),
                n=n,
                underruns=lambda: int(server.ask("/liveseq/status")[3]),
            )
        )


def mute_latency(corpus: Path, *, n: int) -> dict[str, object]:
    """A playing server that is opened."""
    with RunningServer(corpus, "--output", "system") as server:
        server.send("/liveseq/tag", TAGS[0])
        time.sleep(1.0)
        return dict(
            measure(
                ENGINE_PORT,
                trigger=lambda: server.send("/liveseq/mute", False),
                release=lambda: server.send("/liveseq/mute", True),
                n=n,
                underruns=lambda: int(server.ask("/liveseq/status")[3]),
            )
        )


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
    return _summary("block", 1e3 * seconds)


def jump(mixer: Mixer, layer: int, turn: int, position: int, *, ratio: float = 1.0) -> None:
    """A unit every 64 blocks, with a crossfade of 22 ms."""
    if turn % 64 == 0:
        unit = replace(UNIT, layer=layer, position=position, start=mixer.clock + 30, fade=1056, ratio=ratio)
        mixer.push(unit)


def cloud(mixer: Mixer, layer: int, turn: int, position: int, *, ratio: float) -> None:
    """As many grains as there may be, each as many blocks long: one begins and one ends in every block."""
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


def server_alone(*, n: int) -> dict[str, object]:
    """Xruns of a server that nobody but the probe uses, for about as long as n triggers take."""
    probe = Probe("")
    try:
        time.sleep(n * 0.04)
        return {"blocks": probe.n_blocks, "xruns": probe.n_xruns, "probe_gaps": probe.gaps()}
    finally:
        probe.close()


def noise_synth(name: str) -> bytes:
    """A compiled SynthDef: white noise to bus 0."""

    def text(value: str) -> bytes:
        return bytes([len(value)]) + value.encode()

    def integers(*values: int) -> bytes:
        return b"".join(value.to_bytes(4, "big", signed=True) for value in values)

    audio_rate, no_special = b"\x02", b"\0\0"
    noise = text("WhiteNoise") + audio_rate + integers(0, 1) + no_special + audio_rate
    out = text("Out") + audio_rate + integers(2, 0) + no_special + integers(-1, 0, 0, 0)
    constants, parameters = integers(1) + b"\0\0\0\0", integers(0, 0)
    return b"SCgf" + integers(2) + b"\0\x01" + text(name) + constants + parameters + integers(2) + noise + out + b"\0\0"


def scsynth_latency(*, n: int, port: int = 57_321) -> dict[str, object]:
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(address: str, *values: object) -> None:
        builder = OscMessageBuilder(address)
        for value in values:
            builder.add_arg(value)
        link.sendto(builder.build().dgram, ("127.0.0.1", port))

    command = ["scsynth", "-u", port, "-i", 0, "-o", 2, "-R", 0]
    with link, started(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        time.sleep(2.0)
        send("/d_recv", noise_synth("probe"))
        send("/error", 0)
        time.sleep(0.5)
        return dict(
            measure(
                SCSYNTH_PORT,
                trigger=lambda: send("/s_new", "probe", 1000, 0, 0),
                release=lambda: send("/n_free", 1000),
                n=n,
            )
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--triggers", type=int, default=500)
    arguments = parser.parse_args()
    results: dict[str, dict[str, object]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        JackServer(sample_rate=SAMPLE_RATE, block_size=BLOCK_SIZE) as server,
    ):
        corpus = make_corpus(Path(folder) / "noise.corpus")
        os.environ.update(server.environment())
        ways: dict[str, Callable[..., dict[str, object]]] = {
            "server alone": server_alone,
            "liveseq engine": engine_latency,
            "liveseq server, tag": partial(tag_latency, corpus),
            "liveseq server, mute": partial(mute_latency, corpus),
        }
        if shutil.which("scsynth"):
            ways["scsynth"] = scsynth_latency
        for name, way in ways.items():
            results[f"{name}, idle"] = way(n=arguments.triggers)
            with busy_processes():
                results[f"{name}, {n_busy()} busy processes"] = way(n=arguments.triggers)
    render = {name: case() for name, case in MIXER_CASES.items()}
    save("latency", {"busy_processes": n_busy(), "results": results, "render": render})
    print_table(results)
    for name, figures in render.items():
        print(f"mixer, {name}: {figures}")


def print_table(results: dict[str, dict[str, object]]) -> None:
    times = ("block_p50_ms", "sample_p50_ms", "sample_p95_ms", "sample_p99_ms", "sample_max_ms")
    columns = (*times, "missed", "blocks", "xruns", "underruns")
    print("| way | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for name, figures in results.items():
        print(f"| {name} | " + " | ".join(str(figures.get(column, "-")) for column in columns) + " |")


if __name__ == "__main__":
    main()
