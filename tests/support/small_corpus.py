"""A small corpus in memory, predictors with known answers, and a way to play them."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from liveseq.corpus.index import Scaling, UnitIndex
from liveseq.corpus.units import ANY, FEATURE_NAMES, UnitTable
from liveseq.dsp.descriptors import BASE_NAMES
from liveseq.runtime.predictor import Condition, Mixture, State
from liveseq.sequencer.material import Material
from liveseq.sequencer.sequencer import Sequencer
from liveseq.sequencer.timeline import Choice, Event

SAMPLE_RATE = 48_000
SECOND = SAMPLE_RATE
UNIT = 8192


def table(
    n_per_source: list[int], *, tags: list[str], rng: np.random.Generator, lengths: int | None = None
) -> UnitTable:
    """One source after the other in shard 0; source i has tags[i]. Features wander around the source's own place."""
    n = sum(n_per_source)
    source = np.repeat(np.arange(len(n_per_source)), n_per_source).astype(np.int32)
    length = np.full(n, UNIT) if lengths is None else rng.integers(lengths // 2, lengths, size=n)
    position = np.concatenate([[0], np.cumsum(length)[:-1]])
    starts = np.concatenate([[0], np.cumsum(n_per_source)[:-1]])
    ends = np.cumsum(n_per_source)
    successor = np.arange(1, n + 1)
    successor[ends - 1] = -1
    place = rng.normal(scale=3.0, size=(len(n_per_source), len(FEATURE_NAMES)))
    walk = np.concatenate(
        [np.cumsum(rng.normal(scale=0.3, size=(k, len(FEATURE_NAMES))), axis=0) for k in n_per_source]
    )
    features = (place[source] + walk).astype(np.float32)
    edges = features[:, : len(BASE_NAMES)]
    return UnitTable(
        sample_rate=SAMPLE_RATE,
        hop_length=1024,
        source=source,
        shard=np.zeros(n, dtype=np.int32),
        position=position.astype(np.int64),
        length=length.astype(np.int64),
        source_start=position[starts[source]].astype(np.int64),
        source_end=(position + length)[ends[source] - 1].astype(np.int64),
        successor=successor.astype(np.int64),
        features=features,
        first=edges,
        last=(edges + rng.normal(scale=0.05, size=edges.shape)).astype(np.float32),
        loudness_db=rng.uniform(-30, -15, size=n).astype(np.float32),
        onset=np.full(n, -1, dtype=np.int32),
        beat_period=np.zeros(n, dtype=np.float32),
        beat=np.zeros(n),
        tags=tuple(sorted(set(tags))),
        tag_units={
            tag: np.flatnonzero(np.isin(source, [i for i, t in enumerate(tags) if t == tag])) for tag in set(tags)
        }
        | {ANY: np.arange(n)},
        source_names=tuple(f"{tag}-{i}.wav" for i, tag in enumerate(tags)),
    )


class Persistence:
    """Expects what it last heard, give or take `spread`; the second half of the mixture is never drawn."""

    feature_names = FEATURE_NAMES
    samples_per_step = UNIT
    sample_rate = SAMPLE_RATE

    def __init__(self, spread: float = 0.3) -> None:
        self.spread = spread

    def tag_vectors(self, vectors: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        return vectors

    def start(self) -> State:
        return (np.zeros(1, dtype=np.float32),)

    def step(self, features: np.ndarray, state: State, condition: Condition) -> tuple[Mixture, State]:
        means = np.stack([features, features + 1000.0]).astype(np.float32)[None]
        scales = np.full_like(means, self.spread)
        return Mixture(logits=np.array([0.0, -1e9], dtype=np.float32), means=means, scales=scales), state


class Goes:
    """Expects the same courses whatever it hears: float32 (F, D) each, the first one certain."""

    feature_names = FEATURE_NAMES
    samples_per_step = UNIT
    sample_rate = SAMPLE_RATE

    def __init__(self, course: np.ndarray, *, spread: float = 1e-6) -> None:
        self.course, self.spread = course.astype(np.float32), spread
        self.heard: list[np.ndarray] = []

    def tag_vectors(self, vectors: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        return vectors

    def start(self) -> State:
        return ()

    def step(self, features: np.ndarray, state: State, condition: Condition) -> tuple[Mixture, State]:
        self.heard.append(features)
        means = self.course[:, None]
        return Mixture(np.zeros(1, np.float32), means, np.full_like(means, self.spread)), state


class Counts:
    """Expects what it last heard, and says by its state how many steps it has heard in a row."""

    feature_names = FEATURE_NAMES
    samples_per_step = UNIT
    sample_rate = SAMPLE_RATE

    def tag_vectors(self, vectors: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        return vectors

    def start(self) -> State:
        return (np.zeros(1, dtype=np.float32),)

    def step(self, features: np.ndarray, state: State, condition: Condition) -> tuple[Mixture, State]:
        means = features[None, None].astype(np.float32)
        return Mixture(np.zeros(1, np.float32), means, np.full_like(means, 1e-6)), (state[0] + 1.0,)


def with_beats(units: UnitTable, *, period: float, origin: float) -> UnitTable:
    """The same units, every source with a steady beat: `origin` samples after its start, then every `period`."""
    place = (units.position - units.source_start - origin) / period
    return dataclasses.replace(
        units, beat_period=np.full(units.n_units, period, dtype=np.float32), beat=place.astype(np.float64)
    )


def play(
    sequencer: Sequencer, weights: dict[str, float], *, seconds: float, number: int = 1, step: int = 4096
) -> tuple[list[Event], list[Choice]]:
    """Play one layer from sample 0."""
    sequencer.set_playing(number, True, at=0)
    sequencer.set_tags(number, weights, at=0)
    return go_on(sequencer, begin=0, seconds=seconds, step=step)


def go_on(sequencer: Sequencer, *, begin: int, seconds: float, step: int = 4096) -> tuple[list[Event], list[Choice]]:
    """Plan from `begin` on, `step` samples at a time, a quarter of a second ahead."""
    events, choices = [], []
    for now in range(begin, begin + int(seconds * SECOND), step):
        more, why = sequencer.plan(now=now, until=now + 12_000)
        events += more
        choices += why
    return events, choices


def column(name: str) -> int:
    """Of a feature."""
    return FEATURE_NAMES.index(name)


def material(units: UnitTable) -> Material:
    """The units, and noise for audio."""
    scaling = Scaling(mean=units.features.mean(axis=0), std=units.features.std(axis=0) + 1e-6)
    index = UnitIndex(scaling.apply(units.features), tag_units=units.tag_units)
    n_samples = int((units.position + units.length).max())
    shards = {0: np.random.default_rng(0).standard_normal((n_samples, 2)).astype(np.float32)}
    return Material(units=units, index=index, scaling=scaling, audio=lambda shard, begin, end: shards[shard][begin:end])


def make(
    units: UnitTable, *, seed: int = 7, spread: float = 0.3, predictor: Persistence | Goes | Counts | None = None
) -> Sequencer:
    return Sequencer(material(units), {"predictor": predictor or Persistence(spread)}, seed=seed)
