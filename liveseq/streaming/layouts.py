"""Orders, wishes, status and answers about a layer's stream, and how they lie beside its ring buffer."""

import struct
from dataclasses import astuple, dataclass, fields, replace
from typing import Final

import numpy as np

from liveseq.memory.layout import MAX_TAG_SIZE, Layout, Packed, name_field, tag_bytes, text_field
from liveseq.runtime.latent import MOST_NUMBERS, Travel
from liveseq.sequencer.streams import KEPT_CHANGES, KEPT_TURNS, Change, Made, RingShape, StreamOrder, Told, Turn

_CHANGE: Final = struct.Struct("<qqdddii")  # behind it: the numbers of its tag, and those of its latent
_CHANGES: Final = struct.Struct("<i")  # how many
_CHANGES_SIZE: Final = _CHANGES.size + KEPT_CHANGES * (_CHANGE.size + 4 * (MAX_TAG_SIZE + MOST_NUMBERS))
_MADE: Final = struct.Struct("<qqqqqqq")
_TURN: Final = struct.Struct(f"<{len(fields(Turn))}q")
_NO_PLACE: Final = -1
_ORIGIN: Final = struct.Struct("<q")
_NO_CLOCK: Final = -(1 << 62)
_NAME: Final = name_field(1024)  # a model may be named by its path


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamStatus:
    """The state of a layer's stream."""

    ident: int = 0
    """The order that it is about."""
    made: Made | None = None
    load: float = 0.0
    """Time that a step takes to be made over its duration, lately."""
    turns: tuple[Turn, ...] = ()
    """The last ones, of this layer's earlier streams too."""
    n_late: int = 0
    """Changes that were heard later than they were meant, of this layer's earlier streams too; one that later ones have
    overtaken is not heard at all, and not counted. A conductor that is held up may miss turns: it counts none."""
    generator: str = ""
    trouble: str = ""
    """Why there is no more."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A model that the conductor wants to be open, before it orders a stream of it."""

    number: int = 0
    """A higher one is a new wish."""
    generator: str = ""
    """Empty: the last one is withdrawn."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a wish of this number: the model is open, or there is trouble with it."""

    number: int = 0
    trouble: str = ""


def _pack_changes(changes: tuple[Change, ...]) -> bytes:
    """Raises ModelError where a tag has more numbers than there is room for."""
    changes = changes[-KEPT_CHANGES:]
    return _CHANGES.pack(len(changes)) + b"".join(map(_pack_change, changes))


def _pack_change(change: Change) -> bytes:
    told, travel = change.told, change.told.travel
    times = told.tempo, travel.seconds, travel.walk
    head = _CHANGE.pack(change.number, change.sample, *times, len(told.vector), len(travel.latent))
    return head + tag_bytes(told.vector) + travel.latent.astype("<f4").tobytes()


def _unpack_changes(body: bytes) -> tuple[Change, ...]:
    [n_kept] = _CHANGES.unpack_from(body)
    changes, at = [], _CHANGES.size
    for _ in range(n_kept):
        number, sample, tempo, seconds, walk, n_tag, n_latent = _CHANGE.unpack_from(body, at)
        numbers = np.frombuffer(body, dtype="<f4", count=n_tag + n_latent, offset=at + _CHANGE.size)
        travel = Travel(numbers[n_tag:], seconds, walk)
        changes.append(Change(number, sample, Told(numbers[:n_tag], tempo, travel)))
        at += _CHANGE.size + 4 * len(numbers)
    return tuple(changes)


def _pack_made(made: Made | None) -> bytes:
    if made is None:
        return b""
    shape = made.shape
    return _MADE.pack(
        shape.samples_per_step, shape.n_lap, shape.n_again, made.base, made.first, made.end, made.n_changes
    )


def _unpack_made(body: bytes) -> Made | None:
    samples, n_lap, n_again, base, first, end, n_changes = _MADE.unpack(body)
    shape = RingShape(samples, n_lap, n_again)
    return Made(shape=shape, base=base, first=first, end=end, n_changes=n_changes) if samples else None


def _pack_turns(turns: tuple[Turn, ...]) -> bytes:
    each = (astuple(turn) for turn in turns[-KEPT_TURNS:])
    return b"".join(_TURN.pack(*(_NO_PLACE if value is None else value for value in one)) for one in each)


def _unpack_turns(body: bytes) -> tuple[Turn, ...]:
    names = [field.name for field in fields(Turn)]
    turns = (Turn(**dict(zip(names, one, strict=True))) for one in _TURN.iter_unpack(body) if any(one))
    return tuple(replace(turn, place=None) if turn.place == _NO_PLACE else turn for turn in turns)


def _unpack_origin(body: bytes) -> int | None:
    origin = int(_ORIGIN.unpack(body)[0])
    return None if origin == _NO_CLOCK else origin


ORDER: Final = Layout(
    StreamOrder,
    {
        "ident": "q",
        "generator": _NAME,
        "seed": "q",
        "begin": "q",
        "n_changes": "q",
        "changes": Packed(_CHANGES_SIZE, _pack_changes, _unpack_changes),
        "scheduled": "q",
        "origin": Packed(
            _ORIGIN.size, lambda origin: _ORIGIN.pack(_NO_CLOCK if origin is None else origin), _unpack_origin
        ),
    },
)
STATUS: Final = Layout(
    StreamStatus,
    {
        "ident": "q",
        "made": Packed(_MADE.size, _pack_made, _unpack_made),
        "load": "d",
        "turns": Packed(KEPT_TURNS * _TURN.size, _pack_turns, _unpack_turns),
        "n_late": "q",
        "generator": _NAME,
        "trouble": text_field(800),
    },
)
WISH: Final = Layout(Wish, {"number": "q", "generator": _NAME})
ANSWER: Final = Layout(Answer, {"number": "q", "trouble": text_field(800)})
