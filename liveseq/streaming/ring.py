"""Ring buffers of streamed sound in shared memory, one per layer: the streamer writes them, the engine reads them.

Beside each lie order and wish, which the conductor writes, and status and answer, which the streamer writes (see
`layouts`). Nobody waits for anybody, and the memory belongs to the supervisor: it survives
every child's death.
"""

import shutil
from pathlib import Path
from typing import Final

import numpy as np

from liveseq.engine.rings import LastingMemory
from liveseq.errors import ConfigError
from liveseq.memory.exchange import newest
from liveseq.memory.layout import Fields, Layout
from liveseq.memory.slots import Slots, slot_size
from liveseq.sequencer.streams import STREAM_SECONDS, RingShape, StreamOrder
from liveseq.sequencer.timeline import STREAM_SHARD
from liveseq.streaming.layouts import ANSWER, ORDER, STATUS, WISH, Answer, StreamStatus, Wish

SHARED_FOLDER = Path("/dev/shm")
"""Shared memory of Linux; a container's default is 64 MB."""
SPARE_BYTES = 2_000_000
"""Room that the other processes share beside."""
_SAMPLE_BYTES: Final = 8  # stereo float32
_SIZES: Final = (ORDER.size, STATUS.size, WISH.size, ANSWER.size)
_HEAD_SIZE: Final = 4096 * -(-2 * sum(map(slot_size, _SIZES)) // 4096)


class StreamRing:
    """The ring buffer of one layer, and what is said about it."""

    def __init__(self, buffer: memoryview, *, n_samples: int) -> None:
        """buffer: order, status, wish and answer, and then the audio."""
        begins = (2 * sum(map(slot_size, _SIZES[:n])) for n in range(len(_SIZES)))
        slots = [Slots(buffer, begin, size=size) for begin, size in zip(begins, _SIZES, strict=True)]
        self._orders, self._statuses, self._wishes, self._answers = slots
        self._order = 0, StreamOrder()  # as it was read last, with its number
        self._status = 0, StreamStatus()  # likewise
        self.audio: np.ndarray = np.frombuffer(
            buffer, dtype=np.float32, count=2 * n_samples, offset=_HEAD_SIZE
        ).reshape(n_samples, 2)
        """float32 (n_samples, 2)."""

    def write_order(self, order: StreamOrder) -> None:
        """Order a stream. Conductor only. Raises ModelError where there is no room for its tag or its model's name."""
        self._orders.write(ORDER.pack(order))

    def read_order(self) -> StreamOrder:
        """The newest order. It is large, and looked at often: unpacked where it is another one."""
        self._order = _newer(self._order, self._orders, ORDER)
        return self._order[1]

    def write_status(self, status: StreamStatus) -> None:
        """Say how the stream is. Streamer only."""
        self._statuses.write(STATUS.pack(status))

    def read_status(self) -> StreamStatus:
        """The newest status. It is looked at often, too."""
        self._status = _newer(self._status, self._statuses, STATUS)
        return self._status[1]

    def write_wish(self, wish: Wish) -> None:
        """Wish a model to be open. Conductor only. Raises ModelError where there is no room for the model's name."""
        self._wishes.write(WISH.pack(wish))

    def read_wish(self) -> Wish:
        """The newest wish."""
        return newest(self._wishes, WISH)

    def write_answer(self, answer: Answer) -> None:
        """Answer the wish. Streamer only."""
        self._answers.write(ANSWER.pack(answer))

    def read_answer(self) -> Answer:
        """The newest answer."""
        return newest(self._answers, ANSWER)

    def write_step(self, shape: RingShape, base: int, step: int, audio: np.ndarray) -> None:
        """Write a step. Streamer only, which then counts it in the status. audio: float32 (samples_per_step, 2)."""
        for place in shape.places(base, step):
            begin = place * shape.samples_per_step
            self.audio[begin : begin + shape.samples_per_step] = audio

    def read_step(self, shape: RingShape, base: int, step: int) -> np.ndarray:
        """A copy of a step, float32 (samples_per_step, 2)."""
        begin = shape.places(base, step)[0] * shape.samples_per_step
        return self.audio[begin : begin + shape.samples_per_step].copy()


class StreamRings:
    """The ring buffers of all layers, in one piece of memory."""

    def __init__(self, buffer: memoryview, *, n_layers: int, sample_rate: int) -> None:
        """buffer: room for all of them, see `places`."""
        self.n_samples = _n_samples(sample_rate)
        self.sample_rate = sample_rate
        each = _HEAD_SIZE + self.n_samples * _SAMPLE_BYTES
        self.rings = [StreamRing(buffer[n * each : (n + 1) * each], n_samples=self.n_samples) for n in range(n_layers)]
        self._memory: LastingMemory | None = None
        self._owner = False

    @classmethod
    def create(cls, *, n_layers: int, sample_rate: int) -> "StreamRings":
        """New shared memory, which lives until this object is closed. Raises ConfigError where there is no room."""
        size = n_layers * (_HEAD_SIZE + _n_samples(sample_rate) * _SAMPLE_BYTES)
        _check_room(size, n_layers=n_layers)
        memory = LastingMemory(create=True, size=size)
        return cls._over(memory, n_layers=n_layers, sample_rate=sample_rate, owner=True)

    @classmethod
    def attach(cls, name: str, *, n_layers: int, sample_rate: int) -> "StreamRings":
        """The memory that `create` has made. Raises FileNotFoundError where it is gone."""
        return cls._over(LastingMemory(name=name), n_layers=n_layers, sample_rate=sample_rate, owner=False)

    @classmethod
    def local(cls, *, n_layers: int, sample_rate: int) -> "StreamRings":
        """Memory of this process alone, for what is rendered offline."""
        size = n_layers * (_HEAD_SIZE + _n_samples(sample_rate) * _SAMPLE_BYTES)
        return cls(memoryview(bytearray(size)), n_layers=n_layers, sample_rate=sample_rate)

    @classmethod
    def _over(cls, memory: LastingMemory, *, n_layers: int, sample_rate: int, owner: bool) -> "StreamRings":
        assert memory.buf is not None
        rings = cls(memory.buf, n_layers=n_layers, sample_rate=sample_rate)
        rings._memory, rings._owner = memory, owner
        return rings

    @property
    def name(self) -> str:
        """Name of the shared memory."""
        assert self._memory is not None
        return self._memory.name

    @property
    def wanted(self) -> bool:
        """Whether any layer wants a stream, or will as soon as its model is open."""
        return any(
            ring.read_order().generator or ring.read_wish().number > ring.read_answer().number for ring in self.rings
        )

    def ring(self, number: int) -> StreamRing:
        """The ring buffer of a layer, numbered from 1."""
        return self.rings[number - 1]

    def shards(self) -> dict[int, np.ndarray]:
        """The audio of each layer as a mixer of this process knows it, by shard number."""
        return {STREAM_SHARD + n: ring.audio for n, ring in enumerate(self.rings)}

    def places(self) -> tuple[tuple[int, int], ...]:
        """Places of the layers' audio in the memory: (bytes from its beginning, samples) of each."""
        each = _HEAD_SIZE + self.n_samples * _SAMPLE_BYTES
        return tuple((n * each + _HEAD_SIZE, self.n_samples) for n in range(len(self.rings)))

    def close(self) -> None:
        """Leave the memory: it goes when the last process that has it ends."""
        if self._memory is not None and self._owner:
            self._memory.unlink()


def _newer(read: tuple[int, Fields], slots: Slots, layout: Layout[Fields]) -> tuple[int, Fields]:
    """The newest fields with their number: those that were read last, where there are no others."""
    if not slots.changed(read[0]):
        return read
    number, body = slots.numbered()
    return number, layout.unpack(body) if number else layout.empty()


def _check_room(size: int, *, n_layers: int) -> None:
    """Before it is found out by a crash: the system hands out more than it has."""
    if not SHARED_FOLDER.is_dir():  # no Linux
        return
    needed, free = size + SPARE_BYTES, shutil.disk_usage(SHARED_FOLDER).free
    if free < needed:
        raise ConfigError(
            f"layers: {n_layers} need {needed / 1e6:.0f} MB of shared memory for what generators play on them, found "
            f"{free / 1e6:.0f} MB free in {SHARED_FOLDER}; set fewer layers, or give it more (docker: --shm-size 128m)"
        )


def _n_samples(sample_rate: int) -> int:
    return int(STREAM_SECONDS * sample_rate)
