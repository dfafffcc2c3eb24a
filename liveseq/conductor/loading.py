"""Commands that need something from the disk first: seeds from files, models, and a corpus that has changed.

What takes long runs in the worker; what changes the music runs in the event loop, when that is ready.
"""

import dataclasses
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from liveseq.conductor.commands import Answer, Command, asked_layer
from liveseq.conductor.desk import Desk
from liveseq.conductor.seeds import prime_arguments, read_seed
from liveseq.corpus.store import Corpus
from liveseq.corpus.unit_table import Moment
from liveseq.corpus.units import ANY
from liveseq.engine.events import ShardAdded
from liveseq.errors import CorpusError, LiveseqError, ModelError, OscError
from liveseq.osc.packets import PREFIX
from liveseq.performance.instrument import Growth
from liveseq.performance.knobs import check_model_name

MAPPED_SECONDS = 0.5
"""That the engine gets to map new audio before anything of it is played."""
LOOK_SECONDS = 1.0
"""How often the corpus is looked at: another process may have added to it."""

log = logging.getLogger(__name__)


class Loading:
    """One per conductor."""

    def __init__(self, desk: Desk, *, seeds: Path) -> None:
        """seeds: folder from which /liveseq/seed/file may read."""
        self.answers: dict[str, Answer] = {
            "seed/file": self._seed,
            "predict/model": self._model,
            "corpus/remove": self._remove,
        }
        self._desk = desk
        self._seeds = seeds
        self._corpus = desk.performance.instrument.corpus
        self._version = self._corpus.version()
        self._look_at = 0.0
        self._reading = False  # whether the changed corpus is being read
        self._grown: tuple[Growth, float] | None = None  # read, and when it may be played
        self._waiting: list[Callable[[], None]] = []
        self._served: list[Callable[[], None]] = []  # who waits for what is being read

    def tick(self, now: float) -> None:
        """Look after the corpus, and play what is ready of it."""
        if self._grown is not None and now >= self._grown[1]:
            growth, self._grown = self._grown[0], None
            self._play(growth, now=now)
        if self._reading or self._grown is not None or (now < self._look_at and not self._waiting):
            return
        self._look_at = now + LOOK_SECONDS
        version = self._corpus.version()
        if version != self._version:
            self._version = version
            self._read()
        elif self._waiting:
            waiting, self._waiting = self._waiting, []
            _do_all(waiting)

    def grow(self, then: Callable[[], None]) -> None:
        """The corpus has changed: play it, and then do this."""
        self._waiting.append(then)

    def submit(self, command: Command, prepare: Callable[[], Any], act: Callable[[Any, float], None]) -> None:
        """Prepare a command in the worker, then let it act. Its sender hears of what goes wrong. Raises OscError."""
        desk = self._desk

        def refuse(error: Exception, now: float) -> None:
            desk.fail(command.client, command.row.address, _told(error, command), now=now, ident=command.ident)

        desk.around.worker.submit(
            command.row.parameter.path,
            prepare,
            act=lambda found, now: desk.attempt(command, lambda: act(found, now), now=now),
            refuse=refuse,
        )

    # Seeds and models

    def _seed(self, command: Command, _: float) -> None:
        desk, units = self._desk, self._desk.performance.sequencer.units
        layer = asked_layer(command.arguments, 1, n_layers=desk.performance.n_layers)
        row = desk.performance.table[f"{PREFIX}/layer/{layer}/prime"]
        name = str(command.arguments[0])
        self.submit(
            command,
            lambda: prime_arguments(
                read_seed(self._seeds, name, sample_rate=units.sample_rate, hop_length=units.hop_length)
            ),
            lambda arguments, now: desk.perform(command, row, arguments, now=now),
        )

    def _model(self, command: Command, _: float) -> None:
        performance, name = self._desk.performance, str(command.arguments[0])
        known = name in performance.sequencer.predictors
        if not known:
            check_model_name(name)

        def use(predictor: Any, now: float) -> None:
            performance.use_predictor(name, predictor)
            self._desk.perform(command, command.row, command.arguments, now=now)

        self.submit(command, lambda: None if known else performance.instrument.load_predictor(name), use)

    # The corpus

    def _remove(self, command: Command, _: float) -> None:
        path, name = self._corpus.path, str(command.arguments[0])

        def remove() -> None:
            with Corpus.open(path, writable=True) as corpus:
                if [source.name for source in corpus.sources()] == [name]:
                    raise OscError("denied", f"{name[:200]}: the last recording of the corpus; add others first")
                corpus.remove([name])

        self.submit(command, remove, lambda _, __: self.grow(lambda: self._desk.done(command)))

    def _read(self) -> None:
        """Read the changed corpus; its new audio is mapped by the engine meanwhile."""
        desk, instrument = self._desk, self._desk.performance.instrument
        self._reading = True
        self._served, self._waiting = [*self._served, *self._waiting], []  # who comes later has changed it later
        desk.records += [ShardAdded(number=n, n_samples=size) for n, size in self._corpus.shards()]
        ready = time.monotonic() + MAPPED_SECONDS

        def give_back() -> None:
            self._waiting, self._served = [*self._served, *self._waiting], []

        def keep(growth: Growth, now: float) -> None:
            self._reading = False
            if len(growth.units.tag_units[ANY]):
                self._grown = growth, max(now, ready)
            else:
                give_back()
                desk.log("error", "nothing is left in the corpus; what was there is played on", now=now)

        def refuse(error: Exception, now: float) -> None:
            self._reading = False
            give_back()
            desk.log("error", f"the corpus has changed, but cannot be read: {error}", now=now)

        try:
            desk.around.worker.submit("corpus", instrument.read_growth, act=keep, refuse=refuse)
        except OscError:  # too much to do: look again
            self._reading, self._version = False, -1

    def _play(self, growth: Growth, *, now: float) -> None:
        """Swap between two plans, tell everybody, and write it into the log."""
        desk, performance = self._desk, self._desk.performance
        before, planned = performance.instrument.moment, performance.planned_until
        performance.grow(growth)
        at = desk.around.act_at(0.0)  # now: taking it over may last longer than a command
        outcome = performance.mend(at=at)
        desk.records += outcome.records
        desk.replanned = True
        for address, value in outcome.changes.items():
            desk.clients.set_value(address, value)
            if address.endswith("/tags"):
                desk.log("warning", f"a tag is gone from the corpus; {address} is now {value}", now=now)
        desk.around.record({"at": at, "planned": planned, "grown": dataclasses.asdict(growth.moment)})
        for name, n_units in _changes(growth, before):
            desk.event(f"{PREFIX}/corpus/grown", name, n_units, len(growth.units.tag_units[ANY]), now=now)
        served, self._served = self._served, []
        _do_all(served)


def _do_all(waiting: list[Callable[[], None]]) -> None:
    for then in waiting:
        then()


def _changes(growth: Growth, before: Moment) -> list[tuple[str, int]]:
    """Recordings that are new, with their units; and those that are gone, with 0."""
    units, now = growth.units, growth.moment
    gone = [(units.source_names[number - 1], 0) for number in now.retired if number not in before.retired]
    fresh = range(before.last, now.last)  # ids count from 1, and nothing is ever deleted
    return gone + [(units.source_names[place], int((units.source == place).sum())) for place in fresh]


def _told(error: Exception, command: Command) -> OscError:
    """An error as its sender may hear it."""
    if isinstance(error, OscError):
        return error
    if isinstance(error, ModelError):
        return OscError("model_error", str(error))
    if isinstance(error, CorpusError):
        return OscError("io_error", str(error))
    if isinstance(error, LiveseqError):
        return OscError("not_ready", str(error))
    log.error("%s %s", command.row.address, command.arguments, exc_info=error)
    return OscError("internal", "a fault of the server; its terminal has the details")
