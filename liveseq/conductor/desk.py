"""The front desk: datagrams in, answers and commands out.

No socket and no clock of its own: the conductor hands in packets and the time, and takes engine records away. `receive`
only parses, checks and queues; `work` obeys. What is wrong is answered with /liveseq/fail and changes nothing.
"""

import logging
from collections.abc import Callable, Sequence

from liveseq.conductor.commands import Answer, Command, Surroundings
from liveseq.engine.events import Record
from liveseq.errors import OscError
from liveseq.osc.checks import check, suggestion
from liveseq.osc.clients import Client, Clients, Delivery, Target
from liveseq.osc.packets import (
    IMMEDIATELY,
    MAX_MESSAGES,
    PREFIX,
    Arguments,
    Group,
    Message,
    Value,
    build,
    build_bundles,
    parse_packet,
)
from liveseq.osc.parameter import Kind
from liveseq.osc.pattern import is_pattern, select
from liveseq.osc.scheduler import LATE_TOLERANCE, NtpClock, Scheduler
from liveseq.osc.table import Row
from liveseq.performance.outcome import Outcome
from liveseq.performance.performance import Performance

MAX_INBOX = 4096
"""Commands that wait to be obeyed; beyond it the newest are refused."""
LEVELS = ("debug", "info", "warning", "error")
_URGENT = frozenset({"panic", "stop", "sched/clear"})
_logger = logging.getLogger(__name__)


