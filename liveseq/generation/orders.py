"""Orders to the generator process and its status, in shared memory: see `memory.exchange`."""

from dataclasses import dataclass, field, replace
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Final

import numpy as np

from liveseq.memory.exchange import Exchange, buffer_of, exchange_size
from liveseq.memory.layout import MAX_TAG_SIZE, Layout, Packed, name, name_field, tag_bytes, text_field

_PATH_BYTES = 4096
_TEXT_BYTES = 800  # of a tag: 200 characters


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratorStatus:
    """Status of the generator, written after every step that it has made."""

    generation: int = 0
    """Number of generator processes that have started on this memory."""
    pid: int = 0
    """Id of the process."""
    monotonic_ns: int = 0
    """Time at which this was written."""
    order: int = 0
    """Number of the order that is obeyed."""
    done: int = 0
    """Number of the last order that is finished: obeyed, failed or given up."""
    progress: float = 0.0
    """Share of the order that is done, 0 to 1."""
    n_units: int = 0
    """Units that it has brought into the corpus so far."""
    grown_seconds: float = 0.0
    """Seconds of sound in the corpus by all orders to grow since the memory was made."""
    name: str = ""
    """Name of the job, as its sources are called."""
    code: str = ""
    """Code of /liveseq/fail for an order that has failed; empty where it has not."""
    error: str = ""
    """The same in a sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratorOrder:
    """Order of the conductor. A new one while another is obeyed ends that."""

    number: int = 0
    """Number of the order: a higher one is a new order, the same tells the one under way how to go on."""
    kind: str = "rest"
    """load (open the model, so that it is warm), make, or rest."""
    seconds: float = 0.0
    grows: bool = False
    """Whether it counts as growth."""
    hurry: bool = False
    """Whether growth does not rest, because something waits behind it."""
    seed: int = 0
    tempo: float = 0.0
    """Beats per minute; 0: the model's own."""
    folder: Path = Path()
    """Folder of the model."""
    text: str = ""
    """The performer's word."""
    main: str = ""
    """Tag that the word mostly means to the model; empty where it is none, or the word itself."""
    vector: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.float32), repr=False, compare=False)
    """Meaning of the word, float32 (n,), n up to MAX_TAG_SIZE."""

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags of the sound in a corpus."""
        return (self.text, self.main) if self.main else (self.text,)


def _packed(vector: np.ndarray) -> bytes:
    return len(vector).to_bytes(4, "little") + tag_bytes(vector)


def _unpacked(body: bytes) -> np.ndarray:
    return np.frombuffer(body, dtype="<f4", offset=4)[: int.from_bytes(body[:4], "little")]


_STATUS: Final = Layout(
    GeneratorStatus,
    {
        "generation": "q",
        "pid": "q",
        "monotonic_ns": "q",
        "order": "q",
        "done": "q",
        "progress": "d",
        "n_units": "q",
        "grown_seconds": "d",
        "name": text_field(1024),
        "code": text_field(16),
        "error": text_field(800),
    },
)
_ORDER: Final = Layout(
    GeneratorOrder,
    {
        "number": "q",
        "kind": text_field(16),
        "seconds": "d",
        "grows": "?",
        "hurry": "?",
        "seed": "q",
        "tempo": "d",
        "folder": replace(name_field(_PATH_BYTES), unpack=lambda body: Path(name(body))),
        "text": text_field(_TEXT_BYTES),
        "main": text_field(_TEXT_BYTES),
        "vector": Packed(4 + 4 * MAX_TAG_SIZE, _packed, _unpacked),
    },
)
STATE_BYTES: Final = exchange_size(_STATUS, _ORDER)


class GeneratorState(Exchange[GeneratorOrder, GeneratorStatus]):
    """Shared memory of conductor and generator. The conductor writes one order at a time and keeps the queue."""

    def __init__(self, buffer: memoryview, *, memory: SharedMemory | None = None, owner: bool = False) -> None:
        """buffer: STATE_BYTES of them, of `memory` where it is shared."""
        super().__init__(buffer, status=_STATUS, order=_ORDER, memory=memory, owner=owner)

    @classmethod
    def create(cls) -> "GeneratorState":
        """New shared memory, which lives until this object is closed."""
        memory = SharedMemory(create=True, size=STATE_BYTES)
        return cls(buffer_of(memory), memory=memory, owner=True)

    @classmethod
    def attach(cls, name: str) -> "GeneratorState":
        """The memory that `create` has made. Raises FileNotFoundError where it is gone."""
        memory = SharedMemory(name=name)
        return cls(buffer_of(memory), memory=memory)
