"""Time from a tag in words to a planned horizon: text, prediction, selection, on one thread.

    python -m benchmarks.choice.planning [--units 10000 100000 1000000]

The corpus is made up (liveseq/corpus/synthetic.py); text encoder and predictor are the shipped ones. One measurement
is what the conductor does when a tag arrives: match the words, replace the plan, prime the predictor, imagine the
horizon, search, beam, joins, events for the next 120 ms. Once with the units spread over eight tags, once with every
unit under one tag, where each search goes through all of them.
"""

import dataclasses
import time
from typing import Any

import numpy as np

from benchmarks import options
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from liveseq.corpus.index import Scaling, UnitIndex
from liveseq.corpus.synthetic import synthetic_units
from liveseq.corpus.units import ANY, UnitTable
from liveseq.runtime.folders import PREDICTOR, TEXT_ENCODER, model_folder
from liveseq.runtime.predictor import load_predictor
from liveseq.runtime.tag_matcher import TagMatcher
from liveseq.runtime.text import TextEncoder
from liveseq.sequencer.material import Material
from liveseq.sequencer.sequencer import Sequencer

RATE, HOP = 48_000, 1024
TAGS = ("drone", "techno", "breakbeat", "bells", "bass", "texture", "plucked", "arpeggio")
PHRASES = ("dark drone", "broken techno", "drum and bass", "church bells", "sub bass", "wind", "harp", "acid sequence")
N_TRIALS = 300


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--units", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    arguments = parser.parse_args()
    rows = []
    for n_units in arguments.units:
        for tags in (TAGS, TAGS[:1]):
            row = measure(n_units, tags)
            rows.append(row)
            print("  ".join(f"{key} {value:g}" for key, value in row.items()), flush=True)
    BENCHMARK.save({"rows": rows})


def measure(n_units: int, tags: tuple[str, ...]) -> dict[str, float]:
    """Figures of plans in a made-up corpus of this size."""
    units = corpus(n_units, tags)
    scaling = Scaling.of(units.features)
    begin = time.perf_counter()
    index = UnitIndex(scaling.apply(units.features), tag_units=units.tag_units)
    build = time.perf_counter() - begin
    matcher = TagMatcher(TextEncoder(model_folder(TEXT_ENCODER)), tags)
    predictor = load_predictor(model_folder(PREDICTOR), sample_rate=RATE, hop_length=HOP, encoder=matcher.encoder)
    material = Material(units=units, index=index, scaling=scaling, audio=hiss, tag_vectors=matcher.vectors())
    sequencer = Sequencer(material, {PREDICTOR: predictor}, seed=1)
    sequencer.set_playing(1, True, at=0)
    times = []
    for trial in range(-20, N_TRIALS):  # the first ones warm up
        now = (trial + 21) * RATE
        begin = time.perf_counter()
        weights = matcher.match(PHRASES[trial % len(tags)]).weights
        sequencer.set_tags(1, weights, at=now)
        sequencer.plan(now=now, until=now + int(0.12 * RATE))
        if trial >= 0:
            times.append(1e3 * (time.perf_counter() - begin))
    p50, p99, worst = np.percentile(times, [50, 99, 100])
    return {"units": n_units, "tags": len(tags), "p50_ms": p50, "p99_ms": p99, "max_ms": worst, "index_build_s": build}


def hiss(shard: int, begin: int, end: int) -> np.ndarray:
    """Noise in place of the audio that joins are fitted to: float32 (end - begin, 2)."""
    return np.random.default_rng(begin).standard_normal((end - begin, 2), dtype=np.float32)


def corpus(n_units: int, tags: tuple[str, ...]) -> UnitTable:
    """A made-up corpus with these tags."""
    units = synthetic_units(n_units, sample_rate=RATE, seed=0, n_tags=len(tags), hop_length=HOP)
    named = {tag: units.tag_units[made_up] for tag, made_up in zip(tags, units.tags, strict=True)}
    return dataclasses.replace(units, tags=tuple(sorted(tags)), tag_units={**named, ANY: units.tag_units[ANY]})


def section(figures: dict[str, Any]) -> str:
    rows = [list(row.values()) for row in figures["rows"]]
    return f"""## From a tag to a planned horizon

`{BENCHMARK.command}`: text encoder, priming, three predicted steps (a first plan), search, beam,
events; one thread.

{table(["units", "tags", "p50 ms", "p99 ms", "max ms", "index built in s"], rows)}"""


BENCHMARK = Benchmark(file=__file__, minutes=2, sections=(Section(text=section, place=20),))

if __name__ == "__main__":
    main()
