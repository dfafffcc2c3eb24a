"""From tag weights to events: the state machine behind every layer.

Pure: no clock, no thread, no I/O. Time comes in as sample counts, so that the live server and an offline render that
give the same commands at the same samples get the same events, whatever the moments at which they ask for a plan.

A layer goes round: tags -> primed history -> predicted horizon -> beam selection -> one PlayUnit -> the unit really
chosen is fed back to the predictor. Feeding back what sounds, not what was predicted, keeps long runs on the corpus.
"""

from collections.abc import Mapping

import numpy as np

from liveseq.corpus.units import UnitTable
from liveseq.runtime.predictor import Predictor
from liveseq.sequencer.foresight import PRIMING_UNITS, Foresight, Opening
from liveseq.sequencer.layers import Layer
from liveseq.sequencer.repetition import Usage
from liveseq.sequencer.selection import NeighbourIndex, Scaling, Selection, Selector
from liveseq.sequencer.timeline import Choice, CutLayer, Event, PlayUnit, StopLayer

LOUDNESS_RANGE_DB = 12.0
"""A recording is brought to the corpus's typical loudness, by at most this much."""
GATE_DB = 10.0
"""Units so far below the mean of their recording do not count for its loudness."""
STOP_SECONDS = 0.05
OPENING_STEPS = 3
"""Steps that the first plan of a tag looks ahead: it is waited for, and the next one looks the whole horizon ahead."""
SHORT_FADE_SECONDS = 0.005
"""Of a unit with nothing before it: a recording begins by itself."""
PHRASE_SECONDS = (2.0, 5.0)
"""Where several tags share a layer, each turn lasts a time between these."""


