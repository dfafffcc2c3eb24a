"""Streaming: layers that play a generator, one event for each step that it has made.

Pure, but for the source that is handed in. A step is planned when the one after it is there too, so that the engine
always knows how to go on; where nothing comes, it goes on to the end of what there is and down its ladder, and the
stream goes on where it has stopped.
"""

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from liveseq.runtime.latent import Travel
from liveseq.sequencer.layers import Layer
from liveseq.sequencer.streams import (
    KEPT_CHANGES,
    Change,
    Gap,
    Made,
    StreamLine,
    StreamOrder,
    StreamSource,
    Told,
)
from liveseq.sequencer.timeline import STREAM_SHARD, Choice, CutLayer, PlayUnit

REACTION_SECONDS = 0.15
"""Seconds from the sample at which a tag changes to the first that is made under it: time to make two steps at four
tenths of their duration. Always the same, so that a stream can be repeated."""
MORPH_SECONDS = 0.04
"""Seconds in which the sound of one tag gives way to that of the next."""
FIRST_STEPS = 3
"""Steps that are there before a stream begins to sound."""
WRAP_SECONDS = 0.005
"""Seconds of the fade between a ring's end and its beginning, which are the same sound."""
_TAIL_SECONDS = 0.04
"""Seconds before the end of what the engine knows of: it begins to loop there (engine.voices.LOOP_FADE_SECONDS), or
will have when an event reaches it."""
_FRESH = (3.2, 7.0)
"""Seconds of a ring in which another stream may begin: it is written once there, and not soon at its end."""


