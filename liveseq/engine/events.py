"""Records on the pipe to the engine: events and controls, one fixed-size record each.

A record is RECORD_SIZE bytes: one byte of kind, the fields in the order of their dataclass, zeros. Fixed size and
little-endian, so that a pipe carries whole records only (a write of up to 42 of them is atomic) and the engine reads
them inside the audio callback without framing, without pickle, without waiting.
"""

import dataclasses
import math
import struct
from dataclasses import dataclass
from typing import TypeAlias

from liveseq.dsp.interpolation import GREATEST_RATIO, LEAST_RATIO
from liveseq.errors import LiveseqError
from liveseq.sequencer.timeline import CutLayer, Grain, GrainShape, PlayUnit, StopLayer

RECORD_SIZE = 96
"""Bytes."""
MAX_LAYERS = 16
"""Layers are numbered from 1; the shared state has room for this many."""


class RecordError(LiveseqError):
    """A record for the engine is malformed, or a field of it is out of range."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MasterGain:
    """Move the master gain; several seconds make a fade."""

    gain_db: float
    """-inf is silence."""
    seconds: float
    """Duration of the move, at least 10 ms in effect."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MasterMute:
    """Silence the output, or open it again; the music goes on meanwhile."""

    mute: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerGain:
    """Move the gain of one layer, over 10 ms."""

    layer: int
    gain_db: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerPan:
    """Constant-power position of one layer: -1 left, 0 centre, 1 right."""

    layer: int
    pan: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerMute:
    """Silence one layer, or open it again; it goes on playing meanwhile."""

    layer: int
    mute: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Play:
    """Start the transport: from here on events are played. An engine begins stopped."""

    seconds: float
    """Fade in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """Stop the transport: fade out, then forget every voice and event. Events sent while stopped are dropped."""

    seconds: float
    """Fade out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Panic:
    """Silence within 10 ms, all events forgotten, transport stopped."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardAdded:
    """An audio file of the corpus is new, or has grown to this size."""

    number: int
    n_samples: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Quit:
    """Fade out and end the process."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HandOver:
    """Read and tell nothing more, since another engine does; fade out and end the process."""

    pid: int
    """The process: it may die before it reads this, and the one after it does."""


Control: TypeAlias = (
    MasterGain | MasterMute | LayerGain | LayerPan | LayerMute | Play | Stop | Panic | ShardAdded | Quit | HandOver
)
Record: TypeAlias = PlayUnit | Grain | CutLayer | StopLayer | Control

# Kind -> class, and the struct format of its fields. A kind never changes its meaning; new ones go to the end.
_KINDS: tuple[tuple[type, str], ...] = (
    (PlayUnit, "<Bhqqqiqqqidd?d"),
    (CutLayer, "<Bhq"),
    (StopLayer, "<Bhqi"),
    (MasterGain, "<Bdd"),
    (MasterMute, "<B?"),
    (LayerGain, "<Bhd"),
    (LayerPan, "<Bhd"),
    (LayerMute, "<Bh?"),
    (Play, "<Bd"),
    (Stop, "<Bd"),
    (Panic, "<B"),
    (ShardAdded, "<Biq"),
    (Quit, "<B"),
    (Grain, "<Bhqiiqiqqqiibddd?"),
    (HandOver, "<Bq"),
)

_CLOCK_LIMIT = 2**62
_SAMPLES_LIMIT = 2**40
# Field -> least and greatest value, the same in every record that has the field.
_RANGES: dict[str, tuple[float, float]] = {
    "layer": (1, MAX_LAYERS),
    "start": (0, _CLOCK_LIMIT),
    "length": (1, _SAMPLES_LIMIT),
    "unit": (0, 2**40),
    "shard": (0, 2**31 - 1),
    "number": (0, 2**31 - 1),
    "pid": (0, 2**40),
    "n_samples": (1, _SAMPLES_LIMIT),
    "position": (0, _SAMPLES_LIMIT),
    "source_start": (0, _SAMPLES_LIMIT),
    "source_end": (1, _SAMPLES_LIMIT),
    "fade": (0, 2**31 - 1),
    "interval": (1, 2**31 - 1),
    "attack": (0, 2**31 - 1),
    "release": (0, 2**31 - 1),
    "shape": (min(GrainShape), max(GrainShape)),
    "ratio": (LEAST_RATIO, GREATEST_RATIO),
    "reverse": (False, True),
    "correlation": (0.0, 1.0),
    "gain": (0.0, 100.0),
    "gain_db": (-math.inf, 24.0),
    "seconds": (0.0, 3600.0),
    "pan": (-1.0, 1.0),
    "mute": (False, True),
}


