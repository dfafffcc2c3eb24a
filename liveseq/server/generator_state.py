"""Orders to the generator process and what it says of itself, in shared memory; neither side ever waits for the other.

The conductor writes one order at a time and keeps the queue; the generator writes its status. Both survive each
other's death: the supervisor owns the memory.
"""

import dataclasses
import struct
from dataclasses import dataclass, field
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Final

import numpy as np

from liveseq.engine.slots import Slots, slot_size

MAX_VECTOR = 1024
"""Numbers of a tag's vector."""
_PATH_BYTES = 4096
_TEXT_BYTES = 800  # of a tag: 200 characters
_TEXT_SIZES: Final = (1024, 16, 800)  # of name, code, error
_STATUS: Final = struct.Struct("<qqqqqdqd" + "".join(f"{size}s" for size in _TEXT_SIZES))
_ORDER: Final = struct.Struct(f"<q16sd?qI{_PATH_BYTES}s{_TEXT_BYTES}s{_TEXT_BYTES}s{4 * MAX_VECTOR}s")
_ORDER_AT: Final = 2 * slot_size(_STATUS.size)
STATE_BYTES: Final = _ORDER_AT + 2 * slot_size(_ORDER.size)


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratorStatus:
    """What the generator says of itself, after every step that it has made."""

    generation: int = 0
    """How many generator processes have started on this memory."""
    pid: int = 0
    monotonic_ns: int = 0
    """When this was written."""
    order: int = 0
    """Number of the order that is obeyed."""
    done: int = 0
    """Number of the last order that is finished: obeyed, failed or given up."""
    progress: float = 0.0
    """Of the order that is obeyed, 0 to 1."""
    n_units: int = 0
    """That it has brought into the corpus so far."""
    grown_seconds: float = 0.0
    """Of sound in the corpus, of all orders to grow since the memory was made."""
    name: str = ""
    """Of what has been made, as its sources are called."""
    code: str = ""
    """Why the order has failed: a code of /liveseq/fail; empty where it has not."""
    error: str = ""
    """The same in a sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratorOrder:
    """What the conductor wants. A new order while another is obeyed ends that one."""

    number: int = 0
    """A higher one is a new order."""
    kind: str = "rest"
    """load (open the model, so that it is warm), make, or rest."""
    seconds: float = 0.0
    grows: bool = False
    """Whether it counts as growth."""
    seed: int = 0
    folder: Path = Path()
    """Of the model."""
    text: str = ""
    """The performer's word."""
    main: str = ""
    """Tag that the word mostly means to the model; empty where it is none, or the word itself."""
    vector: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.float32), repr=False, compare=False)
    """float32 (n,), n up to MAX_VECTOR: what the word means."""

    @property
    def tags(self) -> tuple[str, ...]:
        return (self.text, self.main) if self.main else (self.text,)


class GeneratorState:
    """The shared memory itself."""

    def __init__(self, buffer: memoryview, *, memory: SharedMemory | None = None, owner: bool = False) -> None:
        """buffer: STATE_BYTES of them, of `memory` where it is shared."""
        self._memory = memory
        self._owner = owner
        self._status = Slots(buffer, 0, size=_STATUS.size)
        self._order = Slots(buffer, _ORDER_AT, size=_ORDER.size)

    @classmethod
    def create(cls) -> "GeneratorState":
        """New shared memory, which lives until this object is closed."""
        return cls._over(SharedMemory(create=True, size=STATE_BYTES), owner=True)

    @classmethod
    def attach(cls, name: str) -> "GeneratorState":
        """The memory that `create` has made. Raises FileNotFoundError where it is gone."""
        return cls._over(SharedMemory(name=name), owner=False)

    @classmethod
    def _over(cls, memory: SharedMemory, *, owner: bool) -> "GeneratorState":
        assert memory.buf is not None
        return cls(memory.buf, memory=memory, owner=owner)

    @property
    def name(self) -> str:
        assert self._memory is not None
        return self._memory.name

    def close(self) -> None:
        assert self._memory is not None
        self._memory.close()
        if self._owner:
            self._memory.unlink()

    def write_status(self, status: GeneratorStatus) -> None:
        """Generator only."""
        texts = (status.name, status.code, status.error)
        numbers = (status.generation, status.pid, status.monotonic_ns, status.order, status.done)
        made = (status.progress, status.n_units, status.grown_seconds)
        packed = [_clip(text, size) for text, size in zip(texts, _TEXT_SIZES, strict=True)]
        self._status.write(_STATUS.pack(*numbers, *made, *packed))

    def read_status(self) -> GeneratorStatus:
        body = self._status.read()
        if body is None:
            return GeneratorStatus()
        *numbers, name, code, error = _STATUS.unpack(body)
        names = [one.name for one in dataclasses.fields(GeneratorStatus)][: len(numbers)]
        return GeneratorStatus(
            **dict(zip(names, numbers, strict=True)),
            name=_text(name),
            code=_text(code),
            error=_text(error),
        )

    def write_order(self, order: GeneratorOrder) -> None:
        """Conductor only."""
        self._order.write(
            _ORDER.pack(
                order.number,
                order.kind.encode(),
                order.seconds,
                order.grows,
                order.seed,
                len(order.vector),
                str(order.folder).encode(),
                _clip(order.text, _TEXT_BYTES),
                _clip(order.main, _TEXT_BYTES),
                order.vector.astype("<f4").tobytes(),
            )
        )

    def read_order(self) -> GeneratorOrder:
        body = self._order.read()
        if body is None:
            return GeneratorOrder()
        number, kind, seconds, grows, seed, n, folder, text, main, vector = _ORDER.unpack(body)
        return GeneratorOrder(
            number=number,
            kind=_text(kind),
            seconds=seconds,
            grows=grows,
            seed=seed,
            folder=Path(_text(folder)),
            text=_text(text),
            main=_text(main),
            vector=np.frombuffer(vector, dtype="<f4")[:n],
        )


def _clip(text: str, size: int) -> bytes:
    """UTF-8 in at most `size` bytes, cut between characters."""
    return text.encode()[:size].decode("utf-8", "ignore").encode()


def _text(data: bytes) -> str:
    return data.rstrip(b"\0").decode("utf-8", "replace")
