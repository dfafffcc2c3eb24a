"""The engine process, and its main thread: start, watch over device, parent and signals, end. See also `spare`.

The output's own thread (PortAudio's, or a software clock) renders: see `renderer`. A helper thread reads corpus audio
into memory: see `shards`. The main thread sleeps, and is the only writer of the status.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Iterable
from multiprocessing.connection import Connection
from typing import NoReturn

import numpy as np

from liveseq.engine.arguments import EngineArguments
from liveseq.engine.events import Play
from liveseq.engine.mixer import Mixer
from liveseq.engine.outlet import Outlet
from liveseq.engine.pipe import RecordReader
from liveseq.engine.realtime import freeze_garbage, lock_memory, prefer_main
from liveseq.engine.renderer import Renderer
from liveseq.engine.rings import LastingMemory, map_rings
from liveseq.engine.shards import Shards
from liveseq.engine.state import EXIT_DEVICE_LOST, EngineState, Status
from liveseq.memory.heartbeat import Heart
from liveseq.sequencer.timeline import Grain, GrainShape, PlayUnit
from liveseq.terminal import finish

EXIT_FAULT = 70
"""A bug showed in the audio thread; the traceback is in the log. Start a new engine."""
WATCH_SECONDS = 0.05
STALLED_WATCHES = 10
"""Watches without a new block after which a device counts as lost (0.5 s). Watches, not seconds: a process that was
suspended itself must not blame the device."""
QUIT_WATCHES = 10
"""Watches that a fade-out may take before the process ends without it."""
NOT_ON_TIME = "the system grants no real-time priority: busy programs beside this one may be heard"
RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)
"""Pauses before looking again for a device that is not there; the last one repeats."""
PATIENCE_SECONDS = 1.0
"""Without a block for so long it hangs, or was stopped: it is silence already."""
DEVICE_SECONDS = 10.0
"""Longest that the system may take to open a device, or to start it."""

log = logging.getLogger(__name__)


def run_engine(arguments: EngineArguments, connection: Connection, heart: Heart | None = None) -> None:
    """Body of the process, a target for `multiprocessing` with the spawn method. Ends by SystemExit.

    connection: the reading end of a one-way pipe, see `pipe`. heart: beats with every block.
    """
    begin_process()
    Engine(arguments, connection, heart or Heart.unheard()).play()


def begin_process() -> None:
    """Main thread, first of all."""
    logging.basicConfig(level=logging.WARNING, format="liveseq engine: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's business: it ends us by SIGTERM


class Engine:
    """One engine from start to end."""

    def __init__(self, arguments: EngineArguments, connection: Connection, heart: Heart) -> None:
        """Load everything. Nobody is told: another engine may play meanwhile."""
        self._arguments = arguments
        self._heart = heart
        self._parent = os.getppid()
        self._granted = lock_memory()
        self._state = EngineState.attach(arguments.state)
        self._generation = 0
        shards = Shards(
            arguments.audio_folder, arguments.shards, sample_rate=arguments.sample_rate, held=arguments.held
        )
        self._shards = shards
        rings = map_rings(LastingMemory(name=arguments.rings), arguments.ring_places) if arguments.rings else {}
        self._reader = RecordReader(connection)
        mixer = Mixer(
            shards.arrays | rings,
            sample_rate=arguments.sample_rate,
            n_layers=arguments.n_layers,
        )
        self._renderer = Renderer(mixer, self._reader, shards, self._state, heart, sample_rate=arguments.sample_rate)
        self._outlet = Outlet(
            arguments.output, self._renderer, sample_rate=arguments.sample_rate, block_size=arguments.block_size
        )
        warm_up(sample_rate=arguments.sample_rate, block_size=arguments.block_size)

    def know(self, shards: Iterable[tuple[int, int]]) -> None:
        """Map what the corpus has grown by, before it plays. shards: as in EngineArguments."""
        for number, n_samples in shards:
            if self._shards.map(number, n_samples):
                self._renderer.mixer.set_shard(number, self._shards.arrays[number])
        self._shards.forget_old()

    def open(self, output: str, block_size: int) -> str:
        """Open another output than that of its arguments, and play there. Returns its text; raises DeviceError."""
        self._outlet.open_other(output, block_size)
        return self._outlet.text

    def stand_by(self) -> None:
        """Be about to play, perhaps hours later. Main thread."""
        self._outlet.stand_by()

    def play(self) -> NoReturn:
        """Play, and end the process."""
        signal.signal(signal.SIGTERM, lambda *_: self.end())
        code = self.run()
        if code == EXIT_DEVICE_LOST:
            finish()
            os._exit(code)  # PortAudio's own farewell to a device that has gone can take for ever
        sys.exit(code)

    def end(self) -> None:
        """Fade out and quit. Any thread; a signal handler too."""
        self._renderer.ending = True

    def run(self) -> int:
        """Play until told to quit. Returns the exit code."""
        self._granted = f"{prefer_main()}, {self._granted}"
        with self._heart.silent(DEVICE_SECONDS):
            self._outlet.open()
        self._shards.start(self._renderer.mixer.set_shard, self._renderer.mixer.reading)
        freeze_garbage()
        self._state.take_over()
        self._generation = self._state.read_status().generation + 1
        with self._heart.silent(DEVICE_SECONDS):
            self._outlet.start()
        self._heart.go_rounds(patience=PATIENCE_SECONDS)
        self._report_output()
        code = self._watch()
        self._report("device_lost" if code == EXIT_DEVICE_LOST else "ended")
        if code != EXIT_DEVICE_LOST:  # closing a device that has gone can wait for ever
            with self._heart.silent(DEVICE_SECONDS):  # the end of a take goes to the disk
                self._outlet.output.close()
        return code

    def _report_output(self) -> None:
        self._report("ready" if self._outlet.missing is None else "no_device")

    def _report(self, state: str) -> None:
        if self._renderer.leaving:  # another engine does
            return
        self._state.write_status(
            Status(
                generation=self._generation,
                pid=os.getpid(),
                sample_rate=float(self._arguments.sample_rate),
                state=state,
                device=self._outlet.text,
                block_size=self._outlet.block_size,
                granted=self._granted,
                troubles="\n".join(self._troubles()),
            )
        )

    def _troubles(self) -> list[str]:
        """Sentences on what is amiss."""
        found = [NOT_ON_TIME] if self._granted.startswith("no ") and hasattr(os, "sched_setscheduler") else []
        if self._shards.missing:
            n_missing, n_all = len(self._shards.missing), len(self._shards.missing.keys() | self._shards.arrays.keys())
            found.append(
                f"{n_missing} of {n_all} files in {self._arguments.audio_folder} cannot be read; looked for again"
            )
        warning = self._outlet.output.warning
        return [*found, warning] if warning else found

    def _watch(self) -> int:
        """Sleep until something is to be done. Returns the exit code."""
        renderer, outlet = self._renderer, self._outlet
        stalled = quitting = n_retries = 0
        blocks: int | None = None
        warning, troubles = outlet.output.warning, self._troubles()
        retry_at = time.monotonic() + RETRY_SECONDS[0]
        while not renderer.mixer.finished and quitting < QUIT_WATCHES:
            time.sleep(WATCH_SECONDS)
            stalled = stalled + 1 if renderer.pulse.blocks == blocks else 0
            blocks = renderer.pulse.blocks
            if outlet.output.fault is not None:
                log.error("%s", outlet.output.fault)
                return EXIT_FAULT
            if stalled >= STALLED_WATCHES:
                return EXIT_DEVICE_LOST
            if outlet.output.warning != warning:
                warning = outlet.output.warning
                log.warning("%s", warning)
            if self._troubles() != troubles:
                troubles = self._troubles()
                self._report_output()
            if os.getppid() != self._parent or self._reader.closed:  # nobody is left who could end us
                renderer.ending = True
            quitting += renderer.ending or renderer.mixer.quitting
            if outlet.may_come and time.monotonic() >= retry_at:
                with self._heart.silent(DEVICE_SECONDS):
                    came = outlet.try_again()
                if came:
                    self._report_output()
                n_retries += 1
                retry_at = time.monotonic() + RETRY_SECONDS[min(n_retries, len(RETRY_SECONDS) - 1)]
        return 0


def warm_up(*, sample_rate: int, block_size: int) -> None:
    """Run every path of the mixer once: crossfade, loop, pitch, cloud, limiter. The first time is the slowest."""
    noise = np.random.default_rng(0).standard_normal((8192, 2)).astype(np.float32)
    mixer = Mixer({0: noise}, sample_rate=sample_rate, n_layers=1)
    mixer.push(Play(seconds=0.01))
    for turn in range(60):
        position = 1000 + 97 * turn
        unit = PlayUnit(
            layer=1,
            start=0,
            length=block_size,
            unit=0,
            shard=0,
            position=position,
            source_start=0,
            source_end=8192 if turn % 2 else position + 300,
            fade=2 * block_size,
            gain=1.0,
            ratio=(1.0, 0.97, 1.03, 2.5)[turn % 4],
            reverse=turn % 3 == 0,
            correlation=0.5 * (turn % 2),
        )
        grain = Grain(
            layer=1,
            start=0,
            length=100,
            interval=50,
            unit=0,
            shard=0,
            position=position,
            source_start=0,
            source_end=8192,
            attack=40,
            release=40,
            shape=GrainShape(turn % 3),
            gain=1.0,
            ratio=unit.ratio,
        )
        mixer.push(unit if turn < 40 else grain)
        mixer.render(block_size)
