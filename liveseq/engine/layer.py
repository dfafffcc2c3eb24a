"""One line of sound: its queue of events, its voices, its cloud, and the deadline ladder that keeps it sounding.

Pure. The ladder, one step at a time: planned events -> the voice plays on in its source (CONTINUED) -> it loops the
last seconds of its source (LOOPED) -> after SILENCE_AFTER seconds without an event it fades away (SILENCED). A cloud
sounds its last grain once more (CONTINUED), and again and again (LOOPED), and then no more (SILENCED). The next event
is the way back up.
"""

from bisect import insort
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TypeAlias

import numpy as np

from liveseq.engine.grains import DROP_SECONDS, MAX_GRAINS, Cloud
from liveseq.engine.ramps import Ramp, Scratch
from liveseq.engine.voices import END_FADE_SECONDS, Voice
from liveseq.sequencer.timeline import Grain, PlayUnit, StopLayer

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


Queued: TypeAlias = tuple[PlayUnit | Grain | StopLayer, np.ndarray | None]
"""An event that waits for its start, and the audio of its shard: float32 (n_samples, 2)."""


class Step(IntEnum):
    """Steps of the deadline ladder."""

    PLANNED = 0
    CONTINUED = 1
    LOOPED = 2
    SILENCED = 3


@dataclass(slots=True)
class Counters:
    """Counts of what went otherwise than planned, since the engine first started."""

    late: int = 0
    """Events that came after their start. Start 0 asks for now and is never late."""
    dropped: int = 0
    """Events that were refused: queue full, transport stopped, unknown shard, outside the shard, no such layer; and
    grains that had to give way to newer ones, or were over before they came."""
    continued: int = 0
    looped: int = 0
    silenced: int = 0


