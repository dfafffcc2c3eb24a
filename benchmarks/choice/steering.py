"""Macros heard in the sound: every tag, every macro, five settings, measured on what comes out.

    python -m benchmarks.choice.steering [--corpus corpora/demo.corpus] [--tags TAG ...] [--macros NAME ...]

For each setting 12 s are rendered: two openings of 6 s each, or one of 12 s for movement and surprise, which need time.
For memory it is one of 30 s: nothing comes back within the 4 s of the taboo, so that a short take holds little that
could have been heard before. Over the frames that sound (above -60 dBFS, and less than 40 dB below the loudest):
  loudness    integrated loudness, LUFS
  brightness  mean of the spectral centroid, octaves of Hz
  noisiness   mean of the spectral flatness, dB
  pitch       median over the units that have one: their f0, transposed as they are played, semitones (the f0 of the
              sound itself cannot be followed below 50 Hz, where a bass that goes down an octave is); of a tag most of
              whose units have none, such as texture, the mean spectral centroid of the sound, semitones
  density     mean spread of the loudness inside 170 ms, wherever they begin, in octaves of dB; without the take's own
              beginning and end, whose fades spread more than a drone ever does
  movement    how fast the recordings are passed through: seconds of them a second, median over what follows in one
  surprise    share of units that do not naturally follow the one before
  memory      share of units that were heard before in the take
and beside these, from one 0.7 s to the next, the travel of the sound in standard deviations of the corpus a second.

A macro is monotonic for a tag if Spearman's rank correlation of its settings with what was measured is 0.9 or more, or
no step goes back by more than a twentieth of the whole span; and the span is one that can be heard (AUDIBLE).
"""

import itertools
import time
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from benchmarks import options
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from liveseq.corpus.index import Scaling
from liveseq.dsp.descriptors import BASE_NAMES, HOP_LENGTH, base_descriptors, describe
from liveseq.dsp.loudness import integrated_loudness
from liveseq.offline.messages import message
from liveseq.offline.player import Take
from liveseq.offline.render import render
from liveseq.performance.instrument import Instrument, open_instrument
from liveseq.sequencer.matching import UNPITCHED, VOICED_OCTAVES
from liveseq.sequencer.settings import Settings, Steering
from liveseq.sequencer.timeline import PlayUnit

