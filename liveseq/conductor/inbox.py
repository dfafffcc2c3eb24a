"""Packets that come in: parsed, checked, and queued until their commands are obeyed.

No socket and no clock of its own: the conductor hands in packets and the time. A message that is wrong is answered with
/liveseq/fail and changes nothing.
"""

from liveseq.conductor.commands import Command
from liveseq.conductor.outbox import Outbox
from liveseq.errors import OscError
from liveseq.osc.buttons import is_chatter, pressed
from liveseq.osc.checks import check, suggestion, usage
from liveseq.osc.clients import Client, Target
from liveseq.osc.packets import IMMEDIATELY, MAX_MESSAGES, PREFIX, Arguments, Group, Message, parse_packet
from liveseq.osc.parameter import Kind
from liveseq.osc.pattern import is_pattern, select
from liveseq.osc.scheduler import LATE_TOLERANCE, NtpClock, Scheduler
from liveseq.osc.table import Row
from liveseq.performance.performance import Performance

MAX_WAITING = 4096
"""Commands that wait to be obeyed; beyond it the newest are refused."""
EARLY_SECONDS = 0.005
"""Before its time at which a scheduled command is obeyed; the sample clock does the rest."""
_URGENT = frozenset({"panic", "stop", "sched/clear"})


class Inbox:
    """One per conductor. Everything here runs in the event loop."""

    def __init__(self, performance: Performance, outbox: Outbox, *, now: float, wall: float) -> None:
        """now: monotonic time. wall: Unix time."""
        self.n_late = 0
        """Messages that came after their timetag."""
        self.n_dropped = 0
        """Messages that were refused for lack of room."""
        self.n_turned_away = 0
        """Packets of hosts that may not send."""
        self._performance = performance
        self._outbox = outbox
        self._clock = NtpClock(wall=wall, monotonic=now)
        self._scheduler: Scheduler[list[Command]] = Scheduler()
        self._waiting: list[Command] = []

    def receive(self, packet: bytes, source: Target, *, now: float) -> None:
        """Queue the commands of a packet. Never raises."""
        clients = self._outbox.clients
        if not clients.hosts.allows(source[0]):
            self.n_turned_away += 1  # no answer: it could be meant for somebody else
            clients.hosts.turn_away(source[0], now=now)
            return
        client = clients.touch(source, now=now)
        for group in parse_packet(packet):
            self._accept(group, client, now=now)

    def take(self, *, now: float, wall: float) -> list[Command]:
        """The commands that are to be obeyed now, in order; of several sets of one value the last one only."""
        self._clock.update(wall=wall, monotonic=now)
        for _, commands in self._scheduler.due(now + EARLY_SECONDS):
            self._waiting += commands
        waiting, self._waiting = self._waiting, []
        last = {command.row.address: place for place, command in enumerate(waiting) if command.merges}
        return [one for place, one in enumerate(waiting) if not one.merges or last[one.row.address] == place]

    def clear(self) -> int:
        """Forget the commands that wait for their time; how many packets' that were."""
        return self._scheduler.clear()

    def _accept(self, group: Group, client: Client, *, now: float) -> None:
        commands: list[Command] = []
        for message in group.messages:
            try:
                commands += self._resolve(message, client, now=now)
            except OscError as error:
                ident = _split_ident(message.arguments)[1]
                self._outbox.fail(client, message.address, error, now=now, ident=ident)
        for command in [one for one in commands if one.row.parameter.path == "panic"]:
            self._jump_queue(command)
            commands.remove(command)
        urgent = [one for one in commands if one.row.parameter.path in _URGENT]
        due = None if group.timetag == IMMEDIATELY else self._clock.monotonic(group.timetag)
        if due is None:
            self._queue(commands, now=now)
            return
        self._queue(urgent, now=now)
        self._queue_for_later([one for one in commands if one not in urgent], due, now=now)

    def _resolve(self, message: Message, client: Client, *, now: float) -> list[Command]:
        """A message as checked commands; none for what a controller sends by itself. Raises OscError."""
        if self._performance.values[f"{PREFIX}/osc/dump"][0]:
            text = f"{client.source[0]}:{client.source[1]} {message.address} {_show(message)}"
            self._outbox.log("info", text, now=now, force=True)
        if message.fault:
            raise OscError("bad_args", message.fault)
        if is_chatter(message.address):
            return []
        values, ident = _split_ident(message.arguments)
        commands = []
        for row in self._rows(message.address, client, now=now):
            asks = row.parameter.kind is Kind.SET and not values
            if asks and message.left_out:
                raise OscError("bad_args", f"nothing but arguments of type {message.left_out}; {usage(row.parameter)}")
            if pressed(row.parameter, values) is False:
                continue
            checked, clipped = ((), False) if asks else check(row.parameter, values, is_tag=self._performance.is_tag)
            commands.append(Command(row, checked, asks, clipped, ident, client))
        return commands

    def _rows(self, address: str, client: Client, *, now: float) -> list[Row]:
        """The rows of the table that an address or a pattern means. Raises OscError."""
        table = self._performance.table
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
        room = MAX_WAITING - len(self._waiting)
        self._waiting += commands[:room]
        for command in commands[room:]:
            self.n_dropped += 1
            error = OscError("busy", f"{MAX_WAITING} messages are waiting already; send fewer")
            self._outbox.refuse(command, error, now=now)

    def _jump_queue(self, panic: Command) -> None:
        """Panic goes first, and nothing that came before it may bring the sound back."""
        self._waiting = [panic, *(one for one in self._waiting if one.merges or one.row.parameter.kind is Kind.QUERY)]

    def _queue_for_later(self, commands: list[Command], due: float, *, now: float) -> None:
        """due: monotonic time. What is past is at once; its sender is told that the two clocks differ."""
        if not commands:
            return
        if due <= now:
            self.n_late += len(commands)
            for command in commands if now - due > LATE_TOLERANCE else ():
                if command.row.parameter.kind is not Kind.QUERY:
                    self._outbox.reply(command, f"{PREFIX}/late", command.row.address, (now - due) * 1e3)
            self._queue(commands, now=now)
            return
        for command in commands:
            command.due = due
        try:
            self._scheduler.add(commands, due=due, now=now)
        except OscError as error:
            self.n_dropped += error.code == "busy"
            for command in commands:
                self._outbox.refuse(command, error, now=now)


def _split_ident(arguments: Arguments) -> tuple[Arguments, str]:
    """Arguments without the id:xyz that may stand at the end, and that."""
    if arguments and isinstance(arguments[-1], str) and arguments[-1].startswith("id:"):
        return arguments[:-1], arguments[-1][:64]
    return arguments, ""


def _show(message: Message) -> str:
    return " ".join(f"blob[{len(a)}]" if isinstance(a, bytes) else str(a)[:80] for a in message.arguments)
