"""The conductor process: OSC in, plans out, on one asyncio event loop that never waits for anything else.

Reading a packet only parses and queues it. One turn of the loop obeys what has come, plans what was cut, and sends the
records to the engine in one go. A timer goes round every 10 ms: it plans ahead, announces, watches the engine.
"""

import asyncio
import contextlib
import dataclasses
import gc
import logging
import signal
import socket
import sys
import time
from multiprocessing.connection import Connection
from typing import Any

from liveseq import __version__
from liveseq.conductor.announcer import Announcer
from liveseq.conductor.arguments import ConductorArguments
from liveseq.conductor.chosen_generator import find_generator
from liveseq.conductor.commands import Surroundings
from liveseq.conductor.desk import Desk
from liveseq.conductor.engine_link import MAX_LEAD_SECONDS, EngineLink
from liveseq.conductor.generating import Generating, session_values
from liveseq.conductor.listening import Listening
from liveseq.conductor.loading import Loading
from liveseq.conductor.queries import Queries
from liveseq.conductor.streams import LayerStreams
from liveseq.conductor.worker import Worker
from liveseq.engine.events import Record
from liveseq.engine.realtime import prefer_audio
from liveseq.engine.state import EngineState
from liveseq.errors import LiveseqError
from liveseq.generation.orders import GeneratorState
from liveseq.listener.heard import InputState
from liveseq.osc.clients import Clients, Target
from liveseq.osc.packets import PREFIX
from liveseq.performance.instrument import Instrument, open_instrument
from liveseq.performance.log import FlightRecorder
from liveseq.performance.performance import Performance
from liveseq.performance.session import load_session
from liveseq.streaming.ring import StreamRings
from liveseq.streaming.source import RingSource

TICK_SECONDS = 0.01
PACKETS_PER_TURN = 64
"""Packets that are read before others have their turn."""
LARGEST_DATAGRAM = 65_536
"""Bytes. More than is obeyed, so that a refusal can say how many came."""
PRIORITY = 10
"""Real-time priority, where granted: below the audio thread's, above what else the machine does."""

log = logging.getLogger(__name__)


def run_conductor(
    arguments: ConductorArguments, udp: socket.socket, records: Connection, supervisor: Connection
) -> None:
    """Body of the process, a target for `multiprocessing` with the spawn method.

    udp: bound by the supervisor, which keeps it open, so that packets wait while a conductor is replaced.
    records: the sending end of the engine's pipe. supervisor: is told ("ready", units, log), ("error", text) or
    ("quit",).
    """
    logging.basicConfig(level=logging.WARNING, format="liveseq conductor: %(message)s")
    sys.setswitchinterval(5e-4)  # the recorder's thread would hold the event loop up for ten times as long
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's business
    if arguments.resume:  # the show is on: be back soon, also where every core is busy
        prefer_audio(PRIORITY)
    try:
        conductor = Conductor(arguments, udp, records, supervisor)
    except LiveseqError as error:
        supervisor.send(("error", str(error)))
        return
    signal.signal(signal.SIGTERM, lambda *_: conductor.end())  # a whole group gets it: the log wants its last line
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(conductor.run())


