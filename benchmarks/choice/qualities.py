"""Words that say how it sounds, heard: every quality, four amounts of it, alone and beside every tag.

    python -m benchmarks.choice.qualities [--corpus corpora/demo.corpus] [--words WORD ...]

For each quality 6 s are rendered of "less X", of the tag as it is, of "X" and "very X"; alone the tag is "*". Measured:
  rank        mean rank of the units that play, in the direction of the word: 0 the least of the corpus, 1 the most
  heard       the quality's first descriptor in the sound itself: centroid (octaves), flatness (dB), attacks a second
              (speed, density), spread of the level inside 170 ms (punch, dB), median f0 of voiced frames (octaves),
              integrated loudness (LUFS)
  own sound   whether the mean of the units that play lies nearest to that of their tag, among all tags
A word is followed where Spearman's rank correlation of amount and figure is 0.8 or more (of four amounts, two
neighbours may change places). The baseline chooses as many units of the tag by chance.
"""

import time
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from benchmarks import options
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from liveseq.corpus.units import ANY
from liveseq.dsp.beats import find_attacks
from liveseq.dsp.descriptors import BASE_NAMES, base_descriptors, describe
from liveseq.dsp.loudness import integrated_loudness
from liveseq.offline.messages import message
from liveseq.offline.player import Take
from liveseq.offline.render import render
from liveseq.performance.instrument import Instrument, open_instrument
from liveseq.sequencer.matching import UNPITCHED, VOICED_OCTAVES
from liveseq.words.qualities import Quality, wording

SEED = 3
SECONDS = 6.0
AMOUNTS = ("less ", "", "very ")
"""Before the word; the tag as it is comes behind the first."""
FOLLOWED = 0.8
WINDOW = 8
"""Frames of a window: 170 ms."""
Figures = dict[str, Any]


def main() -> None:
    parser = options.parser(__doc__, corpus=True)
    parser.add_argument("--words", nargs="+", help="all, if not given")
    arguments = parser.parse_args()
    begin = time.perf_counter()
    instrument = open_instrument(arguments.corpus, seed=SEED, n_layers=1)
    qualities = {one.name: one for one in wording().qualities.values()}
    names = arguments.words or list(qualities)
    tags = [ANY, *instrument.sequencer.tags]
    plain = {tag: listen(instrument, tag, tag) for tag in tags}
    ranking = instrument.sequencer.reading.ranking
    by_chance, ranks = np.random.default_rng(SEED), ranking.ranks
    ranking.ranks = {name: by_chance.random(len(values)) for name, values in ranks.items()}
    chance = {tag: ladder(instrument, names[0], tag, take) for tag, take in plain.items()}
    ranking.ranks = ranks
    rows = []
    for name in names:
        found = {tag: ladder(instrument, name, tag, take) for tag, take in plain.items()}
        rows.append(judge(qualities[name], {"word": found, "chance": chance}, ranks))
    own = float(np.mean([take["own"] for tag, take in plain.items() if tag != ANY]))
    print(f"{time.perf_counter() - begin:.0f} s; own sound without a word {own:.2f}")
    if names == list(qualities):
        BENCHMARK.save({"tags": len(tags) - 1, "units": instrument.sequencer.units.n_units, "own": own, "rows": rows})


def judge(quality: Quality, ladders: dict[str, dict[str, list[Figures]]], ranks: dict[str, np.ndarray]) -> Figures:
    """One line of the table. ladders: by the word and by chance, takes of each tag: less, as it is, more, much."""
    row: Figures = {"quality": quality.name, "directions": quality.directions}
    for how, found in ladders.items():
        told = {tag: [take | figures(take, quality, ranks) for take in takes] for tag, takes in found.items()}
        alone = told.pop(ANY)
        asked = [take for takes in told.values() for take in (takes[0], *takes[2:])]
        row[how] = one = {
            "followed": {key: sum(follows(takes, key) for takes in told.values()) for key in ("rank", "heard")},
            "alone": {key: follows(alone, key) for key in ("rank", "heard")},
            "shift": float(np.mean([takes[2]["rank"] - takes[1]["rank"] for takes in told.values()])),
            "alone_shift": float(alone[2]["rank"] - alone[1]["rank"]),
            "own": float(np.mean([take["own"] for take in asked])),
            "continued": float(np.mean([take["continued"] for take in asked])),
        }
        print(f"{quality.name:8s} {how:6s} {one['followed']} {one['alone']}", end=" ")
        print(*(f"{key} {one[key]:+.2f}" for key in ("shift", "alone_shift", "own", "continued")), flush=True)
    return row


