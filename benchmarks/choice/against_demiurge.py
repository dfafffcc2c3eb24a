"""liveseq's selection and playback against Demiurge's, on real recordings.

    python -m benchmarks.choice.against_demiurge --audio FOLDER

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
import itertools
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.choice import demiurge_reference as demiurge
from benchmarks.results import save
from benchmarks.rigs.started import end_in_order
from liveseq.corpus.build import build
from liveseq.corpus.index import DEFAULT_WEIGHTS, Scaling, UnitIndex
from liveseq.corpus.sounding import without_silence
from liveseq.corpus.store import Corpus
from liveseq.corpus.units import ANY
from liveseq.dsp.descriptors import base_descriptors, describe
from liveseq.dsp.files import load_audio
from liveseq.dsp.spectral import mel_power, power_spectrum
from liveseq.engine.events import Play
from liveseq.engine.mixer import Mixer
from liveseq.performance.instrument import corpus_audio
from liveseq.sequencer.layers import Layer
from liveseq.sequencer.playback import Cue, Player
from liveseq.sequencer.repetition import Pool, Usage
from liveseq.sequencer.selection import Query, Selector
from liveseq.sequencer.settings import Settings
from liveseq.sequencer.timeline import CutLayer, Event, PlayUnit

RATE = demiurge.SAMPLE_RATE
HOP = demiurge.HOP
Wanted = Callable[[int, int], np.ndarray]
"""Clock, n -> the next n targets: raw features, float32 (n, n_features)."""
Choose = Callable[[Layer, np.ndarray], int]
"""Layer, targets -> the next unit."""
LEAST_SECONDS = 3.0
N_FOLDS = 5
"""In each fold every fifth recording that is long enough is a wish, and all others are the database."""


def main() -> None:
    end_in_order()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).resolve().parents[3] / "shared" / "audio" / "sonic-pi-samples"
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


@dataclass(frozen=True)
class Answer:
    """What was played for a wish: units, mono audio, and the joins that are no natural continuation."""

    units: np.ndarray
    audio: np.ndarray
    joins: list[demiurge.Join]


class Room:
    """A corpus with liveseq's playback, for any way of choosing units from it."""

    def __init__(self, path: Path) -> None:
        corpus = Corpus.open(path)
        self.units = without_silence(corpus.units())
        self.rate = self.units.sample_rate
        self.step = HOP * int(np.median(self.units.length) // HOP)
        self.scaling = Scaling.of(self.units.features)
        self.index = UnitIndex(self.scaling.apply(self.units.features), tag_units=self.units.tag_units)
        self.selector = Selector(self.units, self.index, self.scaling)
        self.spread = np.concatenate([self.units.first, self.units.last]).std(axis=0) + 1e-6
        self.shards = corpus.map_shards()
        self._player = Player(self.units, corpus_audio(self.shards))

    def source(self, number: int) -> np.ndarray:
        """A recording, mono float32 (n_samples,)."""
        unit = int(np.argmax(self.units.source == number))
        whole = slice(int(self.units.source_start[unit]), int(self.units.source_end[unit]))
        return self.shards[int(self.units.shard[unit])][whole].mean(axis=1)

    def answer(self, wanted: Wanted, choose: Choose, n_samples: int, *, stickiness: float | None = None) -> Answer:
        """Choose and play units until there are so many samples. wanted: clock, n -> targets (n, n_features)."""
        settings = Settings(query_temperature=0.0)
        settings.stickiness = settings.stickiness if stickiness is None else stickiness
        layer = Layer(number=1, seed=0, usage=Usage(self.units.n_units), settings=settings)
        layer.blend.move_to(ANY)
        mixer = Mixer(self.shards, sample_rate=self.rate, n_layers=1, max_block=n_samples)
        mixer.push(Play(seconds=0.0))
        events: list[Event] = []
        chosen: list[int] = []
        while layer.cursor < n_samples:
            targets = wanted(layer.cursor, layer.settings.horizon)
            unit = choose(layer, targets)
            continues = layer.line.unit is not None and unit == self.units.successor[layer.line.unit]
            sounded = self._player.sound(layer, Cue(unit=unit, continues=bool(continues), expected=targets[0]))
            layer.usage.note(unit, clock=sounded.begin)
            layer.line.follow(unit)
            chosen.append(unit)
            events += [dataclasses.replace(event, gain=1.0) for event in sounded.events]  # as loud as it was recorded
        for event in events:
            mixer.push(event)
        return Answer(np.array(chosen), mixer.render(n_samples).mean(axis=1), joins_of(events, self.shards))

    def plan(self, layer: Layer, targets: np.ndarray) -> int:
        """liveseq's choice, told the future instead of predicting it."""
        query = Query(
            targets=targets,
            weights=DEFAULT_WEIGHTS / np.linalg.norm(DEFAULT_WEIGHTS),
            tag=ANY,
            after=layer.line.unit,
            follower=self._player.follower(layer),
            clock=layer.cursor,
            samples_per_step=self.step,
        )
        pool = Pool.of(self.units, ANY, None)
        return self.selector.select(query, usage=layer.usage, pool=pool, settings=layer.settings, rng=layer.rng).unit


def joins_of(events: Sequence[Event], shards: Mapping[int, np.ndarray]) -> list[demiurge.Join]:
    """Where one recording gives way to another in a layer's line. shards: number -> float32 (n_samples, 2)."""
    mono: dict[tuple[int, int, float], np.ndarray] = {}

    def place(voice: PlayUnit, clock: int) -> tuple[np.ndarray, int]:
        key = (voice.shard, voice.source_start, voice.gain)
        if key not in mono:
            mono[key] = voice.gain * shards[voice.shard][voice.source_start : voice.source_end].mean(axis=1)
        return mono[key], voice.position - voice.source_start + round((clock - voice.start) * voice.ratio)

    line: list[PlayUnit] = []
    for event in events:
        if isinstance(event, CutLayer):
            line = [voice for voice in line if voice.start < event.start]
        elif isinstance(event, PlayUnit):
            line.append(event)
    return [
        demiurge.Join(after.start + Mixer.latency, after.fade, place(before, after.start), place(after, after.start))
        for before, after in itertools.pairwise(line)
        if after.fade
    ]


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


def sharpness(y: np.ndarray, place: int, *, near: int = 32) -> float:
    """Largest second difference within `near` samples of a place."""
    return float(np.abs(np.diff(y[max(place - near, 0) : place + near], n=2)).max(initial=0.0))


def around(y: np.ndarray, place: int, *, reach: int = 2048) -> float:
    """99.9th percentile of the second differences within `reach` samples of a place."""
    local = np.abs(np.diff(y[max(place - reach, 0) : max(place, 0) + reach], n=2))
    return float(np.quantile(local, 0.999)) if len(local) else 0.0


def click(y: np.ndarray, join: demiurge.Join) -> float:
    """Sharpness at the worse end of a crossfade, against the recordings around the same place.

    An attack that a recording has at that very place, and that the join lets in, is no click.
    """
    ends = (0, join.fade)
    worst = max(sharpness(y, join.place + end) for end in ends)
    own = max(sharpness(recording, place + end) for recording, place in (join.before, join.after) for end in ends)
    return worst / (max(around(*join.before), around(*join.after), own) + 1e-5)


def spectral_step(y: np.ndarray, join: demiurge.Join, *, rate: int, n: int = 1024) -> float:
    """Mean squared difference in dB between the 40-band spectra just before and just after a crossfade."""
    before, after = y[: join.place][-n:], y[join.place + join.fade :][:n]
    if len(before) < n or len(after) < n:
        return 0.0
    powers = mel_power(power_spectrum(np.stack([before, after])), sample_rate=rate, n_mels=40)
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


def repeats(chosen: np.ndarray, lengths: np.ndarray, *, rate: int, followers, seconds: float = 10.0) -> float:
    """Share of jumps that lead to a unit used within the last seconds."""
    begins = np.concatenate([[0], np.cumsum(lengths)[:-1]]) / rate
    jumps = [i for i in range(1, len(chosen)) if chosen[i] != followers(chosen[i - 1])]
    again = [i for i in jumps if np.any(chosen[(begins < begins[i]) & (begins > begins[i] - seconds)] == chosen[i])]
    return len(again) / max(len(jumps), 1)


if __name__ == "__main__":
    main()