SEED = 3
OPENING_SECONDS = 6.0
"""Length of each of two openings."""
LONG = {"movement": 12.0, "surprise": 12.0, "memory": 30.0}
"""Macros that are measured on one long take instead, and its seconds."""
WINDOW = 8
"""Frames of a window: 170 ms."""
FADES = (WINDOW // 2, 3 * WINDOW + 2)
"""Frames at a take's beginning and end that are its fades: 85 ms, and the half second of `render` and a frame."""
SMOOTH = 4
"""Windows under one step of the path that is travelled: 0.7 s."""
SETTINGS: dict[str, tuple[float, ...]] = {
    "loudness": (-12.0, -6.0, 0.0, 6.0, 12.0),
    "brightness": (-1.5, -0.75, 0.0, 0.75, 1.5),
    "noisiness": (-20.0, -10.0, 0.0, 10.0, 20.0),
    "pitch": (-12.0, -6.0, 0.0, 6.0, 12.0),
    "density": (-2.0, -1.0, 0.0, 1.0, 2.0),
    "movement": (0.0, 0.5, 1.0, 2.0, 4.0),
    "surprise": (0.0, 0.5, 1.0, 2.0, 3.0),
    "memory": (0.0, 0.25, 0.5, 0.75, 1.0),
}
AUDIBLE = {
    "loudness": 1.0,
    "brightness": 0.1,
    "noisiness": 1.0,
    "pitch": 0.5,
    "density": 0.1,
    "movement": 0.5,
    "surprise": 0.02,
    "memory": 0.03,
}
"""Least span from the lowest to the highest setting."""
LOUDNESS, BRIGHTNESS, NOISINESS, PITCH = (
    BASE_NAMES.index(name) for name in ("loudness_db", "log_centroid", "flatness_db", "log_f0")
)


Neutral = dict[tuple[str, float | None], dict[str, float]]
"""Figures of takes that are not bent, by tag and seconds of the one take, None where there are several."""


def main() -> None:
    parser = options.parser(__doc__, corpus=True)
    parser.add_argument("--tags", nargs="+", help="all, if not given")
    parser.add_argument("--macros", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    arguments = parser.parse_args()
    begin = time.perf_counter()
    instrument = open_instrument(arguments.corpus, seed=SEED, n_layers=1)
    tags = arguments.tags or list(instrument.sequencer.tags)
    neutral: Neutral = {}
    rows = []
    for macro in arguments.macros:
        found = {tag: steer(instrument, tag, macro, neutral) for tag in tags}
        rows.append(row(macro, found))
    print(f"{time.perf_counter() - begin:.0f} s")
    if tags == list(instrument.sequencer.tags) and arguments.macros == list(SETTINGS):
        BENCHMARK.save({"tags": tags, "rows": rows})


def steer(instrument: Instrument, tag: str, macro: str, neutral: Neutral) -> list[dict[str, float]]:
    """Figures at each setting of a macro. neutral: those that are known already; it is added to."""
    long = LONG.get(macro)
    if (tag, long) not in neutral:
        neutral[tag, long] = measure(instrument, tag, Steering(), long=long)
    rest = getattr(Steering(), macro)
    return [
        neutral[tag, long] if value == rest else measure(instrument, tag, Steering(**{macro: value}), long=long)
        for value in SETTINGS[macro]
    ]


def row(macro: str, found: dict[str, list[dict[str, float]]]) -> dict[str, object]:
    """One line of the table, printed with the tags that do not follow."""
    settings = SETTINGS[macro]
    own = {tag: [figures[macro] for figures in takes] for tag, takes in found.items()}
    followed = [tag for tag, values in own.items() if follows(settings, values, audible=AUDIBLE[macro])]
    names = next(iter(found.values()))[0]
    spans = {
        name: float(np.nanmedian([takes[-1][name] - takes[0][name] for takes in found.values()])) for name in names
    }
    print(f"{macro:11s} {len(followed):2d} of {len(found)} at {settings}; median spans: ", end="")
    print("  ".join(f"{name} {span:+.2f}" for name, span in spans.items()), flush=True)
    for tag in [tag for tag in found if tag not in followed]:
        print(f"    {tag:12s} " + "  ".join(f"{value:8.2f}" for value in own[tag]), flush=True)
    return {
        "macro": macro,
        "monotonic": len(followed),
        "tags": len(found),
        "lowest": settings[0],
        "highest": settings[-1],
        "spans": spans,
        "not": [tag for tag in found if tag not in followed],
    }


def follows(settings: tuple[float, ...], values: list[float], *, audible: float) -> bool:
    """Whether the figures go the way of the settings."""
    span = values[-1] - values[0]
    if not span >= audible:  # also where nothing could be measured (NaN)
        return False
    correlation = spearmanr(settings, values).statistic
    return bool(correlation >= 0.9 - 1e-9 or np.diff(values).min() >= -span / 20)  # 0.9 comes out a rounding below it


def measure(instrument: Instrument, tag: str, steering: Steering, *, long: float | None) -> dict[str, float]:
    """Render and listen: means over the takes. long: seconds of the one take, None for two openings."""
    sequencer = instrument.sequencer
    units = sequencer.units
    pitched = bool(np.mean(has_pitch(units.features[units.tag_units[tag]])) > 0.5)
    heard = []
    for seed in (SEED,) if long is not None else (SEED, SEED + 1):
        sequencer.set_playing(1, False, at=0)
        sequencer.set_seed(1, seed, at=0)
        sequencer.layer(1).settings = replace(Settings(), steering=steering)
        stretches = render(instrument, [message(0.0, "tag", tag)], seconds=long or OPENING_SECONDS)
        take = Take.of(stretches, sample_rate=instrument.corpus.sample_rate)
        heard.append(listen(take, instrument.scaling, pitched=pitched))
    return {name: float(np.nanmean([figures[name] for figures in heard])) for name in heard[0]}


def listen(take: Take, scaling: Scaling, *, pitched: bool) -> dict[str, float]:
    """The measures of the module's docstring. pitched: whether the tag is."""
    mono = take.audio.mean(axis=1)
    frames = base_descriptors(describe(mono, sample_rate=take.sample_rate))  # (n_frames, 17)
    level = frames[:, LOUDNESS]
    heard = frames[(level > -60.0) & (level > level.max() - 40.0)]
    blocks = frames[: len(frames) // WINDOW * WINDOW].reshape(-1, WINDOW, frames.shape[1])
    windows = np.concatenate([blocks.mean(axis=1), blocks.std(axis=1)], axis=1)
    z = scaling.apply(windows) / np.sqrt(windows.shape[1])
    lasting = level[FADES[0] : len(level) - FADES[1]]
    spread = np.lib.stride_tricks.sliding_window_view(lasting, WINDOW).std(axis=1)
    units = [choice.unit for choice in take.choices]
    path = z[: len(z) // SMOOTH * SMOOTH].reshape(-1, SMOOTH, z.shape[1]).mean(axis=1)
    travel = np.linalg.norm(np.diff(path, axis=0), axis=1)
    return {
        "loudness": integrated_loudness(take.audio, sample_rate=take.sample_rate),
        "brightness": float(heard[:, BRIGHTNESS].mean()),
        "noisiness": float(heard[:, NOISINESS].mean()),
        "pitch": played_pitch(take) if pitched else 12.0 * float(heard[:, BRIGHTNESS].mean()),
        "density": float(np.log2(max(spread.mean(), 1e-3))),
        "movement": speed(take),
        "surprise": float(np.mean([choice.reason != "continue" for choice in take.choices])),
        "memory": float(np.mean([unit in units[:i] for i, unit in enumerate(units)])),
        "travel": float(travel.mean() * take.sample_rate / (SMOOTH * WINDOW * HOP_LENGTH)),
    }


def has_pitch(features: np.ndarray) -> np.ndarray:
    """Whether units are voiced throughout: raw features (..., n_features) -> bool (...)."""
    voiced: np.ndarray = np.abs(features[..., PITCH] - UNPITCHED) > VOICED_OCTAVES
    return voiced


def played_pitch(take: Take) -> float:
    """Semitones above 1 Hz, over the units that are voiced throughout."""
    voices = [event for event in take.events if isinstance(event, PlayUnit)]
    played = [
        12.0 * float(choice.features[PITCH] + np.log2(voice.ratio))
        for choice, voice in zip(take.choices, voices, strict=False)
        if has_pitch(choice.features)
    ]
    return float(np.median(played)) if len(played) > 10 else float("nan")


def speed(take: Take) -> float:
    """Seconds of a recording that pass in a second, median over the units that follow another of the same recording."""
    voices = [event for event in take.events if isinstance(event, PlayUnit)]
    speeds = [
        abs(after.position - before.position) / (after.start - before.start)
        for before, after in itertools.pairwise(voices)
        if (after.shard, after.source_start) == (before.shard, before.source_start) and after.start > before.start
    ]
    return float(np.median(speeds)) if speeds else float("nan")


def section(figures: dict[str, Any]) -> str:
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

`{BENCHMARK.command}`: every tag of the demo corpus, each macro at five settings, 12 s each, measured
on the sound; 30 s for memory, for nothing comes back within the taboo. A tag follows where Spearman's rank correlation
is 0.9 or more, or no step goes back by more than a twentieth of the span, and the span is audible. The pitch of
texture, most of which has none, is where the centre of its spectrum lies.

{table(["macro", "range", "tags that follow", "median span in the sound", "those that do not"], rows)}"""


BENCHMARK = Benchmark(file=__file__, minutes=6, sections=(Section(text=section, place=90),))

if __name__ == "__main__":
    main()
