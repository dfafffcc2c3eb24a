"""One line of sound: its queue of events, its voices, and the deadline ladder that keeps it sounding.

Pure. The ladder, one step at a time: planned events -> the voice plays on in its source (CONTINUED) -> it loops the
last seconds of its source (LOOPED) -> after SILENCE_AFTER seconds without an event it fades away (SILENCED). The next
event is the way back up.
"""

from bisect import insort
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from liveseq.engine.voices import Ramp, Scratch, Voice
from liveseq.sequencer.timeline import PlayUnit, StopLayer

MAX_QUEUED = 256
"""Events per layer; over it the newest are dropped and counted. A look-ahead of a second takes about ten."""
MAX_FADING = 6
"""Voices per layer that may fade out at once."""
MIN_SOURCE = 64
"""Samples; a shorter source is refused, since looping it would cost more than a block has time for."""
RAMP_SECONDS = 0.01
"""Shortest move of any gain."""
SILENCE_AFTER = 30.0
"""Seconds past the planned length without an event."""
SILENCE_FADE = 5.0
"""Seconds."""


class Step(IntEnum):
    """Where a layer stands on the deadline ladder."""

    PLANNED = 0
    CONTINUED = 1
    LOOPED = 2
    SILENCED = 3


@dataclass(slots=True)
class Counters:
    """What went otherwise than planned, since the engine first started."""

    late: int = 0
    """Events that came after their start. Start 0 asks for now and is never late."""
    dropped: int = 0
    """Events that were refused: queue full, transport stopped, unknown shard, outside the shard, no such layer."""
    continued: int = 0
    looped: int = 0
    silenced: int = 0


class Layer:
    """Plays legato: what sounds goes on until something else is said."""

    def __init__(self, *, sample_rate: int, counters: Counters) -> None:
        self.gain = Ramp(np.ones(2))
        """Per channel: gain, mute and pan in one."""
        self.step = Step.PLANNED
        self.unit: int | None = None
        """What sounds, by its index in the unit table."""
        self._rate = sample_rate
        self._counters = counters
        self._queue: list[tuple[PlayUnit | StopLayer, np.ndarray | None]] = []  # sorted by start
        self._current: Voice | None = None
        self._fading: list[Voice] = []
        self._planned_end = 0

    @property
    def sounding(self) -> bool:
        return self._current is not None or bool(self._fading)

    @property
    def reading(self) -> tuple[int, int] | None:
        """Shard and position that sound."""
        voice = self._current
        return None if voice is None else (voice.shard, voice.position)

    @property
    def n_queued(self) -> int:
        return len(self._queue)

    def push(self, event: PlayUnit | StopLayer, audio: np.ndarray | None) -> None:
        """Queue an event; a unit comes with the audio of its shard."""
        if isinstance(event, StopLayer):
            self.cut(event.start)
        elif len(self._queue) >= MAX_QUEUED:
            self._counters.dropped += 1
            return
        insort(self._queue, (event, audio), key=_start)

    def cut(self, start: int) -> None:
        """Forget the events that start at or after `start`."""
        while self._queue and self._queue[-1][0].start >= start:
            self._queue.pop()

    def clear(self) -> None:
        """Silence at once. The caller has faded out before."""
        self._queue.clear()
        self._fading.clear()
        self._end_sound()

    def stop(self, clock: int, *, fade: int) -> None:
        """Forget every event, and fade out what sounds, on purpose: nothing is counted."""
        self._queue.clear()
        self._fade_current(clock, length=fade)
        self._end_sound()

    def add_to(self, out: np.ndarray, clock: int, *, scratch: Scratch) -> None:
        """Add the samples from `clock` on. out: float32 (n_samples, 2)."""
        done = 0
        while done < len(out):
            now = clock + done
            self._start_due(now)
            n = self._until_next(now, len(out) - done)
            self._render(out[done : done + n], now, scratch=scratch)
            done += n

    def _start_due(self, now: int) -> None:
        """Start the last of the events that are due: the earlier ones would be over within the same sample."""
        due = 0
        while due < len(self._queue) and self._queue[due][0].start <= now:
            due += 1
        if not due:
            return
        event, audio = self._queue[due - 1]
        del self._queue[:due]
        if isinstance(event, StopLayer):
            self._fade_current(now, length=event.fade)
            self._end_sound()
        else:
            assert audio is not None
            self._play(event, audio, now)

    def _until_next(self, now: int, n: int) -> int:
        """Samples until something other than playing on happens."""
        if self._queue:
            n = min(n, self._queue[0][0].start - now)
        if self._current is not None and self.step < Step.SILENCED:
            silence = self._planned_end + int(SILENCE_AFTER * self._rate)
            if now >= silence:
                self._current.fade_out(now, length=int(SILENCE_FADE * self._rate))
                self.step = Step.SILENCED
                self._counters.silenced += 1
            else:
                n = min(n, silence - now)
        return n

    def _play(self, event: PlayUnit, audio: np.ndarray, now: int) -> None:
        voice = self._current
        ramp = event.fade or int(RAMP_SECONDS * self._rate)
        if voice is not None and _continues(voice, event, now):
            voice.gain.move(event.gain, clock=now, length=ramp)
        else:
            self._fade_current(now, length=event.fade)
            self._current = Voice(audio, event, clock=now, sample_rate=self._rate)
        self._planned_end = now + event.length
        self.step = Step.PLANNED
        self.unit = event.unit

    def _fade_current(self, now: int, *, length: int) -> None:
        """Fade out whatever sounds; what was fading already is not to last longer than this."""
        if self._current is not None:
            self._fading.append(self._current)
            self._current = None
        for voice in self._fading:
            voice.fade_out(now, length=length)
        del self._fading[:-MAX_FADING]

    def _end_sound(self) -> None:
        self._current = None
        self.step = Step.PLANNED
        self.unit = None

    def _render(self, out: np.ndarray, now: int, *, scratch: Scratch) -> None:
        end = now + len(out)
        for fading in self._fading:
            fading.add_to(out, now, scratch=scratch)
        self._fading = [fading for fading in self._fading if not _is_over(fading, end)]
        voice = self._current
        if voice is None:
            return
        n_loops = voice.n_loops
        voice.next_start = self._queue[0][0].start if self._queue else np.inf
        voice.add_to(out, now, scratch=scratch)
        if self.step < Step.CONTINUED and end > self._planned_end:
            self.step = Step.CONTINUED
            self._counters.continued += 1
        if self.step < Step.LOOPED and voice.n_loops > n_loops and end > self._planned_end:
            self.step = Step.LOOPED
            self._counters.looped += 1
        if _is_over(voice, end):
            self._current = None
            self.unit = None


def _start(entry: tuple[PlayUnit | StopLayer, np.ndarray | None]) -> int:
    return entry[0].start


def _is_over(voice: Voice, clock: int) -> bool:
    return voice.end is not None and voice.end <= clock


def _continues(voice: Voice, event: PlayUnit, now: int) -> bool:
    """Whether the voice is just about to read what the event begins with.

    An event that comes late finds the voice already beyond: that is the same sound, on time.
    """
    late = now - event.start if event.start else 0
    return (
        not voice.fading_out
        and voice.shard == event.shard
        and voice.source_end == event.source_end
        and voice.position - event.position in (0, late)
    )