@dataclass(frozen=True, slots=True)
class _Kind:
    number: int
    cls: type
    layout: struct.Struct
    names: tuple[str, ...]
    ranges: tuple[tuple[str, float, float], ...]


def _kind(number: int, cls: type, layout: str) -> _Kind:
    names = tuple(field.name for field in dataclasses.fields(cls))
    return _Kind(number, cls, struct.Struct(layout), names, tuple((name, *_RANGES[name]) for name in names))


_TABLE: tuple[_Kind, ...] = tuple(_kind(number, cls, layout) for number, (cls, layout) in enumerate(_KINDS, start=1))
_SHAPES = {int(shape): shape for shape in GrainShape}
_BY_CLASS: dict[type, _Kind] = {kind.cls: kind for kind in _TABLE}


def _check(record: Record, kind: _Kind) -> None:
    for name, low, high in kind.ranges:
        value = getattr(record, name)
        if not low <= value <= high:  # NaN fails too
            raise RecordError(f"{kind.cls.__name__}.{name}: expected {low:g} to {high:g}, found {value}")
    if isinstance(record, PlayUnit | Grain) and not reads_inside(record):
        raise RecordError(
            f"{kind.cls.__name__}.position: expected to read within {record.source_start} to {record.source_end}, "
            f"found a start at {record.position}{_course(record)}"
        )
    if isinstance(record, Grain) and record.attack + record.release > record.length:
        raise RecordError(
            f"Grain.release: expected attack + release <= {record.length}, the length, "
            f"found {record.attack} + {record.release}"
        )


def reads_inside(event: PlayUnit | Grain) -> bool:
    """Whether what is sure to be read lies in the source: the first sample of a unit, which loops; all of a grain."""
    last = event.position
    if isinstance(event, Grain):
        way = (event.length - 1) * event.ratio
        last = event.position - math.ceil(way) if event.reverse else event.position + math.ceil(way)
    return event.source_start <= min(event.position, last) and max(event.position, last) < event.source_end


def _course(event: PlayUnit | Grain) -> str:
    if isinstance(event, PlayUnit):
        return ""
    return f", {event.length} samples at ratio {event.ratio:g}{' backwards' if event.reverse else ''}"


def pack(record: Record) -> bytes:
    """RECORD_SIZE bytes. Raises RecordError where a field is out of range."""
    kind = _BY_CLASS[type(record)]
    _check(record, kind)
    values = [getattr(record, name) for name in kind.names]
    try:
        return kind.layout.pack(kind.number, *values).ljust(RECORD_SIZE, b"\0")
    except struct.error as error:
        raise RecordError(f"{record}: {error}") from None


def unpack(data: bytes | memoryview) -> Record:
    """The record in RECORD_SIZE bytes. Raises RecordError where they hold none."""
    if len(data) != RECORD_SIZE:
        raise RecordError(f"record: expected {RECORD_SIZE} bytes, found {len(data)}")
    number = data[0]
    if not 1 <= number <= len(_TABLE):
        raise RecordError(f"record: expected a kind from 1 to {len(_TABLE)}, found {number}")
    kind = _TABLE[number - 1]
    values = dict(zip(kind.names, kind.layout.unpack_from(data)[1:], strict=True))
    if "shape" in values:
        values["shape"] = _SHAPES.get(values["shape"], values["shape"])
    record: Record = kind.cls(**values)
    _check(record, kind)
    return record
