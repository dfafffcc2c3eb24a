"""Packets that go out: answers to senders, values and events for subscribers.

No socket of its own: `send` is handed in. Everything here runs in the event loop.
"""

from collections.abc import Callable, Mapping, Sequence

from liveseq.conductor.commands import Command
from liveseq.errors import OscError
from liveseq.osc.clients import Client, Clients, Delivery, Target
from liveseq.osc.packets import PREFIX, Arguments, Value, build, build_bundles

LEVELS = ("debug", "info", "warning", "error")


class Outbox:
    """One per conductor."""

    def __init__(
        self, clients: Clients, send: Callable[[bytes, Target], None], *, values: Mapping[str, Arguments]
    ) -> None:
        """values: of the performance, by address: they say from which level on the log is sent."""
        self.clients = clients
        self._send = send
        self._values = values

    # Answers

    def reply(self, command: Command, address: str, *arguments: Value) -> None:
        """Answer the sender of a command."""
        ident = (command.ident,) if command.ident else ()
        self._send(build(address, *arguments, *ident), command.client.reply)

    def reply_bundles(self, command: Command, messages: Sequence[tuple[str, Arguments]], end: str) -> None:
        """Answer by many messages; the one to address `end` says how many they were."""
        for packet in build_bundles(messages):
            self._send(packet, command.client.reply)
        self.reply(command, end, len(messages))

    def done(self, command: Command, *extra: Value) -> None:
        """Answer that a command was obeyed."""
        ident = (command.ident,) if command.ident else ()
        self._send(build(f"{PREFIX}/done", command.row.address, *ident, *extra), command.client.reply)

    def refuse(self, command: Command, error: OscError, *, now: float) -> None:
        """Answer that a command was not obeyed, and why."""
        self.fail(command.client, command.row.address, error, now=now, ident=command.ident)

    def fail(self, client: Client, address: str, error: OscError, *, now: float, ident: str = "") -> None:
        """Tell a client what is wrong with a message; of too many such answers in a second the last one says so."""
        may = self.clients.may_fail(client, now=now)
        idents = (ident,) if ident else ()
        if may:
            self._send(build(f"{PREFIX}/fail", address, error.code, str(error), *idents), client.reply)
        elif may is None:
            text = "too many errors: no more are answered in this second"
            self._send(build(f"{PREFIX}/fail", address, "rate_limited", text), client.reply)

    # Subscribers

    def value(self, address: str, *arguments: Value) -> None:
        """Keep a value for those who subscribe to it."""
        self.clients.set_value(address, arguments)

    def flush(self, *, now: float) -> None:
        """Send the values that are due."""
        self._deliver(self.clients.flush(now))

    def event(self, address: str, *arguments: Value, now: float) -> None:
        """Send something that has happened to those who subscribe to it, at once."""
        self._deliver(self.clients.event(address, arguments, now=now))

    def log(self, level: str, text: str, *, now: float, force: bool = False) -> None:
        """Say something to those who subscribe to /liveseq/log."""
        wanted = str(self._values[f"{PREFIX}/log/level"][0])
        if force or LEVELS.index(level) >= LEVELS.index(wanted):
            self.event(f"{PREFIX}/log", level, text, now=now)

    def _deliver(self, deliveries: list[Delivery]) -> None:
        for target, address, arguments in deliveries:
            self._send(build(address, *arguments), target)
