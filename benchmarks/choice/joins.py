"""Joins of recordings: as planned, aligned, evened, and kept off attacks.

    python -m benchmarks.choice.joins [--corpus corpora/demo.corpus]

Jumps between random units (seven of ten within a tag), crossfaded over 20 ms that lie before the unit, each in four
ways: as planned; moved by up to 5 ms to where the waveforms fit; its gains evened for how alike the sounds are; and
never moved so that an attack lies inside the fade.
  sharp    share of joins that are sharper at an end of the fade than 99 % of random places in recordings (see
           against_demiurge.py); `made` is the share whose sharpness is not in the recordings themselves
  buried   of the jumps with an attack near, the share in which the fade swallows it
  level    power in the middle of the fade against what two sounds would have that do not add up or cancel, in dB:
           1st, 50th and 99th percentile, and the share that is further off than 1.5 dB
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import options
from benchmarks.choice.seams import around, natural_seam, sharpness
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from liveseq.corpus.store import Corpus
from liveseq.corpus.units import UnitTable
from liveseq.dsp.crossfade import fade_in, fade_out
from liveseq.sequencer.joins import Join, align, nearest_attack

FADE_SECONDS, SEARCH_SECONDS = 0.02, 0.005
REACH = 4096
"""Samples around a join that are looked at."""
QUIET_DB = -50.0
N_JUMPS = 3000
WAYS = ("as planned", "aligned", "aligned, evened", "before attacks")


@dataclass(frozen=True, kw_only=True)
class Jump:
    """A jump from the end of one unit to the begin of another one; places in their recordings, mono float32."""

    going: np.ndarray
    end: int
    coming: np.ndarray
    begin: int
    attack: int | None
    """See `align`."""


def main() -> None:
    corpus = Corpus.open(options.parser(__doc__, corpus=True).parse_args().corpus)
    units = corpus.units()
    recordings = sources(corpus, units)
    fade, search = (int(seconds * units.sample_rate) for seconds in (FADE_SECONDS, SEARCH_SECONDS))
    jumps = list(draw(units, recordings, margin=REACH + fade + search, fade=fade))
    natural = natural_seam(list(recordings.values()))
    ways = {way: measure(jumps, way, fade=fade, search=search, natural=natural) for way in WAYS}
    for way, figures in ways.items():
        print(f"{way:16s}", "  ".join(f"{key} {value:.4f}" for key, value in figures.items()))
    BENCHMARK.save({"jumps": len(jumps), "ways": ways})


def sources(corpus: Corpus, units: UnitTable) -> dict[int, np.ndarray]:
    """Every recording of the corpus by its index, mono."""
    shards = corpus.map_shards()
    _, firsts = np.unique(units.source, return_index=True)
    return {
        int(units.source[unit]): np.asarray(
            shards[int(units.shard[unit])][int(units.source_start[unit]) : int(units.source_end[unit])]
        ).mean(axis=1)
        for unit in firsts
    }


def draw(units: UnitTable, recordings: dict[int, np.ndarray], *, margin: int, fade: int) -> Iterator[Jump]:
    """Jumps with room around them, between units that sound."""
    rng = np.random.default_rng(1)
    n_drawn = 0
    while n_drawn < N_JUMPS:
        tag = units.tags[int(rng.integers(len(units.tags)))]
        members = units.tag_units[tag] if rng.random() < 0.7 else np.arange(units.n_units)
        first, second = (int(unit) for unit in rng.choice(members, 2))
        going, coming = (recordings[int(units.source[unit])] for unit in (first, second))
        end = int(units.position[first] + units.length[first] - units.source_start[first])
        begin = int(units.position[second] - units.source_start[second])
        room = min(end, begin, len(going) - end, len(coming) - begin) > margin
        if room and min(units.loudness_db[first], units.loudness_db[second]) > QUIET_DB:
            n_drawn += 1
            attack = nearest_attack(units, second, fade=fade)
            yield Jump(going=going, end=end, coming=coming, begin=begin, attack=attack)


def measure(jumps: list[Jump], way: str, *, fade: int, search: int, natural: float) -> dict[str, float]:
    """Figures of a way over all jumps. fade, search: samples."""
    rows, seconds = [], []
    for jump in jumps:
        began = time.perf_counter()
        join = enter(jump, way, fade=fade, search=search)
        seconds.append(time.perf_counter() - began)
        rows.append(judge(jump, join, fade=fade, natural=natural))
    sharp, made, level, buried = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    low, middle, high = np.percentile(level, (1, 50, 99))
    return {
        "sharp": float(sharp.mean()),
        "made": float(made.mean()),
        "buried": float(np.nanmean(buried)),
        "level_p1_db": float(low),
        "level_p50_db": float(middle),
        "level_p99_db": float(high),
        "level_off": float(np.mean(np.abs(level) > 1.5)),
        "time_p50_ms": 1e3 * float(np.median(seconds)),
    }


def enter(jump: Jump, way: str, *, fade: int, search: int) -> Join:
    """The join of a jump in one of the ways."""
    if way == "as planned":
        return Join(0, 0.0)
    outgoing = jump.going[jump.end - fade : jump.end]
    incoming = jump.coming[jump.begin - fade - search : jump.begin + search]
    join = align(outgoing, incoming, search=search, attack=jump.attack if way == "before attacks" else None)
    return join if way != "aligned" else Join(join.shift, 0.0)


def judge(jump: Jump, join: Join, *, fade: int, natural: float) -> tuple[bool, bool, float, float]:
    """Whether it is sharp, and the join made it so, level in dB, and whether an attack is buried (NaN: none near)."""
    begin, end = jump.begin + join.shift, jump.end
    going, coming = jump.going[end - fade : end], jump.coming[begin - fade : begin]
    done = (np.arange(fade) + 0.5) / fade
    mixed = going * fade_out(done, correlation=join.correlation) + coming * fade_in(done, correlation=join.correlation)
    y = np.concatenate([jump.going[end - fade - REACH : end - fade], mixed, jump.coming[begin : begin + REACH]])
    usual = max(around(jump.going, end - fade), around(jump.coming, begin)) + 1e-5
    ends = np.array([sharpness(y, REACH), sharpness(y, REACH + fade)]) / usual > natural
    itself = np.array([sharpness(jump.going, end - fade), sharpness(jump.coming, begin)]) / usual > natural
    middle = slice(fade // 4, 3 * fade // 4)
    apart = np.square(going * fade_out(done)) + np.square(coming * fade_in(done))
    level = 10.0 * np.log10((np.mean(np.square(mixed[middle])) + 1e-10) / (np.mean(apart[middle]) + 1e-10))
    place = np.nan if jump.attack is None else jump.attack - join.shift
    buried = float(0 < place < fade) if abs(place - fade) < fade else np.nan
    return bool(ends.any()), bool((ends & ~itself).any()), float(level), buried


def section(figures: dict[str, Any]) -> str:
    keys = ("sharp", "buried", "level_p1_db", "level_p99_db", "level_off", "time_p50_ms")
    rows = [[way, *(row[key] for key in keys)] for way, row in figures["ways"].items()]
    return f"""## Joins

`{BENCHMARK.command}`: {figures["jumps"]} jumps between recordings of the demo corpus, 20 ms of fade.
Sharp: joins above the 99th percentile of natural bends. Buried: of the joins with an attack near, those whose fade
swallows it. Level: of the sum in the middle of the fade against both sounds, and the share that is off by more
than 1.5 dB.

{table(["way", "sharp", "buried", "level p1 dB", "p99 dB", "off", "ms"], rows)}"""


BENCHMARK = Benchmark(file=__file__, minutes=1, sections=(Section(text=section, place=80),))

if __name__ == "__main__":
    main()
