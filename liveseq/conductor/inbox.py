"""Packets that come in: queued, then parsed and checked, and their commands queued until they are obeyed.

No socket and no clock of its own: the conductor hands in packets and the time. A message that is wrong is answered with
/liveseq/fail and changes nothing. Panic and stop are looked for when a packet comes: they go before all that waits.
"""

import logging
from collections.abc import Callable, Iterator
from itertools import islice

from liveseq.conductor.backlog import MAX_PACKETS, Backlog, Packet
from liveseq.conductor.commands import Command
from liveseq.conductor.outbox import Outbox
from liveseq.errors import OscError
from liveseq.osc.buttons import is_chatter, pressed
from liveseq.osc.checks import check, suggestion, usage
from liveseq.osc.clients import Client, Target
from liveseq.osc.packets import (
    IMMEDIATELY,
    MAX_COMMANDS,
    MAX_MESSAGES,
    PREFIX,
    Arguments,
    Message,
    find_messages,
    parse_packet,
    readable,
)
from liveseq.osc.parameter import Kind
from liveseq.osc.pattern import is_pattern, select
from liveseq.osc.scheduler import LATE_TOLERANCE, NtpClock, Scheduler
from liveseq.osc.table import Row
from liveseq.performance.performance import Performance

MAX_WAITING = 4096
"""Commands that wait to be obeyed; beyond it the newest are refused."""
EARLY_SECONDS = 0.005
"""Before its time at which a scheduled command is obeyed; the sample clock does the rest."""
_JUMPS = (f"{PREFIX}/panic", f"{PREFIX}/stop")
_URGENT = frozenset({"stop", "sched/clear"})

log = logging.getLogger(__name__)


