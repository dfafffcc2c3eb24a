"""A corpus with liveseq's playback, for any way of choosing units from it."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.choice.seams import Join
from liveseq.corpus.index import DEFAULT_WEIGHTS, Scaling, UnitIndex
from liveseq.corpus.sounding import without_silence
from liveseq.corpus.store import Corpus
from liveseq.corpus.units import ANY
from liveseq.dsp.descriptors import HOP_LENGTH
from liveseq.engine.events import Play
from liveseq.engine.mixer import Mixer
from liveseq.performance.instrument import corpus_audio
from liveseq.sequencer.layers import Layer
from liveseq.sequencer.playback import Cue, Player
from liveseq.sequencer.repetition import Pool, Usage
from liveseq.sequencer.selection import Query, Selector
from liveseq.sequencer.settings import Settings
from liveseq.sequencer.timeline import CutLayer, Event, PlayUnit

Wanted = Callable[[int, int], np.ndarray]
"""Clock, n -> the next n targets: raw features, float32 (n, n_features)."""
Choose = Callable[[Layer, np.ndarray], int]
"""Layer, targets -> the next unit."""


@dataclass(frozen=True)
class Answer:
    """An answer to a wish, played: units, mono audio, and the joins that are no natural continuation."""

    units: np.ndarray
    audio: np.ndarray
    joins: list[Join]


class Room:
    """A corpus, open, its index, and a player of its units."""

    def __init__(self, path: Path) -> None:
        corpus = Corpus.open(path)
        self.units = without_silence(corpus.units())
        self.rate = self.units.sample_rate
        self.step = HOP_LENGTH * int(np.median(self.units.length) // HOP_LENGTH)
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


def joins_of(events: Sequence[Event], shards: Mapping[int, np.ndarray]) -> list[Join]:
    """Joins where one recording gives way to another in a layer's line. shards: number -> float32 (n_samples, 2)."""
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
        Join(after.start + Mixer.latency, after.fade, place(before, after.start), place(after, after.start))
        for before, after in itertools.pairwise(line)
        if after.fade
    ]


def repeats(
    chosen: np.ndarray, lengths: np.ndarray, *, rate: int, followers: Callable[[int], int], seconds: float = 10.0
) -> float:
    """Share of jumps that lead to a unit used within the last seconds."""
    begins = np.concatenate([[0], np.cumsum(lengths)[:-1]]) / rate
    jumps = [i for i in range(1, len(chosen)) if chosen[i] != followers(chosen[i - 1])]
    again = [i for i in jumps if np.any(chosen[(begins < begins[i]) & (begins > begins[i] - seconds)] == chosen[i])]
    return len(again) / max(len(jumps), 1)
