"""A reader of Standard MIDI Files, for what liveseq.demo.ensemble.smf writes (no running status)."""

from dataclasses import dataclass, field
from itertools import pairwise


@dataclass
class MidiTrack:
    name: str = ""
    notes: list[tuple[int, int, int, int]] = field(default_factory=list)
    """Start and end in ticks, pitch, velocity."""
    controls: list[tuple[int, int, int]] = field(default_factory=list)
    """Tick, number, value."""
    program: int | None = None
    channel: int | None = None
    end: int = 0


@dataclass
class MidiFile:
    ticks: int
    tempi: list[tuple[int, float]]
    """Tick, quarter notes per minute."""
    metre: tuple[int, int]
    tracks: list[MidiTrack]

    def seconds(self, tick: int) -> float:
        bounds = [*self.tempi, (max(tick, self.tempi[-1][0]), 0.0)]
        return sum((min(tick, b) - a) / self.ticks * 60.0 / bpm for (a, bpm), (b, _) in pairwise(bounds) if a < tick)


def read_midi(data: bytes) -> MidiFile:
    assert data[:4] == b"MThd"
    assert int.from_bytes(data[8:10], "big") == 1
    n_tracks, ticks = int.from_bytes(data[10:12], "big"), int.from_bytes(data[12:14], "big")
    tempi, metre, tracks, at = [], (0, 0), [], 14
    for _ in range(n_tracks):
        assert data[at : at + 4] == b"MTrk"
        length = int.from_bytes(data[at + 4 : at + 8], "big")
        body = data[at + 8 : at + 8 + length]
        at += 8 + length
        track = MidiTrack()
        for tick, kind, payload in events(body):
            read_event(track, tick, kind, payload, tempi)
            if kind == 0xFF58:
                metre = (payload[0], 2 ** payload[1])
        tracks.append(track)
    assert at == len(data)
    return MidiFile(ticks, tempi, metre, tracks[1:])


def events(body):
    """(tick, status or 0xFF00 + kind of meta event, payload)"""
    at, tick = 0, 0
    while at < len(body):
        delta, at = quantity(body, at)
        tick += delta
        status = body[at]
        if status == 0xFF:
            length, begin = quantity(body, at + 2)
            yield tick, 0xFF00 + body[at + 1], body[begin : begin + length]
            at = begin + length
        else:
            size = 1 if status & 0xF0 == 0xC0 else 2
            yield tick, status, body[at + 1 : at + 1 + size]
            at += 1 + size


def quantity(body, at):
    value = 0
    while True:
        value = value << 7 | body[at] & 0x7F
        at += 1
        if body[at - 1] < 0x80:
            return value, at


def read_event(track, tick, kind, payload, tempi):
    sounding = {(pitch, start): index for index, (start, end, pitch, _) in enumerate(track.notes) if end < 0}
    if kind == 0xFF03:
        track.name = payload.decode()
    elif kind == 0xFF2F:
        track.end = tick
    elif kind == 0xFF51:
        tempi.append((tick, 60e6 / int.from_bytes(payload, "big")))
    elif kind < 0xFF:
        track.channel = kind & 0x0F
        if kind & 0xF0 == 0x90:
            assert not any(pitch == payload[0] for pitch, _ in sounding), f"{payload[0]} is struck while it sounds"
            track.notes.append((tick, -1, payload[0], payload[1]))
        elif kind & 0xF0 == 0x80:
            (index,) = [index for (pitch, _), index in sounding.items() if pitch == payload[0]]
            start, _, pitch, velocity = track.notes[index]
            track.notes[index] = (start, tick, pitch, velocity)
        elif kind & 0xF0 == 0xB0:
            track.controls.append((tick, payload[0], payload[1]))
        elif kind & 0xF0 == 0xC0:
            track.program = payload[0]
