"""A look at the corpus now and then: where it has changed, it is read anew beside the music, and played.

Another process may have added to it (generator, listener, a build), or a recording is taken out from here. Where it is
damaged or gone, what is open plays on, and it is looked for again. A look has a thread of its own, since a disk may
hang; reading runs in the worker; the swap runs in the event loop, between two plans.
"""

import dataclasses
from collections.abc import Callable

from liveseq.conductor.commands import Command, Handler
from liveseq.conductor.corpus_folder import CorpusFolder
from liveseq.conductor.desk import Desk
from liveseq.conductor.worker import Worker
from liveseq.corpus.own_words.reading import OwnWords
from liveseq.corpus.store import Corpus
from liveseq.corpus.unit_table import Moment
from liveseq.corpus.units import ANY
from liveseq.engine.events import ShardAdded
from liveseq.errors import OscError
from liveseq.osc.packets import PREFIX
from liveseq.performance.instrument import Growth

MAPPED_SECONDS = 0.5
"""Time for the engine to map new audio before anything of it is played."""
LOOK_SECONDS = 1.0
"""Between two looks."""


class CorpusWatch:
    """One per conductor."""

    def __init__(self, desk: Desk, folder: CorpusFolder, *, tell: Callable[[], None]) -> None:
        """folder: of the corpus that is played. tell: says that another state of it is played now."""
        self.handlers: dict[str, Handler] = {"corpus/remove": self._remove}
        self._desk = desk
        self._folder = folder
        self._tell = tell
        self.looks = Worker()
        """The look that is under way."""
        self._version = 0  # that is played, or is being read
        self._lost = ""  # why it cannot be looked at
        self._unread = ""  # why what has changed is not played
        self._look_at = 0.0
        self._reading = False  # whether the changed corpus is being read
        self._grown: tuple[Growth, float] | None = None  # read, and when it may be played
        self._waiting: list[Callable[[], None]] = []
        self._served: list[Callable[[], None]] = []  # who waits for what is being looked at, or read

    def problems(self) -> list[str]:
        """Sentences on what is amiss with the corpus."""
        found = [one for one in (self._lost, self._unread) if one]
        amiss = [f"{one}; what is open plays on, and it is looked for again" for one in found]
        return amiss + _own_problems(self._desk.performance.instrument.own)

    def tick(self, now: float) -> None:
        """Look at the corpus, and play what is ready of it."""
        self.looks.settle(now=now)
        if self._grown is not None and now >= self._grown[1]:
            growth, self._grown = self._grown[0], None
            self._play(growth, now=now)
        if self.looks or self._reading or self._grown is not None:
            return
        if now >= self._look_at or (self._waiting and not (self._lost or self._unread)):
            self._look_at = now + LOOK_SECONDS
            self._served, self._waiting = self._waiting, []
            self.looks.submit("corpus", self._folder.version, act=self._take_look, refuse=self._miss)

    def when_played(self, then: Callable[[], None]) -> None:
        """The corpus has changed: do this once the change is played."""
        self._waiting.append(then)

    def _remove(self, command: Command, _: float) -> None:
        path, name = self._desk.performance.instrument.corpus.path, str(command.arguments[0])

        def remove() -> None:
            with Corpus.open(path, writable=True) as corpus:
                if [source.name for source in corpus.sources()] == [name]:
                    raise OscError("denied", f"{name[:200]}: the last recording of the corpus; add others first")
                corpus.remove([name])

        done = self._desk.outbox.done
        self._desk.prepare(command, remove, lambda _, __: self.when_played(lambda: done(command)))

    def _take_look(self, version: int, _: float) -> None:
        self._lost = ""
        if version != self._version or self._unread:
            self._version = version
            self._read()
        else:
            served, self._served = self._served, []
            _do_all(served)

    def _miss(self, error: Exception, _: float) -> None:
        self._lost = str(error)
        self._give_back()

    def _give_back(self) -> None:
        self._waiting, self._served = [*self._served, *self._waiting], []

    def _read(self) -> None:
        """Read the changed corpus; its new audio is mapped by the engine meanwhile."""
        desk, instrument = self._desk, self._desk.performance.instrument
        self._reading = True
        self._served, self._waiting = [*self._served, *self._waiting], []  # who comes later has changed it later

        def keep(growth: Growth, now: float) -> None:
            self._reading, self._unread = False, ""
            if len(growth.units.tag_units[ANY]):
                desk.records += [ShardAdded(number=n, n_samples=size) for n, size in growth.corpus.shards()]
                self._grown = growth, now + MAPPED_SECONDS
            else:
                self._give_back()
                desk.outbox.log("error", "nothing is left in the corpus; what was there is played on", now=now)

        def refuse(error: Exception, _: float) -> None:
            self._reading = False
            self._unread = f"the corpus has changed, but cannot be read: {error}"
            self._give_back()

        try:
            desk.worker.submit("corpus", instrument.read_growth, act=keep, refuse=refuse)
        except OscError:  # too much to do: look again
            self._reading, self._version = False, -1
            self._give_back()

    def _play(self, growth: Growth, *, now: float) -> None:
        """Swap between two plans, tell everybody, and write it into the log."""
        desk, outbox, performance = self._desk, self._desk.outbox, self._desk.performance
        before, planned = performance.instrument.moment, performance.planned_until
        words = performance.instrument.words()
        performance.grow(growth)
        self._tell()
        at = desk.link.act_at(0.0)  # now: taking it over may last longer than a command
        outcome = performance.mend(at=at)
        desk.records += outcome.records
        desk.replanned = True
        for address, value in outcome.changes.items():
            outbox.value(address, *value)
            if address.endswith("/tags"):
                outbox.log("warning", f"a tag is gone from the corpus; {address} is now {value}", now=now)
        changed = {} if words == performance.instrument.words() else {"words": performance.instrument.words()}
        desk.note(at, planned, {"grown": dataclasses.asdict(growth.moment), **changed})
        for name, n_units in _changes(growth, before):
            outbox.event(f"{PREFIX}/corpus/grown", name, n_units, len(growth.units.tag_units[ANY]), now=now)
        served, self._served = self._served, []
        _do_all(served)


def _own_problems(own: OwnWords) -> list[str]:
    """A sentence on what is wrong with the performer's own words, where anything is."""
    if not own.problems:
        return []
    more = f", and {len(own.problems) - 1} more" if len(own.problems) > 1 else ""
    return [f"{own.problems[0]}{more}; it is left out, the set plays on"]


def _do_all(waiting: list[Callable[[], None]]) -> None:
    for then in waiting:
        then()


def _changes(growth: Growth, before: Moment) -> list[tuple[str, int]]:
    """Recordings that are new, with their units; and those that are gone, with 0."""
    units, now = growth.units, growth.moment
    gone = [(units.source_names[number - 1], 0) for number in now.retired if number not in before.retired]
    fresh = range(before.last, now.last)  # ids count from 1, and nothing is ever deleted
    return gone + [(units.source_names[place], int((units.source == place).sum())) for place in fresh]
