"""A conductor, put together: everything is opened here, each part gets what it needs, and nothing runs yet."""

import contextlib
import dataclasses
import logging
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from liveseq import __version__
from liveseq.conductor.announcer import Announcer
from liveseq.conductor.arguments import ConductorArguments
from liveseq.conductor.conductor import Conductor
from liveseq.conductor.corpus_folder import CorpusFolder
from liveseq.conductor.corpus_watch import CorpusWatch
from liveseq.conductor.desk import Desk
from liveseq.conductor.engine_link import EngineLink
from liveseq.conductor.generators.chosen import find_generator
from liveseq.conductor.generators.desk import GeneratorDesk
from liveseq.conductor.inbox import Inbox
from liveseq.conductor.input_desk import InputDesk
from liveseq.conductor.log_keeper import LogKeeper
from liveseq.conductor.outbox import Outbox
from liveseq.conductor.output_desk import OutputDesk
from liveseq.conductor.preparation import Preparation
from liveseq.conductor.queries import Queries
from liveseq.conductor.streams import LayerStreams
from liveseq.conductor.troubles import SupervisorWatch, Troubles
from liveseq.conductor.word_desk import WordDesk
from liveseq.conductor.worker import Worker
from liveseq.engine.state import EngineState
from liveseq.generation.orders import GeneratorState
from liveseq.listener.heard import InputState
from liveseq.memory.heartbeat import Heart
from liveseq.osc.clients import Clients, Target
from liveseq.osc.hosts import Hosts
from liveseq.osc.packets import PREFIX
from liveseq.osc.scheduler import read_clocks
from liveseq.performance.instrument import Instrument, open_instrument
from liveseq.performance.performance import Performance
from liveseq.performance.recorder import FlightRecorder
from liveseq.performance.session import SessionMemory, last_session
from liveseq.runtime.watch import Watch
from liveseq.streaming.ring import StreamRings
from liveseq.streaming.source import RingSource

log = logging.getLogger(__name__)


def compose(
    arguments: ConductorArguments,
    udp: Sequence[socket.socket],
    records: Connection,
    supervisor: Connection,
    *,
    heart: Heart,
    deadlines: Watch,
) -> Conductor:
    """The conductor of these arguments. Takes a second or so. Raises LiveseqError for what cannot be opened.

    udp, records, supervisor, heart: see `run_conductor`. deadlines: of predictors. One function, however long: who gets
    what is read in one place.
    """
    for one in udp:
        one.setblocking(False)
    link = EngineLink(
        EngineState.attach(arguments.state),
        records,
        sample_rate=arguments.sample_rate,
        block_size=arguments.block_size,
    )
    instrument = open_instrument(
        arguments.corpus.open(),
        predictor=arguments.predictor,
        seed=arguments.seed,
        n_layers=arguments.n_layers,
        watch=deadlines,
        goes_on=arguments.resume,
    )
    # By port: two servers may share a state folder, and each goes on with its own.
    port = udp[0].getsockname()[1]
    session_file = arguments.state_dir / f"session-{port}.json"
    memory = SessionMemory.attach(arguments.session)
    session = memory.read() if arguments.resume else None
    if session is None and arguments.take_up:
        session = last_session(session_file)
        if session is None:
            log.warning("%s: no session to resume; starting afresh", arguments.state_dir)
    performance = _performance(instrument, session, seed=arguments.seed, at=link.act_at(0.0))
    header = partial(_header, arguments, performance, link)
    recorder = FlightRecorder(session_file, header(session), memory=memory, resumed=arguments.resume)
    desk = _desk(performance, link, recorder, send=_sender(udp), allow=arguments.allow, port=port)
    folder = CorpusFolder(instrument.corpus, words=instrument.own.stamp)
    watch = CorpusWatch(desk, folder, tell=lambda: supervisor.send(("grown",)))
    words = WordDesk(desk)
    for problem in watch.problems() if not arguments.resume else ():
        log.warning("%s", problem)
    preparation = Preparation(desk, seeds=arguments.seeds)
    listening = InputDesk(desk, watch, _input_state(arguments), sample_rate=arguments.sample_rate)
    generators = GeneratorDesk(
        desk,
        watch,
        GeneratorState.attach(arguments.orders),
        encoder=instrument.matcher.encoder,
        model=find_generator(arguments.generator),
        minutes=arguments.grow_minutes,
        session=_session_values(session),
        save=lambda: recorder.save(performance.snapshot()),
    )
    rings = StreamRings.attach(arguments.rings, n_layers=arguments.n_layers, sample_rate=arguments.sample_rate)
    streams = LayerStreams(desk, RingSource(rings), lambda: generators.chosen)
    supervision = SupervisorWatch(heart.supervisor())
    troubles = Troubles(
        desk.outbox, link.troubles, lambda: recorder.problems, watch.problems, words.problems, supervision.problems
    )
    announcer = Announcer(
        desk,
        streams.log,
        troubles,
        predictor=arguments.predictor,
        corpus=arguments.corpus.path.name,
    )
    keeper = LogKeeper(desk, lambda: header(performance.snapshot()), tell=lambda path: supervisor.send(("log", path)))
    queries = Queries(desk, status=announcer.status, quit_server=lambda: supervisor.send(("quit",)))
    outputs = OutputDesk(
        desk,
        lambda output, block_size: supervisor.send(("output", output, block_size)),
        output=arguments.output,
        block_size=arguments.block_size,
    )
    for part in (queries, watch, words, preparation, listening, generators, streams, outputs):
        desk.handlers |= part.handlers
    if arguments.play is not None and session is None:
        _start_playing(desk, arguments.play)
    recorder.save(performance.snapshot())  # never go on from the session of another server
    return Conductor(
        supervisor=supervisor,
        heart=heart,
        udp=udp,
        desk=desk,
        announcer=announcer,
        streams=streams,
        outputs=outputs,
        ticks=(watch.tick, words.tick, listening.tick, generators.tick, keeper.tick, outputs.tick, supervision.tick),
        look_ahead=arguments.look_ahead,
        n_units=sum(source.n_units for source in instrument.corpus.sources()),  # without what was removed
    )


