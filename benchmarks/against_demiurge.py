"""liveseq's selection and playback against Demiurge's, on real recordings.

    python -m benchmarks.against_demiurge --audio FOLDER

Both get the same wish: the descriptors of a recording that is not in the database. Both answer from the same other
recordings. What is measured:
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

import argparse
import dataclasses
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import demiurge_reference as demiurge
from benchmarks.results import save
from liveseq.corpus.append import map_rows
from liveseq.corpus.build import build
from liveseq.corpus.index import Scaling, UnitIndex
from liveseq.corpus.store import Corpus
from liveseq.corpus.units import UnitTable
from liveseq.dsp.descriptors import base, describe
from liveseq.dsp.files import load_audio
from liveseq.dsp.spectral import mel_power, power_spectrum
from liveseq.engine.events import Play
from liveseq.engine.mixer import Mixer
from liveseq.sequencer.repetition import Usage
from liveseq.sequencer.selection import Selector
from liveseq.sequencer.sequencer import play_unit
from liveseq.sequencer.settings import Settings

RATE = demiurge.SAMPLE_RATE
HOP = demiurge.HOP
LEAST_SECONDS = 3.0
N_FOLDS = 5
"""In each fold every fifth recording that is long enough is a wish, and all others are the database."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).resolve().parents[2] / "shared" / "audio" / "sonic-pi-samples"
    parser.add_argument("--audio", type=Path, default=default, help="folder of recordings")
    arguments = parser.parse_args()
    rows = []
    for fold in range(N_FOLDS):
        with tempfile.TemporaryDirectory() as temporary:
            rows += compare(arguments.audio, Path(temporary), fold)
    table = {name: summary([row[name] for row in rows]) for name in rows[0]}
    for name, figures in table.items():
        print(f"{name:10s}", "  ".join(f"{key} {value:.4f}" for key, value in figures.items()))
    save("against_demiurge", {"recordings": len(rows), **table})


