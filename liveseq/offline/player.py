"""A performance without a device: the same Performance and the same mixer as live, as fast as the machine goes.

`render` and `replay` say at which samples what happens; the player does it, plans in between, and gives blocks. None is
kept: a take of hours needs no more memory than one of a minute. The same steps give the same samples, bit for bit.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from liveseq.engine.events import Record
from liveseq.engine.mixer import Mixer
from liveseq.offline.streams import OfflineSource
from liveseq.performance.performance import Performance
from liveseq.sequencer.timeline import Choice

STEP = 1024
"""Samples of a block, and so between two plans."""


@dataclass(frozen=True)
class Step:
    """Something that happens to a performance at one sample."""

    at: int
    """Sample clock."""
    do: Callable[["Player"], Iterable[Record]]
    """Does it, and returns what the engine is to be sent."""
    planned: int | None = None
    """Sample up to which everything was planned when it happened; None: as far as the player plans ahead."""


@dataclass(frozen=True)
class Stretch:
    """A block of a take, with what led to it."""

    audio: np.ndarray
    """float32 (n_samples, 2), at most STEP samples."""
    events: list[Record]
    """Sent to the engine since the block before, in order."""
    choices: list[Choice]
    """Planned since the block before."""


@dataclass(frozen=True)
class Take:
    """A take as a whole, for those that fit into memory."""

    audio: np.ndarray
    """float32 (n_samples, 2)"""
    events: list[Record]
    choices: list[Choice]
    sample_rate: int

    @classmethod
    def of(cls, stretches: Iterable[Stretch], *, sample_rate: int) -> "Take":
        """All of its blocks."""
        kept = list(stretches)
        return cls(
            np.concatenate([np.zeros((0, 2), dtype=np.float32), *(stretch.audio for stretch in kept)]),
            [event for stretch in kept for event in stretch.events],
            [choice for stretch in kept for choice in stretch.choices],
            sample_rate,
        )


class Player:
    """A performance and the mixer that it plays on."""

    def __init__(self, performance: Performance, *, ahead: int, start: int = 0) -> None:
        """performance: new. ahead: samples that are planned ahead. start: sample clock."""
        corpus, sequencer = performance.instrument.corpus, performance.sequencer
        for layer in range(1, performance.n_layers + 1):
            sequencer.set_playing(layer, False, at=start)  # its instrument may have been played before
        self.performance = performance
        self.streams = OfflineSource.of_models(n_layers=performance.n_layers, sample_rate=corpus.sample_rate)
        sequencer.use_streams(self.streams)
        self.mixer = Mixer(
            corpus.map_shards() | self.streams.rings.shards(),
            sample_rate=corpus.sample_rate,
            n_layers=performance.n_layers,
            clock=start,
            max_block=STEP,
        )
        self.follow: Callable[[int], Iterable[Record]] = lambda at: ()
        """Called with the sample clock before every plan; returns what the engine is to be sent."""
        self._ahead = ahead
        self._listens = False  # whether there is an engine: until then there is no use in telling it of changes
        self._events: list[Record] = []
        self._choices: list[Choice] = []

    def play(self, steps: Iterable[Step], *, end: int) -> Iterator[Stretch]:
        """Blocks up to sample `end`, with everything that happens meanwhile."""
        for step in steps:
            yield from self.play_to(step.at, planned=step.planned)
            self.take(step)
        yield from self.play_to(end)

    def play_to(self, end: int, *, planned: int | None = None) -> Iterator[Stretch]:
        """Blocks up to sample `end`, in which nothing happens; nothing is planned beyond sample `planned`."""
        while self.mixer.clock < end:
            ahead = self.mixer.clock + self._ahead
            self._plan(ahead if planned is None else min(ahead, planned))
            audio = self.mixer.render(min(STEP, end - self.mixer.clock))
            stretch = Stretch(audio, self._events, self._choices)
            self._events, self._choices = [], []
            yield stretch

    def take(self, step: Step) -> None:
        """Do one step, now."""
        if step.planned is not None:
            self._plan(step.planned)
        self._send(step.do(self))

    def start_engine(self, at: int) -> Sequence[Record]:
        """An engine that knows nothing begins to listen: it is told everything."""
        self._listens = True
        return self.performance.resume(at=at)

    def _plan(self, until: int) -> None:
        self._send(self.follow(self.mixer.clock))
        records, choices = self.performance.plan(now=0, until=until)  # now=0: without a device nothing is ever late
        self._choices += choices
        self._send(records)

    def _send(self, records: Iterable[Record]) -> None:
        for record in records:
            if self._listens:
                self.mixer.push(record)
                self._events.append(record)
