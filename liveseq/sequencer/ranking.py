"""Ranks of units by how they sound, for words that ask for it: the dark ones, the busy ones. Pure.

A descriptor of `words.qualities` is a rank among the corpus's units, from 0 to 1, so that "dark" is dark for this
corpus. Speed and density are those of a stretch of the recording, for a hit alone is neither fast nor slow; the others
are half the unit's and half those of what lies around it, so that what is chosen holds together and can go on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from liveseq.corpus.units import ANY, FEATURE_NAMES, UnitFilter, UnitTable
from liveseq.dsp.descriptors import BASE_NAMES
from liveseq.sequencer.loudness import matching_gain
from liveseq.sequencer.matching import UNPITCHED, VOICED_OCTAVES
from liveseq.words.qualities import Quality

LEAST_UNITS = 24
LEAST_SECONDS = 12.0
"""A word leaves at least so many units and so much sound of a tag: with less, what was heard comes back at once."""
MOST_SHARE = 2.0 / 3.0
"""Share of a small tag that is left for that: where it leaves nothing out, a word cannot be heard."""
PACE_SECONDS = 3.0
"""Length of the stretch around a unit that says how fast and how busy it is."""
AROUND_SECONDS = 1.0
"""Length of the one that shares in how it sounds. Of the demo corpus's units under "dark", "punchy" ... 61 % then go on
from the one before, without it 47 %, for a tenth of the effect."""
TEMPO_SHARE = 1.0 / 3.0
"""Share of the tempo in the speed of what has a beat. The rest is how often something is struck: that is heard first
(Elowsson et al. 2013, "Modelling the speed of music"), and is never found at half or double."""
MOST_RISE_DB = 24.0
"""An attack that rises further is no stronger."""
_LEVEL = BASE_NAMES.index("loudness_db")


@dataclass(frozen=True)
class Wish:
    """How one text of a layer's words wants its tags to sound."""

    tags: tuple[str, ...]
    qualities: Mapping[Quality, float]
    """1 for more of it, -1 for less, beyond that for much more. Empty: as they are."""


class Ranking:
    """Ranks of the units of one corpus."""

    def __init__(self, units: UnitTable) -> None:
        """Any thread; takes a while."""
        self._units = units
        self.ranks = ranked(units)
        """Descriptor -> ranks, float32 (n_units,), 0 to 1."""

    def narrowed(self, allowed: UnitFilter | None, wishes: Sequence[Wish]) -> UnitFilter | None:
        """Among the allowed units (None: all) those that the wishes want of their tags. Tags of no wish stay whole, and
        what is in none."""
        if not any(wish.qualities for wish in wishes):
            return allowed
        tag_units = self._units.tag_units
        before = np.ones(self._units.n_units, dtype=bool) if allowed is None else allowed.mask
        mask = before.copy()
        wanted = [(tag_units[tag], wish.qualities) for wish in wishes for tag in wish.tags if tag in tag_units]
        for members, _ in wanted:
            mask[members] = False
        for members, qualities in wanted:
            mask[self.best(members[before[members]], qualities)] = True
        return UnitFilter(mask)

    def best(self, members: np.ndarray, qualities: Mapping[Quality, float]) -> np.ndarray:
        """The members, int64 (n,), that have most of these qualities: all, where they do not differ in them."""
        directions = combined(qualities)
        if not (directions and len(members)):
            return members
        score = np.zeros(len(members), dtype=np.float64)
        for name, amount in directions.items():  # no matrix product: its last bit is another on another machine
            score += amount * self.ranks[name][members]
        n = max(1, int(share(qualities) * len(members)))
        found = _above(score, n=n)
        lengths, least = self._units.length[members], LEAST_SECONDS * self._units.sample_rate
        if len(found) < LEAST_UNITS or lengths[found].sum() < least:
            lasting = np.cumsum(lengths[np.argsort(-score, kind="stable")])
            enough = max(LEAST_UNITS, 1 + int(np.searchsorted(lasting, least)))
            found = _above(score, n=max(n, min(enough, int(np.ceil(MOST_SHARE * len(members))))))
        chosen: np.ndarray = members[found]
        return chosen


def combined(qualities: Mapping[Quality, float]) -> dict[str, float]:
    """Descriptors with how much more of each is wanted: what contradicts itself is not there."""
    found: dict[str, float] = {}
    for quality, amount in qualities.items():
        for name, sign in quality.directions:
            found[name] = found.get(name, 0.0) + sign * amount
    return {name: amount for name, amount in found.items() if amount}


def share(qualities: Mapping[Quality, float]) -> float:
    """Share of a tag's units that have enough of these qualities: a third, of a bit of it half, of much a sixth."""
    strength = max(map(abs, qualities.values()))
    return float(min(1.0, 4.0 / 3.0 * 0.25**strength))


