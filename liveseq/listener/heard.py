"""The input as it is heard, in shared memory between listener and conductor: see `exchange`.

Beside its status the listener writes a ring buffer of the last minute's descriptor frames, eight (one predictor step)
at a time; the conductor's order is whether to record.
"""

from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from typing import Final

import numpy as np

from liveseq.dsp.descriptors import DESCRIPTOR_NAMES, HOP_LENGTH
from liveseq.memory.exchange import Exchange, buffer_of, exchange_size
from liveseq.memory.layout import Layout, text_field
from liveseq.memory.slots import read_slot, slot_size, write_slot

STEP_FRAMES = 8
KEPT_SECONDS = 64.0
_ROW = len(DESCRIPTOR_NAMES)
_STEP_BYTES: Final = 4 * STEP_FRAMES * _ROW
_STEP: Final = slot_size(_STEP_BYTES)


@dataclass(frozen=True, kw_only=True, slots=True)
class InputStatus:
    """The listener's state, about fifty times a second."""

    generation: int = 0
    """How many listeners have started on this memory."""
    pid: int = 0
    monotonic_ns: int = 0
    """When this was written."""
    first_step: int = 0
    """The first step that this listener has heard: nothing before it is joined on."""
    n_steps: int = 0
    """Steps heard since the memory was made."""
    n_lost: int = 0
    """Samples that were lost because the listener was too late."""
    level_db: float = -120.0
    """Peak of the last moment."""
    order: int = 0
    """Number of the order that is obeyed."""
    done: int = 0
    """Number of the order whose take is in the corpus, or has failed."""
    state: str = "starting"
    """starting, ready or lost."""
    device: str = ""
    """Name of the input, or why there is none."""
    take: str = ""
    """Name of the last take in the corpus; empty where it has failed."""
    error: str = ""
    """Why the last take has failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """An order of the conductor."""

    number: int = 0
    """A higher one is a new order."""
    record: bool = False
    tag: str = ""
    """Tag of the take."""


_STATUS: Final = Layout(
    InputStatus,
    {
        "generation": "q",
        "pid": "q",
        "monotonic_ns": "q",
        "first_step": "q",
        "n_steps": "q",
        "n_lost": "q",
        "level_db": "d",
        "order": "q",
        "done": "q",
        "state": text_field(16),
        "device": text_field(256),
        "take": text_field(256),
        "error": text_field(256),
    },
)
_ORDER: Final = Layout(Order, {"number": "q", "record": "?", "tag": text_field(800)})
_STEPS_AT: Final = exchange_size(_STATUS, _ORDER)


class InputState(Exchange[Order, InputStatus]):
    """The shared memory itself."""

    def __init__(self, memory: SharedMemory, *, sample_rate: int, owner: bool) -> None:
        self._buffer = buffer_of(memory)
        super().__init__(self._buffer, status=_STATUS, order=_ORDER, memory=memory, owner=owner)
        self._n_kept = _n_kept(sample_rate)

    @classmethod
    def create(cls, *, sample_rate: int) -> "InputState":
        """New shared memory, which lives until this object is closed."""
        size = _STEPS_AT + _n_kept(sample_rate) * _STEP
        return cls(SharedMemory(create=True, size=size), sample_rate=sample_rate, owner=True)

    @classmethod
    def attach(cls, name: str, *, sample_rate: int) -> "InputState":
        """The memory that `create` has made. Raises FileNotFoundError where it is gone."""
        return cls(SharedMemory(name=name), sample_rate=sample_rate, owner=False)

    def write_step(self, number: int, frames: np.ndarray) -> None:
        """Listener only: step `number` (from 0), float32 (8, 43). It is to be counted in the status afterwards."""
        body = frames.astype("<f4").tobytes()
        write_slot(self._buffer, self._place(number), number + 1, body)

    def frames(self, status: InputStatus, *, n_steps: int, before: int = 0) -> np.ndarray:
        """The last steps that this listener has heard, oldest first, at most `n_steps`: float32 (n, 43).

        before: leave out the newest so many. Steps that are overwritten meanwhile are left out too.
        """
        end = status.n_steps - before
        begin = max(end - n_steps, status.first_step, end - self._n_kept + 1)
        steps = []
        for number in range(begin, end):
            found, body = read_slot(self._buffer, self._place(number), _STEP_BYTES)
            if found == number + 1:
                steps.append(np.frombuffer(body, dtype="<f4").reshape(STEP_FRAMES, _ROW))
            else:
                steps.clear()
        return np.concatenate([np.zeros((0, _ROW), dtype=np.float32), *steps])

    def _place(self, number: int) -> int:
        return _STEPS_AT + number % self._n_kept * _STEP


def step_seconds(sample_rate: int) -> float:
    """Seconds of one step."""
    return STEP_FRAMES * HOP_LENGTH / sample_rate


def _n_kept(sample_rate: int) -> int:
    return int(KEPT_SECONDS / step_seconds(sample_rate)) + 1
