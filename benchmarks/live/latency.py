"""Time from a trigger to the first changed sample at a JACK output port: liveseq, and scsynth beside it.

    python -m benchmarks.live.latency [--triggers 500]

JACK dummy driver, 128-sample blocks at 48 kHz. A trigger is sent at a random moment out of silence; a probe (a JACK
client in its own process) notes when the block with the first sound is at the output port. `block` is the time from
just before the send to that moment; `sample` adds the place of the sample inside the block, and so the 31 samples by
which the limiter looks ahead. Idle, and with two busy processes per core.

`xruns` are the server's, whoever caused them; the rows "server alone" have those with nobody but the probe connected.
`underruns` are those that PortAudio told the engine of.

Triggers: an event into the engine's pipe ("engine"); OSC datagrams to a whole running server with a corpus of noise
("server, tag" and "server, mute"); scsynth's /s_new, an OSC datagram too. `measure` takes any trigger.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import options
from benchmarks.live.mixer_times import MIXER_CASES, summary
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from benchmarks.rigs import scsynth
from benchmarks.rigs.busy import busy_processes, n_busy
from benchmarks.rigs.controller import Controller
from benchmarks.rigs.jack_probe import Probe, trigger_latencies
from benchmarks.rigs.jack_server import ENGINE_PORT, SAMPLE_RATE, JackServer
from benchmarks.rigs.noise_corpus import TAGS, make_noise_corpus
from benchmarks.rigs.running_engine import UNIT, running_engine
from benchmarks.rigs.running_server import RunningServer
from liveseq.engine.events import Play
from liveseq.sequencer.timeline import StopLayer


def measure(
    port: str,
    *,
    trigger: Callable[[], None],
    release: Callable[[], None],
    n: int,
    underruns: Callable[[], int] | None = None,
) -> dict[str, Any]:
    """Latency, in ms, of anything that answers `trigger` with sound at a JACK port, and `release` with silence.

    underruns: its own count of them, asked for when the probe is connected (which makes xruns) and at the end.
    """
    probe = Probe(port)
    try:
        before = underruns() if underruns else 0
        block, sample = trigger_latencies(probe, trigger=trigger, release=release, n=n, sample_rate=SAMPLE_RATE)
        return {
            "triggers": n,
            "missed": int(np.sum(np.isinf(sample))),
            **summary("block", block),
            **summary("sample", sample),
            "blocks": probe.n_blocks,
            "xruns": probe.n_xruns,
            "probe_gaps": probe.gaps(),
            **({"underruns": underruns() - before} if underruns else {}),
        }
    finally:
        probe.close()


def engine_latency(*, n: int) -> dict[str, Any]:
    """An event into the pipe of an engine by itself."""
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


def tag_latency(corpus: Path, *, n: int) -> dict[str, Any]:
    """A tag sent to a stopped server: words, prediction, selection, a new plan, events."""
    turns = iter(range(10 * n))
    with RunningServer("--corpus", corpus, "--output", "system") as server, Controller(server.port) as controller:
        controller.send("/liveseq/grain/crossfade_ms", 1.0)  # the fade is not what is measured
        time.sleep(1.0)
        return server_latency(
            controller,
            trigger=lambda: controller.send("/liveseq/tag", TAGS[next(turns) % len(TAGS)]),
            release=lambda: controller.send("/liveseq/panic"),
            n=n,
        )


def mute_latency(corpus: Path, *, n: int) -> dict[str, Any]:
    """A playing server that is opened: a control that the engine answers by itself."""
    with RunningServer("--corpus", corpus, "--output", "system") as server, Controller(server.port) as controller:
        controller.send("/liveseq/tag", TAGS[0])
        time.sleep(1.0)
        return server_latency(
            controller,
            trigger=lambda: controller.send("/liveseq/mute", False),
            release=lambda: controller.send("/liveseq/mute", True),
            n=n,
        )


def server_latency(
    controller: Controller, *, trigger: Callable[[], None], release: Callable[[], None], n: int
) -> dict[str, Any]:
    """Latency of a whole server, from `sendto` on; both triggers are sent out of silence."""

    def underruns() -> int:
        return int(controller.ask("/liveseq/status")[3])

    return measure(ENGINE_PORT, trigger=trigger, release=release, n=n, underruns=underruns)


def server_alone(*, n: int) -> dict[str, Any]:
    """Xruns of a server that nobody but the probe uses, for about as long as n triggers take."""
    probe = Probe("")
    try:
        time.sleep(n * 0.04)
        return {"blocks": probe.n_blocks, "xruns": probe.n_xruns, "probe_gaps": probe.gaps()}
    finally:
        probe.close()


def scsynth_latency(*, n: int) -> dict[str, Any]:
    with scsynth.running_scsynth() as synth:
        return measure(scsynth.PORT, trigger=synth.on, release=synth.off, n=n)


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--triggers", type=int, default=500)
    arguments = parser.parse_args()
    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder, JackServer() as jack:
        corpus = make_noise_corpus(Path(folder) / "noise.corpus")
        os.environ.update(jack.environment())
        ways: dict[str, Callable[..., dict[str, Any]]] = {
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
    print(section(BENCHMARK.save({"busy_processes": n_busy(), "results": results, "render": render})))


def section(figures: dict[str, Any]) -> str:
    keys = (
        "sample_p50_ms",
        "sample_p95_ms",
        "sample_p99_ms",
        "sample_max_ms",
        "missed",
        "blocks",
        "xruns",
        "underruns",
    )
    rows = [[name, *(row.get(key, "") for key in keys)] for name, row in figures["results"].items()]
    mixer = [[name, *row.values()] for name, row in figures["render"].items()]
    return f"""## From a message to the changed sample

`{BENCHMARK.command}`: PortAudio into a JACK server with the dummy driver, 128-sample blocks (2.67 ms) at
48 kHz, 500 triggers. Milliseconds from just before the send to the first changed sample at the port, its place in the
block and the limiter's look-ahead (0.65 ms) included. Busy: two endless loops per core. xruns are the server's, whoever
caused them (see the rows without liveseq); underruns are what PortAudio told the engine, whoever caused them.

{table(["way", "p50", "p95", "p99", "max", "missed", "blocks", "xruns", "underruns"], rows)}

The mixer alone, milliseconds per block of 128 samples. It renders without a pause at real-time priority, so the kernel
takes its 5 % of each second once (the one block of about 50 ms); live, it sleeps between blocks.

{table(["case", "p50", "p95", "p99", "max"], mixer)}"""


BENCHMARK = Benchmark(file=__file__, minutes=6, sections=(Section(text=section, place=10),))

if __name__ == "__main__":
    main()
