"""OSC packets in and out; the one door to python-osc.

python-osc reads and writes single messages. Bundles are walked here: its own reader never returns from a bundle whose
element has a negative size, and its dispatcher runs patterns as regular expressions and sleeps on timetags.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from liveseq.errors import OscError

PREFIX = "/liveseq"
MAX_PACKET = 16_384
"""Bytes."""
MAX_DEPTH = 4
"""Bundles inside bundles."""
MAX_MESSAGES = 256
"""Messages of one packet, and addresses that one pattern may reach."""
MAX_ADDRESS = 255
"""Bytes."""
MAX_ARGUMENTS = 64
MAX_BUNDLE = 1400
"""Bytes of an answer that is sent as one packet: it fits an Ethernet frame."""
IMMEDIATELY = 1
"""The timetag that means now."""
FAIL_CODES = (
    "unknown_address",
    "bad_args",
    "out_of_range",
    "not_ready",
    "not_found",
    "busy",
    "denied",
    "io_error",
    "model_error",
    "device_error",
    "rate_limited",
    "internal",
)
"""The closed list: a client may switch on them."""
_BUNDLE = b"#bundle\0"
_TYPES = frozenset("ifsbhdTFN")
_NAMES = {"t": "timetag", "r": "colour", "m": "MIDI", "[": "array", "]": "array", "I": "impulse", "c": "character"}

Value = int | float | str | bool | bytes | None
Arguments = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came."""

    address: str
    arguments: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Messages that belong to one instant: a bundle, or a message that came alone."""

    timetag: int
    """64-bit NTP time, or IMMEDIATELY."""
    messages: tuple[Message, ...]


def parse_packet(data: bytes) -> list[Group]:
    """The messages of a packet, by their instants. Raises OscError (bad_args): malformed, oversized, too deep."""
    if len(data) > MAX_PACKET:
        raise OscError("bad_args", f"packet of {len(data)} bytes: expected at most {MAX_PACKET}; send several")
    if data.startswith(_BUNDLE):
        groups: list[Group] = []
        _walk(data, 1, groups)
        if sum(len(group.messages) for group in groups) > MAX_MESSAGES:
            raise OscError("bad_args", f"bundle of more than {MAX_MESSAGES} messages; send several bundles")
        return groups
    return [Group(IMMEDIATELY, (_message(data),))]


def _walk(data: bytes, depth: int, groups: list[Group]) -> None:
    if depth > MAX_DEPTH:
        raise OscError("bad_args", f"bundles nested more than {MAX_DEPTH} deep")
    if len(data) < 16:
        raise OscError("bad_args", f"bundle of {len(data)} bytes: expected a timetag in its first 16")
    (timetag,) = struct.unpack_from(">Q", data, 8)
    messages: list[Message] = []
    inner: list[Group] = []
    place = 16
    while place < len(data):
        size = struct.unpack_from(">i", data, place)[0] if len(data) - place >= 4 else -1
        place += 4
        if not 0 < size <= len(data) - place or size % 4:
            raise OscError("bad_args", f"bundle element at byte {place - 4}: its size does not fit the packet")
        element = data[place : place + size]
        place += size
        if element.startswith(_BUNDLE):
            _walk(element, depth + 1, inner)
        else:
            messages.append(_message(element))
    groups += [Group(timetag, tuple(messages)), *inner]


def _message(data: bytes) -> Message:
    if not data.startswith(b"/"):
        raise OscError("bad_args", "not an OSC packet: expected an address that begins with / or a bundle")
    end = data.find(b"\0")
    if end > MAX_ADDRESS or (end < 0 and len(data) > MAX_ADDRESS):
        raise OscError("bad_args", f"address of more than {MAX_ADDRESS} bytes")
    _check_types(data, end)
    try:
        parsed = OscMessage(data)
        return Message(parsed.address, tuple(parsed.params))
    except Exception as error:  # beyond its ParseError it lets struct, Unicode and index errors through
        raise OscError("bad_args", f"malformed packet ({_reason(error)})") from None


def _check_types(data: bytes, end: int) -> None:
    """Refuse what python-osc would skip or take long over, before it reads the arguments."""
    begin = (end // 4 + 1) * 4
    tags_end = data.find(b"\0", begin)
    tags = data[begin + 1 : tags_end].decode("ascii", "replace") if data[begin : begin + 1] == b"," else ""
    if len(tags) > MAX_ARGUMENTS:
        raise OscError("bad_args", f"message of {len(tags)} arguments: expected at most {MAX_ARGUMENTS}")
    unknown = next((tag for tag in tags if tag not in _TYPES), None)
    if unknown is not None:
        name = _NAMES.get(unknown, "unknown type")
        raise OscError("bad_args", f"argument of type {unknown!r} ({name}): expected i, f, s, b, h, d, T, F or N")


def _reason(error: Exception) -> str:
    """The innermost words that python-osc has for it."""
    while error.args and isinstance(error.args[-1], Exception):
        error = error.args[-1]
    return str(error) or type(error).__name__


def build(address: str, *arguments: Value) -> bytes:
    """The packet of one message. int is i (or h beyond 32 bits), float f, bool 0 or 1, str s, bytes b.

    A truth value goes out as a number, since Pure Data cannot read T and F.

    >>> build("/liveseq/mute", True)
    b'/liveseq/mute\\x00\\x00\\x00,i\\x00\\x00\\x00\\x00\\x00\\x01'
    """
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(int(argument) if isinstance(argument, bool) else argument)
    packet: bytes = builder.build().dgram
    return packet


def build_bundles(messages: Iterable[tuple[str, tuple[Any, ...]]]) -> list[bytes]:
    """Messages in as few bundles of at most MAX_BUNDLE bytes as their order allows."""
    head = _BUNDLE + struct.pack(">Q", IMMEDIATELY)
    bundles: list[bytes] = []
    for address, arguments in messages:
        message = build(address, *arguments)
        element = struct.pack(">i", len(message)) + message
        if not bundles or len(bundles[-1]) + len(element) > MAX_BUNDLE:
            bundles.append(head)
        bundles[-1] += element
    return bundles
