"""The conductor: OSC in, plans out, on one asyncio event loop that never waits for anything else.

A packet that comes is only queued, but for a panic or stop in it. One turn of the loop parses and obeys what has come,
for a few milliseconds each, plans what was cut, and sends the records to the engine in one go. A timer goes round every
10 ms: it plans ahead, announces, watches the engine.
"""

import asyncio
import gc
import math
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from liveseq.conductor.announcer import Announcer
from liveseq.conductor.desk import TURN_SECONDS, Desk
from liveseq.conductor.engine_link import MAX_LEAD_SECONDS
from liveseq.conductor.output_desk import OutputDesk
from liveseq.conductor.streams import LayerStreams
from liveseq.engine.events import Record, ShardAdded
from liveseq.engine.realtime import prefer_audio
from liveseq.memory.heartbeat import Heart
from liveseq.osc.packets import PREFIX
from liveseq.osc.scheduler import read_clocks

TICK_SECONDS = 0.01
HEALTHY_SECONDS = 2.0
"""An engine that dies sooner than this after it has taken up events may have died of them."""
PACKETS_PER_TURN = 512
"""Packets that are received before others have their turn."""
LARGEST_PACKET = 65_536
"""Bytes that are read: more than is obeyed, so that a refusal can say how many came."""
PRIORITY = 10
"""Real-time priority, where granted: below the audio thread's, above what else the machine does."""