class Sequencer:
    """Plans for `n_layers` layers. Layers are numbered from 1."""

    def __init__(
        self,
        units: UnitTable,
        index: NeighbourIndex,
        scaling: Scaling,
        predictor: Predictor,
        *,
        seed: int,
        n_layers: int = 2,
    ) -> None:
        self.layers = [Layer(number=n, seed=seed, usage=Usage(units.n_units)) for n in range(1, n_layers + 1)]
        self._predictor = predictor
        self._use(units, index, scaling)

    @property
    def tags(self) -> tuple[str, ...]:
        return self.units.tags

    def layer(self, number: int) -> Layer:
        return self.layers[number - 1]

    def replace_units(self, units: UnitTable, index: NeighbourIndex, scaling: Scaling) -> None:
        """Go on with a longer corpus, in which every known unit keeps its index."""
        self._use(units, index, scaling)
        for layer in self.layers:
            layer.usage.grow(units.n_units)
            layer.openings.clear()

    def set_tags(self, number: int, weights: Mapping[str, float], *, at: int) -> list[Event]:
        """From `at` on the layer plays these tags. Weights are relative, all above 0; every tag is one of `tags`.

        What was planned from `at` on is replaced: send the returned events before the next plan.
        """
        total = sum(weights.values())
        layer = self.layer(number)
        layer.blend({tag: weight / total for tag, weight in weights.items()})
        events = self._replan(layer, at)
        if layer.unit is not None and not (layer.tag and self._has(layer.tag, layer.unit)):
            layer.unit = None  # what sounds is none of the new tags: no natural continuation, no history
        return events

    def set_seed(self, number: int, seed: int, *, at: int) -> list[Event]:
        """From `at` on the layer repeats what this seed gave before, under the same tags and settings."""
        layer = self.layer(number)
        layer.reseed(seed)
        layer.tag = ""
        layer.blend(layer.weights)
        layer.usage = Usage(self.units.n_units)
        layer.planned.clear()
        return self._replan(layer, at)

    def set_playing(self, number: int, playing: bool, *, at: int) -> list[Event]:
        """Start or stop a layer at `at`. Starting one that plays does nothing."""
        layer = self.layer(number)
        if playing == layer.playing:
            return []
        layer.playing = playing
        if playing:
            layer.planned.clear()
            return self._replan(layer, at)
        layer.rewind(at)
        return [StopLayer(layer=number, start=at, fade=int(STOP_SECONDS * self.units.sample_rate))]

    def plan(self, *, now: int, until: int) -> tuple[list[Event], list[Choice]]:
        """Plan every playing layer up to `until`. Where a plan has fallen behind `now`, it goes on from `now`."""
        events: list[Event] = []
        choices: list[Choice] = []
        for layer in self.layers:
            if not (layer.playing and layer.weights):
                continue
            if layer.cursor < now:
                # The engine has gone on by itself: whatever comes next is a jump.
                layer.cursor = now
                layer.entering = True
                layer.unit = None
            while layer.cursor < until:
                event, choice = self._next(layer)
                events.append(event)
                choices.append(choice)
        return events, choices

    def prepare(self) -> bool:
        """Make one opening ahead of time, so that a tag change need not wait for it. False where all are made.

        What is planned is the same with and without it.
        """
        for layer in self.layers:
            for tag in self.tags:
                if tag not in layer.openings:
                    self._opening(layer, tag)
                    return True
        return False

    def _use(self, units: UnitTable, index: NeighbourIndex, scaling: Scaling) -> None:
        self.units = units
        self._selector = Selector(units, index, scaling)
        self._foresight = Foresight(units, self._predictor, mean=scaling.mean, std=scaling.std)
        self._gain = matching_gain(units)

    def _replan(self, layer: Layer, at: int) -> list[Event]:
        layer.rewind(at)
        if not layer.playing:
            return []
        return [CutLayer(layer=layer.number, start=at)]

    def _next(self, layer: Layer) -> tuple[PlayUnit, Choice]:
        if not layer.tag or (layer.cursor >= layer.phrase_end and len(layer.weights) > 1):
            self._turn(layer)
        chosen = self._selector.select(
            self._expect(layer),
            after=layer.unit,
            clock=layer.cursor,
            samples_per_step=self._foresight.samples_per_step,
            tag=layer.tag,
            usage=layer.usage,
            settings=layer.settings,
            rng=layer.rng,
        )
        fade = int(layer.settings.crossfade_ms * 1e-3 * self.units.sample_rate)
        if layer.entering:
            layer.cursor += lead_in(self.units, chosen.unit, fade=fade)
            layer.entering = False
        event = play_unit(
            self.units,
            chosen.unit,
            layer=layer.number,
            begin=layer.cursor,
            fade=fade,
            gain=float(self._gain[self.units.source[chosen.unit]]),
            continues=chosen.continues,
        )
        choice = self._choice(layer, chosen)
        layer.usage.note(chosen.unit, clock=layer.cursor)
        layer.planned.append((layer.cursor, chosen.unit))
        layer.unit = chosen.unit
        layer.played[layer.tag] += int(self.units.length[chosen.unit])
        layer.cursor += int(self.units.length[chosen.unit])
        if self._foresight.is_over(chosen.unit, layer.tag):
            layer.unit = layer.mixture = None  # what has died away is no reason for silence: open anew
        else:
            layer.mixture, layer.state = self._foresight.hear([chosen.unit], layer.state)
        return event, choice

    def _turn(self, layer: Layer) -> None:
        """Give the next tag its phrase. If it is another one, it begins afresh, from its own material."""
        tag = layer.next_tag()
        layer.phrase_end = layer.cursor + int(layer.rng.uniform(*PHRASE_SECONDS) * self.units.sample_rate)
        if tag != layer.tag:
            layer.tag = tag
            layer.unit = None
            layer.mixture = None

    def _expect(self, layer: Layer) -> np.ndarray:
        """The future to plan for, float32 (horizon, n_features)."""
        settings = layer.settings
        if layer.mixture is None and layer.unit is None:
            opening = self._opening(layer, layer.tag)
            layer.n_opened[layer.tag] += 1
            del layer.openings[layer.tag]
            layer.mixture, layer.state = opening.mixture, opening.state
            return opening.future
        if layer.mixture is None:
            heard = [unit for _, unit in layer.planned][-PRIMING_UNITS:]
            layer.mixture, layer.state = self._foresight.hear(heard)
        return self._foresight.imagine(
            layer.mixture,
            layer.state,
            horizon=settings.horizon,
            temperature=settings.predict_temperature,
            rng=layer.rng,
        )

    def _opening(self, layer: Layer, tag: str) -> Opening:
        """The next opening of a tag, made now where it is not there or was made for other settings."""
        horizon = min(layer.settings.horizon, OPENING_STEPS)
        temperature = layer.settings.predict_temperature
        opening = layer.openings.get(tag)
        if opening is None or (len(opening.future), opening.temperature) != (horizon, temperature):
            opening = self._foresight.open(tag, horizon=horizon, temperature=temperature, rng=layer.opening_rng(tag))
            layer.openings[tag] = opening
        return opening

    def _has(self, tag: str, unit: int) -> bool:
        sorted_units = self.units.tag_units[tag]
        place = int(np.searchsorted(sorted_units, unit))
        return place < len(sorted_units) and int(sorted_units[place]) == unit

    def _choice(self, layer: Layer, chosen: Selection) -> Choice:
        units = self.units
        fresh = layer.unit is None
        reason = "fallback" if chosen.taboo else "start" if fresh else "continue" if chosen.continues else "jump"
        return Choice(
            layer=layer.number,
            start=layer.cursor,
            unit=chosen.unit,
            tag=layer.tag,
            source=units.source_names[units.source[chosen.unit]],
            seconds=float(units.position[chosen.unit] - units.source_start[chosen.unit]) / units.sample_rate,
            distance=chosen.distance,
            join=chosen.join,
            rank=chosen.rank,
            reason=reason,
        )


