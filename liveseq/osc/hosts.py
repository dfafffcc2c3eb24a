"""Hosts that may send to the server and be sent to: this machine, and those that the configuration allows.

Addresses of this machine and of names change while a set goes on (a tablet that joins, another network): they are
looked up in a thread of their own, so that nobody waits for a name server.
"""

import contextlib
import ipaddress
import logging
import socket
import threading
from collections.abc import Iterable

import psutil

from liveseq.config import networks

LOOK_SECONDS = 5.0
"""Least time from one look-up to the next."""
MAX_TOLD = 16
"""Hosts that are named on the terminal when they are turned away."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
log = logging.getLogger(__name__)


class Hosts:
    """One per conductor. Everything but the look-up runs in the event loop."""

    def __init__(self, allow: Iterable[str] = (), *, port: int | None = None) -> None:
        """allow: addresses, networks, names, or * for everybody. port: the server's own; None for no port at all.

        Raises ConfigError for what is none of these.
        """
        entries = tuple(allow)
        self._port = port
        self._networks = tuple(network for entry in entries for network in networks(entry))
        self._names = tuple(entry for entry in entries if not networks(entry))
        self._unknown: set[str] = set()  # names that were said not to be found
        self._own = _own_addresses()
        self._named: dict[str, frozenset[Address]] = {}
        self._told: set[str] = set()
        self._looker: threading.Thread | None = None
        self._next_look = 0.0
        if self._names:
            self._begin_look()

    def allows(self, host: str) -> bool:
        """Whether packets from, and to, this host are anybody's business here."""
        address = _address(host)
        return address is not None and (
            self._is_here(address)
            or any(address in network for network in self._networks)
            or any(address in named for named in self._named.values())
        )

    def is_server(self, host: str, port: int) -> bool:
        """Whether this is the server's own port: it would answer itself for ever."""
        address = _address(host) if port == self._port else None
        return address is not None and (address.is_unspecified or self._is_here(address))

    def turn_away(self, host: str, *, now: float) -> None:
        """Say once on the terminal that this host may not send, and look whether it may by now. now: monotonic time."""
        if host not in self._told and len(self._told) <= MAX_TOLD:
            self._told.add(host)
            if len(self._told) <= MAX_TOLD:
                log.warning("%s may not send, and is turned away; to let it: --allow %s", host, host.partition("%")[0])
            else:
                log.warning("more hosts are turned away; no other is named here (turned_away of /liveseq/status)")
        if now >= self._next_look and (self._looker is None or not self._looker.is_alive()):
            self._next_look = now + LOOK_SECONDS
            self._begin_look()

    def _is_here(self, address: Address) -> bool:
        return address.is_loopback or address in self._own

    def _begin_look(self) -> None:
        self._looker = threading.Thread(target=self._look, name="hosts", daemon=True)
        self._looker.start()

    def _look(self) -> None:
        """In its thread: find the addresses anew. A name that is not found keeps those that it had."""
        self._own = _own_addresses()
        for name in self._names:
            try:
                infos = socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
            except (OSError, UnicodeError) as error:
                if name not in self._unknown:
                    self._unknown.add(name)
                    reason = getattr(error, "strerror", None) or "no name of a host"
                    log.warning("osc.allow: %s is not found (%s); it is looked for again", name, reason)
                continue
            found = frozenset(address for info in infos if (address := _address(str(info[4][0]))) is not None)
            self._named = self._named | {name: found}
            self._unknown.discard(name)


def _address(host: str) -> Address | None:
    """An address without its zone (fe80::1%eth0); None for what is none."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _own_addresses() -> frozenset[Address]:
    """Addresses of this machine."""
    found: set[Address] = set()
    with contextlib.suppress(OSError, psutil.Error):
        for cards in psutil.net_if_addrs().values():
            found |= {address for card in cards if (address := _address(card.address)) is not None}
    return frozenset(found)
