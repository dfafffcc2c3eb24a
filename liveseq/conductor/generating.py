"""The conductor's side of the generator: which model, the queue, and who waits for what.

Everything runs in the event loop; the generator process is reached through shared memory and nothing here waits for it.
It gets one order at a time. What it makes is in the corpus, and is played as any growth of the corpus is.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import psutil

from liveseq.conductor.chosen_generator import ADDRESS, ChosenGenerator, read_generators
from liveseq.conductor.commands import Answer, Command
from liveseq.conductor.desk import Desk
from liveseq.conductor.generator_task import Ordered, Task
from liveseq.conductor.growing import MAX_DEATHS, Growing
from liveseq.conductor.loading import Loading
from liveseq.errors import ModelError, OscError
from liveseq.generation.meaning import Vocabulary
from liveseq.generation.orders import GeneratorOrder, GeneratorState, GeneratorStatus
from liveseq.osc.packets import PREFIX, Value
from liveseq.runtime.manifest import Manifest
from liveseq.runtime.text import TextEncoder

MAX_WAITING = 8
"""Jobs; beyond it one is refused."""
SILENT_SECONDS = 1.0
"""Without a word for so long, it is looked whether the process is there."""

log = logging.getLogger(__name__)


class Generating:
    """One per conductor."""

    def __init__(
        self,
        desk: Desk,
        loading: Loading,
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
        self.answers: dict[str, Answer] = {
            "generate": self._generate,
            "generate/cancel": self._cancel,
            "generator": self._choose,
            "generator/state": lambda command, _: desk.reply(command, command.row.address, *self._told()),
            "generator/tags": self._tags,
            "generator/list": self._list,
        }
        self._desk = desk
        self._loading = loading
        self._state = state
        self._save = save
        self._values = desk.performance.values
        self._chosen = ChosenGenerator(self._values, encoder)
        self._growing = Growing(desk, self._set, self._chosen.meaning, minutes=minutes)
        self.answers |= self._growing.answers
        self._queue: deque[Task] = deque()
        self._warmed = 0  # generation of the process that the model was opened in
        self._n_deaths = 0  # of processes over that, one after the other
        status, order = state.read_status(), state.read_order()
        self._ordered = Ordered(order.number, status.generation, None) if order.number > status.done else None
        if session:
            self._chosen.go_on_with((*session.get(ADDRESS, ()), model))
            self._growing.go_on(session)
        else:
            self._chosen.begin_with(model)

    # The model

    @property
    def chosen(self) -> tuple[str, Vocabulary] | None:
        """Name and words of the generator that is used; None where there is none."""
        vocabulary = self._chosen.vocabulary
        return (self._chosen.name, vocabulary) if vocabulary is not None else None

    def _choose(self, command: Command, _: float) -> None:
        name = str(command.arguments[0])
        self._chosen.check(name)
        self._check_queue()
        self._loading.submit(
            command,
            lambda: self._chosen.read(name),
            lambda found, _: self._queue.append(Task(vocabulary=found, command=command)),
        )

    def _use(self, vocabulary: Vocabulary, command: Command, *, now: float) -> None:
        """The new generator is open and warm."""
        self._chosen.vocabulary = vocabulary
        self._growing.understand_again(now=now)
        self._set(command.row.address, (str(command.arguments[0]),), origin=command)
        self._desk.done(command)

    def _tags(self, command: Command, _: float) -> None:
        tags: list[tuple[str, tuple[Value, ...]]]
        tags = [(command.row.address, (tag,)) for tag in self._chosen.must_have().tags]
        self._desk.reply_bundles(command, tags, f"{command.row.address}/end")

    def _list(self, command: Command, _: float) -> None:
        def tell(found: tuple[dict[str, Manifest], list[ModelError]], now: float) -> None:
            address, (manifests, broken) = command.row.address, found
            for error in broken:
                self._desk.log("warning", str(error), now=now)
            told: list[tuple[str, tuple[Value, ...]]] = [
                (address, (name, one.sample_rate or 0, one.channels or 0, len(one.tags)))
                for name, one in manifests.items()
            ]
            self._desk.reply_bundles(command, told, f"{address}/end")

        self._loading.submit(command, read_generators, tell)

    # Jobs

    def _generate(self, command: Command, _: float) -> None:
        text, seconds, *seed = command.arguments
        self._check_queue()
        task = Task(
            vocabulary=self._chosen.must_have(),
            meaning=self._chosen.meaning(str(text)),
            seconds=float(seconds),  # type: ignore[arg-type]
            seed=int(seed[0]) if seed else self._growing.fresh_seed(),  # type: ignore[arg-type]
            tempo=self._tempo(),
            command=command,
        )
        self._queue.append(task)

    def _check_queue(self) -> None:
        if len(self._queue) >= MAX_WAITING:
            raise OscError("busy", f"{MAX_WAITING} jobs are waiting for the generator already; wait for a /done")

    def _cancel(self, command: Command, now: float) -> None:
        given_up = [task for task in self._queue if task.meaning is not None]
        self._queue = deque(task for task in self._queue if task.meaning is None)
        ordered = self._ordered
        if ordered is not None and ordered.task is not None and ordered.task.command and ordered.task.meaning:
            given_up.insert(0, ordered.task)
            self._ordered = None
            self._state.write_order(GeneratorOrder(number=ordered.number + 1))
        for task in given_up:
            self._fail(task, OscError("not_ready", f"given up by {command.row.address}"), now=now)
        self._desk.done(command, len(given_up))

    def _set(self, address: str, value: tuple[Value, ...], *, origin: Command | None = None) -> None:
        """Keep a value, tell who wants it, and write it into the session."""
        self._values[address] = value
        self._desk.clients.set_value(address, value, origin=origin.client.source if origin else None)
        self._save()

    # What the generator does

    def tick(self, now: float) -> None:
        """Follow the order under way, give the next one, and announce."""
        status = self._state.read_status()
        if self._ordered is not None:
            self._follow(self._ordered, status, now=now)
        order = self._state.read_order()
        if self._ordered is not None and order.grows and order.hurry != bool(self._queue):
            self._state.write_order(replace(order, hurry=bool(self._queue)))
        if self._ordered is None and status.generation and status.done == order.number:
            self._order(status, now=now)
        self._desk.value(f"{PREFIX}/generator/state", *self._told(status))

    def _order(self, status: GeneratorStatus, *, now: float) -> None:
        task = self._next(status, now=now)
        if task is not None:
            number = status.done + 1
            try:
                self._state.write_order(task.order(number))
            except ModelError as error:
                self._note_failure(task, OscError("model_error", str(error)), now=now)
                return
            self._ordered = Ordered(number, status.generation, task)

    def _next(self, status: GeneratorStatus, *, now: float) -> Task | None:
        # What always dies over being opened must not keep away the model that is chosen instead.
        vocabulary = self._chosen.vocabulary
        if vocabulary is None or self._warmed == status.generation or self._n_deaths >= MAX_DEATHS:
            return self._queue.popleft() if self._queue else self._growth(status, now=now)
        self._warmed = status.generation
        return Task(vocabulary=vocabulary)

    def _growth(self, status: GeneratorStatus, *, now: float) -> Task | None:
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

    def _follow(self, ordered: Ordered, status: GeneratorStatus, *, now: float) -> None:
        died = status.generation != ordered.generation
        if not died and status.done < ordered.number:
            return
        self._ordered = None
        task = ordered.task
        if task is None:  # nobody waits for it
            self._loading.grow(lambda: None)
        elif died:
            self._note_death(task, status, now=now)
        elif status.code:
            self._note_failure(task, OscError(status.code, status.error), now=now)
        elif task.meaning is None:
            self._n_deaths = 0
            if task.command is not None:
                self._use(task.vocabulary, task.command, now=now)
        else:
            self._growing.note_success()
            self._loading.grow(lambda: self._tell(task, status))

    def _tell(self, task: Task, status: GeneratorStatus) -> None:
        """What was made can be played."""
        if task.command is not None:
            self._desk.done(task.command, status.name, status.n_units, task.seed)

    def _note_death(self, task: Task, status: GeneratorStatus, *, now: float) -> None:
        kept = f"; {status.n_units} units that it had made are in the corpus" if status.n_units else ""
        error = OscError("model_error", f"the generator process has died{kept}; a new one is there, send it again")
        if task.grows:
            self._growing.note_death(error, now=now)
        else:
            self._n_deaths += task.command is None
            self._note_failure(task, error, now=now)

    def _note_failure(self, task: Task, error: OscError, *, now: float) -> None:
        if task.grows and task.meaning is not None:
            self._growing.note_failure(task.meaning.text, error, now=now)
        elif task.command is None:
            log.warning("%s", error)
            self._desk.log("error", str(error), now=now)
        else:
            self._fail(task, error, now=now)

    def _fail(self, task: Task, error: OscError, *, now: float) -> None:
        if (command := task.command) is not None:
            self._desk.fail(command.client, command.row.address, error, now=now, ident=command.ident)

    def _told(self, status: GeneratorStatus | None = None) -> tuple[Value, ...]:
        """Value of generator/state."""
        status = status or self._state.read_status()
        task = self._ordered.task if self._ordered else None
        text = task.meaning.text if task and task.meaning else ""
        n_waiting = sum(one.meaning is not None for one in self._queue)
        grown = round(status.grown_seconds / 60.0, 2)
        return (
            self._word(status, task),
            self._chosen.name,
            text,
            round(status.progress, 2) if text else 0.0,
            n_waiting,
            grown,
        )

    def _word(self, status: GeneratorStatus, task: Task | None) -> str:
        if self._chosen.vocabulary is None:
            return "none"
        if not status.generation:
            return "starting"
        silent = (time.monotonic_ns() - status.monotonic_ns) * 1e-9
        if silent > SILENT_SECONDS and not psutil.pid_exists(status.pid):
            return "lost"
        if task is not None:
            return "starting" if task.meaning is None else "growing" if task.grows else "working"
        return "full" if self._growing and self._growing.full else "ready"


def session_values(session: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What a session that can be read says of each address."""
    values = (session or {}).get("values")
    return values if isinstance(values, dict) else {}
