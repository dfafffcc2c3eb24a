"""The server's UDP port: both families where an address has a twin, and what is said where it cannot be had."""

import contextlib
import socket

import pytest

from liveseq.errors import PortError
from liveseq.server.port import bind, bracketed


def has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        udp.bind(("::1", 0))
        return True
    return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")


@contextlib.contextmanager
def bound(host, port="auto"):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(one) for one in bind(host, port)]


@needs_ipv6
@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", ["127.0.0.1", "::1"]),
        ("localhost", ["127.0.0.1", "::1"]),
        ("::1", ["::1", "127.0.0.1"]),
        ("0.0.0.0", ["0.0.0.0", "::"]),
        ("::", ["::", "0.0.0.0"]),
        ("127.0.0.2", ["127.0.0.2"]),
    ],
)
def test_senders_of_both_families_are_heard_at_one_port(host, own):
    with bound(host) as sockets:
        places = [one.getsockname()[:2] for one in sockets]
        assert [place[0] for place in places] == own
        assert len({place[1] for place in places}) == 1
        for one in sockets:
            with socket.socket(one.family, socket.SOCK_DGRAM) as sender:
                loopback = "::1" if one.family == socket.AF_INET6 else "127.0.0.1"
                target = {"0.0.0.0": loopback, "::": loopback}.get(one.getsockname()[0], one.getsockname()[0])
                sender.sendto(b"hey", (target, one.getsockname()[1]))
                one.settimeout(60.0)
                assert one.recvfrom(10)[0] == b"hey"


@needs_ipv6
def test_a_twin_that_is_taken_is_said_and_the_other_is_bound(caplog):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
        other.bind(("::1", 0))
        port = other.getsockname()[1]
        with bound("127.0.0.1", port) as sockets:
            assert [one.getsockname() for one in sockets] == [("127.0.0.1", port)]
    [record] = caplog.records
    assert record.getMessage().startswith(f"UDP port {port} on ::1: taken by process ")
    assert record.getMessage().endswith("who sends there is not heard")


def test_what_is_no_address_or_name_of_this_machine_is_said_in_one_line():
    with pytest.raises(PortError, match=r"UDP port 7700 on 203\.0\.113\.9: .*; expected an address of this machine"):
        bind("203.0.113.9", 7700)
    with pytest.raises(PortError, match=r"UDP port on a\.\.b: .*; expected an address or a name of this machine"):
        bind("a..b", 7700)


def test_an_address_before_a_port_is_written_in_brackets():
    assert (bracketed("::1"), bracketed("127.0.0.1")) == ("[::1]", "127.0.0.1")
