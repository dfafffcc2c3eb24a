"""The queue before the generator process: it gets one order at a time, in shared memory, and nothing here waits for it.

The process may die over an order, and a new one goes on with the next. What has no order under way opens the chosen
model first, so that it is warm; then come the jobs that somebody waits for, and then what grows.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from liveseq.conductor.generators.growing import MAX_DEATHS
from liveseq.conductor.generators.task import Task
from liveseq.errors import ModelError, OscError
from liveseq.generation.meaning import Vocabulary
from liveseq.generation.orders import GeneratorOrder, GeneratorState, GeneratorStatus

MAX_WAITING = 8
"""Jobs; beyond it one is refused."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a task has ended."""

    status: GeneratorStatus
    """The process's, at the end."""
    error: OscError | None = None
    """None where it was done."""
    died: bool = False
    """Whether the process has died over it."""


@dataclass(frozen=True)
class _Ordered:
    """The order that is being obeyed."""

    number: int
    generation: int
    """The process that obeys it."""
    task: Task | None
    """None: it is of a conductor that has died."""


class GeneratorQueue:
    """One per conductor. Everything here runs in the event loop."""

    def __init__(
        self,
        state: GeneratorState,
        *,
        chosen: Callable[[], Vocabulary | None],
        growth: Callable[[GeneratorStatus, float], Task | None],
        ended: Callable[[Task | None, Ending, float], None],
    ) -> None:
        """chosen: words of the model that is to be open; None where there is none. growth: what is to be made where no
        job waits. ended: called with each task that ends, but for those that are given up; None for one of a conductor
        that has died.
        """
        self._state = state
        self._chosen = chosen
        self._growth = growth
        self._ended = ended
        self._waiting: deque[Task] = deque()
        self._warmed = 0  # generation of the process that the model was opened in
        self._n_deaths = 0  # of processes over that, one after the other
        status, order = state.read_status(), state.read_order()
        self._ordered = _Ordered(order.number, status.generation, None) if order.number > status.done else None

    @property
    def task(self) -> Task | None:
        """The one that is being worked at."""
        return self._ordered.task if self._ordered else None

    @property
    def n_waiting(self) -> int:
        """Jobs that wait for their turn."""
        return sum(one.meaning is not None for one in self._waiting)

    def check_room(self) -> None:
        """Raises OscError (busy) where too many wait already."""
        if len(self._waiting) >= MAX_WAITING:
            raise OscError("busy", f"{MAX_WAITING} jobs are waiting for the generator already; wait for a /done")

    def add(self, task: Task) -> None:
        """Let a task wait for its turn."""
        self._waiting.append(task)

    def give_up(self) -> list[Task]:
        """Forget the jobs that somebody waits for, the one under way too; which they were."""
        given_up = [task for task in self._waiting if task.meaning is not None]
        self._waiting = deque(task for task in self._waiting if task.meaning is None)
        ordered = self._ordered
        if ordered is not None and ordered.task is not None and ordered.task.command and ordered.task.meaning:
            given_up.insert(0, ordered.task)
            self._ordered = None
            self._state.write_order(GeneratorOrder(number=ordered.number + 1))
        return given_up

    def tick(self, status: GeneratorStatus, *, now: float) -> None:
        """Follow the order under way, and give the next one. status: as it was read just now."""
        if self._ordered is not None:
            self._follow(self._ordered, status, now=now)
        order = self._state.read_order()
        if self._ordered is not None and order.grows and order.hurry != bool(self._waiting):
            self._state.write_order(replace(order, hurry=bool(self._waiting)))
        if self._ordered is None and status.generation and status.done == order.number:
            self._order(status, now=now)

    def _order(self, status: GeneratorStatus, *, now: float) -> None:
        task = self._next(status, now=now)
        if task is not None:
            number = status.done + 1
            try:
                self._state.write_order(task.order(number))
            except ModelError as error:
                self._ended(task, Ending(status=status, error=OscError("model_error", str(error))), now)
                return
            self._ordered = _Ordered(number, status.generation, task)

    def _next(self, status: GeneratorStatus, *, now: float) -> Task | None:
        # What always dies over being opened must not keep away the model that is chosen instead.
        vocabulary = self._chosen()
        if vocabulary is None or self._warmed == status.generation or self._n_deaths >= MAX_DEATHS:
            return self._waiting.popleft() if self._waiting else self._growth(status, now)
        self._warmed = status.generation
        return Task(vocabulary=vocabulary)

    def _follow(self, ordered: _Ordered, status: GeneratorStatus, *, now: float) -> None:
        died = status.generation != ordered.generation
        if not died and status.done < ordered.number:
            return
        self._ordered = None
        task = ordered.task
        if died and task is not None:
            self._n_deaths += task.command is None and not task.grows
            kept = f"; {status.n_units} units that it had made are in the corpus" if status.n_units else ""
            text = f"the generator process has died{kept}; a new one is there, send it again"
            self._ended(task, Ending(status=status, error=OscError("model_error", text), died=True), now)
        elif status.code and task is not None:
            self._ended(task, Ending(status=status, error=OscError(status.code, status.error)), now)
        else:
            if task is not None and task.meaning is None:
                self._n_deaths = 0
            self._ended(task, Ending(status=status), now)
