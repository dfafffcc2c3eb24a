"""Clients of the server and what they subscribe to: leases, rate limits. Pure: the caller brings time, and sends.

Everybody is known by the address that their packets come from; answers go there, or to the port that /hello named.
A lease is renewed by every packet. Values are sent to a subscriber only when they change, at most `max_hz` times a
second, and the last one wins; events (segments, log lines) are never merged, only dropped beyond ten times that rate.
"""

import itertools
from dataclasses import dataclass, field

from liveseq.errors import OscError
from liveseq.osc.hosts import Hosts
from liveseq.osc.packets import Arguments
from liveseq.osc.pattern import covers

LEASE_SECONDS = 30.0
MAX_CLIENTS = 128
"""Beyond it the idlest of those that subscribe to nothing makes room."""
MAX_SUBSCRIBERS = 64
"""Clients that subscribe; beyond it the newest are refused, until a lease ends."""
MAX_SUBSCRIPTIONS = 32
"""Per client."""
DEFAULT_HZ = 30.0
FAILS_PER_SECOND = 10
"""Error answers that a client gets; the rest is summed up in one."""
EVENT_BURST = 10
"""Events that a subscriber may get within one period of its max_hz."""

Target = tuple[str, int]
"""Host and port."""
Delivery = tuple[Target, str, Arguments]
"""A message to be sent: to whom, address, arguments."""


@dataclass(slots=True)
class Subscription:
    """One pattern that a client wants to hear of."""

    number: int
    pattern: str
    max_hz: float
    target: Target
    sent: dict[str, Arguments] = field(default_factory=dict)
    waiting: dict[str, Arguments] = field(default_factory=dict)
    covered: dict[str, bool] = field(default_factory=dict)
    due: float = 0.0
    """Monotonic time before which no value is sent."""
    n_events: int = 0
    events_until: float = 0.0

    def wants(self, address: str) -> bool:
        """Whether the pattern covers an address."""
        if address not in self.covered:
            self.covered[address] = covers(self.pattern, address)
        return self.covered[address]

    def may_send_event(self, now: float) -> bool:
        """Count an event, and say whether it is within the rate."""
        if now >= self.events_until:
            self.events_until, self.n_events = now + 1.0 / self.max_hz, 0
        self.n_events += 1
        return self.n_events <= EVENT_BURST

    def take(self, now: float) -> list[tuple[str, Arguments]]:
        """The values that are due: they count as sent."""
        if not self.waiting or now < self.due:
            return []
        self.due = now + 1.0 / self.max_hz
        taken = list(self.waiting.items())
        self.sent.update(self.waiting)
        self.waiting.clear()
        return taken


@dataclass(slots=True)
class Client:
    """One controller, monitor or script."""

    number: int
    name: str
    source: Target
    reply: Target
    expires: float
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    n_fails: int = 0
    fails_until: float = 0.0


class Clients:
    """Everybody who has sent a packet lately."""

    def __init__(self, hosts: Hosts) -> None:
        self.hosts = hosts
        self._clients: dict[Target, Client] = {}
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        return len(self._clients)

    def touch(self, source: Target, *, now: float) -> Client:
        """The client that a packet came from; its lease begins anew."""
        client = self._clients.get(source)
        if client is None:
            if len(self._clients) >= MAX_CLIENTS:
                idle = [one for one in self._clients.values() if not one.subscriptions]
                del self._clients[min(idle, key=lambda one: one.expires).source]
            client = Client(next(self._numbers), "", source, source, now)
            self._clients[source] = client
        client.expires = now + LEASE_SECONDS
        return client

    def answer_at(self, client: Client, port: int) -> None:
        """Let answers go to another port of the client's host. Raises OscError (denied) for the server's own."""
        target = (client.source[0], port)
        self._check_target(target)
        client.reply = target

    def subscribe(self, client: Client, pattern: str, *, max_hz: float, target: Target | None) -> Subscription:
        """Let a client hear of a pattern. Raises OscError: denied for a host that is not allowed and for the server's
        own port, busy for too many."""
        target = target or client.reply
        if target[0] != client.source[0] and not self.hosts.allows(target[0]):
            raise OscError(
                "denied", f"{target[0][:64]}: expected an IP address of this machine or of osc.allow (--allow)"
            )
        self._check_target(target)
        for known in client.subscriptions.values():
            if (known.pattern, known.target) == (pattern, target):
                known.max_hz = max_hz
                return known
        if len(client.subscriptions) >= MAX_SUBSCRIPTIONS:
            raise OscError(
                "busy", f"{MAX_SUBSCRIPTIONS} subscriptions already; unsubscribe from some, or use a pattern"
            )
        if (
            not client.subscriptions
            and sum(bool(one.subscriptions) for one in self._clients.values()) >= MAX_SUBSCRIBERS
        ):
            raise OscError(
                "busy",
                f"{MAX_SUBSCRIBERS} clients subscribe already; try again when one has been silent for "
                f"{LEASE_SECONDS:g} s, or unsubscribe others",
            )
        client = self._clients.setdefault(client.source, client)  # it may have made room since its message came
        subscription = Subscription(next(self._numbers), pattern, max_hz, target)
        client.subscriptions[subscription.number] = subscription
        return subscription

    def _check_target(self, target: Target) -> None:
        if self.hosts.is_server(*target):
            raise OscError("denied", f"port {target[1]} is this server's own; name the one at which you listen")

    def unsubscribe(self, client: Client, which: str | int) -> int:
        """Forget the client's subscriptions of this pattern or number. Raises OscError (not_found) for none."""
        gone = [one.number for one in client.subscriptions.values() if which in (one.number, one.pattern)]
        if not gone:
            raise OscError("not_found", f"no subscription {which!r} of yours; ask /liveseq/subscriptions")
        for number in gone:
            del client.subscriptions[number]
        return len(gone)

    def subscriptions(self) -> list[tuple[Client, Subscription]]:
        """Every subscription with its client."""
        return [(client, one) for client in self._clients.values() for one in client.subscriptions.values()]

    def set_value(self, address: str, arguments: Arguments, *, origin: Target | None = None) -> None:
        """Keep a value for those who want it, but for its origin: a fader that is told where it is fights its owner."""
        for client, subscription in self.subscriptions():
            if not subscription.wants(address):
                continue
            if client.source == origin:
                subscription.sent[address] = arguments
                subscription.waiting.pop(address, None)
            elif subscription.sent.get(address) != arguments:
                subscription.waiting[address] = arguments
            else:
                subscription.waiting.pop(address, None)

    def event(self, address: str, arguments: Arguments, *, now: float) -> list[Delivery]:
        """The deliveries of an event to its subscribers, at once."""
        return [
            (subscription.target, address, arguments)
            for _, subscription in self.subscriptions()
            if subscription.wants(address) and subscription.may_send_event(now)
        ]

    def flush(self, now: float) -> list[Delivery]:
        """Values that are due. Leases that have run out end here."""
        for client in [one for one in self._clients.values() if one.expires < now]:
            del self._clients[client.source]
        return [
            (subscription.target, address, arguments)
            for _, subscription in self.subscriptions()
            for address, arguments in subscription.take(now)
        ]

    def may_fail(self, client: Client, *, now: float) -> bool | None:
        """Whether an error may be answered: True yes, None as one last summary, False no."""
        if now >= client.fails_until:
            client.fails_until, client.n_fails = now + 1.0, 0
        client.n_fails += 1
        if client.n_fails <= FAILS_PER_SECOND:
            return True
        return None if client.n_fails == FAILS_PER_SECOND + 1 else False
