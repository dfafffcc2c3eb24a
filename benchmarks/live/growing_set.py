"""A set in which the corpus grows and one layer plays a generator: gaps, clicks, and what comes late.

    python -m benchmarks.live.growing_set [--seconds 300] [--generator NAME] [--corpus corpora/demo.corpus]

The real server on a JACK server with the dummy driver, blocks of 128 samples at 48 kHz, recorded at its ports. Two tags
grow from the first second on. Layer 2 plays the generator itself and gets another tag every three to five seconds;
layer 1 plays the corpus, a copy, and every eight seconds changes between the words that grow and another tag. Beside it
all, a player of ready blocks at a second JACK server, recorded too: the control.

It is no gap (exit status 0) where liveseq's JACK server has no more xruns alone than chance would give it (see xruns,
which says what is counted, and why so), and none of these is too much: gap, holes, looped, silenced, dried up, lost,
dropped, turns; where growth goes on, and what grew is played.

  xruns        events of liveseq's JACK server; control: of the other one; both: within 20 ms of one another.
               xruns_alone, control_alone: the rest of each; xruns_p: the chance of so many or more on our side
  underruns    blocks before which PortAudio reported one or more to the engine, whoever caused them
  gap          longest stretch below -70 dBFS from the first sound on, seconds; at most 0.05
  holes        blocks of nothing but zeros, or the same as the one before: what is heard of an xrun; no more than those
  missed       blocks: cycles that the tape itself missed, and that are not in the recording
  ladder       how often the server said that a layer plays on in its recording, loops, or is silent (events were late)
  dried_up     how often the generator fell so far behind that its layer looped; lost: streams that were given up
  late         events that came after their sample; dropped: records and messages that had no room
  late_changes of layer 2's tag that were heard later than meant, as the server counts them
  turns        share of the moments (0.4 s) after a message whose sharpest place is sharper, against what is around it,
               than in 99 % of the moments of the same take that are far from any message; at most 5 %
  cpu_peak     the slowest block over its duration, by the clock on the wall: with the time that others took from it,
               the machine under this one too
  grown        recordings, units and minutes that came into the corpus meanwhile
  played       share of what layer 1 played that had been made since the set began
"""

import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks import options
from benchmarks.live.moments import longest_gap, sharpest, sounding
from benchmarks.live.script import Message
from benchmarks.live.stream import tags_of
from benchmarks.live.xrun_words import CONTROL_TEXT, XRUN_WORDS, by_minute
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from benchmarks.rigs.controller import Controller
from benchmarks.rigs.hearing import Hearing
from benchmarks.rigs.jack_client import Listener
from benchmarks.rigs.jack_control import beside_a_player
from benchmarks.rigs.jack_server import BLOCK_SIZE, SAMPLE_RATE
from benchmarks.rigs.jack_tape import Tape
from benchmarks.rigs.running_server import RunningServer
from benchmarks.rigs.xruns import Minutes, why_more
from liveseq.corpus.store import Corpus
from liveseq.runtime.folders import GENERATOR, model_folder

PORTS = "liveseq.*:out_[01]"
SEED = 7
STREAM_SECONDS = (3.0, 5.0)
"""Least and most between two tags of the layer that plays the generator."""
CORPUS_SECONDS = 8.0
"""Time between two tags of the layer that plays the corpus."""
START_SECONDS = 60.0
"""Time that a server may take before it plays; tapes are longer by it."""
WARM_SECONDS = 4.0
"""Time before the set is judged: models are opened."""
GAP_SECONDS = 0.05
"""Music may pause for less."""
TURN_SECONDS = 0.4
MANY_SHARP = 0.05
"""Share of moments; 0.01 by chance."""
FAR_SECONDS = 1.0
"""Distance from every message at which a moment is no doing of ours."""