class Layer:
    """Plays legato: what sounds goes on until something else is said. Grains sound beside it, and end by themselves."""

    def __init__(self, *, sample_rate: int, counters: Counters) -> None:
        self.gain = Ramp(np.ones(2))
        """Per channel: gain, mute and pan in one."""
        self.step = Step.PLANNED
        self.unit: int | None = None
        """Unit that sounds, by its index in the unit table."""
        self._rate = sample_rate
        self._counters = counters
        self._queue: list[Queued] = []  # sorted by start
        self._current: Voice | None = None
        self._fading: list[Voice] = []
        self._cloud = Cloud(sample_rate=sample_rate)
        self._last: tuple[Grain, np.ndarray] | None = None
        """The grain that is sounded again where the next one is late."""
        self._planned_end = 0
        self._again = 0
        """Clock at which it is sounded again."""

    @property
    def sounding(self) -> bool:
        """Whether anything of the layer sounds, or is to sound again."""
        return bool(self._current or self._fading or self._cloud.grains or self._last)

    @property
    def reading(self) -> list[tuple[int, int, bool]]:
        """Shard, position and whether backwards, of everything that sounds. Any thread; a block old at most."""
        voice = self._current
        grains = [grain.event for grain in self._cloud.grains]
        places = [(grain.shard, grain.position, grain.reverse) for grain in grains]
        return places if voice is None else [voice.reading, *places]

    @property
    def n_queued(self) -> int:
        """Events that wait for their start."""
        return len(self._queue)

    def push(self, event: PlayUnit | Grain | StopLayer, audio: np.ndarray | None) -> None:
        """Queue an event; a unit or a grain comes with the audio of its shard."""
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
        self._cloud.clear()
        self._end_sound()

    def stop(self, clock: int, *, fade: int) -> None:
        """Forget every event, and fade out what sounds, on purpose: nothing is counted."""
        self._queue.clear()
        self._fade_all(clock, length=fade)

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
        """Start what is due. Of units and stops the last: the earlier ones would be over within the same sample."""
        n_due = 0
        while n_due < len(self._queue) and self._queue[n_due][0].start <= now:
            n_due += 1
        if not n_due:
            return
        due = self._queue[:n_due]
        del self._queue[:n_due]
        last = max((n for n, (event, _) in enumerate(due) if not isinstance(event, Grain)), default=None)
        if last is not None:
            event, audio = due[last]
            if isinstance(event, StopLayer):
                self._fade_all(now, length=event.fade)
                del due[: last + 1]
            else:
                assert isinstance(event, PlayUnit)
                assert audio is not None
                self._play(event, audio, now)
        grains = [(event, audio) for event, audio in due if isinstance(event, Grain)]
        for grain, audio in grains:
            if 0 < grain.start <= now - grain.length and grain is not grains[-1][0]:
                self._counters.dropped += 1  # a burst of what is over would be no music
            else:
                assert audio is not None
                self._start_grain(grain, audio, now)

    def _until_next(self, now: int, n: int) -> int:
        """Samples until something other than playing on happens. Grains over grains are no such thing."""
        for event, _ in self._queue:
            if event.start >= now + n:
                break
            if self._current is not None or not isinstance(event, Grain):
                n = event.start - now
        if self._current is not None and self.step < Step.SILENCED:
            silence = self._silence
            if now >= silence:
                self._current.fade_out(now, length=int(SILENCE_FADE * self._rate))
                self._fall_silent()
            else:
                n = min(n, silence - now)
        return n

    @property
    def _silence(self) -> int:
        """Clock at which the ladder ends."""
        return self._planned_end + int(SILENCE_AFTER * self._rate)

    def _fall_silent(self) -> None:
        self.step = Step.SILENCED
        self._counters.silenced += 1

    def _play(self, event: PlayUnit, audio: np.ndarray, now: int) -> None:
        voice, began = self._current, event.start or now
        ramp = int(RAMP_SECONDS * self._rate)
        if voice is not None and voice.continues(event, now):
            voice.go_on(event, now, ramp=event.fade or ramp)
        else:
            if began < now:
                # It comes in where it would be by now, in the midst of its sound: with what is left of its fade.
                event = replace(event, fade=max(event.fade - (now - began), min(event.fade, ramp) or ramp))
            self._fade_current(now, length=event.fade, correlation=event.correlation)
            self._current = Voice(audio, event, clock=now, sample_rate=self._rate)
        self._last = None
        self._planned_end = max(began + event.length, now)
        self.step = Step.PLANNED
        self.unit = event.unit

    def _start_grain(self, event: Grain, audio: np.ndarray, clock: int) -> None:
        """Sound a grain. The first one turns a line into a cloud: the voice that sounds gives way.

        A late one sounds whole, from its attack on: nothing goes on from it, and an envelope entered half way clicks.
        """
        if self._current is not None:
            self._fade_current(clock, length=max(event.attack, int(END_FADE_SECONDS * self._rate)))
        self._counters.dropped += not self._cloud.start(audio, event, clock=clock)
        self._last = event, audio
        self._planned_end = clock + event.interval
        self._again = clock + self._pause(event)
        self.step = Step.PLANNED
        self.unit = event.unit

    def _pause(self, event: Grain) -> int:
        """Samples from one repetition to the next: its interval, but never more at once than a cloud may hold."""
        longest = max(event.length, int(DROP_SECONDS * self._rate))
        return max(event.interval, -(-longest // MAX_GRAINS))

    def _start_grains(self, now: int, end: int) -> None:
        """Start the grains of a stretch in which only grains start, each at its own sample."""
        while True:
            start = self._queue[0][0].start if self._queue else np.inf
            again = self._again_before(start)
            if min(start, again) >= end:
                return
            if again < start:
                self._repeat(max(int(again), now))
                continue
            event, audio = self._queue.pop(0)
            assert isinstance(event, Grain)
            assert audio is not None
            self._start_grain(event, audio, event.start)

    def _again_before(self, start: float) -> float:
        """Clock of the next repetition, where the event that follows, at `start`, is not near."""
        if self._last is None or start <= self._again + self._last[0].interval:
            return np.inf
        return self._again

    def _repeat(self, clock: int) -> None:
        """The next grain is late: go down the ladder."""
        assert self._last is not None
        if clock >= self._silence:
            self._last = None
            self._fall_silent()
            return
        if self.step < Step.CONTINUED:
            self.step = Step.CONTINUED
            self._counters.continued += 1
        elif self.step < Step.LOOPED:
            self.step = Step.LOOPED
            self._counters.looped += 1
        event, audio = self._last
        self._counters.dropped += not self._cloud.start(audio, event, clock=clock)
        self._again = clock + self._pause(event)

    def _fade_current(self, now: int, *, length: int, correlation: float = 0.0) -> None:
        """Fade out the voice that sounds; what was fading already is not to last longer than this.

        correlation: of the voice with what comes instead.
        """
        for voice in self._fading:
            voice.fade_out(now, length=length)
        if self._current is not None:
            self._current.fade_out(now, length=length, correlation=correlation)
            self._fading.append(self._current)
            self._current = None
        del self._fading[:-MAX_FADING]

    def _fade_all(self, now: int, *, length: int) -> None:
        """Fade out everything, on purpose."""
        self._fade_current(now, length=length)
        self._cloud.fade_out(now, length=length)
        self._end_sound()

    def _end_sound(self) -> None:
        self._current = self._last = None
        self.step = Step.PLANNED
        self.unit = None

    def _render(self, out: np.ndarray, now: int, *, scratch: Scratch) -> None:
        end = now + len(out)
        if self._queue or self._last:
            self._start_grains(now, end)
        for fading in self._fading:
            fading.add_to(out, now, scratch=scratch)
        self._fading = [fading for fading in self._fading if not _is_over(fading, end)]
        if self._cloud.grains:
            self._cloud.add_to(out, now, scratch=scratch)
        if self._current is not None:
            self._render_current(self._current, out, now, scratch=scratch)
        if not self.sounding:
            self.unit = None

    def _render_current(self, voice: Voice, out: np.ndarray, now: int, *, scratch: Scratch) -> None:
        end, n_loops = now + len(out), voice.n_loops
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


def _start(queued: Queued) -> int:
    return queued[0].start


def _is_over(voice: Voice, clock: int) -> bool:
    return voice.end is not None and voice.end <= clock
