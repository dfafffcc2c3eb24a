"""Packets: what is read, what is refused, and that nothing hangs."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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
    ("data", "about", "fault"),
    [
        (b"", "", "not an OSC packet"),
        (b"hello", "hello", "not an OSC packet"),
        (b"\1\2", "??", "not an OSC packet"),
        (b"liveseq/panic\0\0\0,\0\0\0", "liveseq/panic", "expected an address that begins with /"),
        (b"/a\0\0,i\0\0\0\0", "/a", "malformed"),
        (b"/a\0\0,s\0\0abc", "/a", "malformed"),
        (b"/a\0\0,r\0\0ab", "/a", "shorter than its types say"),
        (b"/a\0\0,c\0\0\0\0AB", "/a", "expected one character, found 'AB'"),
        (b"/a\0\0abc\0", "/a", "types that begin with a comma, found 'abc'"),
        (b"/a\0\0,b\0\0\xff\xff\xff\xf8", "/a", "a blob of a negative size"),
        (b"/a\0\0,b\0\0\0\0\0\xff", "/a", "malformed"),
        (b"/\xff\xfe\0,\0\0\0", "/\ufffd\ufffd", "malformed"),
        (b"/a\0\0,x\0\0", "/a", "argument of type 'x': unknown type; expected one of i, f, s,"),
        (b"/" + b"a" * 300 + b"\0\0\0", "/" + "a" * 63, "address of more than 255 bytes"),
        (build("/a", *range(65)), "/a", "65 arguments: expected at most 64"),
        (bytes(20_000), "", "packet of 20000 bytes: expected at most 16384"),
        (b"#bundle\0", "#bundle", "timetag"),
        (bundle() + struct.pack(">i", -4), "#bundle", "size does not fit"),
        (bundle() + struct.pack(">i", 100), "#bundle", "size does not fit"),
        (bundle(b""), "#bundle", "bundle element at byte 16 is empty"),
        (bundle() + b"\0\0", "#bundle", "size does not fit"),
        (DEEP, "#bundle", "nested more than 4 deep"),
        (bundle(*[build("/a")] * 300), "#bundle", "more than 256 messages"),
    ],
)
def test_what_is_malformed_is_named_by_its_address_and_costs_no_other_message(data, about, fault):
    [bad] = [one for group in parse_packet(data) for one in group.messages if one.fault]
    assert bad.address == about
    assert fault in bad.fault
    if data and not data.startswith(b"#bundle") and len(data) <= 16_384:
        messages = parse_packet(bundle(build("/b"), data, build("/panic")))[0].messages
        assert messages == (Message("/b"), bad, Message("/panic"))


def test_of_a_bundle_that_is_cut_off_what_came_before_is_read():
    [group] = parse_packet(bundle(build("/panic")) + struct.pack(">i", 100) + b"/a")
    assert group.messages[0] == Message("/panic")
    assert "what follows it is lost" in group.messages[1].fault


@pytest.mark.parametrize(
    ("types", "data", "arguments", "left_out"),
    [
        ("S", b"hum\0", ("hum",), ""),
        ("c", b"\0\0\0A", ("A",), ""),
        ("c", b"A\0\0\0", ("A",), ""),
        ("c", b"\0\0\0\xe9", ("é",), ""),  # its number
        ("c", b"\0\1\xf6\0", ("😀",), ""),
        ("c", b"\xc3\xa9\0\0", ("é",), ""),
        ("NI", b"", (None, None), ""),
        ("[s[f]]T", b"hum\0" + struct.pack(">f", 0.5), ("hum", 0.5, True), ""),
        ("rfm", b"\1\2\3\4" + struct.pack(">f", -6.0) + b"\0\x90<d", (-6.0,), "rm"),
        ("ti", bytes(8) + struct.pack(">i", 7), (7,), "t"),
        ("f", b"\xc0", (-2.0,), ""),  # Reaktor leaves out the zeros at the end
    ],
)
def test_arguments_of_every_type_are_understood_or_left_out(types, data, arguments, left_out):
    tags = f",{types}".encode()
    packet = b"/a\0\0" + tags + bytes(4 - len(tags) % 4) + data
    assert parse_packet(packet)[0].messages == (Message("/a", arguments, left_out),)


def test_a_message_whose_types_are_nothing_but_zeros_has_no_arguments():
    assert parse_packet(b"/a\0\0" + bytes(4))[0].messages == (Message("/a"),)


@given(st.binary(max_size=300))
@example(b"#bundle\0" + bytes(8) + struct.pack(">i", -4) * 3)
def test_random_bytes_are_read_or_named(data):
    for head in (b"", b"/a\0\0,", b"#bundle\0"):
        for group in parse_packet(head + data):
            for message in group.messages:
                build("/fail", message.address, message.fault)
                build("/again", *(one for one in message.arguments if one != b""))


def test_bundles_fit_a_datagram_and_lose_nothing():
    messages = [(f"/liveseq/value/{n}", (float(n), "x" * (n % 50))) for n in range(300)]
    bundles = build_bundles(messages)
    assert max(map(len, bundles)) <= MAX_BUNDLE
    assert len(bundles) > 5
    found = [message for data in bundles for group in parse_packet(data) for message in group.messages]
    assert [(one.address, one.arguments) for one in found] == messages
