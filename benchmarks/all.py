"""Run every benchmark on this machine and write docs/performance.md.

    python -m benchmarks.all [--only NAME ...] [--table]

About half an hour. Leave the machine alone meanwhile: latency is measured. `--only` runs some of them (predictors, an
hour of training, and soak, ten minutes, only so), `--table` none: the page is written from the last figures in
benchmarks/results.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.models.predictor_tables import cost
from benchmarks.results import load
from benchmarks.rigs.started import run

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
NAMES = (
    "latency",
    "planning",
    "search",
    "start_and_render",
    "corpus_build",
    "against_demiurge",
    "selection",
    "joins",
    "steering",
    "tag_meaning",
    "live_set",
    "stream",
)
ON_DEMAND = ("before_a_gig", "disturbance", "first_start", "growing_set", "predictors", "soak")
HEAD = """# Performance

Made by `make bench` (`python -m benchmarks.all`); each section names its command. Figures of another machine will
differ; what is compared was measured in one run. {machine}

"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=NAMES + ON_DEMAND, default=NAMES)
    parser.add_argument("--table", action="store_true", help="only write the page")
    arguments = parser.parse_args()
    if not arguments.table:
        _demo_corpus()
    failed = [name for name in arguments.only if not (arguments.table or _run(name))]
    PAGE.write_text(page())
    print(PAGE)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _run(name: str) -> bool:
    print(f"== {name}", flush=True)
    [path] = Path(__file__).parent.glob(f"*/{name}.py")
    return run([sys.executable, "-m", f"benchmarks.{path.parent.name}.{name}"]) == 0


def _demo_corpus() -> None:
    if not Path("corpora/demo.corpus").is_dir() and run([sys.executable, "-m", "liveseq.cli", "corpus", "demo"]):
        sys.exit("no demo corpus; see above")


def page() -> str:
    """The Markdown page from the last figures."""
    sections = {name: load(name) for name in NAMES + ON_DEMAND}
    found = [figures["machine"] for figures in sections.values() if figures]
    machine = f"Here: {found[0]['cpu']}, {found[0]['cores']} cores, {found[0]['system']}." if found else ""
    parts = [SECTIONS[name](figures) for name, figures in sections.items() if figures]
    return HEAD.format(machine=machine) + "\n\n".join(parts) + "\n"


