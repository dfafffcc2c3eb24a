"""Streams of layers in mode generate without a streamer process: made where they are asked for, which then waits."""

import logging
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import replace

from liveseq.engine.events import Record
from liveseq.errors import ModelError
from liveseq.generation.meaning import Vocabulary
from liveseq.generation.models import Models
from liveseq.performance.performance import Performance
from liveseq.performance.streamed import StreamStep
from liveseq.runtime.folders import model_folder
from liveseq.sequencer.streams import Made, StreamOrder, Turn
from liveseq.streaming.maker import LiveStreams, OpenGenerator
from liveseq.streaming.ring import StreamRings
from liveseq.streaming.source import RingSource

log = logging.getLogger(__name__)


class OfflineSource(RingSource):
    """Makes what is ordered at once, in this process."""

    def __init__(self, open_generator: OpenGenerator, *, n_layers: int, sample_rate: int) -> None:
        super().__init__(StreamRings.local(n_layers=n_layers, sample_rate=sample_rate))
        self._ends: dict[tuple[int, int], deque[int]] = defaultdict(deque)
        self._firsts: dict[tuple[int, int], set[int]] = defaultdict(lambda: {0})  # steps before which they broke off
        self._turns: dict[tuple[int, int], list[Turn]] = defaultdict(list)
        self._streams = LiveStreams(
            self.rings, open_generator, turns_of=lambda number, ident: self._turns[number, self.count(number, ident)]
        )

    @classmethod
    def of_models(cls, *, n_layers: int, sample_rate: int) -> "OfflineSource":
        """Generators by path, or by their names under models/."""
        models = Models()
        return cls(lambda name: models.get(model_folder(name)), n_layers=n_layers, sample_rate=sample_rate)

    def expect_gap(self, number: int, count: int, *, told: int) -> None:
        """This stream of a layer came too late once: there is no more than the engine knew of, until `pass_gap`."""
        self._ends[number, count].append(told)

    def pass_gap(self, number: int, count: int) -> None:
        """It went on."""
        self._ends[number, count].popleft()

    def expect_turn(self, number: int, turn: Turn) -> None:
        """A change of a layer's stream was obeyed like this. Its streams are counted as `count` does."""
        self._turns[number, turn.ident].append(turn)

    def made(self, number: int, ident: int) -> Made | None:
        stream = number, self.count(number, ident)
        made, ends = super().made(number, ident), self._ends.get(stream)
        if made is None or not ends:
            return made
        first = max(first for first in self._firsts[stream] if first < ends[0])
        return replace(made, first=first, end=min(made.end, ends[0]))

    def order(self, number: int, order: StreamOrder) -> None:
        super().order(number, order)
        while self._streams.tick():
            pass
        if order.generator and (made := self.rings.ring(number).read_status().made) is not None:
            self._firsts[number, self.count(number, order.ident)].add(made.first)


class StreamFollower:
    """Opens, begins and loses the streams of a performance as the conductor does, but what is ordered is there."""

    def __init__(self, performance: Performance) -> None:
        self._performance = performance
        self._chosen: tuple[str, Vocabulary] | None = None

    def choose(self, generator: str, vocabulary: Vocabulary) -> None:
        """Layers in mode generate play this generator from the next plan on."""
        if self._chosen is None or self._chosen[0] != generator:
            self._chosen = generator, vocabulary
            streamed = self._performance.streamed
            streamed.learn(generator, vocabulary)
            for number in range(1, self._performance.n_layers + 1):
                streamed.hope(number)  # this one may do better

    def follow(self, at: int) -> Iterator[Record]:
        """Look after every layer at sample `at`. Raises ModelError for a generator that cannot be opened."""
        for number in range(1, self._performance.n_layers + 1):
            if self._chosen is not None and self._performance.streamed.wanted(number):
                yield from self._follow(number, *self._chosen, at=at)

    def _follow(self, number: int, generator: str, vocabulary: Vocabulary, *, at: int) -> Iterator[Record]:
        performance = self._performance
        streamed = performance.streamed
        is_new = streamed.generator(number) != generator
        if is_new:
            unknown = performance.streamed.unknown(number, vocabulary)
            if unknown:  # where all are, it plays whatever it knows
                log.warning("layer %d: generator %s does not know %s", number, generator, ", ".join(unknown))
            yield from performance.stream(number, StreamStep.OPEN, at=at, generator=generator).records
        if trouble := streamed.trouble(number):
            if is_new:  # nothing would be heard of what the take is for
                raise ModelError(f"layer {number}: {trouble}")
            log.warning("layer %d: %s; it plays the corpus", number, trouble)
            yield from performance.stream(number, StreamStep.LOSE, at=at).records
        elif performance.playing and performance.sequencer.layer(number).playing and streamed.is_ready(number):
            yield from performance.stream(number, StreamStep.BEGIN, at=at).records
