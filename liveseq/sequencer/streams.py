"""Streams, sound that a generator makes while it is played: rings that they lie in, orders, and accounts of them.

Pure. A *stream* is endless sound of one generator and one seed, in steps of equal length; stream sample 0 is its first.
The ring that holds it is to the engine one more shard, which is written while it is read.

A ring of a hundred steps or so has no seam: its first steps are written twice, at its beginning and again behind its
last one. Who reads goes on into the repetition, and jumps back by a lap in the midst of it: the same samples before and
after, and what was heard lately lies before the reader everywhere, so that the engine can loop it.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from liveseq.runtime.latent import FREE, Travel

STREAM_SECONDS = 10.0
"""Seconds that a ring holds: twice what was heard lately and two steps, and what is planned (look-ahead, a unit, five
steps); a step may last half a second then. 3.8 MB at 48 kHz: sixteen layers have room in the 64 MB that a container
has."""
HEARD_SECONDS = 2.0
"""Least seconds before the reader: what an engine loops where nothing follows (engine.voices.LOOP_SECONDS)."""
MOST_AHEAD = 8
"""Steps between reader and writer for which a lap has room at least."""
KEPT_CHANGES = 4
"""Changes of tag that an order holds: a generator that was busy obeys them one after the other."""
KEPT_TURNS = 16
"""Turns that a status holds: whoever keeps a log reads them every few milliseconds."""


@dataclass(frozen=True, slots=True)
class RingShape:
    """Layout of steps in a ring. Places are counted in steps."""

    samples_per_step: int
    n_lap: int
    """Steps of one lap."""
    n_again: int
    """Steps behind the lap that repeat its first ones."""

    @classmethod
    def of(cls, n_samples: int, *, samples_per_step: int, sample_rate: int) -> "RingShape | None":
        """The shape of a ring of so many samples; None where the steps are too long for it."""
        n_again = math.ceil(HEARD_SECONDS * sample_rate / samples_per_step) + 2
        n_lap = n_samples // samples_per_step - n_again
        return cls(samples_per_step, n_lap, n_again) if n_lap >= n_again + MOST_AHEAD else None

    @property
    def n_places(self) -> int:
        """Steps that the ring holds, repeated ones too."""
        return self.n_lap + self.n_again

    def places(self, base: int, step: int) -> tuple[int, ...]:
        """Places at which a step is written, one or two. base: place of step 0."""
        place = (base + step) % self.n_lap
        return (place, place + self.n_lap) if place < self.n_again else (place,)

    def entry(self, base: int, step: int) -> int:
        """Place at which a reader that comes from elsewhere finds a step: with as much before it as there is."""
        first, *again = self.places(base, step)
        return again[0] if again and again[0] + 2 < self.n_places else first

    def after(self, place: int) -> int:
        """Place at which the reader goes on after another: the next one, or a lap before it."""
        return place + 1 if place + 2 < self.n_places else place + 1 - self.n_lap


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """Tag, tempo and travel that a stream is told: it is made under them."""

    vector: np.ndarray
    """Meaning of its tag, float32 (tag size,)."""
    tempo: float = 0.0
    """Beats per minute; 0: the stream's own."""
    travel: Travel = FREE
    """Where its latent is to be."""

    def is_like(self, other: "Told") -> bool:
        """Whether it tells the same."""
        same = self.tempo == other.tempo and np.array_equal(self.vector, other.vector)
        return same and self.travel.is_like(other.travel)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of tag, tempo or travel: the stream is made under them from stream sample `sample` on."""

    number: int
    """Number of the change, from 1; a later one at the same sample takes the place of an earlier one."""
    sample: int
    told: Told


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamOrder:
    """Order of a layer to its generator. Every new stream of a layer has a higher `ident`."""

    ident: int = 0
    generator: str = ""
    """Name of the model; empty: nothing is wanted."""
    seed: int = 0
    begin: int = 0
    """Sample of the ring from which on it may be written: what sounded before lies elsewhere."""
    n_changes: int = 0
    """Changes of tag so far, with the tag that it begins with."""
    changes: tuple[Change, ...] = ()
    """The last of them, oldest first, in the order of their samples."""
    scheduled: int = 0
    """Steps that are planned; so many and a few more are to be made."""
    origin: int | None = None
    """Sample clock at which stream sample 0 sounds, or would have; None before anything does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """The part of a stream that is there."""

    shape: RingShape
    base: int
    """Place of step 0."""
    first: int
    """First step of those that go on from one another without a break."""
    end: int
    """One past the last step."""
    n_changes: int
    """Changes of tag that are obeyed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """A stream came too late, and has gone on where it stopped: that is no function of what was asked for."""

    layer: int
    ident: int
    """Number of the stream."""
    told: int
    """One past the last step that the engine knew of."""
    step: int
    """Step with which it went on."""
    start: int
    """Sample clock at which that was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """The way in which a change was obeyed. Where the streamer was late that is no function of what was asked for."""

    ident: int
    """Number of the stream; in a log, and in a replay, the layer's streams are counted from 1."""
    change: int
    """Number of the change."""
    after: int
    """Number of the change that was obeyed before it, and those between never were. Its own: a second turn of the same
    change, where steps behind the first one could not be made in time."""
    made: int
    """One past the last step that was there under what was told before."""
    begin: int
    """First step that was made anew, from the memory that it had been made from."""
    step: int
    """Step in which the sound changes over."""
    place: int | None
    """Sample of that step at which it does; None where nothing of the old sound had been heard. In older logs -1."""
    replaces: int
    """1 where it takes the place of the change before it, as if that had never been."""


