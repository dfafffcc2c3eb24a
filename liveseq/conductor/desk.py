"""The front desk: commands are obeyed here, in order, and each that changes the music becomes an entry of the log.

What takes long is prepared in the worker and acts here when it is ready. The conductor takes engine records away.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from liveseq.conductor.commands import Command, Handler
from liveseq.conductor.engine_link import EngineLink
from liveseq.conductor.inbox import Inbox
from liveseq.conductor.outbox import Outbox
from liveseq.conductor.worker import Worker
from liveseq.engine.events import Record
from liveseq.errors import CorpusError, LiveseqError, ModelError, OscError
from liveseq.osc.clients import Client
from liveseq.osc.packets import Arguments
from liveseq.osc.table import Row
from liveseq.performance.outcome import Outcome
from liveseq.performance.performance import Performance
from liveseq.performance.recorder import FlightRecorder

TURN_SECONDS = 0.004
"""Longest that commands are parsed, and then obeyed, before packets are received and units planned again."""

log = logging.getLogger(__name__)


class Desk:
    """One per conductor. Everything here runs in the event loop."""

    def __init__(
        self,
        performance: Performance,
        inbox: Inbox,
        outbox: Outbox,
        *,
        link: EngineLink,
        worker: Worker,
        recorder: FlightRecorder,
        now: float,
    ) -> None:
        self.performance = performance
        self.inbox = inbox
        self.outbox = outbox
        self.link = link
        self.worker = worker
        self.recorder = recorder
        self.records: list[Record] = []
        """Records for the engine; the conductor takes them away."""
        self.replanned = False
        """Whether a plan was cut: the next one is wanted at once."""
        self.acting_since: float | None = None
        """Monotonic time at which the first of the changes was given the sample it acts at; the conductor takes it."""
        self.handlers: dict[str, Handler] = {}
        """Handlers by path, for what is not the performance's: each part of the conductor adds its own."""
        self._began = now

    def work(self, *, now: float, wall: float, clock: Callable[[], float]) -> None:
        """Parse what has come, and obey the commands that are due: each for TURN_SECONDS, the rest in the next turn.

        now, wall: monotonic and Unix time of one moment. clock: gives the former.
        """
        for command in self.inbox.take_urgent():
            self._obey(command, now=now)
        end = clock() + TURN_SECONDS
        waiting = self.inbox.take(now=now, wall=wall, is_over=lambda: clock() >= end)
        end = clock() + TURN_SECONDS
        for n_done, command in enumerate(waiting, 1):
            now = clock()
            self._obey(command, now=now)
            if clock() >= end:
                self.inbox.put_back(waiting[n_done:])
                break

    def uptime(self, now: float) -> int:
        """Whole seconds since the start."""
        return int(now - self._began)

    def attempt(self, command: Command, do: Callable[[], None], *, now: float) -> None:
        """Do something for the sender of a command, who hears of it where that fails."""
        try:
            do()
        except OscError as error:
            self.outbox.refuse(command, error, now=now)
        except Exception as error:  # whatever it is, the sound goes on
            self.outbox.refuse(command, _fault(error, command), now=now)

    def prepare(self, command: Command, prepare: Callable[[], Any], act: Callable[[Any, float], None]) -> None:
        """Prepare a command in the worker, then let it act. Its sender hears of what goes wrong. Raises OscError."""
        self.worker.submit(
            command.row.parameter.path,
            prepare,
            act=lambda found, now: self.attempt(command, lambda: act(found, now), now=now),
            refuse=lambda error, now: self.outbox.refuse(command, _refusal(error, command), now=now),
        )

    def perform(self, command: Command, row: Row, arguments: Arguments, *, now: float) -> None:
        """Change the music: by the command itself, or by what it has led to. Raises OscError."""
        outcome = self.act(row, arguments, due=command.due, client=command.client)
        if command.row.parameter.path in ("stop", "panic") and command.row.layer is None:
            self.inbox.clear()
            self.worker.forget("seed/", now=now)
        if command.clipped:
            self.outbox.reply(command, command.row.address, *command.arguments)
        if not command.merges:
            self.outbox.done(command, *outcome.reply)

    def act(self, row: Row, arguments: Arguments, *, due: float = 0.0, client: Client | None = None) -> Outcome:
        """Change the music, and note it. client: who wants it; None for the server itself. Raises OscError."""
        self.performance.understand(row, arguments)
        since, at = time.monotonic(), self.link.act_at(due)
        planned = self.performance.planned_until
        outcome = self.performance.apply(row, arguments, at=at)
        if self.acting_since is None:
            self.acting_since = since
        self.records += outcome.records
        self.replanned = True
        for address, value in outcome.changes.items():
            own = client is not None and address == row.address
            self.outbox.clients.set_value(address, value, origin=client.source if client and own else None)
        source = f"{client.source[0]}:{client.source[1]}" if client else "input"
        self.note(at, planned, {"address": row.address, "arguments": arguments, "from": source})
        return outcome

    def note(self, at: int, planned: int, entry: Mapping[str, Any]) -> None:
        """Keep an entry of the log: what acted at sample `at`, while every layer was planned up to `planned`."""
        self.recorder.write({"at": at, "planned": planned, **entry})

    def _obey(self, command: Command, *, now: float) -> None:
        handler = self.handlers.get(command.row.parameter.path)
        if command.asks:
            self.outbox.reply(command, command.row.address, *self.performance.values[command.row.address])
        elif handler is not None:
            self.attempt(command, lambda: handler(command, now), now=now)
        else:
            self.attempt(command, lambda: self.perform(command, command.row, command.arguments, now=now), now=now)


def _refusal(error: Exception, command: Command) -> OscError:
    """An error of what was prepared, as the command's sender may hear it."""
    if isinstance(error, OscError):
        return error
    if isinstance(error, ModelError):
        return OscError("model_error", str(error))
    if isinstance(error, CorpusError):
        return OscError("io_error", str(error))
    if isinstance(error, LiveseqError):
        return OscError("not_ready", str(error))
    return _fault(error, command)


def _fault(error: Exception, command: Command) -> OscError:
    """A bug of ours: the terminal gets the traceback, the sender one sentence."""
    log.error("%s %s", command.row.address, command.arguments, exc_info=error)
    return OscError("internal", "a fault of the server; its terminal has the details")
