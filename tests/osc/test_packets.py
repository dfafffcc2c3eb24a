"""Packets: what is read, what is refused, and that nothing hangs."""

import contextlib
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from liveseq.errors import OscError
from liveseq.osc.packets import IMMEDIATELY, MAX_BUNDLE, Group, Message, build, build_bundles, parse_packet


def bundle(*elements, timetag=IMMEDIATELY):
    body = b"".join(struct.pack(">i", len(one)) + one for one in elements)
    return b"#bundle\0" + struct.pack(">Q", timetag) + body


def test_a_message_comes_back_as_it_was_built():
    arguments = (1, -2.5, "dark drone", True, False, b"abc", 2**40)
    assert parse_packet(build("/a/b", *arguments)) == [Group(IMMEDIATELY, (Message("/a/b", arguments),))]


def test_text_is_utf8():
    assert parse_packet(build("/tag", "Ünï 🎹"))[0].messages[0].arguments == ("Ünï 🎹",)


def test_a_message_without_type_tags_has_no_arguments():
    assert parse_packet(b"/a\0\0")[0].messages == (Message("/a"),)


def test_a_bundle_keeps_order_and_time_and_opens_into_groups():
    inner = bundle(build("/c"), timetag=77)
    assert parse_packet(bundle(build("/a", 1), inner, build("/b"), timetag=55)) == [
        Group(55, (Message("/a", (1,)), Message("/b"))),
        Group(77, (Message("/c"),)),
    ]


DEEP = build("/a")
for _ in range(5):
    DEEP = bundle(DEEP)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an OSC packet"),
        (b"hello", "not an OSC packet"),
        (b"/a\0\0,i\0\0\0\0", "malformed"),
        (b"/a\0\0,s\0\0abc", "malformed"),
        (b"/a\0\0,b\0\0\0\0\0\xff", "malformed"),
        (b"/\xff\xfe\0,\0\0\0", "malformed"),
        (b"/a\0\0,x\0\0", "argument of type 'x'"),
        (b"/a\0\0,[i]\0\0\0\0\0\0\0\1", "array"),
        (b"/" + b"a" * 300 + b"\0\0\0", "address of more than 255 bytes"),
        (build("/a", *range(65)), "65 arguments: expected at most 64"),
        (bytes(20_000), "packet of 20000 bytes: expected at most 16384"),
        (b"#bundle\0", "timetag"),
        (bundle() + struct.pack(">i", -4), "size does not fit"),
        (bundle() + struct.pack(">i", 100), "size does not fit"),
        (bundle() + struct.pack(">i", 0), "size does not fit"),
        (bundle() + b"\0\0", "size does not fit"),
        (DEEP, "nested more than 4 deep"),
        (bundle(*[build("/a")] * 300), "more than 256 messages"),
    ],
)
def test_what_is_malformed_is_refused_with_a_reason(data, message):
    with pytest.raises(OscError, match=message) as caught:
        parse_packet(data)
    assert caught.value.code == "bad_args"


@given(st.binary(max_size=300))
@example(b"#bundle\0" + bytes(8) + struct.pack(">i", -4) * 3)
def test_random_bytes_are_read_or_refused(data):
    for head in (b"", b"/a\0\0,", b"#bundle\0"):
        with contextlib.suppress(OscError):
            parse_packet(head + data)


def test_bundles_fit_a_datagram_and_lose_nothing():
    messages = [(f"/liveseq/value/{n}", (float(n), "x" * (n % 50))) for n in range(300)]
    bundles = build_bundles(messages)
    assert max(map(len, bundles)) <= MAX_BUNDLE
    assert len(bundles) > 5
    found = [message for data in bundles for group in parse_packet(data) for message in group.messages]
    assert [(one.address, one.arguments) for one in found] == messages