def ladder(instrument: Instrument, word: str, tag: str, plain: Figures) -> list[Figures]:
    """Takes of less of a quality, of the tag as it is, of the quality, and of much of it."""
    texts = [f"{amount}{word}{'' if tag == ANY else f' {tag}'}" for amount in AMOUNTS]
    less, more, much = (listen(instrument, text, tag) for text in texts)
    return [less, plain, more, much]


def figures(take: Figures, quality: Quality, ranks: dict[str, np.ndarray]) -> dict[str, float]:
    """Rank and sound of a take, in the direction of the quality."""
    (first, sign), *_ = quality.directions
    rank = np.mean([0.5 + way * (ranks[name][take["units"]].mean() - 0.5) for name, way in quality.directions])
    return {"rank": float(rank), "heard": sign * take["heard"][first]}


def follows(takes: list[Figures], key: str) -> bool:
    """Whether a figure goes the way of the amounts."""
    values = [take[key] for take in takes]
    return bool(np.ptp(values) > 0.0 and spearmanr(range(len(values)), values).statistic >= FOLLOWED - 1e-9)


def listen(instrument: Instrument, text: str, tag: str) -> Figures:
    """Render a text, and measure what plays."""
    sequencer = instrument.sequencer
    sequencer.set_playing(1, False, at=0)
    sequencer.set_seed(1, SEED, at=0)
    sequencer.set_filter(1, None)
    take = Take.of(
        render(instrument, [message(0.0, "tag", text)], seconds=SECONDS), sample_rate=instrument.corpus.sample_rate
    )
    units = [choice.unit for choice in take.choices]
    z = instrument.scaling.apply(sequencer.units.features)
    centres = {one: z[sequencer.units.tag_units[one]].mean(axis=0) for one in sequencer.tags}
    apart = {one: float(np.linalg.norm(z[units].mean(axis=0) - centre)) for one, centre in centres.items()}
    return {
        "units": units,
        "heard": heard(take),
        "own": min(apart, key=apart.__getitem__) == tag,
        "continued": np.mean([choice.reason == "continue" for choice in take.choices]),
    }


def heard(take: Take) -> dict[str, float]:
    """Descriptors in the sound, as far as they can be measured without knowing what plays."""
    mono = take.audio.mean(axis=1)
    frames = dict(zip(BASE_NAMES, base_descriptors(describe(mono, sample_rate=take.sample_rate)).T, strict=True))
    level = frames["loudness_db"]
    sounds = (level > -60.0) & (level > level.max() - 40.0)
    attacks = len(find_attacks(mono, sample_rate=take.sample_rate)[0]) / SECONDS
    pitch = frames["log_f0"][sounds & (np.abs(frames["log_f0"] - UNPITCHED) > VOICED_OCTAVES)]
    spread = np.lib.stride_tricks.sliding_window_view(level[WINDOW:-30], WINDOW).std(axis=1)  # without the take's fades
    return {
        "brightness": float(frames["log_centroid"][sounds].mean()),
        "noisiness": float(frames["flatness_db"][sounds].mean()),
        "speed": attacks,
        "density": attacks,
        "punch": float(spread.mean()),
        "pitch": float(np.median(pitch)) if len(pitch) else 0.0,
        "loudness": integrated_loudness(take.audio, sample_rate=take.sample_rate),
    }


def section(found: dict[str, Any]) -> str:
    n = found["tags"]
    rows = []
    for row in found["rows"]:
        word, chance = row["word"], row["chance"]
        alone = "yes" if word["alone"]["rank"] else "no"
        rows.append(
            [
                row["quality"],
                ", ".join(f"{name} {'up' if sign > 0 else 'down'}" for name, sign in row["directions"]),
                f"{word['followed']['rank']} of {n} ({chance['followed']['rank']})",
                f"{word['followed']['heard']} of {n} ({chance['followed']['heard']})",
                f"{word['shift']:+.2f} ({chance['shift']:+.2f})",
                f"{alone}, {word['alone_shift']:+.2f}",
                f"{word['own']:.2f} ({chance['own']:.2f})",
            ]
        )
    return f"""## Words that say how it sounds

`{BENCHMARK.command}`: "less X", the tag as it is, "X", "very X", {SECONDS:g} s each, for every
tag of the demo corpus and for all of it; in brackets as many units by chance. "Ranks follow": tags in which Spearman's
correlation of the amount with the mean rank of what plays is {FOLLOWED} or more; "heard": the same with the first
descriptor, measured on the sound. Shift: of the mean rank by "X" (ranks go from 0 to 1). Own sound: takes that lie
nearest to their own tag among all; without a word {found["own"]:.2f}.

{table(["word", "asks for", "ranks follow", "heard", "shift", "alone", "own sound"], rows)}"""


BENCHMARK = Benchmark(file=__file__, minutes=7, sections=(Section(text=section, place=95),))

if __name__ == "__main__":
    main()
