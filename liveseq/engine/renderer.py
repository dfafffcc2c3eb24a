"""The audio thread's side of the engine: pipe -> mixer -> block, and the pulse that tells of it.

`Renderer.render` runs in the output's thread, once per block, and nothing else touches mixer, pipe and pulse; the main
thread only sets `ending` and reads. Deadline: the duration of one block, every time. No wait, no lock, no log, no file;
a handful of small temporary arrays, whose memory the allocator has at hand.
"""

import os
import time

import numpy as np

from liveseq.engine.events import HandOver, Quit, ShardAdded
from liveseq.engine.mixer import Mixer
from liveseq.engine.pipe import RecordReader
from liveseq.engine.shards import Shards
from liveseq.engine.state import HANDED_OVER, EngineState, Pulse
from liveseq.memory.heartbeat import Heart
from liveseq.sequencer.timeline import Grain, PlayUnit

LOAD_SECONDS = 0.5
"""Time constant of the average load."""
PEAK_SECONDS = 5.0
"""Time constant with which the peak load falls."""


class Renderer:
    """Renders blocks from records, and says in shared memory what it did."""

    def __init__(
        self, mixer: Mixer, reader: RecordReader, shards: Shards, state: EngineState, heart: Heart, *, sample_rate: int
    ) -> None:
        self.ending = False
        """Set by the main thread: fade out."""
        self.leaving = False
        """Whether another engine reads the pipe and writes the pulse by now."""
        self.joining = True
        """Set by the main thread before it starts an output: the clock has gone on meanwhile."""
        self.latency = 0.0
        """Seconds from the clock to the output."""
        self.mixer = mixer
        self.pulse = Pulse()
        self._before: Pulse | None = None  # counts of the engines before this one, when it has begun
        self._reader = reader
        self._shards = shards
        self._state = state
        self._heart = heart
        self._rate = sample_rate
        self._pid = os.getpid()

    def render(self, block: np.ndarray, n_missed: int, n_lost: int) -> None:
        """Fill block, float32 (n_samples, 2).

        n_missed: blocks that the output wanted before this one and did not get.
        n_lost: blocks that a recording has lost since it began.
        """
        began = time.monotonic_ns()
        self._heart.beat()
        if self.joining:
            self._join()
        leaving = self.leaving
        for record in () if leaving else self._reader.read():
            if isinstance(record, PlayUnit | Grain):
                self._shards.expect(record)
            elif isinstance(record, ShardAdded):
                self._shards.added(record.number, record.n_samples)
            elif isinstance(record, HandOver):
                if record.pid != self._pid:
                    continue
                self.leaving = True
            self.mixer.push(record)
        if self.ending and not self.mixer.quitting:
            self.mixer.push(Quit())
        pulse = self.pulse
        pulse.clock = self.mixer.clock
        pulse.monotonic_ns = began
        self.mixer.render_into(block)
        pulse.blocks += 1
        pulse.underruns += n_missed
        self._note_mixer(n_lost)
        self._note_load((time.monotonic_ns() - began) * 1e-9, seconds=len(block) / self._rate)
        if not leaving:
            self._state.write_pulse(pulse)

    def _join(self) -> None:
        """Go on where the engine or output before this one would be now."""
        self.joining = False
        if self._before is None:
            self.pulse, self._before = self._state.read_pulse(), self._state.read_pulse()
        self.mixer.join(self._state.clock_now(sample_rate=self._rate))

    def _note_load(self, spent: float, *, seconds: float) -> None:
        pulse, load = self.pulse, spent / seconds
        pulse.slow += load > 1.0
        pulse.cpu += (load - pulse.cpu) * min(1.0, seconds / LOAD_SECONDS)
        pulse.cpu_peak = max(load, pulse.cpu_peak * (1.0 - min(1.0, seconds / PEAK_SECONDS)))

    def _note_mixer(self, n_lost: int) -> None:
        pulse, mixer, before, counters = self.pulse, self.mixer, self._before, self.mixer.counters
        assert before is not None
        pulse.latency = self.latency
        pulse.overruns = before.overruns + n_lost
        pulse.late = before.late + counters.late
        pulse.dropped = before.dropped + counters.dropped + self._reader.n_bad
        pulse.continued = before.continued + counters.continued
        pulse.looped = before.looped + counters.looped
        pulse.silenced = before.silenced + counters.silenced
        pulse.bad_blocks = before.bad_blocks + mixer.n_bad_blocks
        pulse.transport = HANDED_OVER if self.leaving else mixer.transport
        for channel in range(2):
            pulse.peaks[channel] = float(mixer.peaks[channel])
            pulse.rms[channel] = float(mixer.powers[channel]) ** 0.5
        for number, layer in enumerate(mixer.layers):
            pulse.units[number] = layer.unit
            pulse.steps[number] = layer.step
            pulse.layer_peaks[number] = mixer.layer_peaks[number]
            pulse.layer_rms[number] = mixer.layer_powers[number] ** 0.5
