"""Hosts that may send: this machine under all of its addresses, and those that are allowed."""

import socket

import psutil
import pytest

from liveseq.errors import ConfigError
from liveseq.osc import hosts as module
from liveseq.osc.hosts import LOOK_SECONDS, MAX_TOLD, Hosts
from tests.support.waiting import wait_for


def test_this_machine_may_send_from_all_of_its_addresses():
    cards = [card for some in psutil.net_if_addrs().values() for card in some]
    own = [card.address for card in cards if card.family in (socket.AF_INET, socket.AF_INET6)]
    assert all(map(Hosts().allows, ["127.0.0.1", "127.8.9.10", "::1", *own]))


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [
        ("198.51.100.7", "198.51.100.7", "198.51.100.8"),
        ("198.51.100.7/24", "198.51.100.250", "198.51.101.1"),
        ("2001:db8::/64", "2001:db8::5", "2001:db8:1::5"),
        ("fe80::7", "fe80::7%eth0", "fe80::8%eth0"),
        ("*", "203.0.113.9", "garbage"),
    ],
)
def test_an_address_a_network_and_everybody_are_matched(entry, inside, outside):
    hosts = Hosts([entry])
    assert hosts.allows(inside)
    assert not hosts.allows(outside)


def test_what_is_no_host_is_refused():
    with pytest.raises(ConfigError, match=r"found '10\.0\.0\.\*'"):
        Hosts(["10.0.0.*"])


def test_a_name_is_looked_up_beside_the_music_and_again_when_somebody_is_turned_away(monkeypatch, caplog):
    known = {}

    def look_up(name, *_, **__):
        if name not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (known[name], 0))]

    monkeypatch.setattr(module.socket, "getaddrinfo", look_up)
    hosts = Hosts(["tablet.local"])
    wait_for(lambda: "osc.allow: tablet.local is not found (Name or service not known)" in caplog.text)
    wait_for(lambda: not hosts._looker.is_alive())
    known["tablet.local"] = "198.51.100.7"
    assert not hosts.allows("198.51.100.7")
    hosts.turn_away("198.51.100.7", now=100.0)
    wait_for(lambda: hosts.allows("198.51.100.7"))
    wait_for(lambda: not hosts._looker.is_alive())
    known["tablet.local"] = "198.51.100.8"  # not asked for again so soon
    hosts.turn_away("198.51.100.8", now=100.0 + LOOK_SECONDS / 2)
    assert not hosts._looker.is_alive()
    assert not hosts.allows("198.51.100.8")
    assert caplog.text.count("tablet.local is not found") == 1


def test_each_host_that_is_turned_away_is_named_once_and_only_so_many(caplog):
    hosts = Hosts()
    for n in range(10_000):
        hosts.turn_away(f"198.51.{n // 250}.{n % 250}", now=0.0)
        hosts.turn_away("198.51.0.0", now=0.0)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == MAX_TOLD + 1
    assert lines[0] == "198.51.0.0 may not send, and is turned away; to let it: --allow 198.51.0.0"
    assert lines[-1].startswith("more hosts are turned away")
