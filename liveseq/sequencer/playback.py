"""The player: events that sound a chosen unit, in each mode.

Pure, but for the corpus audio that a join looks at: a function that is handed in reads it. Duration is exact: whatever
a unit is resampled, shifted or scattered by, the next one begins when it should.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from liveseq.corpus.units import UnitTable
from liveseq.sequencer.joins import align, nearest_attack
from liveseq.sequencer.layers import Layer
from liveseq.sequencer.matching import Matching
from liveseq.sequencer.settings import Mode
from liveseq.sequencer.timeline import Event, Grain, GrainShape, PlayUnit, StopLayer

Audio = Callable[[int, int, int], np.ndarray]
"""Shard, first sample, one past the last -> float32 (n, 2) of the corpus."""

SHORT_FADE_SECONDS = 0.005
"""Fade of a unit with nothing before it: a recording begins by itself."""
BEAT_SECONDS = 0.5
"""Duration of a slice where nothing has a beat: 120 a minute."""
NEAR_SECONDS = 0.01
"""Distance from the voice within which a slice goes on from it."""
MAX_DENSITY = 80.0
"""Grains per second."""
MAX_OVERLAP = 15
"""Grains at a time: one less than an engine layer holds."""
_POWER = 0.4
"""Mean power of a grain's envelope, about."""


@dataclass(frozen=True, kw_only=True)
class Cue:
    """A unit to be sounded, and how."""

    unit: int
    continues: bool
    expected: np.ndarray
    """Prediction before the macros: raw features, float32 (n_features,). Loudness and pitch are matched to it."""


