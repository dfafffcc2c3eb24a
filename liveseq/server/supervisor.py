"""The process that `run_server.py` is: it owns the port, the pipe and the shared memory, and the lives of the children.

All of them are spawned (never forked: there are threads, and other systems) and replaced when they die. Port,
pipe and memory stay open meanwhile: packets wait, the sound goes on, the sample clock continues. No audio, OSC or model
here.
"""

import contextlib
import logging
import multiprocessing
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import Any

from liveseq.conductor.arguments import ConductorArguments
from liveseq.config import ServerConfig
from liveseq.corpus.held import HeldCorpus
from liveseq.engine.arguments import EngineArguments
from liveseq.engine.events import Quit
from liveseq.engine.pipe import RecordWriter
from liveseq.engine.recording import seconds_of
from liveseq.engine.state import EngineState
from liveseq.errors import LiveseqError
from liveseq.generation.arguments import GeneratorArguments
from liveseq.generation.orders import GeneratorState
from liveseq.listener.arguments import ListenerArguments
from liveseq.listener.heard import InputState
from liveseq.memory.heartbeat import TURN_SECONDS, Hearts
from liveseq.performance.session import SessionMemory
from liveseq.processes import ENDING_SIGNALS, start_tracker, uninterrupted
from liveseq.server.child import Child, Living
from liveseq.server.children import begin, conduct, generate, listen, stream
from liveseq.server.corpus_holder import CorpusHolder
from liveseq.server.engines import Engines
from liveseq.server.port import bind, bracketed
from liveseq.streaming.arguments import StreamerArguments
from liveseq.streaming.ring import StreamRings
from liveseq.terminal import say

MAX_FALSE_STARTS = 3
"""Before the server could be played for the first time. After that it never gives up."""
END_SECONDS = 2.0
"""Time for a child to end by itself before it is killed."""
ORPHAN_SECONDS = 5.0
"""Time for the processes of a supervisor that has died to end by themselves, and to let go of its port."""
TAKE_SECONDS = 10.0
"""The same for one that writes into the corpus."""
MOST_NEWS = 16
"""Sentences that wait for a conductor that is on its way."""

SUPERVISOR_SECONDS = 5.0
"""Silence after which the supervisor itself hangs: to change an output it may wait for four."""

log = logging.getLogger(__name__)


