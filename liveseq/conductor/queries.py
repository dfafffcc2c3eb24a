"""Answers to questions, and what concerns only the server: who is there, how it is, what is set."""

from collections.abc import Callable

from liveseq import __version__
from liveseq.conductor.commands import Command, Handler
from liveseq.conductor.desk import Desk
from liveseq.errors import OscError
from liveseq.osc.clients import DEFAULT_HZ, LEASE_SECONDS
from liveseq.osc.packets import PREFIX, Arguments, Value

PROTOCOL = 1
"""Changes when a client must change."""


class Queries:
    """One per conductor."""

    def __init__(self, desk: Desk, *, status: Callable[[], Arguments], quit_server: Callable[[], None]) -> None:
        """status: the value of /liveseq/status."""
        self.handlers: dict[str, Handler] = {
            "ping": self._ping,
            "version": self._version,
            "status": self._tell_status,
            "corpus/tags": self._tags,
            "hello": self._hello,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "subscriptions": self._subscriptions,
            "state/dump": lambda command, _: self._dump(command, *command.arguments),
            "sync": self._sync,
            "sched/clear": self._clear,
            "time": self._time,
            "osc/dump": self._keep,
            "log/level": self._keep,
            "quit": self._quit,
        }
        self._desk = desk
        self._outbox = desk.outbox
        self._status = status
        self._quit_server = quit_server

    def _tell_status(self, command: Command, _: float) -> None:
        self._outbox.reply(command, command.row.address, *self._status())

    def _sync(self, command: Command, _: float) -> None:
        self._desk.worker.after(lambda: self._outbox.reply(command, f"{PREFIX}/synced", *command.arguments))

    def _clear(self, command: Command, _: float) -> None:
        self._outbox.done(command, self._desk.inbox.clear())

    def _ping(self, command: Command, now: float) -> None:
        echo = command.arguments[0] if command.arguments else ""
        self._outbox.reply(command, f"{PREFIX}/pong", echo, "liveseq", __version__, self._desk.uptime(now))

    def _version(self, command: Command, _: float) -> None:
        numbers = [int(part) for part in __version__.split(".")[:3]]
        self._outbox.reply(command, command.row.address, "liveseq", *numbers, PROTOCOL)

    def _tags(self, command: Command, _: float) -> None:
        corpus = self._desk.performance.instrument.corpus
        tags = [
            (command.row.address, (tag, n_units, n_samples / corpus.sample_rate))
            for tag, (n_units, n_samples) in corpus.tags().items()
        ]
        self._outbox.reply_bundles(command, tags, f"{command.row.address}/end")

    def _hello(self, command: Command, _: float) -> None:
        client = command.client
        client.name = str(command.arguments[0])[:64]
        if len(command.arguments) > 1:
            self._outbox.clients.answer_at(client, int(command.arguments[1]))  # type: ignore[arg-type]
        self._outbox.reply(command, f"{PREFIX}/welcome", client.number, LEASE_SECONDS)
        self._dump(command)

    def _subscribe(self, command: Command, _: float) -> None:
        given = dict(zip(("pattern", "max_hz", "host", "port"), command.arguments, strict=False))
        if len(given) == 3:
            raise OscError("bad_args", "subscribe: a host needs its port: s:pattern f:max_hz s:host i:port")
        target = None
        if "port" in given:
            target = (str(given["host"]).replace("localhost", "127.0.0.1"), int(given["port"]))  # type: ignore[arg-type]
        subscription = self._outbox.clients.subscribe(
            command.client,
            str(given["pattern"]),
            max_hz=float(given.get("max_hz", DEFAULT_HZ)),  # type: ignore[arg-type]
            target=target,
        )
        for address, value in self._desk.performance.values.items():
            if subscription.wants(address):
                subscription.waiting[address] = value
        self._outbox.done(command, subscription.number)

    def _unsubscribe(self, command: Command, _: float) -> None:
        which = command.arguments[0]
        assert isinstance(which, str | int)
        self._outbox.done(command, self._outbox.clients.unsubscribe(command.client, which))

    def _subscriptions(self, command: Command, now: float) -> None:
        found = [
            (command.row.address, (one.number, one.pattern, one.max_hz, *one.target, client.expires - now))
            for client, one in self._outbox.clients.subscriptions()
        ]
        self._outbox.reply_bundles(command, found, f"{command.row.address}/end")

    def _dump(self, command: Command, prefix: Value = "") -> None:
        begin = str(prefix)
        values = [
            (address, value) for address, value in self._desk.performance.values.items() if address.startswith(begin)
        ]
        self._outbox.reply_bundles(command, values, f"{PREFIX}/state/end")

    def _time(self, command: Command, now: float) -> None:
        wall = self._desk.inbox.wall(now)
        echo = command.arguments[0] if command.arguments else 0.0
        seconds = int(wall)
        engine_seconds = self._desk.link.clock() / self._desk.link.sample_rate
        self._outbox.reply(command, command.row.address, echo, seconds, wall - seconds, engine_seconds)

    def _keep(self, command: Command, _: float) -> None:
        self._desk.performance.values[command.row.address] = command.arguments
        self._outbox.clients.set_value(command.row.address, command.arguments, origin=command.client.source)
        if command.ident:
            self._outbox.done(command)

    def _quit(self, command: Command, _: float) -> None:
        self._outbox.done(command)
        self._quit_server()
