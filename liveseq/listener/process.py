"""The listener process: the input device, its streaming descriptors, and takes for the corpus.

It shares memory with the conductor (`heard`) and nothing else: no output, no plan waits for it. A device that
stops is opened again by its name, by a new process: PortAudio forgets what it knew only when its process ends.
"""

import logging
import math
import os
import time
from dataclasses import replace

import numpy as np

from liveseq.dsp.descriptors import StreamingDescriptors
from liveseq.engine.devices import look_again
from liveseq.engine.input import DeviceInput
from liveseq.engine.realtime import prepare_process
from liveseq.errors import DeviceError
from liveseq.listener.arguments import ListenerArguments
from liveseq.listener.heard import STEP_FRAMES, InputState
from liveseq.listener.takes import Taker
from liveseq.memory.heartbeat import Heart
from liveseq.processes import Lifetime
from liveseq.terminal import finish

EXIT_DEVICE_LOST = 75
"""The device has stopped, as the engine's: a new process opens it by name."""
EXIT_FAULT = 70
"""A bug showed in the device's thread; the traceback is in the log."""
POLL_SECONDS = 0.02
STALLED_POLLS = 25
"""Polls without a sample after which a device counts as lost (0.5 s). Polls, not seconds: a process that was suspended
itself must not blame the device."""
RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)
"""Pauses before looking again for a device that is not there; the last one repeats."""
DEVICE_SECONDS = 10.0
"""Longest that the system may take to open a device, and to start it."""
SAVE_SECONDS = 10.0
"""Longest that the last take may take to be saved."""
LEVEL_FALL_DB = 40.0
"""Per second: how fast the level that is shown falls."""
FLOOR_DB = -120.0
LOUDEST = 1000.0
"""Linear amplitude (+60 dBFS): beyond it a sample is garbage, whose square is no number."""

log = logging.getLogger(__name__)


def run_listener(arguments: ListenerArguments, heart: Heart) -> None:
    """Body of the process, a target for `multiprocessing` with the spawn method. Ends by SystemExit."""
    lifetime = Lifetime.begin("listener")
    prepare_process()  # or the device would wait for us while others have the core: that is heard at the output too
    code = Listener(arguments, lifetime, heart).run()
    if code:
        finish()
        os._exit(code)  # PortAudio's own farewell to a device that has gone can take for ever


class Listener:
    """One listener from start to end."""

    def __init__(self, arguments: ListenerArguments, lifetime: Lifetime, heart: Heart) -> None:
        """lifetime: where it ends, the take that is being recorded is finished."""
        self._arguments = arguments
        self._heart = heart
        self._lifetime = lifetime
        self._state = InputState.attach(arguments.state, sample_rate=arguments.sample_rate)
        before = self._state.read_status()
        self._status = replace(
            before,
            generation=before.generation + 1,
            pid=os.getpid(),
            first_step=before.n_steps,
            n_lost=0,
            level_db=FLOOR_DB,
            state="starting",
            device="",
        )
        self._descriptors = StreamingDescriptors(sample_rate=arguments.sample_rate)
        self._frames = np.empty((0, 0), dtype=np.float32)  # of a step that is not whole yet
        self._taker = Taker(arguments.corpus, sample_rate=arguments.sample_rate)
        self._say()

    def run(self) -> int:
        """Listen until told to quit. Returns the exit code."""
        self._heart.go_rounds()
        device = self._open()
        if device is None:
            return 0
        self._say(state="ready", device=device.text)
        stalled = 0
        while self._lifetime.goes_on() and stalled < STALLED_POLLS and device.fault is None:
            time.sleep(POLL_SECONDS)
            self._heart.beat()
            y = np.clip(np.nan_to_num(device.read(), posinf=0.0, neginf=0.0), -LOUDEST, LOUDEST)
            stalled = 0 if len(y) else stalled + 1
            self._hear(y)
            self._taker.follow(self._state.read_order(), y)
            self._say(
                n_lost=device.n_lost,
                order=self._taker.order,
                done=self._taker.done,
                take=self._taker.name,
                error=self._taker.error,
            )
        with self._heart.silent(SAVE_SECONDS):
            self._taker.finish()
        if device.fault is not None:
            log.error("%s", device.fault)
            return EXIT_FAULT
        if stalled >= STALLED_POLLS:
            self._say(state="lost", level_db=FLOOR_DB)
            return EXIT_DEVICE_LOST
        device.close()
        return 0

    def _open(self) -> DeviceInput | None:
        """The device, as soon as it is there; None where nobody waits for it any more."""
        n_tries = 0
        while self._lifetime.goes_on():
            try:
                with self._heart.silent(DEVICE_SECONDS):
                    if n_tries:
                        look_again()
                    device = DeviceInput(self._arguments.device, sample_rate=self._arguments.sample_rate)
                    device.start()
                return device
            except DeviceError as error:
                if n_tries == 0:
                    log.warning("no input: %s; it is looked for again and again", error)
                reason = str(error)
            pause = RETRY_SECONDS[min(n_tries, len(RETRY_SECONDS) - 1)]
            n_tries += 1
            until = time.monotonic() + pause
            while self._lifetime.goes_on() and time.monotonic() < until:
                time.sleep(POLL_SECONDS)
                self._heart.beat()
                self._say(state="lost", device=reason)
        return None

    def _hear(self, y: np.ndarray) -> None:
        """Describe what has come, float32 (n_samples, n_channels), and keep whole steps."""
        seconds = len(y) / self._arguments.sample_rate
        peak = float(np.abs(y).max(initial=0.0))
        level = max(FLOOR_DB, 20.0 * math.log10(peak)) if peak > 0.0 else FLOOR_DB
        level = max(level, self._status.level_db - LEVEL_FALL_DB * seconds)
        frames = self._descriptors.push(y.mean(axis=1)) if len(y) else self._frames[:0]
        self._frames = np.concatenate([self._frames, frames]) if len(self._frames) else frames
        n_steps = self._status.n_steps
        while len(self._frames) >= STEP_FRAMES:
            self._state.write_step(n_steps, self._frames[:STEP_FRAMES])
            self._frames = self._frames[STEP_FRAMES:]
            n_steps += 1
        self._status = replace(self._status, level_db=level, n_steps=n_steps)

    def _say(self, **changes: object) -> None:
        self._status = replace(self._status, monotonic_ns=time.monotonic_ns(), **changes)  # type: ignore[arg-type]
        self._state.write_status(self._status)