@dataclass(kw_only=True, slots=True)
class StreamLine:
    """A stream as a layer reads it."""

    order: StreamOrder
    made: Made | None = None
    """The part that was there when it was last looked at."""
    next: int = 0
    """Step that is planned next."""
    place: int = 0
    """Place of that step in the ring."""
    wraps: bool = False
    """Whether the reader comes there by jumping back."""
    first: int = 0
    """First step of those that were read one after the other."""
    told: int = 0
    """One past the last step that the engine knows of: it reads on so far by itself. 0: it knows of none."""
    latest: Told | None = None
    """The last of what was told while the stream was to come: it begins under what it was ordered with."""


@dataclass(kw_only=True, slots=True)
class Streams:
    """The streams of a layer: `Streaming` alone changes them."""

    sounding: StreamLine | None = None
    """The one that is played instead of the corpus."""
    coming: StreamLine | None = None
    """The one that is to be, as soon as there is enough of it."""
    cursor: int = 0
    """Sample clock at which the next step of the one that sounds begins."""
    end: int = 0
    """Sample of the layer's ring up to which the last stream may be read."""

    @property
    def newest(self) -> StreamLine | None:
        """The stream that was ordered last; None where none is wanted."""
        return self.coming or self.sounding


class StreamSource(Protocol):
    """Source of streams, as a sequencer sees it. Never waits where somebody plays live."""

    def new_ident(self, number: int) -> int:
        """Number for the next stream of a layer."""

    def order(self, number: int, order: StreamOrder) -> None:
        """Order a stream, or change the order."""

    def made(self, number: int, ident: int) -> Made | None:
        """The part of this stream that is there; None before there is anything."""

    def trouble(self, number: int, ident: int) -> str:
        """Reason why there will be no more of it; empty where nothing is wrong."""


class NoStreams:
    """Source of a sequencer that has no generators."""

    def new_ident(self, number: int) -> int:
        return 1

    def order(self, number: int, order: StreamOrder) -> None:
        """Nobody hears of it."""

    def made(self, number: int, ident: int) -> Made | None:
        return None

    def trouble(self, number: int, ident: int) -> str:
        return ""
