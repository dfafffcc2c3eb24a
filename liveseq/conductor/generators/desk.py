"""Commands about generators: which one is used, what it is to make, what grows; and who hears what has come of it.

Everything runs in the event loop. What the generator process makes is in the corpus, and is played as any growth of the
corpus is.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import psutil

from liveseq.conductor.commands import Command, Handler
from liveseq.conductor.corpus_watch import CorpusWatch
from liveseq.conductor.desk import Desk
from liveseq.conductor.generators.chosen import ADDRESS, ChosenGenerator, read_generators
from liveseq.conductor.generators.growing import GrowingTags
from liveseq.conductor.generators.queue import Ending, GeneratorQueue
from liveseq.conductor.generators.task import Task
from liveseq.errors import ModelError, OscError
from liveseq.generation.meaning import Vocabulary
from liveseq.generation.orders import GeneratorState, GeneratorStatus
from liveseq.osc.packets import PREFIX, Arguments, Value
from liveseq.performance.travelling import named_places
from liveseq.runtime.manifest import Manifest
from liveseq.runtime.text import TextEncoder

SILENT_SECONDS = 1.0
"""Without a word for so long, it is looked whether the process is there."""

log = logging.getLogger(__name__)


class GeneratorDesk:
    """One per conductor."""

    def __init__(
        self,
        desk: Desk,
        watch: CorpusWatch,
        state: GeneratorState,
        *,
        encoder: TextEncoder,
        model: str | None,
        minutes: float,
        session: Mapping[str, Any],
        save: Callable[[], None],
    ) -> None:
        """model: None where there is no generator. minutes: that may grow. session: values of the session that is gone
        on with, by address. save: keeps the session. Raises ModelError for a model that cannot be used.
        """
        self._desk = desk
        self._outbox = desk.outbox
        self._watch = watch
        self._state = state
        self._save = save
        self._values = desk.performance.values
        self._chosen = ChosenGenerator(self._values, encoder)
        self._growing = GrowingTags(desk, self._set, self._chosen.meaning, minutes=minutes)
        self._queue = GeneratorQueue(
            state, chosen=lambda: self._chosen.vocabulary, growth=self._growth, ended=self._note_ending
        )
        self.handlers: dict[str, Handler] = {
            "generate": self._generate,
            "generate/cancel": self._cancel,
            "generator": self._choose,
            "generator/state": lambda command, _: self._outbox.reply(command, command.row.address, *self._describe()),
            "generator/tags": self._tags,
            "generator/components": self._components,
            "generator/list": self._list,
        } | self._growing.handlers
        if session:
            self._chosen.go_on_with((*session.get(ADDRESS, ()), model))
            self._growing.go_on(session)
        else:
            self._chosen.begin_with(model)

    @property
    def chosen(self) -> tuple[str, Vocabulary] | None:
        """Name and words of the generator that is used; None where there is none."""
        vocabulary = self._chosen.vocabulary
        return (self._chosen.name, vocabulary) if vocabulary is not None else None

    def tick(self, now: float) -> None:
        """Follow the generator process, and announce."""
        status = self._state.read_status()
        self._queue.tick(status, now=now)
        self._outbox.value(f"{PREFIX}/generator/state", *self._describe(status))

    # Commands

    def _choose(self, command: Command, _: float) -> None:
        name = str(command.arguments[0])
        self._chosen.check(name)
        self._queue.check_room()
        self._desk.prepare(
            command,
            lambda: self._chosen.read(name),
            lambda found, _: self._queue.add(Task(vocabulary=found, command=command)),
        )

    def _tags(self, command: Command, _: float) -> None:
        tags: list[tuple[str, Arguments]]
        tags = [(command.row.address, (tag,)) for tag in self._chosen.must_have().tags]
        self._outbox.reply_bundles(command, tags, f"{command.row.address}/end")

    def _components(self, command: Command, _: float) -> None:
        messages: list[tuple[str, Arguments]]
        names = named_places(self._chosen.must_have())
        messages = [(command.row.address, (number, name)) for number, name in enumerate(names, start=1)]
        self._outbox.reply_bundles(command, messages, f"{command.row.address}/end")

    def _list(self, command: Command, _: float) -> None:
        def tell(found: tuple[dict[str, Manifest], list[ModelError]], now: float) -> None:
            address, (manifests, broken) = command.row.address, found
            for error in broken:
                self._outbox.log("warning", str(error), now=now)
            messages: list[tuple[str, Arguments]] = [
                (address, (name, one.sample_rate or 0, one.channels or 0, len(one.tags)))
                for name, one in manifests.items()
            ]
            self._outbox.reply_bundles(command, messages, f"{address}/end")

        self._desk.prepare(command, read_generators, tell)

    def _generate(self, command: Command, _: float) -> None:
        text, seconds, *seed = command.arguments
        self._queue.check_room()
        task = Task(
            vocabulary=self._chosen.must_have(),
            meaning=self._chosen.meaning(str(text)),
            seconds=float(seconds),  # type: ignore[arg-type]
            seed=int(seed[0]) if seed else self._growing.fresh_seed(),  # type: ignore[arg-type]
            tempo=self._tempo(),
            command=command,
        )
        self._queue.add(task)

    def _cancel(self, command: Command, now: float) -> None:
        given_up = self._queue.give_up()
        for task in given_up:
            assert task.command is not None
            error = OscError("not_ready", f"given up by {command.row.address}")
            self._outbox.refuse(task.command, error, now=now)
        self._outbox.done(command, len(given_up))

    def _set(self, address: str, value: Arguments, *, origin: Command | None = None) -> None:
        """Keep a value, tell who wants it, and write it into the session."""
        self._values[address] = value
        self._outbox.clients.set_value(address, value, origin=origin.client.source if origin else None)
        self._save()

    # What the generator process does

    def _growth(self, status: GeneratorStatus, now: float) -> Task | None:
        """A piece of the tag whose turn it is."""
        turn = self._growing.next(grown_seconds=status.grown_seconds, now=now)
        vocabulary = self._chosen.vocabulary
        if turn is None or vocabulary is None:
            return None
        meaning, seconds = turn
        seed = self._growing.fresh_seed()
        return Task(vocabulary=vocabulary, meaning=meaning, seconds=seconds, seed=seed, tempo=self._tempo(), grows=True)

    def _tempo(self) -> float:
        return float(self._values[f"{ADDRESS}/tempo"][0])  # type: ignore[arg-type]

    def _note_ending(self, task: Task | None, ending: Ending, now: float) -> None:
        if task is None:  # nobody waits for it
            self._watch.when_played(lambda: None)
        elif ending.error is not None:
            self._note_failure(task, ending.error, died=ending.died, now=now)
        elif task.meaning is None:
            if task.command is not None:
                self._use(task.vocabulary, task.command, now=now)
        else:
            self._growing.note_success()
            self._watch.when_played(lambda: self._tell_made(task, ending.status))

    def _note_failure(self, task: Task, error: OscError, *, died: bool, now: float) -> None:
        if task.grows and died:
            self._growing.note_death(error, now=now)
        elif task.grows and task.meaning is not None:
            self._growing.note_failure(task.meaning.text, error, now=now)
        elif task.command is None:
            log.warning("%s", error)
            self._outbox.log("error", str(error), now=now)
        else:
            self._outbox.refuse(task.command, error, now=now)

    def _use(self, vocabulary: Vocabulary, command: Command, *, now: float) -> None:
        """The new generator is open and warm."""
        self._chosen.vocabulary = vocabulary
        self._growing.understand_again(now=now)
        self._set(command.row.address, (str(command.arguments[0]),), origin=command)
        self._outbox.done(command)

    def _tell_made(self, task: Task, status: GeneratorStatus) -> None:
        """Tell who waits for it that it can be played."""
        if task.command is not None:
            self._outbox.done(task.command, status.name, status.n_units, task.seed)

    def _describe(self, status: GeneratorStatus | None = None) -> tuple[Value, ...]:
        """The value of /liveseq/generator/state."""
        status = status or self._state.read_status()
        task = self._queue.task
        text = task.meaning.text if task and task.meaning else ""
        return (
            self._state_word(status, task),
            self._chosen.name,
            text,
            round(status.progress, 2) if text else 0.0,
            self._queue.n_waiting,
            round(status.grown_seconds / 60.0, 2),
        )

    def _state_word(self, status: GeneratorStatus, task: Task | None) -> str:
        if self._chosen.vocabulary is None:
            return "none"
        if not status.generation:
            return "starting"
        silent = (time.monotonic_ns() - status.monotonic_ns) * 1e-9
        if silent > SILENT_SECONDS and (task is None or not psutil.pid_exists(status.pid)):
            return "lost"  # it is no more, or does not let go of what was given up
        if task is not None:
            return "starting" if task.meaning is None else "growing" if task.grows else "working"
        return "full" if self._growing and self._growing.full else "ready"