def compare(audio: Path, temporary: Path, fold: int) -> list[dict[str, dict[str, float]]]:
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
    found = demiurge.database([signals[path] for path in kept])
    ours = Ours(temporary / "kept.corpus")
    natural = natural_seam([signals[path] for path in kept])
    rows = []
    for path in wishes:
        y = signals[path]
        wanted = base(describe(y, sample_rate=RATE))
        chosen = demiurge.query(demiurge.describe(y), found)
        theirs, their_joins = demiurge.play(chosen, found)
        units, mine, my_joins = ours.answer(wanted)
        rows.append(
            {
                "demiurge": measure(theirs, their_joins, wanted, len(chosen) * HOP, ours.spread, natural)
                | {"repeats": repeats(chosen, np.full(len(chosen), HOP), followers=lambda a: a + 1)},
                "liveseq": measure(mine, my_joins, wanted, len(chosen) * HOP, ours.spread, natural)
                | {"repeats": repeats(units, ours.units.length[units], followers=lambda a: ours.units.successor[a])},
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


class Ours:
    """liveseq's selector and mixer, told the future instead of predicting it."""

    def __init__(self, path: Path) -> None:
        self.corpus = Corpus.open(path)
        table = self.corpus.units()
        self.units: UnitTable = dataclasses.replace(
            table, tags=("all",), tag_units={"all": np.arange(table.n_units, dtype=np.int64)}
        )
        self.ids = [source.id for source in self.corpus.sources()]
        self.mono: dict[int, np.ndarray] = {}
        scaling = Scaling.of(table.features)
        index = UnitIndex(scaling.apply(table.features), tag_units=self.units.tag_units)
        self.selector = Selector(self.units, index, scaling)
        self.spread = np.concatenate([table.first, table.last]).std(axis=0) + 1e-6

    def answer(self, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[demiurge.Join]]:
        """Chosen units, mono audio, and the joins that are no natural continuation."""
        settings = Settings(query_temperature=0.0)
        step = HOP * int(np.median(self.units.length) // HOP)
        usage, rng = Usage(self.units.n_units), np.random.default_rng(0)
        n_samples = len(wanted) * HOP
        shards = {n: map_rows(self.corpus.shard_path(n), start=0, shape=(size, 2)) for n, size in self.corpus.shards()}
        mixer = Mixer(shards, sample_rate=RATE, n_layers=1)
        mixer.push(Play(seconds=0.0))
        chosen: list[int] = []
        joins: list[demiurge.Join] = []
        clock = 0
        while clock < n_samples:
            selection = self.selector.select(
                steps(wanted, clock, step, settings.horizon),
                after=chosen[-1] if chosen else None,
                clock=clock,
                samples_per_step=step,
                tag="all",
                usage=usage,
                settings=settings,
                rng=rng,
            )
            fade = int(settings.crossfade_ms * 1e-3 * RATE)
            event = play_unit(
                self.units, selection.unit, layer=1, begin=clock, fade=fade, gain=1.0, continues=selection.continues
            )
            if event.start < 0:
                event = dataclasses.replace(event, start=0, position=event.position - event.start)
            mixer.push(event)
            if chosen and not selection.continues:
                joins.append(
                    demiurge.Join(
                        event.start + Mixer.latency,
                        event.fade,
                        self.place(chosen[-1], event.start - clock, end=True),
                        self.place(selection.unit, event.start - clock),
                    )
                )
            usage.note(selection.unit, clock=clock)
            chosen.append(selection.unit)
            clock += int(self.units.length[selection.unit])
        audio = mixer.render(n_samples).mean(axis=1)
        return np.array(chosen), audio, joins

    def place(self, unit: int, offset: int, *, end: bool = False) -> tuple[np.ndarray, int]:
        """The recording of a unit, mono, and a sample of it, from the unit's begin or end."""
        first = int(self.units.position[unit] - self.units.source_start[unit])
        name = int(self.units.source[unit])
        if name not in self.mono:
            self.mono[name] = self.corpus.audio(self.ids[name]).mean(axis=1)
        return self.mono[name], first + (int(self.units.length[unit]) if end else 0) + offset


def steps(wanted: np.ndarray, clock: int, step: int, horizon: int) -> np.ndarray:
    """Features (horizon, 34) of the frames (n_frames, 17) that follow `clock`, the last ones repeated at the end."""
    rows = []
    for k in range(horizon):
        first = min((clock + k * step) // HOP, len(wanted) - 1)
        window = wanted[first : first + step // HOP]
        rows.append(np.concatenate([window.mean(axis=0), window.std(axis=0)]))
    return np.array(rows, dtype=np.float32)


def measure(
    y: np.ndarray, joins: list[demiurge.Join], wanted: np.ndarray, n_samples: int, spread: np.ndarray, natural: float
) -> dict[str, float]:
    got = base(describe(y, sample_rate=RATE))
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
        "seam_energy": sum(spectral_step(y, join) for join in joins),
    }


def sharpness(y: np.ndarray, place: int, *, near: int = 32) -> float:
    """Largest second difference within `near` samples of a place."""
    return float(np.abs(np.diff(y[max(place - near, 0) : place + near], n=2)).max(initial=0.0))


def around(y: np.ndarray, place: int, *, reach: int = 2048) -> float:
    """99.9th percentile of the second differences within `reach` samples of a place."""
    local = np.abs(np.diff(y[max(place - reach, 0) : max(place, 0) + reach], n=2))
    return float(np.quantile(local, 0.999)) if len(local) else 0.0


def click(y: np.ndarray, join: demiurge.Join) -> float:
    """Sharpness at the worse end of a crossfade, against the recordings around the same place."""
    worst = max(sharpness(y, join.place), sharpness(y, join.place + join.fade))
    return worst / (max(around(*join.before), around(*join.after)) + 1e-5)


def spectral_step(y: np.ndarray, join: demiurge.Join, *, n: int = 1024) -> float:
    """Mean squared difference in dB between the 40-band spectra just before and just after a crossfade."""
    before, after = y[: join.place][-n:], y[join.place + join.fade :][:n]
    if len(before) < n or len(after) < n:
        return 0.0
    powers = mel_power(power_spectrum(np.stack([before, after])), sample_rate=RATE, n_mels=40)
    bands = 10.0 * np.log10(powers + 1e-8)  # (2, n_mels)
    return float(np.mean((bands[1] - bands[0]) ** 2))


def natural_seam(signals: list[np.ndarray], *, n: int = 4000) -> float:
    """What 99 % of random places of untouched recordings stay below, measured as `click` does."""
    rng = np.random.default_rng(0)
    long = [y for y in signals if len(y) > 8192]
    values = []
    for _ in range(n):
        y = long[int(rng.integers(len(long)))]
        place = int(rng.integers(4096, len(y) - 4096))
        values.append(sharpness(y, place) / (around(y, place) + 1e-5))
    return float(np.quantile(values, 0.99))


def repeats(chosen: np.ndarray, lengths: np.ndarray, *, followers, seconds: float = 10.0) -> float:
    """Share of jumps that lead to a unit used within the last seconds."""
    begins = np.concatenate([[0], np.cumsum(lengths)[:-1]]) / RATE
    jumps = [i for i in range(1, len(chosen)) if chosen[i] != followers(chosen[i - 1])]
    again = [i for i in jumps if np.any(chosen[(begins < begins[i]) & (begins > begins[i] - seconds)] == chosen[i])]
    return len(again) / max(len(jumps), 1)


if __name__ == "__main__":
    main()