def ranked(units: UnitTable) -> dict[str, np.ndarray]:
    """Rank of each unit by each of DESCRIPTORS, float32 (n_units,), 0 to 1; of what has no pitch that is the middle."""
    f = {name: units.features[:, i].astype(np.float64) for i, name in enumerate(FEATURE_NAMES)}
    everybody = units.tag_units[ANY]
    attack = units.onset >= 0
    rise = np.clip(f["loudness_db_mean"] - _level_before(units), 0.0, MOST_RISE_DB)
    pitched = np.abs(f["log_f0_mean"] - UNPITCHED) >= VOICED_OCTAVES
    own = {
        "brightness": _ranks(f["log_centroid_mean"], everybody),
        "noisiness": _ranks(f["flatness_db_mean"], everybody),
        "punch": _ranks(attack + _ranks(f["loudness_db_std"], everybody) + _ranks(rise, everybody), everybody),
        "pitch": np.where(pitched, _ranks(f["log_f0_mean"], np.flatnonzero(pitched)), 0.5),
        "loudness": _ranks(units.loudness_db + 20.0 * np.log10(matching_gain(units)[units.source]), everybody),
    }
    around, pace = _Stretches(units, seconds=AROUND_SECONDS), _Stretches(units, seconds=PACE_SECONDS)
    found = {name: (0.5 * (ranks + around.mean(ranks))).astype(np.float32) for name, ranks in own.items()}
    rate = pace.rate(attack)
    often = _ranks(rate, everybody)
    steady = units.beat_period > 0
    tempo = np.minimum(units.sample_rate / np.maximum(units.beat_period, 1.0), rate)  # what nobody strikes is not felt
    beat = _ranks(tempo, np.flatnonzero(steady))
    speed = np.where(steady, TEMPO_SHARE * beat + (1.0 - TEMPO_SHARE) * often, often)
    density = often + _ranks(pace.mean(f["loudness_db_std"]), everybody)
    return found | {"speed": _ranks(speed, everybody), "density": _ranks(density, everybody)}


class _Stretches:
    """A stretch of its recording around each unit, at least the unit itself."""

    def __init__(self, units: UnitTable, *, seconds: float) -> None:
        ends = np.cumsum(units.length)
        starts = ends - units.length
        self._length = units.length
        self._times = np.concatenate([[0], ends])  # all units one after the other, in samples
        source_start = starts - (units.position - units.source_start)
        source_end = source_start + units.source_end - units.source_start
        middle, half = (starts + ends) / 2.0, seconds * units.sample_rate / 2.0
        self._begin = np.maximum(np.minimum(middle - half, starts), source_start)
        self._end = np.minimum(np.maximum(middle + half, ends), source_end)
        self._second = float(units.sample_rate)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Mean of a value of units, (n_units,), over each stretch."""
        return np.asarray(self._total(values * self._length) / (self._end - self._begin))

    def rate(self, events: np.ndarray) -> np.ndarray:
        """Events, of which a unit has so many, (n_units,), in a second of each stretch; one that is shorter counts as a
        second, in which nothing else comes."""
        return np.asarray(self._total(events) / np.maximum((self._end - self._begin) / self._second, 1.0))

    def _total(self, values: np.ndarray) -> np.ndarray:
        sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
        total: np.ndarray = np.interp(self._end, self._times, sums) - np.interp(self._begin, self._times, sums)
        return total


def _level_before(units: UnitTable) -> np.ndarray:
    """Level at the end of what comes before each unit in its recording, dBFS, float64 (n_units,)."""
    before = np.full(units.n_units, -100.0)
    before[1:] = units.last[:-1, _LEVEL]
    before[units.position == units.source_start] = -100.0
    return before


def _ranks(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Ranks of values (n_units,) among those of some units, float32 (n_units,), 0 to 1; equal ones share theirs."""
    if not len(among):
        return np.full(len(values), 0.5, dtype=np.float32)
    ordered, order = np.sort(values[among]), np.argsort(values, kind="stable")
    below, up_to = (np.searchsorted(ordered, values[order], side=side) for side in ("left", "right"))
    ranks = np.empty(len(values), dtype=np.float32)
    ranks[order] = (below + up_to) / (2.0 * len(ordered))
    return ranks


def _above(score: np.ndarray, *, n: int) -> np.ndarray:
    """Places of the n best scores, and of what is as good as the last of them: int64, sorted."""
    if n >= len(score):
        return np.arange(len(score))
    return np.flatnonzero(score >= np.partition(score, len(score) - n)[len(score) - n])