@dataclass(kw_only=True)
class Conductor:
    """Runs the parts that `compose` has put together."""

    supervisor: Connection
    heart: Heart
    udp: Sequence[socket.socket]
    desk: Desk
    announcer: Announcer
    streams: LayerStreams
    outputs: OutputDesk
    ticks: tuple[Callable[[float], None], ...]
    """Parts that have their turn in every round of the timer, in order: called with the time."""
    look_ahead: float
    """Seconds."""
    n_units: int
    """Units of the corpus, for the supervisor."""

    def __post_init__(self) -> None:
        self._performance = self.desk.performance
        self._link = self.desk.link
        self._ended = False
        self._taken_up = -math.inf  # monotonic time at which an engine was told everything
        self._shards: tuple[tuple[int, int], ...] = ()  # of which the supervisor knows

    async def run(self) -> None:
        """Until the supervisor says so, or is gone."""
        loop = asyncio.get_running_loop()
        for one in self.udp:
            loop.add_reader(one.fileno(), self._read, one)
        gc.collect()
        gc.freeze()
        prefer_audio(PRIORITY)
        self.supervisor.send(("ready", self.n_units))
        self.heart.go_rounds()
        while not self._ended:
            began = loop.time()
            self._tick()
            await self._plan_ahead()
            rest = 0.0 if self.desk.inbox.is_behind else TICK_SECONDS - (loop.time() - began)
            await asyncio.sleep(max(0.001, rest))
        self.streams.log.end()
        self.desk.note(self._link.clock(), self._performance.planned_until, {"end": True})
        self.desk.worker.close()
        self.desk.recorder.close()

    def end(self) -> None:
        """Finish soon. Any thread; a signal handler too."""
        self._ended = True

    def _read(self, udp: socket.socket) -> None:
        """Packets have come."""
        self._receive(udp)
        self._turn()

    def _receive(self, udp: socket.socket) -> None:
        now = time.monotonic()
        for _ in range(PACKETS_PER_TURN):
            try:
                packet, source = udp.recvfrom(LARGEST_PACKET)
            except BlockingIOError:
                break
            except OSError:  # Windows reports here that a client of ours has gone
                continue
            self.desk.inbox.receive(packet, (source[0], source[1]), now=now)
            if time.monotonic() - now > TURN_SECONDS:  # what is left wakes the loop again
                break

    def _tick(self) -> None:
        now = time.monotonic()
        self.heart.beat()
        self._listen_to_supervisor(now)
        self._follow_engine(now)
        self.desk.worker.settle(now=now)
        for tick in self.ticks:
            tick(now)
        self._turn()
        self.announcer.announce(now=now)
        self.desk.outbox.flush(now=now)

    def _turn(self) -> None:
        """Obey what has come, and tell the engine."""
        desk = self.desk
        wall, now = read_clocks()
        desk.work(now=now, wall=wall, clock=time.monotonic)
        self.streams.tick(now)
        if desk.records or desk.replanned:
            planned = desk.replanned
            records, desk.records, desk.replanned = desk.records, [], False
            since, desk.acting_since = desk.acting_since, None
            self._to_engine(records)
            if planned:
                self._plan_soon()
                self._link.note_cost(time.monotonic() - (now if since is None else since))
                desk.recorder.save(self._performance.snapshot())

    def _listen_to_supervisor(self, now: float) -> None:
        try:
            if self.supervisor.poll(0):
                kind, *rest = self.supervisor.recv()
                if kind == "end":
                    self._ended = True
                elif kind == "log":
                    self.desk.outbox.log("warning", rest[0], now=now)
                else:
                    self.outputs.answered(*rest, now=now)
        except (EOFError, OSError):
            self._ended = True

    # Planning

    async def _plan_ahead(self) -> None:
        """Keep every layer planned up to the look-ahead and one unit; commands get their turn after every unit."""
        ahead = int(self.look_ahead * self._link.sample_rate) + self._performance.unit_samples
        while self._plan_next(before=self._link.clock() + ahead):
            await asyncio.sleep(0.0)
            if self.desk.inbox.is_behind:
                self._turn()
        self._performance.sequencer.prepare()

    def _plan_soon(self) -> None:
        """Plan what sounds next on a layer whose plan was cut."""
        fade_ms = max(layer.settings.crossfade_ms for layer in self._performance.sequencer.layers)
        soon = self._link.clock() + int((MAX_LEAD_SECONDS + fade_ms * 1e-3) * self._link.sample_rate)
        while self._plan_next(before=soon) and not self.desk.inbox.is_urgent:
            for one in self.udp:  # many layers take a while, and the system keeps only so many packets
                self._receive(one)

    def _plan_next(self, *, before: int) -> bool:
        """Plan the unit that begins next, if it begins before this sample. Whether there was one."""
        self.heart.beat()  # sixteen layers may take their time
        now = self._link.clock()
        start = self._performance.next_start(now=now)
        if start is None or start >= before:
            return False
        records, choices = self._performance.plan(now=now, until=start + 1)
        self._to_engine(list(records))
        self.announcer.planned(choices)
        self.streams.log.note_gaps(time.monotonic())
        return True

    def _to_engine(self, records: list[Record]) -> None:
        self.announcer.cut(records)
        self._note_shards(records)
        # While no engine knows the state there is no use in telling it of changes: resume tells everything.
        if self._link.generation is None:
            return
        self._link.memory.note(records, clock=self._link.clock())
        if not self._link.send(records):
            self.desk.outbox.event(f"{PREFIX}/xrun", self._link.n_full, "pipe", now=time.monotonic())

    def _note_shards(self, records: Sequence[Record]) -> None:
        """Let the supervisor know how the corpus has grown: a spare engine is to have it too."""
        shards = tuple((one.number, one.n_samples) for one in records if isinstance(one, ShardAdded))
        if shards and shards != self._shards:
            self._shards = shards
            self.supervisor.send(("shards", shards))

    def _follow_engine(self, now: float) -> None:
        """Tell everything to a new engine, or to one that has missed records."""
        status = self._link.status()
        if status.state not in ("ready", "no_device") or status.generation == self._link.generation:
            return
        if not self._link.alive():
            return
        before, self._link.generation = self._link.generation, status.generation
        self._link.block_size = status.block_size or self._link.block_size
        if before is not None and now - self._taken_up > HEALTHY_SECONDS:
            self._take_up(status.generation)
        else:
            self._resume(status.generation)
        self._taken_up = now
        self.desk.outbox.log("info", f"engine {status.generation}: {status.state}, {status.device}", now=now)

    def _take_up(self, generation: int) -> None:
        """Let an engine go on with what the one before it was sent: nothing changes in the music."""
        at = self._link.act_at(0.0)
        self.desk.note(at, self._performance.planned_until, {"took_over": generation})
        self._link.send(self._performance.tell_again(self._link.memory.recall(clock=at)))

    def _resume(self, generation: int) -> None:
        """Let each layer begin anew."""
        at = self._link.act_at(0.0)
        self._link.memory.forget()
        self.desk.note(at, self._performance.planned_until, {"engine": generation})
        records = self._performance.resume(at=at)
        self._note_shards(records)
        if self._link.send(records):
            self._plan_soon()