def _performance(instrument: Instrument, session: dict[str, Any] | None, *, seed: int, at: int) -> Performance:
    """A new performance, or the one that a session describes as far as it can be read."""
    performance = Performance(instrument, seed=seed)
    if session is not None:
        try:
            performance.restore(session, at=at)
        except Exception as error:  # whatever it is, the next conductor would meet it again
            log.warning("session: cannot be gone on from (%r); starting afresh", error)
            return Performance(instrument, seed=seed)
    return performance


def _desk(
    performance: Performance,
    link: EngineLink,
    recorder: FlightRecorder,
    *,
    send: Callable[[bytes, Target], None],
    allow: tuple[str, ...],
    port: int,
) -> Desk:
    outbox = Outbox(Clients(Hosts(allow, port=port)), send, values=performance.values)
    wall, now = read_clocks()
    inbox = Inbox(performance, outbox, now=now, wall=wall)
    return Desk(performance, inbox, outbox, link=link, worker=Worker(), recorder=recorder, now=now)


def _sender(udp: Sequence[socket.socket]) -> Callable[[bytes, Target], None]:
    by_family = {one.family: one for one in udp}

    def send(packet: bytes, target: Target) -> None:
        # Nobody there, no room in the socket, or none of this family: a lost packet, as UDP has it.
        with contextlib.suppress(OSError, KeyError):
            by_family[socket.AF_INET6 if ":" in target[0] else socket.AF_INET].sendto(packet, target)

    return send


def _input_state(arguments: ConductorArguments) -> InputState | None:
    return InputState.attach(arguments.input, sample_rate=arguments.sample_rate) if arguments.input else None


def _session_values(session: dict[str, Any] | None) -> dict[str, Any]:
    """The values of a session by address, as far as it can be read."""
    values = (session or {}).get("values")
    return values if isinstance(values, dict) else {}


def _start_playing(desk: Desk, tag: str) -> None:
    """Obey --play. tag: "" is the first of the corpus."""
    address = f"{PREFIX}/tag" if tag else f"{PREFIX}/play"
    arguments = (tag,) if tag else ()
    at = desk.link.act_at(0.0)
    desk.performance.apply(desk.performance.table[address], arguments, at=at)
    desk.note(at, 0, {"address": address, "arguments": arguments, "from": "--play"})


def _header(
    arguments: ConductorArguments, performance: Performance, link: EngineLink, session: dict[str, Any] | None
) -> dict[str, Any]:
    """The first line of a log that begins now: all that a replay needs. session: that it goes on from."""
    return {
        "log": "liveseq",
        "version": __version__,
        "began": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "clock": link.clock(),
        "corpus": str(arguments.corpus.path.absolute()),
        "units": performance.sequencer.units.n_units,
        "moment": dataclasses.asdict(performance.instrument.moment),
        "words": performance.instrument.own.plain(),
        "predictor": arguments.predictor,
        "provider": arguments.provider,
        "sample_rate": arguments.sample_rate,
        "n_layers": arguments.n_layers,
        "seed": arguments.seed,
        "look_ahead": arguments.look_ahead,
        "resumed": session is not None,
        "session": session,
    }
