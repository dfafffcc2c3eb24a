"""Answers to questions, and what concerns only the server: who is there, how it is, what is set."""

import time

from liveseq import __version__
from liveseq.conductor.commands import Answer, Command
from liveseq.conductor.desk import Desk
from liveseq.errors import OscError
from liveseq.osc.clients import DEFAULT_HZ, LEASE_SECONDS
from liveseq.osc.packets import PREFIX, Value

PROTOCOL = 1
"""Changes when a client must change."""


class Queries:
    """Path -> what answers it: `answers`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.answers: dict[str, Answer] = {
            "ping": self._ping,
            "version": self._version,
            "status": self._status,
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

    def _status(self, command: Command, _: float) -> None:
        self._desk.reply(command, command.row.address, *self._desk.around.status())

    def _sync(self, command: Command, _: float) -> None:
        desk = self._desk
        desk.around.worker.after(lambda: desk.reply(command, f"{PREFIX}/synced", *command.arguments))

    def _clear(self, command: Command, _: float) -> None:
        self._desk.done(command, self._desk.scheduler.clear())

    def _ping(self, command: Command, now: float) -> None:
        echo = command.arguments[0] if command.arguments else ""
        self._desk.reply(command, f"{PREFIX}/pong", echo, "liveseq", __version__, self._desk.uptime(now))

    def _version(self, command: Command, _: float) -> None:
        numbers = [int(part) for part in __version__.split(".")[:3]]
        self._desk.reply(command, command.row.address, "liveseq", *numbers, PROTOCOL)

    def _tags(self, command: Command, _: float) -> None:
        corpus = self._desk.performance.instrument.corpus
        tags = [
            (command.row.address, (tag, n_units, n_samples / corpus.sample_rate))
            for tag, (n_units, n_samples) in corpus.tags().items()
        ]
        self._desk.reply_bundles(command, tags, f"{command.row.address}/end")

    def _hello(self, command: Command, _: float) -> None:
        client = command.client
        client.name = str(command.arguments[0])[:64]
        if len(command.arguments) > 1:
            client.reply = (client.source[0], int(command.arguments[1]))  # type: ignore[arg-type]
        self._desk.reply(command, f"{PREFIX}/welcome", client.number, LEASE_SECONDS)
        self._dump(command)

    def _subscribe(self, command: Command, _: float) -> None:
        given = dict(zip(("pattern", "max_hz", "host", "port"), command.arguments, strict=False))
        if len(given) == 3:
            raise OscError("bad_args", "subscribe: a host needs its port: s:pattern f:max_hz s:host i:port")
        target = None
        if "port" in given:
            target = (str(given["host"]).replace("localhost", "127.0.0.1"), int(given["port"]))  # type: ignore[arg-type]
        subscription = self._desk.clients.subscribe(
            command.client,
            str(given["pattern"]),
            max_hz=float(given.get("max_hz", DEFAULT_HZ)),  # type: ignore[arg-type]
            target=target,
        )
        for address, value in self._desk.performance.values.items():
            if subscription.wants(address):
                subscription.waiting[address] = value
        self._desk.done(command, subscription.number)

    def _unsubscribe(self, command: Command, _: float) -> None:
        which = command.arguments[0]
        assert isinstance(which, str | int)
        self._desk.done(command, self._desk.clients.unsubscribe(command.client, which))

    def _subscriptions(self, command: Command, now: float) -> None:
        found = [
            (command.row.address, (one.number, one.pattern, one.max_hz, *one.target, client.expires - now))
            for client, one in self._desk.clients.subscriptions()
        ]
        self._desk.reply_bundles(command, found, f"{command.row.address}/end")

    def _dump(self, command: Command, prefix: Value = "") -> None:
        begin = str(prefix)
        values = [
            (address, value) for address, value in self._desk.performance.values.items() if address.startswith(begin)
        ]
        self._desk.reply_bundles(command, values, f"{PREFIX}/state/end")

    def _time(self, command: Command, _: float) -> None:
        wall = time.time()
        echo = command.arguments[0] if command.arguments else 0.0
        seconds = int(wall)
        self._desk.reply(
            command, command.row.address, echo, seconds, wall - seconds, self._desk.around.engine_seconds()
        )

    def _keep(self, command: Command, _: float) -> None:
        self._desk.performance.values[command.row.address] = command.arguments
        self._desk.clients.set_value(command.row.address, command.arguments, origin=command.client.source)
        if command.ident:
            self._desk.done(command)

    def _quit(self, command: Command, _: float) -> None:
        self._desk.done(command)
        self._desk.around.quit()