class Conductor:
    """Owns the instrument, the desk and the link to the engine."""

    def __init__(
        self, arguments: ConductorArguments, udp: socket.socket, records: Connection, supervisor: Connection
    ) -> None:
        self._arguments = arguments
        self._supervisor = supervisor
        self._udp = udp
        udp.setblocking(False)
        rate = arguments.sample_rate
        state = EngineState.attach(arguments.state)
        self._link = EngineLink(state, records, sample_rate=rate, block_size=arguments.block_size)
        instrument = open_instrument(
            arguments.corpus, predictor=arguments.predictor, seed=arguments.seed, n_layers=arguments.n_layers
        )
        self._units = instrument.sequencer.units
        self._n_units = sum(source.n_units for source in instrument.corpus.sources())  # without what was removed
        # By port: two servers may share a state folder, and each goes on with its own.
        session_file = arguments.state_dir / f"session-{udp.getsockname()[1]}.json"
        session = load_session(session_file) if arguments.resume else None
        self._performance = _performance(instrument, session, seed=arguments.seed, at=self._link.act_at(0.0))
        self._recorder = FlightRecorder(session_file, {**self._header(), "session": session})
        self._announcer = Announcer(
            self._link,
            self._performance,
            block_size=arguments.block_size,
            predictor=arguments.predictor,
            corpus=arguments.corpus.name,
        )
        self._worker = Worker()
        around = Surroundings(
            send=self._send,
            act_at=self._link.act_at,
            engine_seconds=lambda: self._link.clock() / rate,
            status=lambda: self._announcer.status(self._desk),
            record=self._record,
            quit=lambda: supervisor.send(("quit",)),
            worker=self._worker,
            early=0.005,
        )
        now = time.monotonic()
        self._desk = Desk(self._performance, Clients(allow=arguments.allow), around, now=now, wall=time.time())
        self._loading = Loading(self._desk, seeds=arguments.seeds)
        heard = InputState.attach(arguments.input, sample_rate=rate) if arguments.input else None
        self._listening = Listening(self._desk, self._loading, heard, sample_rate=rate)
        self._generating = Generating(
            self._desk,
            self._loading,
            GeneratorState.attach(arguments.orders),
            encoder=instrument.matcher.encoder,
            model=find_generator(arguments.generator),
            minutes=arguments.grow_minutes,
            session=session_values(session),
            save=lambda: self._recorder.save(self._performance.snapshot()),
        )
        rings = StreamRings.attach(arguments.rings, n_layers=arguments.n_layers, sample_rate=rate)
        self._streams = LayerStreams(self._desk, RingSource(rings), lambda: self._generating.chosen)
        for one in (Queries(self._desk), self._loading, self._listening, self._generating, self._streams):
            self._desk.answers |= one.answers
        self._ended = False
        if arguments.play is not None and not arguments.resume:
            self._start_playing(arguments.play)
        self._recorder.save(self._performance.snapshot())  # never go on from the session of another server

    async def run(self) -> None:
        """Until the supervisor says so, or is gone."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._udp.fileno(), self._read)
        gc.collect()
        gc.freeze()
        prefer_audio(PRIORITY)
        self._supervisor.send(("ready", self._n_units, self._recorder.path))
        while not self._ended:
            began = loop.time()
            self._tick()
            await self._plan_ahead()
            await asyncio.sleep(max(0.001, TICK_SECONDS - (loop.time() - began)))
        self._streams.end()
        self._record({"at": self._link.clock(), "planned": self._performance.planned_until, "end": True})
        self._worker.close()
        self._recorder.close()

    def end(self) -> None:
        """Any thread: finish soon."""
        self._ended = True

    # In

    def _read(self) -> None:
        """Event loop: packets have come."""
        now = time.monotonic()
        for _ in range(PACKETS_PER_TURN):
            try:
                data, source = self._udp.recvfrom(LARGEST_DATAGRAM)
            except BlockingIOError:
                break
            except OSError:  # Windows reports here that a listener of ours has gone
                continue
            self._desk.receive(data, (source[0], source[1]), now=now)
        self._turn(now)

    def _tick(self) -> None:
        now = time.monotonic()
        self._listen_to_supervisor()
        self._follow_engine(now)
        self._worker.settle(now=now)
        self._loading.tick(now)
        self._listening.tick(now)
        self._generating.tick(now)
        self._turn(now)
        self._announcer.announce(self._desk, now=now)
        self._desk.flush(now=now)

    def _turn(self, now: float) -> None:
        """Obey what has come, and tell the engine."""
        desk = self._desk
        desk.work(now=now, wall=time.time())
        self._streams.tick(now)
        if desk.records or desk.replanned:
            planned = desk.replanned
            records, desk.records, desk.replanned = desk.records, [], False
            self._to_engine(records)
            if planned:
                self._plan_soon()
                self._link.note_cost(time.monotonic() - now)
                self._recorder.save(self._performance.snapshot())

    def _listen_to_supervisor(self) -> None:
        try:
            if self._supervisor.poll(0):
                self._ended = self._supervisor.recv() == "end"
        except (EOFError, OSError):
            self._ended = True

    # Planning

    async def _plan_ahead(self) -> None:
        """Keep every layer planned up to the look-ahead and one unit; commands get their turn after every unit."""
        ahead = int(self._arguments.look_ahead * self._arguments.sample_rate) + self._performance.unit_samples
        while self._plan_next(before=self._link.clock() + ahead):
            await asyncio.sleep(0.0)
        self._performance.sequencer.prepare()

    def _plan_soon(self) -> None:
        """Plan what sounds next on a layer whose plan was cut."""
        fade_ms = max(layer.settings.crossfade_ms for layer in self._performance.sequencer.layers)
        soon = self._link.clock() + int((MAX_LEAD_SECONDS + fade_ms * 1e-3) * self._arguments.sample_rate)
        while self._plan_next(before=soon):
            pass

    def _plan_next(self, *, before: int) -> bool:
        """Plan the unit that begins next, if it begins before this sample. Whether there was one."""
        now = self._link.clock()
        start = self._performance.next_start(now=now)
        if start is None or start >= before:
            return False
        records, choices = self._performance.plan(now=now, until=start + 1)
        self._to_engine(list(records))
        self._announcer.planned(choices)
        self._streams.note_gaps(time.monotonic())
        return True

    def _to_engine(self, records: list[Record]) -> None:
        self._announcer.cut(records)
        # While no engine knows the state there is no use in telling it of changes: resume tells everything.
        if self._link.generation >= 0 and not self._link.send(records):
            self._desk.event(f"{PREFIX}/xrun", self._link.n_full, "pipe", now=time.monotonic())

    def _follow_engine(self, now: float) -> None:
        """A new engine, or one that has missed records, is told everything."""
        status = self._link.status()
        if status.state not in ("ready", "no_device") or status.generation == self._link.generation:
            return
        if not self._link.alive():
            return
        self._link.generation = status.generation
        at = self._link.act_at(0.0)
        self._record({"at": at, "planned": self._performance.planned_until, "engine": status.generation})
        if self._link.send(self._performance.resume(at=at)):
            self._plan_soon()
        self._desk.log("info", f"engine {status.generation}: {status.state}, {status.device}", now=now)

    def _start_playing(self, tag: str) -> None:
        address = f"{PREFIX}/tag" if tag else f"{PREFIX}/play"
        arguments = (tag,) if tag else ()
        at = self._link.act_at(0.0)
        self._performance.apply(self._performance.table[address], arguments, at=at)
        self._record({"at": at, "planned": 0, "address": address, "arguments": arguments, "from": "--play"})

    # Out

    def _send(self, datagram: bytes, target: Target) -> None:
        # Nobody there, or no room in the socket: a lost datagram, as UDP has it.
        with contextlib.suppress(OSError):
            self._udp.sendto(datagram, target)

    def _record(self, line: dict[str, Any]) -> None:
        self._recorder.write(line)

    def _header(self) -> dict[str, Any]:
        arguments = self._arguments
        return {
            "log": "liveseq",
            "version": __version__,
            "began": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "clock": self._link.clock(),
            "corpus": str(arguments.corpus.absolute()),
            "units": self._units.n_units,
            "moment": dataclasses.asdict(self._performance.instrument.moment),
            "predictor": arguments.predictor,
            "provider": arguments.provider,
            "sample_rate": arguments.sample_rate,
            "n_layers": arguments.n_layers,
            "seed": arguments.seed,
            "look_ahead": arguments.look_ahead,
            "resumed": arguments.resume,
        }


def _performance(instrument: Instrument, session: dict[str, Any] | None, *, seed: int, at: int) -> Performance:
    """A new performance, or the one that a session describes as far as it can be read."""
    performance = Performance(instrument, seed=seed)
    if session is not None:
        try:
            performance.restore(session, at=at)
        except (LiveseqError, KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            log.warning("session: cannot be gone on from (%r); starting afresh", error)
            return Performance(instrument, seed=seed)
    return performance