class Supervisor:
    """Runs one server."""

    def __init__(self, config: ServerConfig, corpus: Path, *, began: float, take_up: bool = False) -> None:
        """Raises PortError, CorpusError and ConfigError. began: Unix time, for the ready line. take_up: go on with the
        last session in the state folder."""
        self._config = config
        self._take_up = take_up
        self._corpus = HeldCorpus.of(corpus, sample_rate=config.sample_rate)
        patience = ORPHAN_SECONDS if take_up else 0.0
        self._udp = bind(config.osc.listen, config.osc.port, patience=patience)  # one or two, at one port
        self._began = began
        self._spawner = multiprocessing.get_context("spawn")
        start_tracker()
        self._rings = StreamRings.create(n_layers=config.layers, sample_rate=self._corpus.sample_rate)
        self._state = EngineState.create()
        self._reader, self._writer = self._spawner.Pipe(duplex=False)
        self._talk: Connection | None = None  # with the conductor that lives
        self._output = config.output
        self._orders = GeneratorState.create()
        self._session = SessionMemory.create()
        self._input = InputState.create(sample_rate=self._corpus.sample_rate) if config.input else None
        self._holder = CorpusHolder(self._corpus.path)
        self._hearts = Hearts.create()
        self._heart = self._hearts.supervisor()
        pipe = self._reader, self._writer
        self._engines = Engines(self._spawner, self._spawn, self._engine_arguments, pipe, self._state)
        self._engine = self._engines.child
        self._conductor = Child("conductor", self._spawn_conductor)
        self._generator = Child("generator", self._spawn_generator)
        self._streamer = Child("streamer", self._spawn_streamer)  # no child of ours before a stream is wanted
        self._listeners = [Child("listener", self._spawn_listener)] if self._input is not None else []
        self._children = [self._engine, self._conductor, self._generator, *self._listeners]
        self._n_units: int | None = None
        self._takes: dict[str, None] = {}  # in order: an engine that died has left one too
        self._logs: dict[str, None] = {}
        self._news: deque[str] = deque(maxlen=MOST_NEWS)  # for the conductor, when it is there
        self._given_up: list[str] = []  # predictors over which a conductor has hung
        self._old_engine = 0  # generation of an engine whose output is no longer wanted
        self._announced = False
        self._ending = False

    @property
    def port(self) -> int:
        """UDP port that clients send to."""
        return int(self._udp[0].getsockname()[1])

    def run(self, *, record_to: Path | None = None) -> int:
        """Until a signal or /liveseq/quit; returns the exit code. record_to: where to record if there is no device."""
        for number in ENDING_SIGNALS:
            if signal.signal(number, self._on_signal) is signal.SIG_IGN and number not in (SIGINT, SIGTERM):
                signal.signal(number, signal.SIG_IGN)  # nohup: it is to outlive its terminal
        self._heart.go_rounds(patience=SUPERVISOR_SECONDS)
        try:
            while not self._ending:
                now = time.monotonic()
                self._heart.beat()
                if self._streamer not in self._children and self._rings.wanted:
                    self._children.append(self._streamer)
                for child in self._children:
                    if (news := child.watch(now)) is not None:
                        self._tell(news)
                if self._announced:
                    self._engines.watch(now)
                self._listen()
                if (held := self._holder.take()) is not None:
                    before, self._corpus = self._corpus, held
                    before.close()
                self._note_take()
                if not self._announced:
                    self._announce(record_to)
        finally:
            self._end()
        say(self._farewell(), sys.stdout)
        return 0

    def _on_signal(self, *_: object) -> None:
        self._ending = True

    def _listen(self) -> None:
        """Wait for news: a child's death, or what the conductor says. Raises LiveseqError where it cannot begin."""
        news: Sequence[object] = wait(self._sentinels(), TURN_SECONDS)
        if self._talk is None or self._talk not in news:
            return
        try:
            kind, *rest = self._talk.recv()
        except (EOFError, OSError):
            self._talk = None
            return
        if kind == "ready":
            self._n_units = rest[0]
            self._pass_on()
        elif kind == "log":
            self._logs[str(rest[0])] = None
        elif kind == "grown":
            self._holder.ask()
        elif kind == "quit":
            self._ending = True
        elif kind == "shards":
            self._engines.grown(rest[0])
        elif kind == "output":
            output, block_size = rest
            self._engines.change(output, block_size, partial(self._say_output, output, block_size))
        elif kind == "error" and not self._announced:
            raise LiveseqError(rest[0])
        elif kind == "error":
            log.warning("conductor: %s", rest[0])
        elif kind == "stuck":  # it ends itself
            self._give_up(rest[0])

    def _tell(self, news: str) -> None:
        """Tell of trouble, here and at /liveseq/log."""
        log.warning("%s", news)
        self._news.append(news)
        if self._conductor.process is not None and self._n_units is not None:
            self._pass_on()

    def _pass_on(self) -> None:
        """Hand the news to the conductor."""
        while self._talk is not None and self._news:
            try:
                self._talk.send(("log", self._news[0]))
            except OSError:
                return
            self._news.popleft()

    def _give_up(self, predictor: str) -> None:
        """Start the next conductor without a predictor over which this one hangs. Raises LiveseqError at the start."""
        if not self._announced:
            raise LiveseqError(f"predictor {predictor}: does not answer; choose another: --predictor MODEL")
        self._given_up.append(predictor)
        news = f"predictor {predictor} hangs in the middle of a plan; it is used no more"
        log.warning("%s", news)
        self._news.append(news)  # for the next conductor: this one ends

    def _say_output(self, output: str, block_size: int, reason: str | None) -> None:
        """Tell the conductor that the output was changed, or why not."""
        if self._talk is not None:
            with contextlib.suppress(OSError):
                self._talk.send(("output", reason, output, block_size))

    def _note_take(self) -> None:
        device = self._state.read_status().device
        if device.startswith("wav:"):
            self._takes[device.removeprefix("wav:")] = None

    def _farewell(self) -> str:
        """The last line: the files that are left of the session."""
        lengths = {take: seconds_of(Path(take), sample_rate=self._corpus.sample_rate) for take in self._takes}
        takes = [f"{take} ({seconds:.0f} s)" for take, seconds in lengths.items() if seconds]
        logs = [one for one in self._logs if Path(one).is_file()]
        left = [f"saved {', '.join(takes)}"] * bool(takes) + [f"log {', '.join(logs)}"] * bool(logs)
        return f"liveseq stopped: {'; '.join(left)}" if left else "liveseq stopped"

    def _sentinels(self) -> list[Connection | int]:
        alive: list[Connection | int] = [
            child.process.sentinel for child in self._children if child.process is not None
        ]
        return [*alive, self._talk] if self._talk is not None else alive

    def _announce(self, record_to: Path | None) -> None:
        """Say once, in one line, that it can be played. Raises LiveseqError where it never will be."""
        for child in (self._engine, self._conductor):
            if child.n_failures >= MAX_FALSE_STARTS:
                raise LiveseqError(
                    f"the {child.name} cannot start ({child.cause}, {child.n_failures} times); see above"
                )
        status = self._state.read_status()
        if status.generation <= self._old_engine:
            return
        if status.state == "no_device" and record_to is not None and self._output == self._config.output:
            say(f"liveseq: no sound device; recording to {record_to}", sys.stderr)
            with contextlib.suppress(OSError):  # the engine says that it cannot write there, and the rest goes on
                record_to.parent.mkdir(parents=True, exist_ok=True)
            self._output = f"wav:{record_to}"
            self._old_engine = status.generation
            self._engine.replace()
        elif status.state in ("ready", "no_device") and self._n_units is not None:
            self._announced = True
            host = bracketed(self._udp[0].getsockname()[0])
            output = status.device if status.state == "ready" else "none (no device)"  # the engine has said why
            took = (time.time() - self._began) * 1e3
            ready = f"osc {host}:{self.port}, output {output}, corpus {self._n_units} units, {took:.0f} ms"
            say(f"liveseq ready: {ready}", sys.stdout)

    def _spawn(self, name: str, target: Callable[..., None], *arguments: Any, heart: str = "") -> Living:
        """A new process. heart: name of its heart, where it is another than the process's."""
        listener = self._hearts.listener(heart or name)  # before it beats
        beating = (target, self._hearts.memory, self._hearts.place(heart or name), *arguments)
        process = self._spawner.Process(target=begin, args=beating, name=f"liveseq {name}")
        with uninterrupted():
            process.start()
        return Living(process, listener)

    def _engine_arguments(self) -> EngineArguments:
        return EngineArguments(
            state=self._state.name,
            audio_folder=self._corpus.path / "audio",
            shards=self._corpus.shards,
            held=self._corpus.files,
            sample_rate=self._corpus.sample_rate,
            block_size=self._config.block_size,
            output=self._output,
            n_layers=self._config.layers,
            rings=self._rings.name,
            ring_places=self._rings.places(),
        )

    def _spawn_conductor(self) -> Living:
        config = self._config
        arguments = ConductorArguments(
            corpus=self._corpus,
            session=self._session.name,
            predictor=config.predictor,
            generator=config.generator,
            provider=config.provider,
            state=self._state.name,
            orders=self._orders.name,
            rings=self._rings.name,
            grow_minutes=config.grow_minutes,
            state_dir=config.state_dir,
            sample_rate=self._corpus.sample_rate,
            output=self._engines.output or self._output,
            block_size=self._engines.block_size or config.block_size,
            n_layers=config.layers,
            seed=config.seed,
            look_ahead=config.look_ahead,
            seeds=config.seeds,
            input=self._input.name if self._input else None,
            allow=config.osc.allow,
            resume=self._conductor.n_starts > 0,
            take_up=self._take_up,
            play=config.play,
            given_up=tuple(self._given_up),
        )
        self._talk, theirs = self._spawner.Pipe()
        living = self._spawn("conductor", conduct, arguments, self._udp, self._writer, theirs)
        theirs.close()
        return living

    def _spawn_listener(self) -> Living:
        assert self._input is not None
        assert self._config.input is not None
        arguments = ListenerArguments(
            state=self._input.name,
            corpus=self._corpus.path,
            sample_rate=self._corpus.sample_rate,
            device=self._config.input,
        )
        return self._spawn("listener", listen, arguments)

    def _spawn_generator(self) -> Living:
        arguments = GeneratorArguments(
            state=self._orders.name,
            corpus=self._corpus.path,
            sample_rate=self._corpus.sample_rate,
            provider=self._config.provider,
        )
        return self._spawn("generator", generate, arguments)

    def _spawn_streamer(self) -> Living:
        arguments = StreamerArguments(
            rings=self._rings.name,
            engine=self._state.name,
            sample_rate=self._corpus.sample_rate,
            n_layers=self._config.layers,
            provider=self._config.provider,
        )
        return self._spawn("streamer", stream, arguments)

    def _end(self) -> None:
        """Fade out, and leave nothing behind."""
        for child in (*self._listeners, self._generator):  # they finish what goes into the corpus
            child.terminate()
        if self._talk is not None:
            try:
                self._talk.send(("end",))
            except OSError:
                self._talk = None
        RecordWriter(self._writer).send([Quit()])
        deadline = time.monotonic() + END_SECONDS
        self._conductor.end(deadline - time.monotonic())
        self._engines.end(deadline - time.monotonic())
        self._streamer.kill()
        for child in (*self._listeners, self._generator):
            child.end(TAKE_SECONDS)
        for one in self._udp:
            one.close()
        self._writer.close()
        self._reader.close()
        self._state.close()
        self._orders.close()
        self._session.close()
        self._hearts.close()
        self._rings.close()
        if self._input is not None:
            self._input.close()
        self._corpus.close()
