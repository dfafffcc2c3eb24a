"""The conductor's end of the engine: its clock and its news out of shared memory, records into its pipe."""

import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

from liveseq.conductor.engine_memory import EngineMemory
from liveseq.engine.events import Record
from liveseq.engine.pipe import RecordWriter
from liveseq.engine.state import EngineState, Pulse, Status

DEAD_SECONDS = 0.5
"""Without a new block for this long, the engine counts as dead."""
MARGIN_SECONDS = 0.0003
"""Between the cost of a command and the block that it is to reach."""
MAX_LEAD_SECONDS = 0.03
"""Most by which a command acts later than it is obeyed."""
_DECAY = 0.9
"""Per command: how slowly a costly one is forgotten."""


class EngineLink:
    """Tells the engine and hears of it, and never waits. Event loop only."""

    def __init__(self, state: EngineState, connection: Connection, *, sample_rate: int, block_size: int) -> None:
        self.n_full = 0
        """Records that the pipe had no room for."""
        self.generation: int | None = None
        """The engine that knows what is to be played; None before any does."""
        self.sample_rate = sample_rate
        self.block_size = block_size
        """Samples that the output asks for."""
        self.memory = EngineMemory(sample_rate=sample_rate)
        """Everything that the engine of `generation` was sent and has not played yet."""
        self._state = state
        self._writer = RecordWriter(connection)
        self._troubles: list[str] = []
        self._cost = 0.002  # seconds from a command to its last record, as the dearest lately

    def pulse(self) -> Pulse:
        """The newest block's news."""
        return self._state.read_pulse()

    def status(self) -> Status:
        """The engine's state, device and generation."""
        return self._state.read_status()

    def troubles(self) -> list[str]:
        """Sentences on what is amiss with the engine; while a new one starts, with the one before."""
        status = self.status()
        if status.state != "starting":
            self._troubles = status.troubles.splitlines()
        return self._troubles

    def alive(self) -> bool:
        """Whether there was a block lately."""
        age = time.monotonic_ns() - self.pulse().monotonic_ns
        return age < DEAD_SECONDS * 1e9

    def clock(self) -> int:
        """The sample clock now; while no engine runs it goes on, as the next engine's will."""
        return self._state.clock_now(sample_rate=self.sample_rate)

    def act_at(self, due: float) -> int:
        """The first sample that a command which is obeyed now can still reach; not before `due` (monotonic seconds).

        The engine reads its pipe when a block begins: that is the begin of the first block after the records are sent.
        """
        now = self.clock()
        sent = now + int((self._cost + MARGIN_SECONDS) * self.sample_rate)
        begin = self.pulse().clock
        soonest = begin + -(-(sent - begin) // self.block_size) * self.block_size
        if not due:
            return soonest
        return max(soonest, now + int((due - time.monotonic()) * self.sample_rate))

    def note_cost(self, seconds: float) -> None:
        """A command and its plan have taken this long, from the moment at which it was given its sample."""
        self._cost = min(max(seconds, self._cost * _DECAY), MAX_LEAD_SECONDS)

    def send(self, records: Sequence[Record]) -> bool:
        """Whether all of them went. What did not is counted; the engine is then to be told everything anew."""
        n_sent = self._writer.send(records)
        self.n_full += len(records) - n_sent
        if n_sent < len(records):
            self.generation = None
        return n_sent == len(records)
