"""What the engine says about itself, in shared memory: written by one process, read by any, waited for by none.

Two records (see `slots`): `pulse`, written by the audio thread in every block, and `status`, written by the engine's
main thread when something changes.
"""

import struct
import time
from dataclasses import dataclass, field
from multiprocessing.shared_memory import SharedMemory
from typing import Final

from liveseq.engine.events import MAX_LAYERS
from liveseq.memory.slots import Slots, slot_size

_COUNTS: Final = (
    "blocks",
    "underruns",
    "slow",
    "overruns",
    "late",
    "dropped",
    "continued",
    "looped",
    "silenced",
    "bad_blocks",
)
_PULSE: Final = struct.Struct(f"<qq{len(_COUNTS)}q4f3fB{MAX_LAYERS}q{MAX_LAYERS}b{2 * MAX_LAYERS}f")
_STATUS: Final = struct.Struct("<qqd16s256s256s")
_STATUS_AT: Final = 2 * slot_size(_PULSE.size)
_SIZE: Final = _STATUS_AT + 2 * slot_size(_STATUS.size)
_ATTEMPTS: Final = 1000


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
    dropped: int = 0
    continued: int = 0
    looped: int = 0
    silenced: int = 0
    bad_blocks: int = 0
    """Blocks in which a NaN or an Inf was silenced."""
    peaks: tuple[float, float] = (0.0, 0.0)
    """Left and right, falling within 0.3 s."""
    rms: tuple[float, float] = (0.0, 0.0)
    cpu: float = 0.0
    """Time to render a block over its duration, averaged over half a second."""
    cpu_peak: float = 0.0
    """The same for the slowest block, falling within five seconds."""
    latency: float = 0.0
    """Seconds from the clock to the output: limiter and device, as far as the device says."""
    transport: int = 0
    """`mixer.Transport`: 0 stopped, 1 playing, 2 stopping."""
    units: list[int | None] = field(default_factory=lambda: [None] * MAX_LAYERS)
    """Sounding unit of layer 1, 2, ..."""
    steps: list[int] = field(default_factory=lambda: [0] * MAX_LAYERS)
    """`layer.Step` of each layer: 0 planned, 1 continued, 2 looped, 3 silenced."""
    layer_peaks: list[float] = field(default_factory=lambda: [0.0] * MAX_LAYERS)
    layer_rms: list[float] = field(default_factory=lambda: [0.0] * MAX_LAYERS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """What changes seldom."""

    generation: int = 0
    """How many engines have started on this memory. A new one is stopped, at gain 0 dB, and knows no events."""
    pid: int = 0
    sample_rate: float = 0.0
    """Hz, as the device says."""
    state: str = "starting"
    """starting, ready, no_device, device_lost, ended."""
    device: str = ""
    """What the sound goes to, or why it goes nowhere."""
    granted: str = ""
    """Priority and memory locking that the system has granted."""


class EngineState:
    """The shared memory itself."""

    def __init__(self, memory: SharedMemory, *, owner: bool) -> None:
        assert memory.buf is not None
        self._memory = memory
        self._owner = owner
        self._pulse = Slots(memory.buf, 0, size=_PULSE.size)
        self._status = Slots(memory.buf, _STATUS_AT, size=_STATUS.size)

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
        return self._memory.name

    def close(self) -> None:
        self._memory.close()
        if self._owner:
            self._memory.unlink()

    def write_pulse(self, pulse: Pulse) -> None:
        """Audio thread of the engine only."""
        self._pulse.write(
            _PULSE.pack(
                pulse.clock,
                pulse.monotonic_ns,
                *(getattr(pulse, name) for name in _COUNTS),
                *pulse.peaks,
                *pulse.rms,
                pulse.cpu,
                pulse.cpu_peak,
                pulse.latency,
                pulse.transport,
                *(-1 if unit is None else unit for unit in pulse.units),
                *pulse.steps,
                *pulse.layer_peaks,
                *pulse.layer_rms,
            ),
        )

    def read_pulse(self) -> Pulse:
        """The newest block's news. Any process."""
        values = _PULSE.unpack(_whole(self._pulse))
        rest = 2 + len(_COUNTS)
        layers = values[rest + 8 :]
        return Pulse(
            clock=values[0],
            monotonic_ns=values[1],
            **dict(zip(_COUNTS, values[2:rest], strict=True)),
            peaks=values[rest : rest + 2],
            rms=values[rest + 2 : rest + 4],
            cpu=values[rest + 4],
            cpu_peak=values[rest + 5],
            latency=values[rest + 6],
            transport=values[rest + 7],
            units=[None if unit < 0 else unit for unit in layers[:MAX_LAYERS]],
            steps=list(layers[MAX_LAYERS : 2 * MAX_LAYERS]),
            layer_peaks=list(layers[2 * MAX_LAYERS : 3 * MAX_LAYERS]),
            layer_rms=list(layers[3 * MAX_LAYERS :]),
        )

    def write_status(self, status: Status) -> None:
        """Main thread of the engine only; the creator before the engine starts, and while none runs."""
        texts = (_clip(text, size) for text, size in ((status.state, 16), (status.device, 256), (status.granted, 256)))
        self._status.write(_STATUS.pack(status.generation, status.pid, status.sample_rate, *texts))

    def read_status(self) -> Status:
        """Any process."""
        generation, pid, sample_rate, *texts = _STATUS.unpack(_whole(self._status))
        state, device, granted = (text.rstrip(b"\0").decode("utf-8", "replace") for text in texts)
        return Status(
            generation=generation, pid=pid, sample_rate=sample_rate, state=state, device=device, granted=granted
        )

    def clock_now(self, *, sample_rate: int) -> int:
        """The sample clock at this moment, as far as monotonic time tells."""
        pulse = self.read_pulse()
        if not pulse.monotonic_ns:
            return pulse.clock
        return pulse.clock + (time.monotonic_ns() - pulse.monotonic_ns) * sample_rate // 1_000_000_000


def _whole(slots: Slots) -> bytes:
    for _ in range(_ATTEMPTS):
        body = slots.read()
        if body is not None:
            return body
    raise RuntimeError("engine state: nothing whole in shared memory")  # both slots damaged: our own bug


def _clip(text: str, size: int) -> bytes:
    """UTF-8 in at most `size` bytes, cut between characters."""
    return text.encode()[:size].decode("utf-8", "ignore").encode()
