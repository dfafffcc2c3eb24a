"""The gate of a default voice by ear: notes, onsets and the instrument beside those of recordings, tag by tag.

A tag is tonal where half of its recordings' frames have a clear note; any other is rhythmic where more than half of
their stretches keep a steady beat. In what is neither there is nothing to hear here: it misses nothing.

Two recordings of one tag differ by more than a third in their onsets (choir pieces have one to four a second), so that
takes are compared with the nearest stretch of all recordings, held-out ones too, not with a mean.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from liveseq.train.sound.judge.hearing import Heard

TONAL = 0.5
"""Share of the recordings' frames with a clear note from which a tag is tonal."""
RHYTHMIC = 0.5
"""Share of the recordings' stretches with a steady beat above which a tag that is not tonal is rhythmic."""
CLEAR_RATIO = 0.8
"""Least clear notes of a tonal tag, in shares of the recordings'."""
ONSETS_WITHIN = 1 / 3
"""Onsets per second may be so much fewer than in the recordings' sparsest stretch, or more than in the busiest."""
FEW_ONSETS = 0.5
"""Onsets per second; fewer count as these: ten in twenty seconds are the least that a third can be told of."""
FIRST_TAGS = 3
"""Place among musicnn's tags that the recordings' first must keep,"""
TAG_RATIO = 0.7
"""and the share of its score."""
LEAST_SCORE = 0.2
"""Score from which musicnn has heard a tag at all."""
SHARES = {"tonal": 0.8, "rhythmic": 1.0}
"""Shares of the tonal tags (16 of 20) and of the rhythmic ones (all) that must miss nothing."""
KINDS = ("notes", "onsets", "first tag", "beat")
"""Parts of the gate that a tag may miss."""
NOTHING = "nothing to hear here"


@dataclass(frozen=True, kw_only=True)
class Ratios:
    """Figures of a take by those of the recordings of its tag; None where the recordings have nothing to compare."""

    clear: float | None
    onsets: float | None
    """By the nearest rate of the recordings' stretches; 1 between the sparsest and the busiest."""
    first: str | None
    """The tag that musicnn hears first in the recordings."""
    score: float | None
    """Ratio of that tag's score."""
    place: int | None
    """Place of that tag among the take's, from 1."""
    steady: float | None


class EarGate:
    """Compares takes with the recordings that a model learned from."""

    def __init__(
        self,
        recordings: Mapping[str, Heard],
        *,
        others: Mapping[str, Heard] = MappingProxyType({}),
        missing: Collection[str] = (),
    ) -> None:
        """recordings: learned from, by tag. others: held out, for the range of onsets.

        missing: ears that are not installed; nothing passes without them.
        """
        self.recordings, self.missing = recordings, tuple(missing)
        self._onsets = {tag: _range(each, others.get(tag)) for tag, each in recordings.items()}
        self.tonal = tuple(tag for tag, each in recordings.items() if (each.clear or 0.0) >= TONAL)
        self.steady = tuple(tag for tag, each in recordings.items() if (each.steady or 0.0) > RHYTHMIC)
        self.rhythmic = tuple(tag for tag in self.steady if tag not in self.tonal)

    def ratios(self, heard: Mapping[str, Heard]) -> dict[str, Ratios]:
        """Ratios of takes by tag; tags of which there are no recordings are left out."""
        return {tag: self._ratios(tag, each) for tag, each in heard.items() if tag in self.recordings}

    def misses(self, heard: Mapping[str, Heard]) -> dict[str, dict[str, str]]:
        """Tonal and rhythmic tags that would not pass: tag -> what of KINDS it misses, and by how much."""
        gated = {*self.tonal, *self.rhythmic}
        found = {tag: _misses(ratios) for tag, ratios in self.ratios(heard).items() if tag in gated}
        for tag in self.tonal:
            if tag in heard and heard[tag].clear is None:
                found[tag]["notes"] = "too short a take"
        for tag in self.rhythmic:
            if tag in heard and heard[tag].steady == 0.0:
                found[tag]["beat"] = "none"
        return {tag: wrong for tag, wrong in found.items() if wrong}

    def counts(self, heard: Mapping[str, Heard]) -> dict[str, tuple[int, int]]:
        """Number of tonal and of rhythmic tags that miss nothing, and of all of them among these takes."""
        missed = self.misses(heard)
        kinds = {"tonal": self.tonal, "rhythmic": self.rhythmic}
        asked = {kind: [tag for tag in tags if tag in heard] for kind, tags in kinds.items()}
        return {kind: (len([tag for tag in tags if tag not in missed]), len(tags)) for kind, tags in asked.items()}

    def passes(self, heard: Mapping[str, Heard]) -> list[str]:
        """Reasons why takes with these figures are not those of a default voice; none where they are.

        Where the recordings have neither notes nor a beat, the gate is open: there is nothing to hear.
        """
        why = [f"unheard: {name} is missing" for name in self.missing]
        counts = self.counts(heard)
        if all(n_good >= SHARES[kind] * n for kind, (n_good, n) in counts.items()):
            return why
        missed = self.misses(heard)
        by_kind = {kind: [tag for tag, wrong in missed.items() if kind in wrong] for kind in KINDS}
        why.append("by ear " + ", ".join(f"{n_good} of {n} {kind} tags" for kind, (n_good, n) in counts.items() if n))
        return why + [f"{kind} missed: {', '.join(tags)}" for kind, tags in by_kind.items() if tags]

    def _ratios(self, tag: str, heard: Heard) -> Ratios:
        real = self.recordings[tag]
        first = next(iter(real.tags), None)
        if first is None or real.tags[first] < LEAST_SCORE or first not in heard.tags:
            first = None
        return Ratios(
            clear=_ratio(heard.clear, real.clear) if tag in self.tonal else None,
            onsets=_onset_ratio(heard.onsets, self._onsets[tag]),
            first=first,
            score=None if first is None else heard.tags[first] / real.tags[first],
            place=None if first is None else 1 + list(heard.tags).index(first),
            steady=_ratio(heard.steady, real.steady) if tag in self.steady else None,
        )


def _ratio(found: float | None, real: float | None) -> float | None:
    return None if found is None or not real else found / real


def _range(*heard: Heard | None) -> tuple[float, float] | None:
    """The sparsest and the busiest stretch of all."""
    rates = [rate for each in heard if each is not None for rate in each.onset_range or ()]
    return (min(rates), max(rates)) if rates else None


def _onset_ratio(found: float | None, real: tuple[float, float] | None) -> float | None:
    if found is None or real is None or max(found, real[1]) < FEW_ONSETS:
        return None
    nearest = min(max(found, real[0]), real[1])
    return max(found, FEW_ONSETS) / max(nearest, FEW_ONSETS)


def _misses(ratios: Ratios) -> dict[str, str]:
    wrong = {}
    if ratios.clear is not None and ratios.clear < CLEAR_RATIO:
        wrong["notes"] = f"{ratios.clear:.2f}"
    if ratios.onsets is not None and abs(ratios.onsets - 1.0) > ONSETS_WITHIN:
        wrong["onsets"] = f"{ratios.onsets:.2f}"
    if ratios.score is not None and ratios.place is not None:
        if ratios.place > FIRST_TAGS:
            wrong["first tag"] = f"{ratios.first} as tag {ratios.place}"
        elif ratios.score < TAG_RATIO:
            wrong["first tag"] = f"{ratios.first} {ratios.score:.2f}"
    return wrong
