"""Standard MIDI Files (format 1), written by hand: a dozen kinds of events are all that a soundfont is asked for."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

TICKS = 960
"""Per quarter note: 0.5 ms at 120 beats per minute."""

Event = tuple[int, bytes]
"""Ticks from the beginning, and the message."""


@dataclass
class Track:
    """Messages of one channel, in any order; the writer sorts them."""

    name: str
    channel: int
    events: list[Event] = field(default_factory=list)

    def program(self, number: int) -> None:
        self.events.append((0, bytes([0xC0 | self.channel, number])))

    def control(self, tick: int, number: int, value: int) -> None:
        self.events.append((tick, bytes([0xB0 | self.channel, number, min(127, max(0, value))])))

    def note(self, start: int, end: int, *, pitch: int, velocity: int) -> None:
        self.events.append((start, bytes([0x90 | self.channel, pitch, velocity])))
        self.events.append((end, bytes([0x80 | self.channel, pitch, 0])))


def write_midi(
    tracks: Iterable[Track], *, tempi: Iterable[tuple[int, float]], metre: tuple[int, int], end: int
) -> bytes:
    """A file. tempi: (tick, quarter notes a minute); metre: (numerator, denominator); end: last tick of every track."""
    conductor: list[Event] = [(0, b"\xff\x58\x04" + bytes([metre[0], metre[1].bit_length() - 1, 24, 8]))]
    conductor += [(tick, b"\xff\x51\x03" + round(60e6 / bpm).to_bytes(3, "big")) for tick, bpm in tempi]
    chunks = [_chunk(conductor, end)]
    for track in tracks:
        name = track.name.encode("ascii", "replace")
        chunks.append(_chunk([(0, b"\xff\x03" + _length(len(name)) + name), *track.events], end))
    return b"MThd" + struct.pack(">IHHH", 6, 1, len(chunks), TICKS) + b"".join(chunks)


def _chunk(events: list[Event], end: int) -> bytes:
    data, now = bytearray(), 0
    for tick, message in sorted(events, key=_order):
        data += _length(tick - now) + message
        now = tick
    data += _length(max(0, end - now)) + b"\xff\x2f\x00"
    return b"MTrk" + struct.pack(">I", len(data)) + bytes(data)


def _order(event: Event) -> tuple[int, int, bytes]:
    """At one tick: names, tempi and controls, then ends of notes, then their beginnings."""
    tick, message = event
    return tick, {0x80: 1, 0x90: 2}.get(message[0] & 0xF0, 0), message


def _length(value: int) -> bytes:
    """A variable-length quantity: seven bits a byte, the high bit of all but the last set."""
    data = [value & 0x7F]
    while value := value >> 7:
        data.append(0x80 | (value & 0x7F))
    return bytes(reversed(data))
