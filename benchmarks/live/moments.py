"""Moments of a take: whether it pauses, and whether it is sharper after a message than its recordings are there."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.choice.seams import around, sharpness
from liveseq.corpus.append import map_rows
from liveseq.corpus.store import Corpus
from liveseq.engine.events import Record
from liveseq.engine.mixer import Mixer
from liveseq.offline.replay import Outline, open_log, replay
from liveseq.sequencer.timeline import CutLayer, Grain, PlayUnit, StopLayer

SEED = 7
TURN_SECONDS = 0.3
NEAR = 32
"""Samples on either side of a place."""


def sounding(y: np.ndarray) -> int:
    """First sample above -70 dBFS."""
    return int(np.argmax(np.abs(y).max(axis=1) > 10 ** (-70 / 20)))


def longest_gap(y: np.ndarray, rate: int) -> float:
    """Seconds below -70 dBFS, in steps of 10 ms."""
    step = rate // 100
    peaks = np.abs(y[: len(y) // step * step]).reshape(-1, step * y.shape[1]).max(axis=1)
    longest = run = 0
    for quiet in peaks < 10 ** (-70 / 20):
        run = run + 1 if quiet else 0
        longest = max(longest, run)
    return longest / 100


class Heard:
    """Recordings that sound at a sample of a take, and the places in them: by the replay of its log."""

    def __init__(self, log: Path, *, late: int) -> None:
        """late: samples by which the take lies behind its replay."""
        instrument, entries = open_log(log)
        outline = Outline.of(entries, sample_rate=instrument.corpus.sample_rate)
        self._clock = outline.start - Mixer.latency - late  # of the take's first sample
        self._corpus = instrument.corpus
        self._events: list[PlayUnit | Grain | StopLayer] = []
        for stretch in replay(instrument, entries.header, entries, outline):
            for event in stretch.events:
                self._hear(event)
        self._events.sort(key=lambda event: event.start)

    def _hear(self, record: Record) -> None:
        if isinstance(record, CutLayer):
            self._events = [one for one in self._events if one.layer != record.layer or one.start < record.start]
        elif isinstance(record, PlayUnit | Grain | StopLayer):
            self._events.append(record)

    def sharpness(self, place: int) -> float:
        """Sharpness of the sharpest recording that sounds there, at that very place, as loud as it is played."""
        clock = self._clock + place
        return max((self._sharpness(event, clock) for event in self._sounding(clock)), default=0.0)

    def _sounding(self, clock: int) -> Iterator[PlayUnit | Grain]:
        ended: set[int] = set()
        for event in reversed([event for event in self._events if event.start <= clock]):
            if isinstance(event, Grain):
                if clock < event.start + event.length:
                    yield event
                continue
            if isinstance(event, PlayUnit) and event.layer not in ended:
                yield event
            if clock >= event.start + event.fade:  # what was before it has faded out
                ended.add(event.layer)

    def _sharpness(self, event: PlayUnit | Grain, clock: int) -> float:
        way = round((clock - event.start) * event.ratio)
        place = event.position + (-way if event.reverse else way)
        begin, end = max(place - NEAR, event.source_start), min(place + NEAR, event.source_end)
        if end - begin < 3:
            return 0.0
        shard = map_rows(self._corpus.shard_path(event.shard), start=0, shape=(event.source_end, 2))
        return event.gain * float(np.abs(np.diff(shard[begin:end].mean(axis=1), n=2)).max())


def sharp_turns(y: np.ndarray, turns: Sequence[int], corpus: Path, rate: int, heard: Heard) -> float:
    """Share of the moments after these samples that are sharper than 99 % of moments of the corpus's recordings."""
    length = int(TURN_SECONDS * rate)
    rng = np.random.default_rng(SEED)
    natural = []
    with Corpus.open(corpus) as opened:
        for source in opened.sources():
            recording = np.asarray(opened.audio(source.id)).mean(axis=1)
            room = len(recording) - length
            natural += [sharpest(recording, int(rng.integers(room)), length) for _ in range(20 if room > 0 else 0)]
    limit = np.quantile(natural, 0.99)
    return float(np.mean([sharpest(y, turn, length, heard=heard) > limit for turn in turns]))


def sharpest(y: np.ndarray, begin: int, length: int, *, heard: Heard | None = None) -> float:
    """Largest second difference of a stretch, against those around its place and those that a recording has there.

    A recording's own attack is no click.
    """
    place = begin + int(np.argmax(np.abs(np.diff(y[begin : begin + length], n=2))))
    own = heard.sharpness(place) if heard else 0.0
    return sharpness(y, place, near=NEAR) / (max(around(y, place), own) + 1e-5)