def table(head: list[str], rows: list[list[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def joins(figures: dict[str, Any]) -> str:
    keys = ("sharp", "buried", "level_p1_db", "level_p99_db", "level_off", "time_p50_ms")
    rows = [[way, *(row[key] for key in keys)] for way, row in figures["ways"].items()]
    return f"""## Joins

`python -m benchmarks.choice.joins`: {figures["jumps"]} jumps between recordings of the demo corpus, 20 ms of fade.
Sharp: joins above the 99th percentile of natural bends. Buried: of the joins with an attack near, those whose fade
swallows it. Level: of the sum in the middle of the fade against both sounds, and the share that is off by more
than 1.5 dB.

{table(["way", "sharp", "buried", "level p1 dB", "p99 dB", "off", "ms"], rows)}"""


def latency(figures: dict[str, Any]) -> str:
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

`python -m benchmarks.live.latency`: PortAudio into a JACK server with the dummy driver, 128-sample blocks (2.67 ms) at
48 kHz, 500 triggers. Milliseconds from just before the send to the first changed sample at the port, its place in the
block and the limiter's look-ahead (0.65 ms) included. Busy: two endless loops per core. xruns are the server's, whoever
caused them (see the rows without liveseq); underruns are what PortAudio told the engine, whoever caused them.

{table(["way", "p50", "p95", "p99", "max", "missed", "blocks", "xruns", "underruns"], rows)}

The mixer alone, milliseconds per block of 128 samples. It renders without a pause at real-time priority, so the kernel
takes its 5 % of each second once (the one block of about 50 ms); live, it sleeps between blocks.

{table(["case", "p50", "p95", "p99", "max"], mixer)}"""


def soak(figures: dict[str, Any]) -> str:
    words = {
        "minutes": "minutes",
        "blocks": "blocks",
        **XRUN_WORDS,
        "cpu": "mean block over its duration",
        "late": "late events",
        "dropped": "dropped",
        "missed": "messages without a sound",
        "sample_p50_ms": "message to changed sample, p50 ms",
        "sample_p99_ms": "p99 ms",
        "sample_max_ms": "max ms",
        "memory_mb": "private memory of the live processes, MB",
        "memory_mb_per_hour": "its growth, MB per hour",
        "steal": "share of the cores taken by other machines",
    }
    verdict = "; ".join(figures["why_not"]) or "passed"
    return f"""## A long set with every core busy

`python -m benchmarks.live.soak`: the whole server on a JACK dummy device, 128-sample blocks at 48 kHz, beside
{figures["busy_processes"]} processes at normal priority that work through more memory than the caches hold. Once a
second another tag, then silence, and the message that opens the output again (`mute F`). {XRUNS}
Verdict: **{verdict}**.

{table(["", ""], [[text, figures[key]] for key, text in words.items()])}

{by_minute(figures["by_minute"])}"""


XRUNS = """Beside it
a second JACK server, the control, with a player of ready blocks in the same chain of clients; an xrun of both within
20 ms is the machine's, and of the rest no more may be on our side than chance (1 %) would put there."""
XRUN_WORDS = {
    "xruns": "xruns of liveseq's JACK server",
    "control": "xruns of the control",
    "both": "xruns of both",
    "xruns_alone": "xruns of liveseq's alone",
    "control_alone": "xruns of the control alone",
    "xruns_p": "chance of so many or more of these on our side",
    "underruns": "blocks before which PortAudio told the engine of an underrun",
    "cpu_peak": "slowest block over its duration (by the clock on the wall, stolen time included)",
}


def by_minute(rows: list[dict[str, Any]]) -> str:
    keys = ("xruns", "control", "both", "late", "cpu_peak")
    head = ["minute", "xruns", "of the control", "of both", "late events", "slowest block"]
    return table(head, [[number, *(row[key] for key in keys)] for number, row in enumerate(rows, start=1)])


def growing_set(figures: dict[str, Any]) -> str:
    words = {
        "seconds": "seconds",
        "messages": "messages",
        "gap_s": "longest stretch below -70 dBFS, s",
        "holes": "blocks of zeros, or the same as the one before",
        "missed_blocks": "cycles that the tape itself missed: they are not in the recording",
        **XRUN_WORDS,
        "late": "late events",
        "late_changes": "changes of layer 2's tag that were heard later than meant",
        "dropped": "dropped",
        "dried_up": "times that the generator fell behind its layer",
        "lost": "streams that were given up",
        "turns_sharp": "moments after a message sharper than 99 % of the others (0.01 by chance)",
        "peak_dbfs": "peak, dBFS",
        "grown_recordings": "recordings that grew",
        "grown_units": "their units",
        "grown_minutes": "their minutes",
        "played": "share of layer 1 that had grown since the set began",
        "steal": "share of the cores taken by other machines",
    }
    rows = [[text, figures[key]] for key, text in words.items()]
    rows += [[f"times that a layer was {step}", n] for step, n in figures["ladder"].items()]
    verdict = "; ".join(figures["why_not"]) or "no gap"
    return f"""## A set in which the corpus grows and a layer plays a generator

`python -m benchmarks.live.growing_set`: the real server on a JACK dummy device, 128-sample blocks at 48 kHz, recorded
at its ports; two tags grow by `{figures["generator"]}`, layer 2 plays it directly under a new tag every three to five
seconds, layer 1 plays what grew. {XRUNS}
Verdict: **{verdict}**.

{table(["", ""], rows)}

{by_minute(figures["by_minute"])}"""


def disturbance(figures: dict[str, Any]) -> str:
    rows = [[row["case"], row["p99"], row["max"], row["over_1_ms"]] for row in figures["cases"]]
    return f"""## What real-time priority does not help with

`python -m benchmarks.live.disturbance`: how late, in ms, a thread of real-time priority is woken that sleeps until
every next millisecond, for {figures["seconds"]:.0f} s, beside a process of the lowest priority on the same core:
computing; writing 12 s of sound into a file by one call, or in pieces as a corpus is written; filling arrays of huge
pages, or of small ones as the server's processes do. Each case in two halves, the second in the opposite order;
transparent huge pages of this kernel: `{figures["huge_pages"]}`. What pieces and small pages are worth here is the
difference between the two rows of each pair, where it is larger than what the row of nothing shows by itself.

{table(["beside it", "p99", "max", "times over 1 ms"], rows)}"""


def planning(figures: dict[str, Any]) -> str:
    rows = [list(row.values()) for row in figures["rows"]]
    return f"""## From a tag to a planned horizon

`python -m benchmarks.choice.planning`: text encoder, priming, three predicted steps (a first plan), search, beam,
events; one thread.

{table(["units", "tags", "p50 ms", "p99 ms", "max ms", "index built in s"], rows)}"""


def search(figures: dict[str, Any]) -> str:
    keys = ("units", "tags", "weights", "filter", "p50_ms", "p99_ms", "recall", "excess_std")
    rows = [[row[key] for key in keys] for row in figures["rows"]]
    indices = [list(row.values()) for row in figures["indices"]]
    return f"""## Search

`python -m benchmarks.choice.search`: one query, 34 features, k = {figures["k"]}, one thread; exact up to
{figures["flat_limit"]} units under a tag and filter, inverted lists beyond. The filter lets a tenth of them through.
Recall against the exact answer, and how much further off, in standard deviations, what was found instead is on average:
where loudness alone counts, thousands of units are as near as the nearest.

{table(["units", "tags", "weights", "filter", "p50 ms", "p99 ms", "recall", "further off"], rows)}

The index itself; to grow is to add 100 units.

{table(["units", "tags", "built in s", "bytes per unit", "ms to grow"], indices)}"""


def start_and_render(figures: dict[str, Any]) -> str:
    typical, worst, speed = (figures[key] for key in ("start_p50_s", "start_max_s", "render_times_real_time"))
    return f"""## Start and render

`python -m benchmarks.live.start_and_render`: from the call of `run_server.py` to `liveseq ready`, warm: {typical:.2f} s
(worst {worst:.2f} s). `liveseq render`, two layers, a tag change every ten seconds: {speed:.0f} times real time."""


def first_start(figures: dict[str, Any]) -> str:
    keys = ("corpus", "plays_s", "units_at_first", "whole_s", "minutes", "late")
    head = ["corpus", "plays after s", "units then", "whole after s", "minutes of it", "late"]
    return f"""## The first start

`python -m benchmarks.live.first_start`: a server that is given no corpus, in an empty folder, told to play a drone.

{table(head, [[row[key] for key in keys] for row in figures["rows"]])}"""


def before_a_gig(figures: dict[str, Any]) -> str:
    rows = [[f"`{row['command']}`", row["minutes"], row["made"]] for row in figures["rows"]]
    return f"""## Before a gig

`python -m benchmarks.live.before_a_gig`: the commands of README.md from their start to their end, on every core.

{table(["command", "minutes", "of what"], rows)}"""


def corpus_build(figures: dict[str, Any]) -> str:
    rows = [
        [row[key] for key in ("files", "audio_hours", "hours_per_hour", "peak_mb", "second_build_seconds")]
        for row in figures["rows"]
    ]
    return f"""## Building a corpus

`python -m benchmarks.choice.corpus_build`: the CC0 recordings over and over, {figures["jobs"]} processes; memory is
the peak of all processes together.

{table(["files", "hours of audio", "hours per hour", "peak MB", "second build, s"], rows)}"""


def against_demiurge(figures: dict[str, Any]) -> str:
    names = {
        "duration": "duration error (relative)",
        "tracking": "descriptor tracking error (standard deviations)",
        "stretched": "the same, answer stretched to the right length",
        "seam_energy": "seam energy (dB² per second)",
        "clicks_per_minute": "joins sharper than natural, per minute",
        "click_share": "the same, share of joins",
        "joins_per_second": "joins per second",
        "repeats": "jumps to what was heard within 10 s (share)",
    }
    rows = [[words, figures["demiurge"][key], figures["liveseq"][key]] for key, words in names.items()]
    return f"""## Against Demiurge's query and playback

`python -m benchmarks.choice.against_demiurge`: {figures["recordings"]} real recordings as wishes, each answered from
the others. Demiurge's procedure is re-implemented in benchmarks/choice/demiurge_reference.py. Lower is better,
everywhere.

{table(["", "Demiurge", "liveseq"], rows)}"""


def selection(figures: dict[str, Any]) -> str:
    columns = {
        "tracking": "tracking",
        "stretched": "stretched",
        "joins_per_second": "joins per s",
        "spectral_jump": "dB² a join",
        "seam_energy": "dB² a second",
        "seam_gate": "seam gate",
        "repeats": "repeats",
        "continued": "continued",
        "duration_error": "duration error",
    }
    parts = [
        f"{corpus}:\n\n"
        + table(["", *columns.values()], [[way, *(row[key] for key in columns)] for way, row in rows.items()])
        for corpus, rows in figures["corpora"].items()
    ]
    ways = ("demiurge", "greedy", "taboo", "liveseq")
    times = [[row["units"], *(row[f"{way}_p99_ms"] for way in ways)] for row in figures["times"]]
    return f"""## Ways to choose units

`python -m benchmarks.choice.selection`: the same predicted futures, answered by Demiurge's procedure, by the nearest
unit, by the nearest that was not among the last 16 (CataRT's taboo), and by liveseq at three settings of
`query/stickiness` (the last is the default). Tracking is the error of what sounds against what was predicted, in
standard deviations; a join is where another recording comes in, and the seam gate the share of joins sharper than 99 %
of natural places (at most 2 %); repeats are jumps to what was heard within 10 s, continued the share of units that
naturally follow. The nearest unit alone tracks best, and is nobody's music: it cuts at every step, and most of its
cuts lead to what has just been heard. Stickiness buys whole phrases with tracking.

{(chr(10) * 2).join(parts)}

Milliseconds of one choice, 99th percentile, one thread; liveseq plans six steps ahead for it, Demiurge's is one frame
of eight.

{table(["units", *ways], times)}"""


def steering(figures: dict[str, Any]) -> str:
    units = {
        "loudness": "LUFS",
        "brightness": "octaves of the centroid",
        "noisiness": "dB of flatness",
        "pitch": "semitones, as the units are played",
        "density": "octaves of the spread inside 170 ms",
        "movement": "seconds of the recordings a second",
        "surprise": "share of units that do not follow",
        "memory": "share of units heard before",
    }
    rows = [
        [
            row["macro"],
            f"{row['lowest']:g} to {row['highest']:g}",
            f"{row['monotonic']} of {row['tags']}",
            f"{row['spans'][row['macro']]:+.2f} {units[row['macro']]}",
            ", ".join(row["not"]),
        ]
        for row in figures["rows"]
    ]
    return f"""## Steering, heard

`python -m benchmarks.choice.steering`: every tag of the demo corpus, each macro at five settings, 12 s each, measured
on the sound; 30 s for memory, for nothing comes back within the taboo. A tag follows where Spearman's rank correlation
is 0.9 or more, or no step goes back by more than a twentieth of the span, and the span is audible. The pitch of
texture, most of which has none, is where the centre of its spectrum lies.

{table(["macro", "range", "tags that follow", "median span in the sound", "those that do not"], rows)}"""


def tag_meaning(figures: dict[str, Any]) -> str:
    keys = ("top1", "top3", "answered_right", "refusal_precision", "refusal_recall", "p50_ms", "p99_ms")
    rows = [[name, *(row[key] for key in keys)] for name, row in figures["tag_phrases"].items()]
    return f"""## Meaning of tags

`python -m benchmarks.choice.tag_meaning`: phrases (benchmarks/choice/tag_phrases.tsv) against {len(figures["tags"])}
tags. The figure to quote is "held out": a third of the phrases are words that the shipped student was taught.
"answered right": of those that have an answer, how many got it and were not refused.

{table(["", "top 1", "top 3", "answered right", "refusal precision", "refusal recall", "p50 ms", "p99 ms"], rows)}"""


def live_set(figures: dict[str, Any]) -> str:
    rows = [[key.replace("_", " "), value] for key, value in figures.items() if key != "machine"]
    return f"""## A whole set

`python -m benchmarks.live.live_set`: the real server, {figures["tags"]} tags over OSC, recorded, judged, replayed from
its log. Turns sharp: the share of the moments after a message that are sharper than the recordings are, there and
anywhere. A replay is never late: where an event was, the take has a shorter fade, and the same sound after it. Last
run beside other work on both cores.

{table(["", ""], rows)}"""


def stream(figures: dict[str, Any]) -> str:
    keys = ("generator", "load", "case", "changes", "p50_ms", "p99_ms", "max_ms", "late", "dried_up", "underruns")
    head = ["generator", "load", "case", "changes", "p50 ms", "p99 ms", "max ms", "late", "dried up", "underruns"]
    rows = [[row[key] for key in keys] for row in figures["rows"]]
    return f"""## A layer that plays a generator

`python -m benchmarks.live.stream`: the real server in mode generate, recorded. Milliseconds from just before a tag is
sent to the first changed sample of the take (a fade of 40 ms begins there), aimed at 150 and at most 250; late are
changes that came after the sample that they were aimed at, and dried up how often the generator fell so far behind
that the engine looped. Load is what one step takes of its duration on one thread, measured just before. Busy: two
endless loops per core. The stand-in is eight tones and work that is not heard.

{table(head, rows)}"""


def predictors(figures: dict[str, Any]) -> str:
    return f"""## A step of a predictor

`python -m benchmarks.models.predictors`: one step in ONNX Runtime, state and all, on one CPU thread. A plan hears up to
twelve steps and imagines six. How well each model predicts is in [predictors](predictors.md).

{cost(figures["corpora"])}"""


SECTIONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "latency": latency,
    "planning": planning,
    "search": search,
    "start_and_render": start_and_render,
    "first_start": first_start,
    "before_a_gig": before_a_gig,
    "corpus_build": corpus_build,
    "against_demiurge": against_demiurge,
    "selection": selection,
    "joins": joins,
    "steering": steering,
    "tag_meaning": tag_meaning,
    "live_set": live_set,
    "stream": stream,
    "disturbance": disturbance,
    "growing_set": growing_set,
    "predictors": predictors,
    "soak": soak,
}

if __name__ == "__main__":
    main()
