"""OSC packets in and out; the one door to python-osc.

python-osc reads single arguments and writes messages. Messages and bundles are walked here: its own readers lose their
place at a type that they do not know, never return from a bundle whose element has a negative size, run patterns as
regular expressions and sleep on timetags. A message that cannot be read costs none of the others in its packet.
"""

import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.parsing import osc_types

from liveseq.errors import OscError

PREFIX = "/liveseq"
MAX_PACKET = 16_384
"""Bytes."""
MAX_DEPTH = 4
"""Bundles inside bundles."""
MAX_MESSAGES = 256
"""Messages of one packet, and addresses that one pattern may reach."""
MAX_COMMANDS = 1024
"""Commands of one packet, with all that its patterns reach: after so many the rest of it is refused."""
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

Value = int | float | str | bool | bytes | None
Arguments = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came."""

    address: str
    arguments: Arguments = ()
    left_out: str = ""
    """Types of arguments that say nothing here: colours, MIDI bytes, timetags."""
    fault: str = ""
    """Reason for which it cannot be read; empty for one that can be."""


@dataclass(frozen=True, slots=True)
class Group:
    """Messages that belong to one instant: a bundle, or a message that came alone."""

    timetag: int
    """64-bit NTP time, or IMMEDIATELY."""
    messages: tuple[Message, ...]


def parse_packet(data: bytes) -> list[Group]:
    """The messages of a packet, by their instants. Never raises: what is malformed is a message with a fault."""
    if len(data) > MAX_PACKET:
        fault = f"packet of {len(data)} bytes: expected at most {MAX_PACKET}; send several"
        return [Group(IMMEDIATELY, (Message(readable(data), fault=fault),))]
    if not data.startswith(_BUNDLE):
        return [Group(IMMEDIATELY, (_message(data),))]
    groups = _walk(data, 1)
    if sum(len(group.messages) for group in groups) > MAX_MESSAGES:
        return [Group(IMMEDIATELY, (_broken(f"bundle of more than {MAX_MESSAGES} messages; send several bundles"),))]
    return groups


def find_messages(data: bytes, addresses: Iterable[str]) -> Iterator[Message]:
    """The messages of a packet to these addresses, in its order; the others are passed over unread. Never raises."""
    heads = tuple(address.encode() + b"\0" for address in addresses)
    if len(data) <= MAX_PACKET and any(head in data for head in heads):
        yield from map(_message, _find(data, heads, 0))


def _find(data: bytes, heads: tuple[bytes, ...], depth: int) -> Iterator[bytes]:
    """The elements that begin so."""
    if data.startswith(heads):
        yield data
    elif data.startswith(_BUNDLE) and depth < MAX_DEPTH:
        elements = [element or b"" for _, element in _elements(data)]
        yield from (element for element in elements if element.startswith(heads))
        for element in elements:  # what is nested comes last, as where a packet is parsed
            if element.startswith(_BUNDLE):
                yield from _find(element, heads, depth + 1)


def _walk(data: bytes, depth: int) -> list[Group]:
    """A bundle as groups, its own messages first."""
    if depth > MAX_DEPTH:
        return [Group(IMMEDIATELY, (_broken(f"bundles nested more than {MAX_DEPTH} deep"),))]
    if len(data) < 16:
        fault = f"bundle of {len(data)} bytes: expected a timetag in its first 16"
        return [Group(IMMEDIATELY, (_broken(fault),))]
    (timetag,) = struct.unpack_from(">Q", data, 8)
    messages: list[Message] = []
    inner: list[Group] = []
    for place, element in _elements(data):
        if element is None:
            fault = f"bundle element at byte {place}: its size does not fit the packet; what follows it is lost"
            messages.append(_broken(fault))
        elif element.startswith(_BUNDLE):
            inner += _walk(element, depth + 1)
        elif element:
            messages.append(_message(element))
        else:
            messages.append(_broken(f"bundle element at byte {place} is empty; send no empty messages"))
    return [Group(timetag, tuple(messages)), *inner]


def _elements(bundle: bytes) -> Iterator[tuple[int, bytes | None]]:
    """The elements of a bundle, each with the place of its size; None where that does not fit, and no more after it."""
    place = 16
    while place < len(bundle):
        size = struct.unpack_from(">i", bundle, place)[0] if len(bundle) - place >= 4 else -1
        begin = place + 4
        if not 0 <= size <= len(bundle) - begin:
            yield place, None
            return
        yield place, bundle[begin : begin + size]
        place = begin + size


def _broken(fault: str) -> Message:
    return Message("#bundle", fault=fault)


def _message(data: bytes) -> Message:
    end = data.find(b"\0")
    if not data.startswith(b"/"):
        fault = "not an OSC packet: expected an address that begins with / or a bundle"
    elif end > MAX_ADDRESS or (end < 0 and len(data) > MAX_ADDRESS):
        fault = f"address of more than {MAX_ADDRESS} bytes"
    else:
        try:
            return _read(data)
        except OscError as error:
            fault = str(error)
        except (osc_types.ParseError, UnicodeDecodeError, struct.error) as error:
            fault = f"malformed packet ({error})"
    return Message(readable(data), fault=fault)


def readable(data: bytes) -> str:
    """The address of what cannot be read, as far as a person can make it out."""
    text = data[:64].split(b"\0")[0].decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _read(data: bytes) -> Message:
    """Raises OscError, and what the readers of python-osc raise."""
    address, place = osc_types.get_string(data, 0)
    tags, place = osc_types.get_string(data, place) if data[place:] else ("", place)
    if tags and not tags.startswith(","):
        raise OscError("bad_args", f"malformed packet (expected types that begin with a comma, found {tags[:20]!r})")
    types = [tag for tag in tags[1:] if tag not in "[]"]  # an array is the list of its values
    if len(types) > MAX_ARGUMENTS:
        raise OscError("bad_args", f"message of {len(types)} arguments: expected at most {MAX_ARGUMENTS}")
    arguments: list[Value] = []
    for tag in types:
        if tag in _CONSTANTS:
            arguments.append(_CONSTANTS[tag])
        elif tag in _READERS:
            value, place = _READERS[tag](data, place)
            arguments.append(value)
        elif tag in _SIZES:
            place += _SIZES[tag]
            if place > len(data):
                raise OscError("bad_args", "malformed packet (it is shorter than its types say)")
        else:
            expected = ", ".join([*_READERS, *_CONSTANTS])
            raise OscError("bad_args", f"argument of type {tag!r}: unknown type; expected one of {expected}")
    return Message(address, tuple(arguments), "".join(tag for tag in types if tag in _SIZES))


def _letter(data: bytes, place: int) -> tuple[str, int]:
    """A character as a text. Some senders put it first in its four bytes, some last, some send its number."""
    four = data[place : place + 4]
    try:
        text = four.strip(b"\0").decode("utf-8")
    except UnicodeDecodeError:
        text = chr(min(int.from_bytes(four, "big"), sys.maxunicode))  # its number
    if len(text) != 1:
        raise OscError("bad_args", f"malformed packet (expected one character, found {text!r})")
    return text, place + 4


def _blob(data: bytes, place: int) -> tuple[bytes, int]:
    blob, end = osc_types.get_blob(data, place)
    if end < place + 4:
        raise OscError("bad_args", "malformed packet (a blob of a negative size)")
    return blob, end


_READERS: dict[str, Callable[[bytes, int], tuple[Any, int]]] = {
    "i": osc_types.get_int,
    "f": osc_types.get_float,
    "s": osc_types.get_string,
    "b": _blob,
    "h": osc_types.get_int64,
    "d": osc_types.get_double,
    "S": osc_types.get_string,
    "c": _letter,
}
_CONSTANTS: dict[str, Value] = {"T": True, "F": False, "N": None, "I": None}
"""Arguments without bytes. An impulse is nothing but the fact that it came."""
_SIZES = {"r": 4, "m": 4, "t": 8}
"""Bytes of arguments that say nothing here."""


def build(address: str, *arguments: Value) -> bytes:
    """The packet of one message. int is i (or h beyond 32 bits), float f, bool 0 or 1, str s, bytes b.

    A truth value goes out as a number, since Pure Data cannot read T and F.

    >>> build("/liveseq/mute", True)
    b'/liveseq/mute\\x00\\x00\\x00,i\\x00\\x00\\x00\\x00\\x00\\x01'
    """
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(_sendable(argument))
    packet: bytes = builder.build().dgram
    return packet


def _sendable(value: Value) -> Value:
    """A truth value as a number; a text whose letters are no Unicode (the path of an old disk) in letters that are."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    return value


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