class Desk:
    """One per conductor. Everything here runs in the event loop."""

    def __init__(
        self, performance: Performance, clients: Clients, around: Surroundings, *, now: float, wall: float
    ) -> None:
        self.performance = performance
        self.clients = clients
        self.n_late = 0
        """Messages that came after their timetag."""
        self.n_late_changes = 0
        """Changes of streams that were heard later than they were meant."""
        self.n_dried_up = 0
        """Times that a stream has run dry."""
        self.n_dropped = 0
        """Messages and packets that were refused for lack of room."""
        self.records: list[Record] = []
        """For the engine; the conductor takes them away."""
        self.replanned = False
        """Whether a plan was cut: the next one is wanted at once."""
        self.around = around
        self._began = now
        self._clock = NtpClock(wall=wall, monotonic=now)
        self.scheduler: Scheduler[list[Command]] = Scheduler()
        self._inbox: list[Command] = []
        self.answers: dict[str, Answer] = {}
        """Path -> what obeys it, beside the performance: whoever answers adds his own."""

    # In

    def receive(self, data: bytes, source: Target, *, now: float) -> None:
        """Take a datagram. Never raises."""
        if not self.clients.allows(source[0]):
            self.n_dropped += 1  # no answer: it could be meant for somebody else
            return
        client = self.clients.touch(source, now=now)
        try:
            groups = parse_packet(data)
        except OscError as error:
            self.fail(client, "", error, now=now)
            return
        for group in groups:
            self._accept(group, client, now=now)

    def _accept(self, group: Group, client: Client, *, now: float) -> None:
        commands: list[Command] = []
        for message in group.messages:
            try:
                commands += self._resolve(message, client, now=now)
            except OscError as error:
                self.fail(client, message.address, error, now=now, ident=_split_ident(message.arguments)[1])
        for command in [one for one in commands if one.row.parameter.path == "panic"]:
            self._jump_queue(command)
            commands.remove(command)
        urgent = [one for one in commands if one.row.parameter.path in _URGENT]
        if group.timetag == IMMEDIATELY:
            self._queue(commands, now=now)
            return
        self._queue(urgent, now=now)
        self._queue_for_later([one for one in commands if one not in urgent], group.timetag, now=now)

    def _resolve(self, message: Message, client: Client, *, now: float) -> list[Command]:
        """A message as checked commands. Raises OscError."""
        if self.performance.values[f"{PREFIX}/osc/dump"][0]:
            self.log(
                "info", f"{client.source[0]}:{client.source[1]} {message.address} {_show(message)}", now=now, force=True
            )
        values, ident = _split_ident(message.arguments)
        commands = []
        for row in self._rows(message.address, client, now=now):
            kind = row.parameter.kind
            asks = kind is Kind.SET and not values
            checked, clipped = ((), False) if asks else check(row.parameter, values)
            commands.append(Command(row, checked, asks, clipped, ident, client))
        return commands

    def _rows(self, address: str, client: Client, *, now: float) -> list[Row]:
        table = self.performance.table
        row = table.get(address)
        if row is not None and row.parameter.kind is not Kind.PUSH:
            return [row]
        if row is not None:
            raise OscError("bad_args", f"{address} is sent by the server; send /liveseq/subscribe s:{address}")
        if is_pattern(address):
            settable = [one for one, row in table.items() if row.parameter.kind is Kind.SET]
            found = select(address, settable)[:MAX_MESSAGES]
            if found:
                return [table[one] for one in found]
            raise OscError("unknown_address", f"no value matches {address[:64]}; patterns reach values only")
        # Looking for the nearest takes a while: only where the answer will be sent.
        hint = suggestion(address, table) if client.n_fails < 3 or now >= client.fails_until else "see docs/osc.md"
        raise OscError("unknown_address", f"unknown address {address[:64]}; {hint}")

    def _queue(self, commands: list[Command], *, now: float) -> None:
        room = MAX_INBOX - len(self._inbox)
        self._inbox += commands[:room]
        for command in commands[room:]:
            self.n_dropped += 1
            error = OscError("busy", f"{MAX_INBOX} messages are waiting already; send fewer")
            self.fail(command.client, command.row.address, error, now=now, ident=command.ident)

    def _jump_queue(self, panic: Command) -> None:
        """Panic goes first, and nothing that came before it may bring the sound back."""
        self._inbox = [panic, *(one for one in self._inbox if one.merges or one.row.parameter.kind is Kind.QUERY)]

    def _queue_for_later(self, commands: list[Command], timetag: int, *, now: float) -> None:
        if not commands:
            return
        due = self._clock.monotonic(timetag)
        if due > now:
            for command in commands:
                command.due = due
            try:
                self.scheduler.add(commands, due=due, now=now)
            except OscError as error:
                self.n_dropped += error.code == "busy"
                self.fail(commands[0].client, commands[0].row.address, error, now=now, ident=commands[0].ident)
            return
        self.n_late += len(commands)
        late = now - due
        if late > LATE_TOLERANCE:
            commands = [one for one in commands if not self._too_late(one, late)]
        self._queue(commands, now=now)

    def _too_late(self, command: Command, late: float) -> bool:
        """Tell the sender of a message that is late; whether it is dropped."""
        drops = command.row.parameter.kind is Kind.TRIGGER
        if command.row.parameter.kind is not Kind.QUERY:
            words = "dropped" if drops else "played"
            self.reply(command, f"{PREFIX}/late", command.row.address, late * 1e3, words)
        return drops

    # Work

    def work(self, *, now: float, wall: float) -> None:
        """Obey what has come, the last of several sets of one value only."""
        self._clock.update(wall=wall, monotonic=now)
        for _, commands in self.scheduler.due(now + self.around.early):
            self._inbox += commands
        inbox, self._inbox = self._inbox, []
        last = {command.row.address: place for place, command in enumerate(inbox) if command.merges}
        for place, command in enumerate(inbox):
            if not command.merges or last[command.row.address] == place:
                self._obey(command, now=now)

    def flush(self, *, now: float) -> None:
        """Send what subscribers are to hear of."""
        self.deliver(self.clients.flush(now))

    def value(self, address: str, *arguments: Value) -> None:
        """Something that can be subscribed to has this value now."""
        self.clients.set_value(address, arguments)

    def event(self, address: str, *arguments: Value, now: float) -> None:
        """Something has happened."""
        self.deliver(self.clients.event(address, arguments, now=now))

    def log(self, level: str, text: str, *, now: float, force: bool = False) -> None:
        """Say something to those who subscribe to /liveseq/log."""
        wanted = str(self.performance.values[f"{PREFIX}/log/level"][0])
        if force or LEVELS.index(level) >= LEVELS.index(wanted):
            self.event(f"{PREFIX}/log", level, text, now=now)

    def uptime(self, now: float) -> int:
        return int(now - self._began)

    def _obey(self, command: Command, *, now: float) -> None:
        path = command.row.parameter.path
        if command.asks:
            self.reply(command, command.row.address, *self.performance.values[command.row.address])
        elif path in self.answers:
            self.attempt(command, lambda: self.answers[path](command, now), now=now)
        else:
            self.attempt(command, lambda: self.perform(command, command.row, command.arguments, now=now), now=now)

    def attempt(self, command: Command, do: Callable[[], None], *, now: float) -> None:
        """Do something for the sender of a command, who hears of it where that fails."""
        try:
            do()
        except OscError as error:
            self.fail(command.client, command.row.address, error, now=now, ident=command.ident)
        except Exception:
            # Whatever it is, the sound goes on; the sender hears of it, the terminal gets the traceback.
            _logger.exception("%s %s", command.row.address, command.arguments)
            fault = OscError("internal", "a fault of the server; its terminal has the details")
            self.fail(command.client, command.row.address, fault, now=now, ident=command.ident)

    def perform(self, command: Command, row: Row, arguments: Arguments, *, now: float) -> None:
        """Change the music: by the command itself, or by what it has led to. Raises OscError."""
        outcome = self.act(row, arguments, due=command.due, client=command.client)
        if command.row.parameter.path in ("stop", "panic") and command.row.layer is None:
            self.scheduler.clear()
            self.around.worker.forget("seed/", now=now)
        if command.clipped:
            self.reply(command, command.row.address, *command.arguments)
        if not command.merges:
            self.done(command, *outcome.reply)

    def act(self, row: Row, arguments: Arguments, *, due: float = 0.0, client: Client | None = None) -> Outcome:
        """Change the music, as a line of the log. client: who wants it; None for the server itself. Raises OscError."""
        at = self.around.act_at(due)
        planned = self.performance.planned_until
        outcome = self.performance.apply(row, arguments, at=at)
        self.records += outcome.records
        self.replanned = True
        for address, value in outcome.changes.items():
            own = client is not None and address == row.address
            self.clients.set_value(address, value, origin=client.source if client and own else None)
        source = f"{client.source[0]}:{client.source[1]}" if client else "input"
        self.around.record(
            {"at": at, "planned": planned, "address": row.address, "arguments": arguments, "from": source}
        )
        return outcome

    # Out

    def reply(self, command: Command, address: str, *arguments: Value) -> None:
        ident = (command.ident,) if command.ident else ()
        self.send(command.client.reply, address, *arguments, *ident)

    def reply_bundles(self, command: Command, messages: Sequence[tuple[str, Arguments]], end: str) -> None:
        for datagram in build_bundles(messages):
            self.around.send(datagram, command.client.reply)
        self.reply(command, end, len(messages))

    def done(self, command: Command, *extra: Value) -> None:
        ident = (command.ident,) if command.ident else ()
        self.send(command.client.reply, f"{PREFIX}/done", command.row.address, *ident, *extra)

    def fail(self, client: Client, address: str, error: OscError, *, now: float, ident: str = "") -> None:
        may = self.clients.may_fail(client, now=now)
        idents = (ident,) if ident else ()
        if may:
            self.send(client.reply, f"{PREFIX}/fail", address, error.code, str(error), *idents)
        elif may is None:
            text = "too many errors: no more are answered in this second"
            self.send(client.reply, f"{PREFIX}/fail", address, "rate_limited", text)

    def deliver(self, deliveries: list[Delivery]) -> None:
        for target, address, arguments in deliveries:
            self.send(target, address, *arguments)

    def send(self, target: Target, address: str, *arguments: Value) -> None:
        self.around.send(build(address, *arguments), target)


def _split_ident(arguments: tuple[Value, ...]) -> tuple[tuple[Value, ...], str]:
    """Arguments without the id:xyz that may stand at the end, and that."""
    if arguments and isinstance(arguments[-1], str) and arguments[-1].startswith("id:"):
        return arguments[:-1], arguments[-1][:64]
    return arguments, ""


def _show(message: Message) -> str:
    return " ".join(f"blob[{len(a)}]" if isinstance(a, bytes) else str(a)[:80] for a in message.arguments)