@dataclass(frozen=True, kw_only=True)
class Sounded:
    """A cue that has become events."""

    events: list[Event]
    heard: list[int]
    """Units that sound, in order; at least one."""
    begin: int
    """Sample clock at which the first of them begins: where it breaks in, a fade after the cursor."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Alike:
    """The part of a grain that is the same for all grains of one unit."""

    unit: int
    length: int
    interval: int
    """Samples until the next grain counts as late: twice what is meant, since grains scatter."""
    gain: float
    ratio: float


class Player:
    """Writes the events of one corpus, and moves the layer's line on. Holds no state itself."""

    def __init__(self, units: UnitTable, audio: Audio) -> None:
        self._units = units
        self._audio = audio
        self._matching = Matching(units)

    def sound(self, layer: Layer, cue: Cue) -> Sounded:
        """Write the events from the layer's cursor on; then the cursor is at their end."""
        mode, line = layer.settings.mode, layer.line
        as_line = mode in (Mode.CONTINUOUS, Mode.GENERATE)
        write = self._line if as_line else self._slice if mode is Mode.BEAT else self._grains
        began, entered = line.cursor, line.entering
        events, heard, length = write(layer, cue)
        return Sounded(events=events, heard=heard, begin=line.cursor - length if entered else began)

    def follower(self, layer: Layer) -> int | None:
        """The unit that goes on from what the layer has sounded, at the speed of its plan; None where none does."""
        unit = layer.line.unit
        if unit is None or layer.line.backwards:
            return None
        if self._travels(layer):
            place = self._ahead(layer)
            return self._unit_at(unit, place) if place < self._units.source_end[unit] else None
        follower = int(self._units.successor[unit])
        return follower if follower >= 0 else None

    def _travels(self, layer: Layer) -> bool:
        """Whether the layer moves through a recording at another speed than the recording does: its sound is read as
        fast as ever, a little further on or back each time, and the joins are fitted (time stretching)."""
        return layer.settings.steering.movement != 1.0 and layer.settings.mode is not Mode.BEAT

    def _ahead(self, layer: Layer) -> float:
        """Sample of the shard at which the layer is after one unit, at the speed of its plan."""
        unit, place = layer.line.unit, layer.line.place
        assert unit is not None
        place = float(self._units.position[unit]) if place is None else place
        return place + layer.settings.steering.movement * float(self._units.length[unit])

    # One line

    def _line(self, layer: Layer, cue: Cue) -> tuple[list[Event], list[int], int]:
        unit, units = cue.unit, self._units
        length = int(units.length[unit])
        if not self._triggers(layer):
            return self._rest(layer, length), [unit], length
        reverse = self._reverses(layer)
        if cue.continues and self._travels(layer):
            position = round(self._ahead(layer))
            return self._jump(layer, cue, position=position, length=length, reverse=reverse), [unit], length
        head = layer.line.head
        if cue.continues and head is not None and not reverse:
            unit = self._unit_at(unit, head + 0.5 * length * layer.line.ratio)
            return [self._go_on(layer, cue, unit=unit, length=length)], [unit], length
        position = int(units.position[unit])
        return self._jump(layer, cue, position=position, length=length, reverse=reverse), [unit], length

    def _jump(
        self, layer: Layer, cue: Cue, *, position: int, length: int, reverse: bool, align_ms: float | None = None
    ) -> list[Event]:
        """Begin at `position` of the cue's source, with the fade before it, so that its attack comes in whole."""
        unit, units = cue.unit, self._units
        fade = self._samples(layer.settings.crossfade_ms)
        low, high = int(units.source_start[unit]), int(units.source_end[unit])
        ratio = self._matching.ratio(layer, unit, cue.expected)
        if reverse:
            begin = min(high - 1, position + round(length * ratio))
            lead = min(fade, int((high - 1 - begin) / ratio))
            correlation, start, place = 0.0, begin + round(lead * ratio), float(position)
        else:
            lead = min(fade, int((position - low) / ratio))
            search = self._samples(layer.settings.align_ms if align_ms is None else align_ms)
            shift, correlation = self._fit(layer, cue, position=position, lead=lead, search=search, ratio=ratio)
            place = float(position)
            position += shift
            start = position - round(lead * ratio)
        layer.line.enter(lead)
        event = PlayUnit(
            layer=layer.number,
            start=layer.line.cursor - lead,
            length=length + lead,
            unit=unit,
            shard=int(units.shard[unit]),
            position=start,
            source_start=low,
            source_end=high,
            fade=max(lead, min(fade, self._samples(1e3 * SHORT_FADE_SECONDS))),
            gain=self._matching.level(layer, cue.unit, cue.expected),
            ratio=ratio,
            reverse=reverse,
            correlation=correlation,
        )
        head = None if reverse else _head(start + (lead + length) * ratio, end=high)
        layer.line.jump(place=place, head=head, level=event.gain, ratio=ratio, backwards=reverse, length=length)
        return [event]

    def _go_on(self, layer: Layer, cue: Cue, *, unit: int, length: int) -> PlayUnit:
        """The voice goes on where it is. unit: what it reads then."""
        units, line = self._units, layer.line
        assert line.head is not None
        end = int(units.source_end[unit])
        event = PlayUnit(
            layer=layer.number,
            start=line.cursor,
            length=length,
            unit=unit,
            shard=int(units.shard[unit]),
            position=round(line.head),
            source_start=int(units.source_start[unit]),
            source_end=end,
            fade=0,
            gain=self._matching.level(layer, cue.unit, cue.expected),
            ratio=line.ratio,
        )
        line.go_on(head=_head(line.head + length * line.ratio, end=end), level=event.gain, length=length)
        return event

    def _rest(self, layer: Layer, length: int) -> list[Event]:
        start = layer.line.cursor
        layer.line.rest(length)
        return [StopLayer(layer=layer.number, start=start, fade=self._samples(layer.settings.crossfade_ms))]

    def _fit(self, layer: Layer, cue: Cue, *, position: int, lead: int, search: int, ratio: float) -> tuple[int, float]:
        """Samples to move by in the new source so that the waveforms fit in the fade, and their correlation then."""
        unit, units = cue.unit, self._units
        low, high = int(units.source_start[unit]), int(units.source_end[unit])
        search = min(search, position - lead - low, high - 1 - position)
        line, before = layer.line, layer.line.unit
        if before is None or line.head is None or not line.ratio == ratio == 1.0 or lead == 0 or search <= 0:
            return 0, 0.0
        begin, end = round(line.head) - lead, round(line.head)
        if begin < int(units.source_start[before]) or end > int(units.source_end[before]):
            return 0, 0.0
        outgoing = self._audio(int(units.shard[before]), begin, end).mean(axis=1) * np.float32(line.level)
        incoming = self._audio(int(units.shard[unit]), position - lead - search, position + search).mean(axis=1)
        attack = nearest_attack(units, unit, fade=lead) if position == units.position[unit] else None
        level = np.float32(self._matching.level(layer, unit, cue.expected))
        join = align(outgoing, incoming * level, search=search, attack=attack)
        return join.shift, join.correlation

    # On the beat

    def _slice(self, layer: Layer, cue: Cue) -> tuple[list[Event], list[int], int]:
        unit, units = cue.unit, self._units
        length = round(layer.line.keep_beat(float(units.beat_period[unit]) or BEAT_SECONDS * units.sample_rate))
        if not self._triggers(layer):
            return self._rest(layer, length), [unit], length
        reverse = self._reverses(layer)
        head = layer.line.head if cue.continues and not reverse else None
        position = self._on_beat(unit, length, near=head)
        if head is not None and abs(position - head) < NEAR_SECONDS * units.sample_rate:
            position = round(head)
            unit = self._unit_at(unit, position)
            events: list[Event] = [self._go_on(layer, cue, unit=unit, length=length)]
        else:
            events = self._jump(layer, cue, position=position, length=length, reverse=reverse, align_ms=0.0)
        return events, self._units_within(unit, position, length), length

    def _on_beat(self, unit: int, length: int, *, near: float | None) -> int:
        """The beat of its source nearest to a place, or to the unit's start; the attack where there is no beat.

        Where the source ends within `length`, as many beats earlier as it takes.
        """
        units = self._units
        start = int(units.position[unit])
        low, latest = int(units.source_start[unit]), int(units.source_end[unit]) - length
        period = float(units.beat_period[unit])
        if not period:
            return max(low, min(start + max(0, int(units.onset[unit])), latest))
        place = float(units.beat[unit]) + (0.0 if near is None else near - start) / period
        first, last = np.ceil(_beat_at(units, unit, low)), np.floor(_beat_at(units, unit, latest))
        beat = max(first, min(round(place), last))
        return max(low, start + round(float(beat - units.beat[unit]) * period))

    # Grains

    def _grains(self, layer: Layer, cue: Cue) -> tuple[list[Event], list[int], int]:
        unit, units, settings, line = cue.unit, self._units, layer.settings, layer.line
        duration = int(units.length[unit])
        frozen = settings.mode is Mode.FREEZE
        goes_on = cue.continues and self._travels(layer) and not frozen
        origin = self._ahead(layer) if goes_on else float(units.position[unit])
        speed = 0.0 if frozen else settings.steering.movement
        interval, alike = self._cloud(layer, cue)
        begin, end, due = line.cursor, line.cursor + duration, max(line.next_grain, float(line.cursor))
        events: list[Event] = []
        n_due = 0
        while due < end:
            n_due += 1
            if self._triggers(layer):
                events.append(self._grain(layer, alike, start=round(due), place=origin + speed * (due - begin)))
            scatter = 0.5 * settings.grain_spread * (layer.rng.random() - 0.5)
            due += interval * (1.0 + scatter)
        if n_due and not events:
            events.append(StopLayer(layer=layer.number, start=begin, fade=self._samples(settings.grain_ms)))
        line.scatter(place=origin, next_grain=due, length=duration)
        return events, [unit], duration

    def _cloud(self, layer: Layer, cue: Cue) -> tuple[float, "_Alike"]:
        """Samples from one grain of a unit to the next, about, and the part that they share."""
        unit, settings = cue.unit, layer.settings
        length = self._samples(settings.grain_ms)
        density = min(MAX_DENSITY, settings.grain_density * 2.0**settings.steering.density)
        interval = max(self._units.sample_rate / density, length / MAX_OVERLAP)
        # The engine fills a gap with the last grain, unless it is told that the gap is meant.
        patience = interval if settings.trigger >= 1.0 else max(interval, float(self._units.length[unit]))
        level = self._matching.level(layer, unit, cue.expected)
        return interval, _Alike(
            unit=unit,
            length=length,
            interval=max(1, round(2.0 * patience)),
            gain=level / np.sqrt(max(1.0, _POWER * length / interval)),
            ratio=self._matching.ratio(layer, unit, cue.expected),
        )

    def _grain(self, layer: Layer, alike: "_Alike", *, start: int, place: float) -> Grain:
        units, settings, rng = self._units, layer.settings, layer.rng
        unit, ratio = alike.unit, alike.ratio
        low, high = int(units.source_start[unit]), int(units.source_end[unit])
        length = max(1, min(alike.length, int((high - low - 1) / ratio)))
        read = int(np.ceil(length * ratio))
        around = settings.grain_spread * float(units.length[unit]) * (rng.random() - 0.5)
        position = max(low, min(int(place + around), high - 1 - read))
        reverse = bool(settings.reverse and rng.random() < settings.reverse)
        attack, release = self._samples(settings.attack_ms), self._samples(settings.release_ms)
        fitted = min(1.0, length / max(1, attack + release))
        return Grain(
            layer=layer.number,
            start=start,
            length=length,
            interval=alike.interval,
            unit=unit,
            shard=int(units.shard[unit]),
            position=position + read if reverse else position,
            source_start=low,
            source_end=high,
            attack=int(attack * fitted),
            release=int(release * fitted),
            shape=GrainShape[settings.grain_shape.upper()],
            gain=alike.gain,
            pan=settings.grain_spread * float(rng.uniform(-1.0, 1.0)),
            ratio=ratio,
            reverse=reverse,
        )

    # Chance, and places

    def _triggers(self, layer: Layer) -> bool:
        return layer.settings.trigger >= 1.0 or layer.rng.random() < layer.settings.trigger

    def _reverses(self, layer: Layer) -> bool:
        return bool(layer.settings.reverse and layer.rng.random() < layer.settings.reverse)

    def _unit_at(self, unit: int, position: float) -> int:
        """The unit that holds this place: this one, or one that naturally follows or comes before."""
        units = self._units
        while position >= units.position[unit] + units.length[unit] and units.successor[unit] >= 0:
            unit = int(units.successor[unit])
        while position < units.position[unit] and unit > 0 and units.successor[unit - 1] == unit:
            unit -= 1
        return unit

    def _units_within(self, unit: int, position: int, length: int) -> list[int]:
        """Units of one source that sound from `position` on for `length` samples, in order; the last one sounds at the
        end."""
        units = self._units
        unit = self._unit_at(unit, position)
        heard = [unit]
        while units.successor[unit] >= 0 and units.position[unit] + units.length[unit] < position + length:
            unit = int(units.successor[unit])
            heard.append(unit)
        return heard

    def _samples(self, milliseconds: float) -> int:
        return int(milliseconds * 1e-3 * self._units.sample_rate)


def _head(place: float, *, end: int) -> float | None:
    """The place of a voice at the end of an event; None where it has come to the end of its source by then."""
    return place if round(place) < end else None


def _beat_at(units: UnitTable, unit: int, position: int) -> float:
    """Place in the beat of a position in a unit's source, which has a beat."""
    return float(units.beat[unit]) + (position - int(units.position[unit])) / float(units.beat_period[unit])
