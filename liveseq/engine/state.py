"""The engine's account of itself, in shared memory: written by one process, read by any, waited for by none.

Two records (see `memory.slots`): `pulse`, written by the audio thread in every block, and `status`, written by the
engine's main thread when something changes.
"""

import time
from dataclasses import dataclass, field
from multiprocessing.shared_memory import SharedMemory
from typing import Final

from liveseq.engine.events import MAX_LAYERS
from liveseq.memory.exchange import buffer_of
from liveseq.memory.layout import Fields, Layout, Numbers, text_field
from liveseq.memory.slots import Slots, slot_size

EXIT_DEVICE_LOST: Final = 75
"""Exit code: the device stopped asking for blocks. Start a new engine, which opens it by name again."""
HANDED_OVER: Final = 3
"""Transport in the last pulse of an engine that has made way for another."""


@dataclass(kw_only=True, slots=True)
class Pulse:
    """One block's worth of news. Levels are linear."""

    clock: int = 0
    """Sample clock of the first sample of the newest block."""
    monotonic_ns: int = 0
    """`time.monotonic_ns()` at which the device asked for that block."""
    blocks: int = 0
    """Counts go on when the engine process is replaced; so does the clock."""
    underruns: int = 0
    """Blocks that the device wanted and did not get in time."""
    slow: int = 0
    """Blocks that took longer to render than they last: underruns of our own making."""
    overruns: int = 0
    """Blocks that a recording lost because the disk was too slow."""
    late: int = 0
    """This and the next four: see `layer.Counters`."""
    dropped: int = 0
    continued: int = 0
    looped: int = 0
    silenced: int = 0
    bad_blocks: int = 0
    """Blocks in which a NaN or an Inf was silenced."""
    peaks: list[float] = field(default_factory=lambda: [0.0, 0.0])
    """Left and right, falling within 0.3 s."""
    rms: list[float] = field(default_factory=lambda: [0.0, 0.0])
    cpu: float = 0.0
    """Time to render a block over its duration, averaged over half a second."""
    cpu_peak: float = 0.0
    """The same for the slowest block, falling within five seconds."""
    latency: float = 0.0
    """Seconds from the clock to the output: limiter and device, as far as the device says."""
    transport: int = 0
    """`mixer.Transport`: 0 stopped, 1 playing, 2 stopping; HANDED_OVER."""
    units: list[int | None] = field(default_factory=lambda: [None] * MAX_LAYERS)
    """Sounding unit of layer 1, 2, ..."""
    steps: list[int] = field(default_factory=lambda: [0] * MAX_LAYERS)
    """`layer.Step` of each layer: 0 planned, 1 continued, 2 looped, 3 silenced."""
    layer_peaks: list[float] = field(default_factory=lambda: [0.0] * MAX_LAYERS)
    layer_rms: list[float] = field(default_factory=lambda: [0.0] * MAX_LAYERS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """News that change seldom."""

    generation: int = 0
    """Number of engines that have started on this memory. A new one is stopped, at gain 0 dB, and knows no events."""
    pid: int = 0
    sample_rate: float = 0.0
    """Hz, as the device says."""
    state: str = "starting"
    """starting, ready, no_device, device_lost, ended."""
    device: str = ""
    """Device or file that the sound goes to, or why it goes nowhere."""
    block_size: int = 0
    """Samples that the output asks for."""
    granted: str = ""
    """Priority and memory locking that the system has granted."""
    troubles: str = ""
    """Sentences on what is amiss now, a line each."""


_PULSE: Final = Layout(
    Pulse,
    {
        "clock": "q",
        "monotonic_ns": "q",
        "blocks": "q",
        "underruns": "q",
        "slow": "q",
        "overruns": "q",
        "late": "q",
        "dropped": "q",
        "continued": "q",
        "looped": "q",
        "silenced": "q",
        "bad_blocks": "q",
        "peaks": Numbers(2, "f"),
        "rms": Numbers(2, "f"),
        "cpu": "f",
        "cpu_peak": "f",
        "latency": "f",
        "transport": "B",
        "units": Numbers(MAX_LAYERS, "q", none=-1),
        "steps": Numbers(MAX_LAYERS, "b"),
        "layer_peaks": Numbers(MAX_LAYERS, "f"),
        "layer_rms": Numbers(MAX_LAYERS, "f"),
    },
)
_STATUS: Final = Layout(
    Status,
    {
        "generation": "q",
        "pid": "q",
        "sample_rate": "d",
        "state": text_field(16),
        "device": text_field(256),
        "block_size": "q",
        "granted": text_field(256),
        "troubles": text_field(1024),
    },
)
_STATUS_AT: Final = 2 * slot_size(_PULSE.size)
_SIZE: Final = _STATUS_AT + 2 * slot_size(_STATUS.size)


class EngineState:
    """The shared memory itself."""

    def __init__(self, memory: SharedMemory, *, owner: bool) -> None:
        self._memory = memory
        self._owner = owner
        self._pulse = Slots(buffer_of(memory), 0, size=_PULSE.size)
        self._status = Slots(buffer_of(memory), _STATUS_AT, size=_STATUS.size)

    @classmethod
    def create(cls) -> "EngineState":
        """New shared memory, which lives until this object is closed."""
        state = cls(SharedMemory(create=True, size=_SIZE), owner=True)
        state.write_pulse(Pulse())
        state.write_status(Status())
        return state

    @classmethod
    def attach(cls, name: str) -> "EngineState":
        """The memory that `create` has made. Raises FileNotFoundError where it is gone."""
        return cls(SharedMemory(name=name), owner=False)

    @property
    def name(self) -> str:
        """Name of the shared memory."""
        return self._memory.name

    def close(self) -> None:
        """Let go of the memory; whoever has created it gives it back."""
        self._memory.close()
        if self._owner:
            self._memory.unlink()

    def take_over(self) -> None:
        """Write from now on, after the engine before."""
        self._pulse.take_over()
        self._status.take_over()

    def write_pulse(self, pulse: Pulse) -> None:
        """Audio thread of the engine only."""
        self._pulse.write(_PULSE.pack(pulse))

    def read_pulse(self) -> Pulse:
        """The newest block's news. Any process."""
        return _read(self._pulse, _PULSE)

    def write_status(self, status: Status) -> None:
        """Main thread of the engine only; the creator before the engine starts, and while none runs."""
        self._status.write(_STATUS.pack(status))

    def read_status(self) -> Status:
        """The engine's status. Any process."""
        return _read(self._status, _STATUS)

    def clock_now(self, *, sample_rate: int) -> int:
        """The sample clock at this moment, as far as monotonic time tells."""
        pulse = self.read_pulse()
        if not pulse.monotonic_ns:
            return pulse.clock
        return pulse.clock + (time.monotonic_ns() - pulse.monotonic_ns) * sample_rate // 1_000_000_000


def _read(slots: Slots, layout: Layout[Fields]) -> Fields:
    body = slots.read()
    if body is None:  # `create` has written one, and both slots are damaged: our own bug
        raise RuntimeError("engine state: nothing whole in shared memory")
    return layout.unpack(body)