def main() -> None:
    parser = options.parser(__doc__, corpus=True, trial=True)
    parser.add_argument("--generator", default=GENERATOR)
    parser.add_argument("--seconds", type=float, default=300.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, beside_a_player(partial(tape_for, arguments.seconds)) as control:
        corpus = Path(shutil.copytree(arguments.corpus, Path(folder) / "grown.corpus"))
        found = measure(corpus, arguments.generator, control, Path(folder), seconds=arguments.seconds)
    figures = {"generator": arguments.generator, **found}
    print(json.dumps(figures, indent=1))
    if not arguments.trial:
        BENCHMARK.save(figures)
    sys.exit(bool(figures["why_not"]))


def script(tags: Sequence[str], *, seconds: float) -> list[Message]:
    """The set. tags: three or more that corpus and generator know; two grow, the first in words of its own."""
    dice = np.random.default_rng(SEED)
    own, other, *rest = tags
    grows = (f"dark {own}", other)
    messages = [Message(0.0, "/liveseq/grow", (text, True)) for text in grows]
    messages += [Message(0.0, "/liveseq/layer/1/tag", (own,)), Message(0.0, "/liveseq/layer/2/tag", (rest[0],))]
    messages.append(Message(0.0, "/liveseq/layer/2/mode", ("generate",)))
    turns = [grows[0], rest[-1], grows[1]]  # by the second turn there is something of the first
    for number, at in enumerate(np.arange(WARM_SECONDS + CORPUS_SECONDS, seconds, CORPUS_SECONDS)):
        messages.append(Message(float(at), "/liveseq/layer/1/tag", (turns[(number + 1) % 3],)))
    at, number = WARM_SECONDS, 0
    while at < seconds - 1.0:
        messages.append(Message(at, "/liveseq/layer/2/tag", (tags[number % len(tags)],)))
        at, number = at + float(dice.uniform(*STREAM_SECONDS)), number + 1
    return sorted(messages, key=lambda message: message.seconds)


def tape_for(seconds: float) -> Tape:
    """A tape for a set of so many seconds, and its start."""
    return Tape(PORTS, n_blocks=int((seconds + START_SECONDS) * SAMPLE_RATE / BLOCK_SIZE), block_size=BLOCK_SIZE)


def measure(corpus: Path, generator: str, control: Listener, folder: Path, *, seconds: float) -> dict[str, Any]:
    """Plays, records and judges. control: listens to the other JACK server."""
    messages = script(tags_of(corpus, model_folder(generator)), seconds=seconds)
    n_before, state = _n_sources(corpus), folder / "state"
    flags = ("--corpus", corpus, "--output", "system", "--block-size", BLOCK_SIZE, "--generator", generator)
    stolen, began = psutil.cpu_times().steal, time.monotonic()
    with (
        RunningServer(*flags, "--seed", SEED, "--state-dir", state) as server,
        Controller(server.port) as controller,
        closing(tape_for(seconds)) as tape,
    ):
        with Hearing(server.port) as heard:
            counted, sent = play(controller, messages, Minutes(tape, control), seconds=seconds)
            status = controller.ask("/liveseq/status")
        blocks, times = tape.take()
    lines = [json.loads(line) for log in state.glob("log-*.jsonl") for line in log.read_text().splitlines()]
    added = _sources(corpus)[n_before:]
    steal = (psutil.cpu_times().steal - stolen) / ((time.monotonic() - began) * (os.cpu_count() or 1))
    figures = {
        "seconds": seconds,
        "messages": len(messages),
        **sound(blocks, times, sent),
        **counted,
        "ladder": ladder(heard.warnings),
        "dried_up": status[15],
        "lost": sum(line.get("step") == "lose" for line in lines),
        "late": status[4],
        "late_changes": status[14],
        "dropped": status[5],
        "cpu_mean": status[1],
        "grown_recordings": len(added),
        "grown_units": sum(one.n_units for one in added),
        "grown_minutes": sum(one.n_samples for one in added) / SAMPLE_RATE / 60.0,
        "heard_grown": len(heard.grown),
        "played": float(np.mean([name in heard.grown for name in heard.played])) if heard.played else 0.0,
        "told": sorted(Counter(heard.warnings).items()),
        "steal": steal,
    }
    return figures | {"why_not": why_not(figures)}


def play(
    controller: Controller, messages: Sequence[Message], minutes: Minutes, *, seconds: float
) -> tuple[dict[str, Any], list[int]]:
    """Plays the set in real time. Returns the figures of its minutes, and when each message was sent, in ns."""
    begin, sent = time.monotonic(), []
    for message in [*messages, None]:
        until = begin + (message.seconds if message else seconds)
        while (left := until - time.monotonic()) > 0.0:
            minutes.note(controller.ask("/liveseq/status"))
            time.sleep(min(left, 1.0))
        if message is not None:
            sent.append(time.monotonic_ns())
            controller.send(message.address, *message.values)
    minutes.note(controller.ask("/liveseq/status"))
    minutes.end()
    return minutes.figures(), sent


def sound(blocks: np.ndarray, times: np.ndarray, sent: Sequence[int]) -> dict[str, float]:
    """Figures of the recording. blocks: float32 (n_blocks, block_size, 2); times, sent: ns of blocks, messages."""
    y = blocks.reshape(-1, 2)
    first = sounding(y)
    heard = blocks[first // BLOCK_SIZE + 1 :]
    stale = (heard[1:] == heard[:-1]).all(axis=(1, 2)) | (heard[1:] == 0.0).all(axis=(1, 2))
    mono = y.mean(axis=1)
    places = [int(np.searchsorted(times, moment)) * BLOCK_SIZE for moment in sent]
    turn, far = (int(length * SAMPLE_RATE) for length in (TURN_SECONDS, FAR_SECONDS))
    warm = first + int(WARM_SECONDS * SAMPLE_RATE)
    near = [place for place in places if warm <= place < len(y) - turn]
    apart = [at for at in range(warm, len(y) - turn, turn) if all(at + turn < p or at > p + far for p in near)]
    limit = float(np.quantile([sharpest(mono, at, turn) for at in apart], 0.99)) if apart else np.inf
    return {
        "gap_s": longest_gap(y[first:], SAMPLE_RATE),
        "holes": int(stale.sum()),
        "peak_dbfs": float(20 * np.log10(np.abs(y).max() + 1e-9)),
        "recorded_s": len(y) / SAMPLE_RATE,
        "missed_blocks": int((np.diff(times) > 2.0e9 * BLOCK_SIZE / SAMPLE_RATE).sum()),
        "turns": len(near),
        "turns_sharp": float(np.mean([sharpest(mono, at, turn) > limit for at in near])) if near else 0.0,
    }


def ladder(warnings: Sequence[str]) -> dict[str, int]:
    """Number of times that a layer went down each step, by the server's words."""
    words = {"continued": "plays on in its recording", "looped": "loops", "silenced": "is silent"}
    behind = [text for text in warnings if text.startswith("planning is behind")]
    return {step: sum(text.endswith(end) for text in behind) for step, end in words.items()}


def why_not(figures: dict[str, Any]) -> list[str]:
    """Reasons to call it a gap; none where the set went well."""
    why = []
    if figures["gap_s"] > GAP_SECONDS:
        why.append(f"{figures['gap_s']:.2f} s without sound")
    why += why_more(figures)
    if figures["holes"] > figures["xruns"]:
        why.append(f"{figures['holes']} holes, and {figures['xruns']} xruns")
    why += [
        f"{figures['ladder'][step]} times a layer was {step}"
        for step in ("looped", "silenced")
        if figures["ladder"][step]
    ]
    if figures["turns_sharp"] > MANY_SHARP:
        why.append(f"{figures['turns_sharp']:.0%} of the moments after a message are sharp")
    why += [text for text, _ in figures["told"] if text.startswith("growth pauses")]
    names = ("dried_up", "lost", "dropped")
    why += [f"{name.replace('_', ' ')}: {figures[name]}" for name in names if figures[name]]
    if not figures["played"]:
        why.append("nothing of what grew was played")
    return why


def _sources(corpus: Path) -> list[Any]:
    with Corpus.open(corpus) as opened:
        return opened.sources()


def _n_sources(corpus: Path) -> int:
    return len(_sources(corpus))


def section(figures: dict[str, Any]) -> str:
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

`{BENCHMARK.command}`: the real server on a JACK dummy device, 128-sample blocks at 48 kHz, recorded
at its ports; two tags grow by `{figures["generator"]}`, layer 2 plays it directly under a new tag every three to five
seconds, layer 1 plays what grew. {CONTROL_TEXT}
Verdict: **{verdict}**.

{table(["", ""], rows)}

{by_minute(figures["by_minute"])}"""


BENCHMARK = Benchmark(file=__file__, minutes=7, on_demand=True, sections=(Section(text=section, place=160),))

if __name__ == "__main__":
    main()