class Inbox:
    """One per conductor. Everything here runs in the event loop."""

    def __init__(self, performance: Performance, outbox: Outbox, *, now: float, wall: float) -> None:
        """now: monotonic time. wall: Unix time."""
        self.n_late = 0
        """Messages that came after their timetag."""
        self.n_dropped = 0
        """Messages and packets that were refused for lack of room."""
        self.n_turned_away = 0
        """Packets of hosts that may not send."""
        self.n_clock_steps = 0
        """Times that the wall clock was set."""
        self._performance = performance
        self._outbox = outbox
        self._clock = NtpClock(wall=wall, monotonic=now)
        self._now = now
        self._backlog = Backlog()
        self._reading: Iterator[None] | None = None  # the packet that is being parsed
        self._scheduler: Scheduler[Command] = Scheduler()
        self._jumps: list[Command] = []  # obeyed before anything else
        self._waiting: list[Command] = []

    @property
    def is_urgent(self) -> bool:
        """Whether something waits that goes before everything else."""
        return bool(self._jumps)

    @property
    def is_behind(self) -> bool:
        """Whether there is more than was done at once."""
        return bool(self._jumps or self._waiting or self._reading or self._backlog)

    def wall(self, now: float) -> float:
        """Unix time by which timetags are read."""
        return self._clock.wall(now)

    def receive(self, data: bytes, source: Target, *, now: float) -> None:
        """Queue a packet. Never raises."""
        clients = self._outbox.clients
        if not clients.hosts.allows(source[0]):
            self.n_turned_away += 1  # no answer: it could be meant for somebody else
            clients.hosts.turn_away(source[0], now=now)
            return
        if clients.hosts.is_server(*source):
            return  # our own words: no answer, or it would never end
        client = clients.touch(source, now=now)
        self._now, n_jumps = now, 0
        for place, message in enumerate(islice(find_messages(data, _JUMPS), MAX_MESSAGES), 1):
            for command in self._checked(message, client, 0, now=now):
                self._jump_queue(command)
                n_jumps = place  # a button that is let go is none
        if not self._backlog.add(data, client, n_jumps=n_jumps):
            self.n_dropped += 1
            error = OscError("busy", f"{MAX_PACKETS} packets are waiting already; send fewer")
            self._outbox.fail(client, readable(data), error, now=now)

    def take_urgent(self) -> list[Command]:
        """The commands that go before everything else."""
        urgent, self._jumps = self._jumps, []
        return urgent

    def take(self, *, now: float, wall: float, is_over: Callable[[], bool]) -> list[Command]:
        """The commands that are to be obeyed now, in order; of several sets of one value the last one only.

        is_over: whether to leave what has not been parsed yet to the next call. What is not obeyed of the commands is
        to be put back.
        """
        self._now = now
        if step := self._clock.update(wall=wall, monotonic=now):
            self._follow_step(step)
        if len(self._waiting) < MAX_WAITING:
            self._waiting += [command for _, command in self._scheduler.due(now + EARLY_SECONDS)]
        self._parse(is_over)
        waiting, self._waiting = self._waiting, []
        last = {command.row.address: place for place, command in enumerate(waiting) if command.merges}
        return [one for place, one in enumerate(waiting) if not one.merges or last[one.row.address] == place]

    def put_back(self, commands: list[Command]) -> None:
        """Let these be the first of the next turn."""
        self._waiting = commands + self._waiting

    def clear(self) -> int:
        """Forget the commands that wait for their time; how many that were."""
        return self._scheduler.clear()

    def _follow_step(self, step: float) -> None:
        self.n_clock_steps += 1
        text = f"the clock of this machine was set by {step:+.3f} s; timetags are read by it from now on"
        log.warning("%s", text)
        self._outbox.log("warning", text, now=self._now)

    def _parse(self, is_over: Callable[[], bool]) -> None:
        """Parse what waits, message by message, until it is over."""
        while not is_over():
            if self._reading is None:
                packet = self._backlog.take()
                if packet is None:
                    return
                self._reading = self._accept(packet)
            try:
                next(self._reading)
            except StopIteration:
                self._reading = None

    def _accept(self, packet: Packet) -> Iterator[None]:
        """Queue the commands of a packet; stops after each message, since one may take a while. What has jumped the
        queue has been obeyed: what stands before it, in this packet or in earlier ones, brings no sound back."""
        n_jumps, n_commands = packet.n_jumps, 0
        for group in parse_packet(packet.data):
            commands: list[Command] = []
            for message in group.messages:
                if message.address in _JUMPS:
                    n_jumps -= 1
                    continue
                found = self._checked(message, packet.client, n_commands, now=self._now)
                n_commands += len(found)
                commands += found if n_jumps <= 0 else self._harmless(found)
                yield
            due = None if group.timetag == IMMEDIATELY else self._clock.monotonic(group.timetag)
            if self._backlog.is_overtaken(packet):
                commands = self._harmless(commands, timed=due is not None)
            if due is None:
                self._queue(commands)
                continue
            self._queue([one for one in commands if one.row.parameter.path in _URGENT])
            self._queue_for_later([one for one in commands if one.row.parameter.path not in _URGENT], due)

    def _checked(self, message: Message, client: Client, n_before: int, *, now: float) -> list[Command]:
        """The commands of a message. Where it is wrong: none, and its sender hears of it. n_before: commands of its
        packet so far."""
        try:
            if n_before >= MAX_COMMANDS:
                raise OscError("busy", f"packet of more than {MAX_COMMANDS} commands; send fewer patterns at once")
            return self._resolve(message, client, now=now)
        except OscError as error:
            ident = _split_ident(message.arguments)[1]
            self._outbox.fail(client, message.address, error, now=now, ident=ident)
            return []

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
            found = select(address, settable)
            if found:
                return [table[one] for one in found]
            raise OscError("unknown_address", f"no value matches {address[:64]}; patterns reach values only")
        # Looking for the nearest takes a while: only where the answer will be sent.
        hint = suggestion(address, table) if client.n_fails < 3 or now >= client.fails_until else "see docs/osc.md"
        raise OscError("unknown_address", f"unknown address {address[:64]}; {hint}")

    def _queue(self, commands: list[Command]) -> None:
        room = max(0, MAX_WAITING - len(self._waiting))
        self._waiting += commands[:room]
        for command in commands[room:]:
            self.n_dropped += 1
            error = OscError("busy", f"{MAX_WAITING} messages are waiting already; send fewer")
            self._outbox.refuse(command, error, now=self._now)

    def _jump_queue(self, command: Command) -> None:
        """Panic and stop go first, and nothing that came before may bring the sound back."""
        if not self._jumps:  # nothing is parsed while one waits
            self._waiting = self._harmless(self._waiting)
        self._backlog.overtake()
        same = (command.row, command.client)
        self._jumps = [*(one for one in self._jumps if (one.row, one.client) != same), command]

    def _queue_for_later(self, commands: list[Command], due: float) -> None:
        """due: monotonic time. What is past is at once; its sender is told that the two clocks differ."""
        now = self._now
        if due <= now:
            self.n_late += len(commands)
            for command in commands if now - due > LATE_TOLERANCE else ():
                if command.row.parameter.kind is not Kind.QUERY:
                    self._outbox.reply(command, f"{PREFIX}/late", command.row.address, (now - due) * 1e3)
            self._queue(commands)
            return
        for command in commands:
            command.due = due
            try:
                self._scheduler.add(command, due=due, now=now)
            except OscError as error:
                self.n_dropped += error.code == "busy"
                self._outbox.refuse(command, error, now=now)

    def _harmless(self, commands: list[Command], *, timed: bool = False) -> list[Command]:
        """Commands that came before a panic or stop and may still be obeyed: they set a value, or ask, at once. The
        senders of the others are told. timed: these are for later, as what a panic forgets in the scheduler."""
        kept = []
        for one in commands:
            is_urgent = one.row.parameter.path in _URGENT
            if is_urgent if timed else one.merges or one.asks or one.row.parameter.kind is Kind.QUERY:
                kept.append(one)
            else:
                error = OscError(
                    "busy", "a panic or stop came before it was obeyed, and it was forgotten; send it again"
                )
                self._outbox.refuse(one, error, now=self._now)
        return kept


def _split_ident(arguments: Arguments) -> tuple[Arguments, str]:
    """Arguments without the id:xyz that may stand at the end, and that."""
    if arguments and isinstance(arguments[-1], str) and arguments[-1].startswith("id:"):
        return arguments[:-1], arguments[-1][:64]
    return arguments, ""


def _show(message: Message) -> str:
    return " ".join(f"blob[{len(a)}]" if isinstance(a, bytes) else str(a)[:80] for a in message.arguments)