def play_unit(
    units: UnitTable, unit: int, *, layer: int, begin: int, fade: int, gain: float, continues: bool
) -> PlayUnit:
    """The event that makes a unit begin, whole, at sample `begin`. fade: samples of crossfade, as far as there is room.

    The fade lies before the unit, so that its attack comes in whole; a natural continuation needs none.
    """
    position = int(units.position[unit])
    lead = 0 if continues else lead_in(units, unit, fade=fade)
    if not continues:
        fade = max(lead, min(fade, int(SHORT_FADE_SECONDS * units.sample_rate)))
    return PlayUnit(
        layer=layer,
        start=begin - lead,
        length=int(units.length[unit]) + lead,
        unit=unit,
        shard=int(units.shard[unit]),
        position=position - lead,
        source_start=int(units.source_start[unit]),
        source_end=int(units.source_end[unit]),
        fade=fade,
        gain=gain,
    )


def lead_in(units: UnitTable, unit: int, *, fade: int) -> int:
    """Samples of its own recording before a unit, at most `fade`."""
    return min(fade, int(units.position[unit] - units.source_start[unit]))


def matching_gain(units: UnitTable) -> np.ndarray:
    """Linear gain per source that brings it to the median loudness of the corpus, float32 (n_sources,).

    One gain per source, not per unit: the dynamics inside a recording are part of its music.
    """
    power = np.power(10.0, units.loudness_db / 10.0)
    n_sources = len(units.source_names)
    level = _mean_db(units, power, np.ones(units.n_units), n_sources)
    # A recording is as loud as its loud parts: the gate of BS.1770, or hits would be judged by their silence.
    loud = units.loudness_db >= level[units.source] - GATE_DB
    loudness = _mean_db(units, power, loud.astype(float), n_sources)  # (n_sources,) dBFS
    change = np.clip(np.median(loudness) - loudness, -LOUDNESS_RANGE_DB, LOUDNESS_RANGE_DB)
    gain: np.ndarray = np.power(10.0, change / 20.0).astype(np.float32)
    return gain


def _mean_db(units: UnitTable, power: np.ndarray, weight: np.ndarray, n_sources: int) -> np.ndarray:
    """Mean power per source, dBFS, of the units that have weight."""
    samples = np.bincount(units.source, weights=weight * units.length, minlength=n_sources)
    energy = np.bincount(units.source, weights=weight * power * units.length, minlength=n_sources)
    level: np.ndarray = 10.0 * np.log10(np.maximum(energy / np.maximum(samples, 1.0), 1e-9))
    return level
