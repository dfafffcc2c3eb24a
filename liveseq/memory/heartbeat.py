"""Heartbeats in shared memory: each process counts its rounds, and the supervisor looks whether it goes on counting.

A process that hangs lives on, and only its silence tells. Silence is counted in turns of who listens, not in seconds:
where all were suspended (a laptop that slept), the listener was, too. What takes long is said beforehand: so long the
process may be silent.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.shared_memory import SharedMemory
from typing import Final

from liveseq.memory.exchange import buffer_of

TURN_SECONDS = 0.05
"""Least between two turns of the listener that count."""
PATIENCE_SECONDS = 2.0
"""Silence after which a process hangs, while it goes its rounds."""
START_SECONDS = 300.0
"""The same until its first round: it may read a corpus of gigabytes from a slow disk."""
MOST_PROCESSES = 16
SUPERVISOR: Final = 0
"""Place of the heart of the process that listens to the others: one of them listens to it."""
_BEATS: Final = struct.Struct("<Q")
_PATIENCE: Final = struct.Struct("<I")  # in turns
_PATIENCE_AT: Final = _BEATS.size
_CELL: Final = 64


class Heart:
    """The beat of one process, which alone writes it but for its start."""

    def __init__(self, buffer: memoryview | bytearray, place: int, *, memory: SharedMemory | None = None) -> None:
        """memory: which the buffer is of, where it is shared."""
        self._buffer = buffer
        self._memory = memory
        self._begin = place * _CELL
        (self._n,) = _BEATS.unpack_from(buffer, self._begin)
        self._patience = START_SECONDS
        self._silences: list[float] = []

    @classmethod
    def attach(cls, name: str, place: int) -> "Heart":
        """The heart at a place of the memory that `Hearts.create` has made."""
        memory = SharedMemory(name=name)
        return cls(buffer_of(memory), place, memory=memory)

    @classmethod
    def unheard(cls) -> "Heart":
        """A heart to which nobody listens."""
        return cls(bytearray(_CELL), 0)

    def beat(self) -> None:
        """Say that another round was gone."""
        self._n += 1
        _BEATS.pack_into(self._buffer, self._begin, self._n)

    def go_rounds(self, *, patience: float = PATIENCE_SECONDS) -> None:
        """Begin to beat in every round. patience: seconds of silence after which this process hangs."""
        self._patience = patience
        self._expect()

    @contextmanager
    def silent(self, seconds: float) -> Iterator[None]:
        """Be silent for longer than usual, at most for so long: for what is one long piece of work. Any thread."""
        self._silences.append(seconds)
        self._expect()
        try:
            yield
        finally:
            self._silences.remove(seconds)
            self._expect()

    def supervisor(self) -> "Listener":
        """The other end of the heart of who listens to this one."""
        return Listener(self._buffer, SUPERVISOR)

    def _expect(self) -> None:
        seconds = max(self._silences, default=self._patience)
        self.beat()  # first: patience that ends must not find an old silence
        _PATIENCE.pack_into(self._buffer, self._begin + _PATIENCE_AT, _turns(seconds))


class Listener:
    """The other end of a heart: whether it still beats."""

    def __init__(self, buffer: memoryview | bytearray, place: int) -> None:
        self._buffer = buffer
        self._begin = place * _CELL
        self._heard = self._beats()
        self._n_silent = 0
        self._turn = 0.0

    def begin(self) -> None:
        """Listen to a new process, before it starts."""
        _PATIENCE.pack_into(self._buffer, self._begin + _PATIENCE_AT, _turns(START_SECONDS))

    def hangs(self, now: float) -> bool:
        """Whether it has been silent for too many turns; this is one, where the last one is long enough ago.

        now: monotonic seconds. However long the turn before was, it is one.
        """
        if now - self._turn < TURN_SECONDS:
            return False
        self._turn = now
        (most,) = _PATIENCE.unpack_from(self._buffer, self._begin + _PATIENCE_AT)  # first: see Heart._expect
        beats = self._beats()
        self._n_silent = self._n_silent + 1 if beats == self._heard else 0
        self._heard = beats
        return bool(self._n_silent > most)

    def _beats(self) -> int:
        (beats,) = _BEATS.unpack_from(self._buffer, self._begin)
        return int(beats)


class Hearts:
    """The shared memory of all hearts; its owner's end is the memory's."""

    def __init__(self, memory: SharedMemory) -> None:
        self._memory = memory
        self._places: dict[str, int] = {"supervisor": SUPERVISOR}

    @classmethod
    def create(cls) -> "Hearts":
        """New shared memory, which lives until this object is closed."""
        return cls(SharedMemory(create=True, size=MOST_PROCESSES * _CELL))

    @property
    def memory(self) -> str:
        """Name of the shared memory."""
        return self._memory.name

    def place(self, name: str) -> int:
        """Place of the heart of a process, by name: the one that takes its part later has the same."""
        return self._places.setdefault(name, len(self._places))

    def listener(self, name: str) -> Listener:
        """The other end of it."""
        listener = Listener(buffer_of(self._memory), self.place(name))
        listener.begin()
        return listener

    def supervisor(self) -> Heart:
        """The heart of who has made this memory."""
        return Heart(buffer_of(self._memory), SUPERVISOR)

    def close(self) -> None:
        """Give back the memory."""
        self._memory.close()
        self._memory.unlink()


def _turns(seconds: float) -> int:
    return round(seconds / TURN_SECONDS)