class Streaming:
    """Plays the streams of all layers. It alone changes `Layer.streams`."""

    def __init__(self, source: StreamSource, *, sample_rate: int) -> None:
        self.source = source
        """Whoever makes the streams."""
        self._gaps: deque[Gap] = deque(maxlen=64)
        self._rate = sample_rate

    def open(self, layer: Layer, generator: str, told: Told, *, seed: int) -> None:
        """Order a stream for a layer; what it plays meanwhile goes on, and `begin` changes over."""
        order = StreamOrder(
            ident=self.source.new_ident(layer.number),
            generator=generator,
            seed=seed,
            begin=self._fresh_place(layer),
            n_changes=1,
            changes=(Change(1, 0, told),),
        )
        layer.streams.coming = StreamLine(order=order)
        self.source.order(layer.number, order)

    def close(self, layer: Layer) -> None:
        """Want no stream any more."""
        line = layer.streams.newest
        layer.streams.coming = layer.streams.sounding = None
        if line is not None:
            self.source.order(layer.number, StreamOrder(ident=line.order.ident))

    def is_ready(self, layer: Layer) -> bool:
        """Whether enough of the stream that is to come is there, under the tag that is wanted now."""
        line = layer.streams.coming
        if line is None:
            return False
        made = self._look(layer.number, line)
        return made is not None and made.end >= made.first + FIRST_STEPS and made.n_changes >= line.order.n_changes

    def begin(self, layer: Layer, *, at: int) -> list[CutLayer]:
        """Play the stream that was to come from `at` on. It is there: see `is_ready`."""
        streams, line = layer.streams, layer.streams.coming
        assert line is not None
        streams.sounding, streams.coming, streams.cursor = line, None, at
        made = self._look(layer.number, line)
        if made is not None:  # a replay may have another model, with which there is trouble
            line.order = replace(line.order, origin=at - made.first * made.shape.samples_per_step)
            if line.latest is not None:
                self._tell(layer, line, line.latest, at=at)
                line.latest = None  # from now on the order says what it was given last
        return [CutLayer(layer=layer.number, start=at)]

    def rejoin(self, layer: Layer, *, at: int) -> list[CutLayer]:
        """Tell an engine that knows nothing of the layer's stream: it gets it from `at` on, as far as it is then."""
        assert layer.streams.sounding is not None
        layer.streams.sounding.told = 0
        layer.streams.cursor = at
        return [CutLayer(layer=layer.number, start=at)]

    def go_on(self, layer: Layer, *, at: int, step: int) -> None:
        """Go on with this step at `at`: in a replay, where the stream came too late."""
        line = layer.streams.sounding
        assert line is not None
        line.next = step
        line.order = replace(line.order, origin=None)
        layer.streams.cursor = at

    def retag(self, layer: Layer, vector: np.ndarray, *, at: int) -> None:
        """Change the tag of the layer's stream from `at` on, and a little later: float32 (tag size,).

        A stream that is to begin is not made anew for it, or a sweep would keep it from beginning: it gets the last tag
        of the sweep as it begins.
        """
        if (line := layer.streams.newest) is not None:
            self._tell(layer, line, replace(_told(line), vector=vector), at=at)

    def lead(self, layer: Layer, tempo: float, *, at: int) -> None:
        """Change the tempo of the layer's stream from `at` on, and a little later: beats per minute; 0: its own."""
        if (line := layer.streams.newest) is not None:
            self._tell(layer, line, replace(_told(line), tempo=tempo), at=at)

    def travel(self, layer: Layer, travel: Travel, *, at: int) -> None:
        """Change where the latent of the layer's stream is to be from `at` on, and a little later."""
        if (line := layer.streams.newest) is not None:
            self._tell(layer, line, replace(_told(line), travel=travel), at=at)

    def _tell(self, layer: Layer, line: StreamLine, told: Told, *, at: int) -> None:
        """Change what a layer's stream is told."""
        if line is layer.streams.coming and layer.playing:
            line.latest = told
            return
        order = line.order
        if order.changes[-1].told.is_like(told):
            return
        change = Change(order.n_changes + 1, self._moment(line, at), told)
        kept = (*(one for one in order.changes if one.sample < change.sample), change)[-KEPT_CHANGES:]
        line.order = replace(order, n_changes=order.n_changes + 1, changes=kept)
        self.source.order(layer.number, line.order)

    def trouble(self, layer: Layer) -> str:
        """Reason why there will be no more; empty where nothing is wrong."""
        line = layer.streams.newest
        return "" if line is None else self.source.trouble(layer.number, line.order.ident)

    def is_dry(self, layer: Layer, *, now: int) -> bool:
        """Whether the engine has come to the end of what it knows of the layer's stream: it begins to loop there."""
        line = layer.streams.sounding
        return line is not None and layer.streams.cursor < now and self._has_ended(line, now)

    def take_gaps(self) -> list[Gap]:
        """Gaps of all layers since this was called last, oldest first, for whoever keeps a log."""
        gaps = list(self._gaps)
        self._gaps.clear()
        return gaps

    def can_plan(self, layer: Layer, *, now: int) -> bool:
        """Whether the next step of the layer's stream can be planned."""
        return self._next(layer, now) is not None

    def plan(self, layer: Layer, *, now: int, until: int, features: np.ndarray) -> tuple[list[PlayUnit], list[Choice]]:
        """Events up to `until`, or as far as there is anything.

        features: raw, float32 (n_features,), told of every step as what was looked for and found.
        """
        streams = layer.streams
        events: list[PlayUnit] = []
        choices: list[Choice] = []
        while streams.cursor < until and (found := self._next(layer, now)) is not None:
            told, cursor = found.line.told, streams.cursor
            event = self._event(layer, found, now=now)
            on_time = (event.start, event.unit) == (cursor, told)  # where a stream breaks off it goes on so in a replay
            if found.fresh and not found.joins and event.unit and not on_time:
                ident = found.line.order.ident
                gap = Gap(layer=layer.number, ident=ident, told=told, step=event.unit, start=event.start)
                self._gaps.append(gap)
            streams.sounding = found.line
            events.append(event)
            choices.append(self._choice(layer, event, features, reason="start" if found.fresh else "continue"))
            _advance(found.line)
            streams.end = (found.line.place + found.line.told - found.line.next) * found.size
            streams.cursor = event.start + event.length
            found.line.order = replace(found.line.order, scheduled=found.line.next)
            if streams.coming is None:
                self.source.order(layer.number, found.line.order)
        return events, choices

    def _look(self, number: int, line: StreamLine) -> Made | None:
        line.made = self.source.made(number, line.order.ident) or line.made
        return line.made

    def _next(self, layer: Layer, now: int) -> "_Next | None":
        """Step that is planned next; None where it is not there yet."""
        streams, sounding = layer.streams, layer.streams.sounding
        assert sounding is not None
        # What is made of it after another one was ordered lies where that one begins.
        made = self._look(layer.number, sounding) if streams.coming is None else sounding.made
        if made is None:
            return None
        line, size, origin = replace(sounding), made.shape.samples_per_step, sounding.order.origin
        dry = joins = False
        if origin is not None and not line.told:  # it comes in where it would be by then
            step = (max(streams.cursor, now) - origin) // size
            joins = made.first <= step <= made.end - 2
            dry = not joins
            line.next = step if joins else line.next
        elif origin is not None and streams.cursor < now:  # the engine has gone on by itself
            reading, dry = now - origin, self.is_dry(layer, now=now)
            while not dry and (line.next + 1) * size <= reading:
                _advance(line)
        fresh = origin is None or dry or joins or line.next >= made.first > line.first
        if fresh:
            if origin is not None:  # without one it goes on with the step that a log says
                line.next = max(line.told or line.next if dry else line.next, made.first)
            line.first = made.first if made.first <= line.next else line.first
            line.place, line.wraps = made.shape.entry(made.base, line.next), False
        breaks = line.next < made.first  # another process has begun anew behind this step: so far it goes
        end, spare = (made.first, 1) if breaks else (made.end, 2)
        return _Next(line, size, end, fresh, joins) if line.next + spare <= end else None

    def _event(self, layer: Layer, found: "_Next", *, now: int) -> PlayUnit:
        line, fresh, size = found.line, found.fresh, found.size
        assert line.made is not None
        shape, step, place = line.made.shape, line.next, line.place
        n_before = min(place, step - line.first, shape.n_again - 1)
        n_after = min(found.end - step, shape.n_places - place)
        start = max(layer.streams.cursor, now)
        if fresh and not found.joins:
            line.order = replace(line.order, origin=start - step * size)
        line.told = step + n_after
        fade = layer.settings.crossfade_ms * 1e-3 if fresh else WRAP_SECONDS if line.wraps else 0.0
        assert line.order.origin is not None
        begin = line.order.origin + step * size
        gone = start - begin if found.joins else 0
        return PlayUnit(
            layer=layer.number,
            start=begin + gone,
            length=size - gone,
            unit=step,
            shard=STREAM_SHARD + layer.number - 1,
            position=place * size + gone,
            source_start=(place - n_before) * size,
            source_end=(place + n_after) * size,
            fade=int(fade * self._rate),
            gain=float(10.0 ** (layer.settings.steering.loudness / 20.0)),
            correlation=1.0 if line.wraps else 0.0,
        )

    def _choice(self, layer: Layer, event: PlayUnit, features: np.ndarray, *, reason: str) -> Choice:
        assert layer.stream is not None
        order = layer.stream.order
        assert order.origin is not None
        return Choice(
            layer=layer.number,
            start=event.start,
            unit=event.unit,
            tag=max(layer.weights, key=lambda tag: layer.weights[tag]),
            tags=tuple(layer.weights.items()),
            source=f"generator {order.generator.rstrip('/').rpartition('/')[2]}",
            seconds=(event.start - order.origin) / self._rate,
            duration=event.length / self._rate,
            target=features,
            features=features,
            distance=0.0,
            join=0.0,
            repetition=0.0,
            rank=0,
            reason=reason,
            mode=str(layer.settings.mode),
        )

    def _has_ended(self, line: StreamLine, now: int) -> bool:
        """Whether what is told of a stream has, or is about to."""
        origin, made = line.order.origin, line.made
        if origin is None or made is None or not line.told:
            return False
        return now >= origin + line.told * made.shape.samples_per_step - int(_TAIL_SECONDS * self._rate)

    def _moment(self, line: StreamLine, at: int) -> int:
        """Stream sample from which on a change that is told at `at` is heard: one change in a step, and its fade whole.

        Where a step has one already, another waits for the next step, instead of what waits there. While the stream is
        dry no time goes by in it: otherwise a change would be heard as much later as it takes until it goes on.
        """
        origin, made = line.order.origin, line.made
        if origin is None or made is None:
            return 0
        size = made.shape.samples_per_step
        sample = at + int(REACTION_SECONDS * self._rate) - origin
        if self._has_ended(line, at):  # it runs dry: what is made next is made under this
            sample = line.told * size - 1
        elif sample % size + min(int(MORPH_SECONDS * self._rate), size) > size:
            sample = (sample // size + 1) * size
        last = line.order.changes[-1].sample
        if last and sample // size <= last // size:
            sample = last if last >= sample else (last // size + 1) * size
        return sample

    def _fresh_place(self, layer: Layer) -> int:
        """Sample of its ring at which another stream may begin: behind what sounds, or far from it."""
        low, high = (int(seconds * self._rate) for seconds in _FRESH)
        streams, line = layer.streams, layer.streams.sounding
        if line is not None and line.made is not None and line.order.origin is not None:
            ahead = max(line.told, line.made.end) - line.next  # what is made of it may be played still
            streams.end = (line.place + ahead) * line.made.shape.samples_per_step
        return streams.end if low < streams.end < high else low


@dataclass(slots=True)
class _Next:
    """A step that can be planned: the line as it is then."""

    line: StreamLine
    size: int
    """Samples of a step."""
    end: int
    """One past the last step that it goes on to."""
    fresh: bool
    """Whether nothing leads there."""
    joins: bool
    """Whether it is entered where it would be by then, in its midst."""


def _told(line: StreamLine) -> Told:
    """The last that a stream was told."""
    return line.latest or line.order.changes[-1].told


def _advance(line: StreamLine) -> None:
    """Move on to the next step."""
    assert line.made is not None
    place = line.made.shape.after(line.place)
    line.wraps = place < line.place
    line.next, line.place = line.next + 1, place
