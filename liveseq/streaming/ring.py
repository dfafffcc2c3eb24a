"""Rings of streamed sound in shared memory, one per layer: written by the streamer process, read by the engine.

Beside each ring lie four records (see `engine.slots`): order and wish, which the conductor writes; status and answer to
the wish, which the streamer writes. Nobody waits for anybody, and the memory belongs to the supervisor: it survives
every child's death.
"""

import shutil
from pathlib import Path
from typing import Final

import numpy as np

from liveseq.engine.rings import LastingMemory
from liveseq.errors import ConfigError
from liveseq.memory.exchange import newest
from liveseq.memory.layout import Layout, Record
from liveseq.memory.slots import Slots, slot_size
from liveseq.sequencer.streams import STREAM_SECONDS, RingShape, StreamOrder
from liveseq.sequencer.timeline import STREAM_SHARD
from liveseq.streaming.records import ANSWER, ORDER, STATUS, WISH, Answer, StreamStatus, Wish

SHARED_FOLDER = Path("/dev/shm")
"""Where Linux keeps shared memory; a container's default is 64 MB."""
SPARE_BYTES = 2_000_000
"""That the other processes share beside."""
_SAMPLE_BYTES: Final = 8  # stereo float32
_SIZES: Final = (ORDER.size, STATUS.size, WISH.size, ANSWER.size)
_HEAD_SIZE: Final = 4096 * -(-2 * sum(map(slot_size, _SIZES)) // 4096)


class StreamRing:
    """Ring and records of one layer."""

    def __init__(self, buffer: memoryview, *, n_samples: int) -> None:
        """buffer: records, and then the audio."""
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
        """Conductor only. Raises ModelError where there is no room for a tag's numbers, or for the model's name."""
        self._orders.write(ORDER.pack(order))

    def read_order(self) -> StreamOrder:
        """It is large, and looked at often: unpacked where it is another one."""
        self._order = _newer(self._order, self._orders, ORDER)
        return self._order[1]

    def write_status(self, status: StreamStatus) -> None:
        """Streamer only."""
        self._statuses.write(STATUS.pack(status))

    def read_status(self) -> StreamStatus:
        """Looked at often, too."""
        self._status = _newer(self._status, self._statuses, STATUS)
        return self._status[1]

    def write_wish(self, wish: Wish) -> None:
        """Conductor only. Raises ModelError where there is no room for the model's name."""
        self._wishes.write(WISH.pack(wish))

    def read_wish(self) -> Wish:
        return newest(self._wishes, WISH)

    def write_answer(self, answer: Answer) -> None:
        """Streamer only."""
        self._answers.write(ANSWER.pack(answer))

    def read_answer(self) -> Answer:
        return newest(self._answers, ANSWER)

    def write_step(self, shape: RingShape, base: int, step: int, audio: np.ndarray) -> None:
        """Streamer only: float32 (samples_per_step, 2). It is to be counted in the status afterwards."""
        for place in shape.places(base, step):
            begin = place * shape.samples_per_step
            self.audio[begin : begin + shape.samples_per_step] = audio

    def read_step(self, shape: RingShape, base: int, step: int) -> np.ndarray:
        """A copy, float32 (samples_per_step, 2)."""
        begin = shape.places(base, step)[0] * shape.samples_per_step
        return self.audio[begin : begin + shape.samples_per_step].copy()


class StreamRings:
    """The rings of all layers, in one piece of memory."""

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
        """In this process's own memory, for what is rendered offline."""
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
        """Of the shared memory."""
        assert self._memory is not None
        return self._memory.name

    @property
    def wanted(self) -> bool:
        """Whether any layer wants a stream, or will as soon as its model is open."""
        return any(
            ring.read_order().generator or ring.read_wish().number > ring.read_answer().number for ring in self.rings
        )

    def ring(self, number: int) -> StreamRing:
        """Of a layer, numbered from 1."""
        return self.rings[number - 1]

    def shards(self) -> dict[int, np.ndarray]:
        """The audio of each layer as a mixer of this process knows it, by shard number."""
        return {STREAM_SHARD + n: ring.audio for n, ring in enumerate(self.rings)}

    def places(self) -> tuple[tuple[int, int], ...]:
        """Where in the memory the audio of each layer lies: (bytes from its beginning, samples)."""
        each = _HEAD_SIZE + self.n_samples * _SAMPLE_BYTES
        return tuple((n * each + _HEAD_SIZE, self.n_samples) for n in range(len(self.rings)))

    def close(self) -> None:
        """The memory goes when the last process that has it ends."""
        if self._memory is not None and self._owner:
            self._memory.unlink()


def _newer(read: tuple[int, Record], slots: Slots, layout: Layout[Record]) -> tuple[int, Record]:
    """The newest record with its number: the one that was read last, where there is no other."""
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
