"""The engine that plays, the spare one that waits beside it, and a change of the output from one to the other."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from typing import Any

from liveseq.engine.arguments import EngineArguments
from liveseq.engine.events import HandOver
from liveseq.engine.pipe import RecordWriter
from liveseq.engine.realtime import urgently
from liveseq.engine.state import EXIT_DEVICE_LOST, HANDED_OVER, EngineState
from liveseq.server.child import Child, Living
from liveseq.server.children import play, stand_by

ENGINE_BACK_OFF = (0.0, 0.0, 0.0, 0.5, 1.0, 2.0, 5.0)
"""As child.BACK_OFF: the first deaths cost no pause."""
ENGINE_HEALTHY_SECONDS = 3.0
"""As child.HEALTHY_SECONDS: silence costs more than a start, and one that died with its device did nothing wrong."""
SPARE_AFTER = 1.0
"""Seconds after an engine has begun to play, before the next spare one is made."""
HAND_OVER_SECONDS = 0.5
"""Longest that an engine may take to let go."""
OPEN_SECONDS = 3.0
"""Longest without any engine, where a device has to be let go before it can be opened."""
N_HEARTS = 4
"""Hearts of engines: of the one that plays, the spare one, and those on their way out."""
CHANGE_SECONDS = 15.0
"""Longest that a change of output may take, spare engine and all."""

log = logging.getLogger(__name__)


@dataclass
class _Spare:
    """A process that waits, or is about to."""

    living: Living
    orders: Connection
    waits: bool = False


@dataclass
class _Change:
    """A change of output that was asked for."""

    output: str
    block_size: int
    until: float
    """Monotonic time at which it is given up."""
    answer: Callable[[str | None], None]
    """Called once: with the reason why it cannot be, or None."""
    opens: bool = field(default=False, init=False)
    """Whether a spare engine has been told to open it."""


class Engines:
    """One per supervisor, called from its loop. The child among its children is the engine that plays."""

    def __init__(
        self,
        spawner: SpawnContext,
        spawn: Callable[..., Living],
        arguments: Callable[[], EngineArguments],
        pipe: tuple[Connection, Connection],
        state: EngineState,
    ) -> None:
        """spawn: see `Supervisor._spawn`. arguments: of a new engine, but for the output's
        changes. pipe: reading and sending end of the records."""
        self.child = Child("engine", self._begin, back_off=ENGINE_BACK_OFF, healthy_seconds=ENGINE_HEALTHY_SECONDS)
        self.output: str | None = None
        """Another than that of the arguments; None: that."""
        self.block_size: int | None = None
        """The same."""
        self.shards: tuple[tuple[int, int], ...] | None = None
        """The corpus's by now, where it has grown."""
        self._spawner = spawner
        self._spawn = spawn
        self._fresh = arguments
        self._reader, self._writer = pipe
        self._state = state
        self._spare: _Spare | None = None
        self._spare_due = 0.0
        self._change: _Change | None = None
        self._leaving: list[tuple[Living, float]] = []
        self._beating: dict[str, Living] = {}  # by the name of its heart

    def watch(self, now: float) -> None:
        """Have a spare engine, and go on with a change of output. `child` is watched by the supervisor."""
        for living, until in list(self._leaving):
            if not living.process.is_alive() or now > until:
                living.kill()
                self._leaving.remove((living, until))
        if self._spare is None and now >= self._spare_due and self._plays():
            self._make_spare(now)
        elif self._spare is not None and self._spare.living.heart.hangs(now):
            self._lose_spare("hangs", now)
        if self._spare is not None:
            self._listen(self._spare, now)
        if self._change is not None:
            self._go_on(self._change, now)

    def grown(self, shards: tuple[tuple[int, int], ...]) -> None:
        """The corpus has these audio files by now: as in EngineArguments."""
        self.shards = shards
        if self._spare is not None:
            self._spare.waits = False  # until it has them
            self._tell(self._spare, "shards", shards)

    def change(self, output: str, block_size: int, answer: Callable[[str | None], None]) -> None:
        """Play at another output from now on. answer: see _Change."""
        if self._change is not None:
            answer("another change of the output is under way; wait for its /done")
            return
        now = time.monotonic()
        self._change = _Change(output, block_size, now + CHANGE_SECONDS, answer)
        self._spare_due = min(self._spare_due, now)

    def end(self, seconds: float) -> None:
        """Let the engine end, and everything else at once."""
        self._spare_due = float("inf")
        self._drop_spare()
        self.child.end(seconds)
        for living, _ in self._leaving:
            living.kill()

    def _arguments(self) -> EngineArguments:
        fresh = self._fresh()
        return replace(
            fresh,
            output=self.output or fresh.output,
            block_size=self.block_size or fresh.block_size,
            shards=self.shards or fresh.shards,
        )

    def _start(self, name: str, target: Callable[..., None], *more: Connection) -> Living:
        hearts = [f"engine {number}" for number in range(N_HEARTS)]
        free = [one for one in hearts if one not in self._beating or not self._beating[one].process.is_alive()]
        heart = (free or hearts)[0]
        self._beating[heart] = self._spawn(name, target, self._arguments(), self._reader, *more, heart=heart)
        return self._beating[heart]

    def _plays(self) -> bool:
        """Whether the engine that plays has come so far that a spare one takes nothing from it."""
        status, process = self._state.read_status(), self.child.process
        return process is not None and status.pid == process.pid and status.state in ("ready", "no_device")

    def _make_spare(self, now: float) -> None:
        try:
            ours, theirs = self._spawner.Pipe()
            self._spare = _Spare(self._start("spare engine", stand_by, theirs), ours)
            theirs.close()
        except OSError as error:  # no memory, no more processes: what plays needs none
            self._spare_due = now + ENGINE_BACK_OFF[-1]
            log.warning("no spare engine: %s; another try in %g s", error, ENGINE_BACK_OFF[-1])

    def _begin(self) -> Living:
        """The engine that plays from now on: the spare one, or a new one where none waits."""
        self._spare_due = time.monotonic() + SPARE_AFTER
        opens = self._change is not None and self._change.opens
        if self.child.exit_code == EXIT_DEVICE_LOST and not opens:  # whatever the spare one had of it is lost too
            self._drop_spare()
        spare = self._spare
        if spare is None or not spare.waits or opens:
            with urgently():
                return self._start("engine", play)
        return self._take(spare)

    def _take(self, spare: _Spare) -> Living:
        self._tell(spare, "play")
        self._spare = None
        self._spare_due = time.monotonic() + SPARE_AFTER
        spare.orders.close()
        return spare.living

    def _tell(self, spare: _Spare, *order: Any) -> None:
        try:
            spare.orders.send(order)
        except OSError:  # it has died: that is seen elsewhere
            log.debug("spare engine: not told %s", order[0])

    def _listen(self, spare: _Spare, now: float) -> None:
        while (answer := self._answer(spare, 0.0, now)) is not None:
            kind, *rest = answer
            if kind == "waits":
                spare.waits = True
            elif self._change is not None:
                self._opened(self._change, rest[0] if kind == "failed" else None, now)
                return

    def _answer(self, spare: _Spare, seconds: float, now: float) -> tuple[str, ...] | None:
        """The answer of a spare engine within so long; None where it is silent. One that has died is lost."""
        try:
            answer: tuple[str, ...] | None = spare.orders.recv() if spare.orders.poll(seconds) else None
        except (EOFError, OSError):
            self._lose_spare("has died", now)
            return None
        return answer

    def _lose_spare(self, how: str, now: float) -> None:
        opens = self._change is not None and self._change.opens
        self._drop_spare()
        self._spare_due = now + ENGINE_BACK_OFF[-1]
        log.warning("the spare engine %s; another is made in %g s", how, ENGINE_BACK_OFF[-1])
        if opens:
            self._finish(f"the engine that was to open it {how}; see the server's terminal")

    def _drop_spare(self) -> None:
        if self._change is not None:
            self._change.opens = False  # the next one is told
        if self._spare is not None:
            self._spare.living.kill()
            self._spare.orders.close()
            self._spare = None

    # A change of the output

    def _go_on(self, change: _Change, now: float) -> None:
        spare = self._spare
        if spare is not None and spare.waits and not change.opens:
            change.opens = True
            self._tell(spare, "open", change.output, change.block_size)
        elif now > change.until:
            if change.opens:  # it may never come back
                self._drop_spare()
            self._finish(f"it was not opened within {CHANGE_SECONDS:g} s")

    def _opened(self, change: _Change, reason: str | None, now: float) -> None:
        """The spare engine has opened the output, or says why it could not."""
        spare = self._spare
        assert spare is not None
        if reason is None:
            self._hand_over()
        elif change.output == self._arguments().output:  # perhaps it is one engine's alone: it has to be let go first
            self.child.terminate()
            self.child.end(HAND_OVER_SECONDS)
            answer = self._ask_again(spare, change, now)
            if answer is None:
                if self._change is not None:  # it may never come back
                    self._drop_spare()
                    self._finish(f"it was not opened within {OPEN_SECONDS:g} s")
                return
            kind, text = answer
            reason = text if kind == "failed" else None
        else:
            self._finish(reason)
            return
        if reason is None:
            self.output, self.block_size = change.output, change.block_size
        before = self.child.adopt(self._take(spare), now)
        if before is not None:
            self._leaving.append((before, now + 2 * HAND_OVER_SECONDS))
        self._finish(reason)

    def _ask_again(self, spare: _Spare, change: _Change, now: float) -> tuple[str, ...] | None:
        """The answer of a spare engine that is told to open once more; None where there is none."""
        self._tell(spare, "open", change.output, change.block_size)
        until = time.monotonic() + OPEN_SECONDS
        while (answer := self._answer(spare, max(0.0, until - time.monotonic()), now)) is not None:
            if answer[0] != "waits":  # that is of the corpus that has grown
                return answer
        return None

    def _hand_over(self) -> None:
        """Wait, for a block or two, until the engine that plays has let go of pipe and pulse; it fades out then."""
        process = self.child.process
        if process is None:
            return
        RecordWriter(self._writer).send([HandOver(pid=process.pid or 0)])
        until = time.monotonic() + HAND_OVER_SECONDS
        while process.is_alive() and self._state.read_pulse().transport != HANDED_OVER:
            if time.monotonic() > until:  # it hangs
                process.kill()
                break
            time.sleep(0.001)

    def _finish(self, reason: str | None) -> None:
        assert self._change is not None
        answer, self._change = self._change.answer, None
        answer(reason)
