"""liveseq's selection and playback against Demiurge's, on real recordings.

    python -m benchmarks.choice.against_demiurge --audio FOLDER

Both get the same wish: the descriptors of a recording that is not in the database. Both answer from the same other
recordings. Measured:
  duration     how far the length of the answer is from the length of the wish
  tracking     root mean square error of the answer's descriptors (17, in standard deviations of the corpus), frame by
               frame as time runs; `stretched` forgives a wrong tempo by stretching the answer to the wish's length
  clicks       joins per minute whose largest second difference, at either end of the crossfade, against that of the
               joined recordings around the same place, is above what 99 % of random places in recordings have;
               `click_share` is their share of all joins
  seam_energy  what the joins add to the change of the spectrum: squared difference in dB (mean of 40 mel
               bands, 23 ms) between the sound before and after each crossfade, summed over the joins of a second
  repeats      share of jumps to material that was used in the last 10 s
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import options
from benchmarks.choice import demiurge_reference as demiurge
from benchmarks.choice.room import Room, repeats
from benchmarks.choice.seams import Join, click, natural_seam, spectral_step
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from benchmarks.rigs.started import end_in_order
from liveseq.corpus.build import build
from liveseq.dsp.descriptors import base_descriptors, describe
from liveseq.dsp.files import load_audio

RATE = demiurge.SAMPLE_RATE
HOP = demiurge.HOP
LEAST_SECONDS = 3.0
N_FOLDS = 5
"""Number of folds: in each, every fifth recording that is long enough is a wish, and all others are the database."""


def main() -> None:
    end_in_order()
    audio = options.parser(__doc__, audio=True).parse_args().audio
    rows = []
    for fold in range(N_FOLDS):
        with tempfile.TemporaryDirectory() as temporary:
            rows += compare(audio, Path(temporary), fold)
    ways = {name: summary([row[name] for row in rows]) for name in rows[0]}
    for name, figures in ways.items():
        print(f"{name:10s}", "  ".join(f"{key} {value:.4f}" for key, value in figures.items()))
    BENCHMARK.save({"recordings": len(rows), **ways})


def compare(audio: Path, temporary: Path, fold: int) -> list[dict[str, dict[str, float]]]:
    """Figures of both for each wish of a fold. temporary: an empty folder."""
    files = sorted(audio.glob("*.flac"))
    signals = {path: load_audio(path, sample_rate=RATE).mean(axis=1) for path in files}
    long = [path for path in files if len(signals[path]) >= LEAST_SECONDS * RATE]
    wishes = long[fold::N_FOLDS]
    kept = [path for path in files if path not in wishes]
    folder = temporary / "kept"
    folder.mkdir()
    for path in kept:
        (folder / path.name).symlink_to(path)
    build(folder, temporary / "kept.corpus", tags_from="prefix", segmentation="fixed", sample_rate=RATE)
    found = demiurge.database([signals[path] for path in kept], sample_rate=RATE)
    room = Room(temporary / "kept.corpus")
    natural = natural_seam([signals[path] for path in kept])
    rows = []
    for path in wishes:
        y = signals[path]
        wanted = base_descriptors(describe(y, sample_rate=RATE))
        chosen = demiurge.query(demiurge.describe(y, sample_rate=RATE), found)
        theirs, their_joins = demiurge.play(chosen, found)
        n_samples = len(chosen) * HOP
        ours = room.answer(lambda clock, n, wanted=wanted: steps(wanted, clock, room.step, n), room.plan, n_samples)
        lengths = room.units.length[ours.units]
        rows.append(
            {
                "demiurge": measure(theirs, their_joins, wanted, n_samples, room.spread, natural)
                | {"repeats": repeats(chosen, np.full(len(chosen), HOP), rate=RATE, followers=lambda a: a + 1)},
                "liveseq": measure(ours.audio, ours.joins, wanted, n_samples, room.spread, natural)
                | {"repeats": repeats(ours.units, lengths, rate=RATE, followers=lambda a: room.units.successor[a])},
            }
        )
        print(f"{path.name}: {len(y) / RATE:.1f} s")
    return rows


def summary(rows: list[dict[str, float]]) -> dict[str, float]:
    """Means over the wishes; what happens at joins is counted over all of them."""
    total = {key: float(np.sum([row[key] for row in rows])) for key in rows[0]}
    means = {key: total[key] / len(rows) for key in ("duration", "tracking", "stretched", "repeats")}
    return means | {
        "clicks_per_minute": 60.0 * total["clicks"] / total["seconds"],
        "click_share": total["clicks"] / max(total["joins"], 1.0),
        "joins_per_second": total["joins"] / total["seconds"],
        "seam_energy": total["seam_energy"] / total["seconds"],
    }


def steps(wanted: np.ndarray, clock: int, step: int, horizon: int) -> np.ndarray:
    """Features (horizon, 34) of the frames (n_frames, 17) that follow `clock`, the last ones repeated at the end."""
    rows = []
    for k in range(horizon):
        first = min((clock + k * step) // HOP, len(wanted) - 1)
        window = wanted[first : first + step // HOP]
        rows.append(np.concatenate([window.mean(axis=0), window.std(axis=0)]))
    return np.array(rows, dtype=np.float32)


def measure(
    y: np.ndarray, joins: list[Join], wanted: np.ndarray, n_samples: int, spread: np.ndarray, natural: float
) -> dict[str, float]:
    """Figures of one answer, y, to one wish. wanted: (n_frames, 17), spread: (17,), natural: see `natural_seam`."""
    got = base_descriptors(describe(y, sample_rate=RATE))
    shared = min(len(got), len(wanted))
    stretched = got[np.linspace(0, len(got) - 1, len(wanted)).round().astype(int)]
    clicks = [click(y, join) > natural for join in joins]
    return {
        "duration": abs(len(y) - n_samples) / n_samples,
        "tracking": float(np.sqrt(np.mean(((got[:shared] - wanted[:shared]) / spread) ** 2))),
        "stretched": float(np.sqrt(np.mean(((stretched - wanted) / spread) ** 2))),
        "seconds": len(y) / RATE,
        "clicks": float(sum(clicks)),
        "joins": float(len(joins)),
        "seam_energy": sum(spectral_step(y, join, rate=RATE) for join in joins),
    }


def section(figures: dict[str, Any]) -> str:
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

`{BENCHMARK.command}`: {figures["recordings"]} real recordings as wishes, each answered from
the others. Demiurge's procedure is re-implemented in benchmarks/choice/demiurge_reference.py. Lower is better,
everywhere.

{table(["", "Demiurge", "liveseq"], rows)}"""


BENCHMARK = Benchmark(file=__file__, minutes=2, sections=(Section(text=section, place=60),))

if __name__ == "__main__":
    main()
