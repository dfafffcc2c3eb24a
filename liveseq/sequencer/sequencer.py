"""From tag weights to events: the state machine behind every layer.

Pure: no clock, no thread, no I/O. Time comes in as sample counts, so that the live server and an offline render that
give the same commands at the same samples get the same events, whatever the moments at which they ask for a plan.

A layer goes round: tags -> primed history -> predicted horizon -> bent by the macros -> beam selection -> events of its
mode -> the units that really sound are fed back to the predictor. Feeding back what sounds, not what was predicted,
keeps long runs on the corpus.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from liveseq.corpus.index import DEFAULT_WEIGHTS
from liveseq.corpus.units import ANY, UnitFilter
from liveseq.runtime.predictor import Predictor
from liveseq.sequencer.foresight import PRIMING_UNITS, Opening
from liveseq.sequencer.layers import Layer
from liveseq.sequencer.material import Material, Reading
from liveseq.sequencer.playback import Wish
from liveseq.sequencer.repetition import Pool, Usage
from liveseq.sequencer.selection import Query, Selection
from liveseq.sequencer.settings import Mode
from liveseq.sequencer.steering import achieved, travel
from liveseq.sequencer.streaming import Streaming
from liveseq.sequencer.streams import NoStreams, StreamSource
from liveseq.sequencer.timeline import Choice, CutLayer, Event, StopLayer

STOP_SECONDS = 0.05
OPENING_STEPS = 3
"""Steps that the first plan of a tag looks ahead: it is waited for, and the next one looks the whole horizon ahead."""
MOST_STEPS = 32
"""Steps that are predicted for a plan that travels fast; beyond them it stays where it has come."""
PHRASE_SECONDS = (2.0, 5.0)
"""Where several tags share a layer, each turn lasts a time between these."""


class Sequencer:
    """Plans for `n_layers` layers. Layers are numbered from 1."""

    def __init__(
        self, material: Material, predictors: Mapping[str, Predictor], *, seed: int, n_layers: int = 2
    ) -> None:
        """predictors: by name; every layer begins with the first."""
        n_units = material.units.n_units
        first = next(iter(predictors))
        self.layers = [
            Layer(number=n, seed=seed, usage=Usage(n_units), predictor=first) for n in range(1, n_layers + 1)
        ]
        self._predictors = dict(predictors)
        self.streaming = Streaming(NoStreams(), sample_rate=material.units.sample_rate)
        """Of the layers that play a generator."""
        self._use(Reading(material, predictors))

    @property
    def tags(self) -> tuple[str, ...]:
        return self.units.tags

    @property
    def predictors(self) -> tuple[str, ...]:
        """Names of those that are loaded."""
        return tuple(self._predictors)

    def layer(self, number: int) -> Layer:
        return self.layers[number - 1]

    def use_streams(self, source: StreamSource) -> None:
        """Where streams come from. Before any is played."""
        self.streaming = Streaming(source, sample_rate=self.units.sample_rate)

    def read(self, material: Material) -> Reading:
        """A changed corpus, for `replace_material`. Any thread; takes a while, changes nothing."""
        return Reading(material, dict(self._predictors))

    def replace_material(self, reading: Reading) -> None:
        """Go on with a changed corpus, in which every known unit keeps its index."""
        for name in self._predictors.keys() - reading.foresights.keys():  # loaded meanwhile
            reading.foresights[name] = reading.foresee(self._predictors[name])
        self._use(reading)
        for layer in self.layers:
            layer.usage.grow(self.units.n_units)
            layer.openings.clear()
            layer.pools.clear()
            if layer.allowed is not None:
                more = self.units.n_units - len(layer.allowed.mask)
                layer.allowed = UnitFilter(np.concatenate([layer.allowed.mask, np.ones(more, dtype=bool)]))

    def add_predictor(self, name: str, predictor: Predictor) -> None:
        """From now on layers may use it. It has seen the same features as the others, in steps of its own."""
        self._predictors[name] = predictor
        self._reading.foresights[name] = self._reading.foresee(predictor)

    def set_predictor(self, number: int, name: str, *, at: int) -> list[Event]:
        """From `at` on this model plans for the layer; it hears first what the layer has played."""
        layer = self.layer(number)
        layer.predictor = name
        layer.openings.clear()
        layer.mixture = None  # and with it a state that is the other model's
        return self._replan(layer, at)

    def set_tags(self, number: int, weights: Mapping[str, float], *, at: int) -> list[Event]:
        """From `at` on the layer plays these tags. Weights are relative, above 0; every tag is one of `tags`, or ANY.

        What was planned from `at` on is replaced: send the returned events before the next plan.
        """
        total = sum(weights.values())
        layer = self.layer(number)
        layer.blend({tag: weight / total for tag, weight in weights.items()})
        events = self._replan(layer, at)  # a stream goes on, and changes its tag by itself
        if layer.unit is not None and not (layer.tag and self._has(layer.tag, layer.unit)):
            layer.forget_past()  # what sounds is none of the new tags: no natural continuation, no history
        return events

    def set_seed(self, number: int, seed: int, *, at: int) -> list[Event]:
        """From `at` on the layer repeats what this seed gave before, under the same tags and settings."""
        layer = self.layer(number)
        layer.reseed(seed)
        layer.given = None
        layer.tag = ""
        layer.blend(layer.weights)
        layer.usage = Usage(self.units.n_units)
        layer.planned.clear()
        layer.anchor = None
        layer.beat_period = 0.0
        return self._replan(layer, at)

    def set_playing(self, number: int, playing: bool, *, at: int) -> list[Event]:
        """Start or stop a layer at `at`. Starting one that plays does nothing."""
        layer = self.layer(number)
        if playing == layer.playing:
            return []
        layer.playing = playing
        layer.given = None
        if playing:
            layer.planned.clear()
            layer.anchor = None
            return self._replan(layer, at)
        self.streaming.close(layer)
        layer.rewind(at)
        return [StopLayer(layer=number, start=at, fade=int(STOP_SECONDS * self.units.sample_rate))]

    def set_mode(self, number: int, mode: Mode, *, at: int) -> list[Event]:
        """From `at` on the plan becomes sound in this way; freeze holds what then sounds.

        In mode generate the layer plays the corpus until a stream of its own is opened, there, and begun.
        """
        layer = self.layer(number)
        if layer.settings.mode is mode:
            return []
        before, layer.settings.mode = layer.settings.mode, mode
        if mode is Mode.GENERATE and before is Mode.CONTINUOUS:
            return []
        if before is Mode.GENERATE:
            self.leave_stream(number, at=at)
        layer.beat_period = 0.0
        layer.next_grain = float(at)
        return self._replan(layer, at)

    def begin_stream(self, number: int, *, at: int) -> list[Event]:
        """From `at` on the layer plays the stream that it was to play; it is there (see Streaming.is_ready)."""
        layer = self.layer(number)
        return list(self.streaming.begin(layer, at=at)) if layer.playing and layer.coming is not None else []

    def rejoin(self, number: int, *, at: int) -> list[Event] | None:
        """From `at` on an engine that knows nothing of the layer's stream plays it, as far as it is by then; None where
        the layer plays none."""
        layer = self.layer(number)
        return list(self.streaming.rejoin(layer, at=at)) if layer.playing and layer.stream is not None else None

    def go_on(self, number: int, *, at: int, step: int) -> list[Event]:
        """In a replay: the layer's stream came too late, and goes on with this step at `at`. It is planned at once, as
        it was then: what comes next in the log may have been planned no further than before."""
        layer = self.layer(number)
        if layer.stream is None:
            return []
        self.streaming.go_on(layer, at=at, step=step)
        return self._stream(layer, now=at, until=at + 1)[0]

    def leave_stream(self, number: int, *, at: int) -> list[Event]:
        """From `at` on the layer plays the corpus again."""
        layer = self.layer(number)
        sounded = layer.stream is not None
        self.streaming.close(layer)
        if not (sounded and layer.playing):
            return []
        layer.rewind(at)
        layer.forget_past()
        return [CutLayer(layer=number, start=at)]

    def next_start(self, *, now: int) -> int | None:
        """Sample clock at which what is to be planned next begins; None where no layer has anything to plan."""
        return min(
            (
                layer.cursor
                for layer in self.layers
                if layer.playing and layer.weights and (layer.stream is None or self.streaming.can_plan(layer, now=now))
            ),
            default=None,
        )

    def set_filter(self, number: int, allowed: UnitFilter | None) -> bool:
        """Restrict the layer to these units. False where a tag would have none left: then nothing has changed."""
        layer = self.layer(number)
        if allowed is not None and not self.leaves(allowed, layer.weights or {ANY: 1.0}):
            return False
        layer.allowed = allowed
        layer.pools.clear()
        return True

    def leaves(self, allowed: UnitFilter, tags: Iterable[str]) -> bool:
        """Whether each of the tags has a unit left under a filter."""
        return all(bool(allowed.mask[self.units.tag_units[tag]].any()) for tag in tags)

    def prime(self, number: int, features: np.ndarray, *, at: int) -> list[Event]:
        """Continue from these steps at `at`: raw features, float32 (n_steps, n_features), n_steps >= 1.

        A layer without tags then plays whatever comes nearest.
        """
        layer = self.layer(number)
        return self._begin_from(layer, features, at=at)

    def hear_input(self, number: int, features: np.ndarray) -> None:
        """One step or more of what is being played to a layer that listens: its plans continue that."""
        layer = self.layer(number)
        if layer.tag:
            self._hear_features(layer, features, state=layer.mixture is not None)

    def seed_corpus(self, number: int, unit: int, *, at: int) -> list[Event]:
        """Continue from this unit of the corpus at `at`.

        It need not have a tag of the layer: what follows it does.
        """
        return self._begin_from(self.layer(number), unit, at=at)

    def plan(self, *, now: int, until: int) -> tuple[list[Event], list[Choice]]:
        """Plan every playing layer up to `until`. Where a plan has fallen behind `now`, it goes on from `now`."""
        events: list[Event] = []
        choices: list[Choice] = []
        for layer in self.layers:
            if not (layer.playing and layer.weights):
                continue
            if layer.stream is not None:
                heard, why = self._stream(layer, now=now, until=until)
                events += heard
                choices += why
                continue
            if layer.cursor < now:
                # The engine has gone on by itself: whatever comes next is a jump.
                layer.cursor = now
                layer.entering = True
                layer.head = None
                if layer.settings.mode is not Mode.FREEZE:
                    layer.unit = None
            while layer.cursor < until:
                more, choice = self._next(layer)
                events += more
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

    def _use(self, reading: Reading) -> None:
        self._reading = reading
        self.units = reading.material.units

    def _stream(self, layer: Layer, *, now: int, until: int) -> tuple[list[Event], list[Choice]]:
        mean = self._reading.material.scaling.mean  # nothing was looked for
        gain = float(10.0 ** (layer.settings.steering.loudness / 20.0))
        events, choices = self.streaming.plan(layer, now=now, until=until, gain=gain, features=mean)
        return list(events), choices

    def _replan(self, layer: Layer, at: int) -> list[Event]:
        if layer.stream is not None:
            return []
        layer.rewind(at)
        if layer.given is not None:
            self._continue(layer, layer.given)
        if not layer.playing:
            return []
        return [CutLayer(layer=layer.number, start=at)]

    def _begin_from(self, layer: Layer, what: np.ndarray | int, *, at: int) -> list[Event]:
        """Cut the plan, for something that is heard instead of what was played: steps, or a unit."""
        if not layer.weights:
            layer.blend({ANY: 1.0})
        layer.given = at, what
        return self._replan(layer, at)

    def _continue(self, layer: Layer, given: tuple[int, np.ndarray | int]) -> None:
        """The next plan continues what the layer was given; the predictor hears it then."""
        layer.forget_past()
        layer.mixture, layer.given = None, given
        layer.tag = layer.tag or layer.next_tag()
        self._begin_phrase(layer)
        if isinstance(given[1], int):
            having = [tag for tag in layer.weights if self._has(tag, given[1])]
            if having:
                layer.tag = layer.tag if layer.tag in having else having[0]
                layer.unit = given[1]

    def _hear_given(self, layer: Layer, what: np.ndarray | int) -> None:
        if isinstance(what, int):
            foresight = self._reading.foresights[layer.predictor]
            layer.mixture, layer.state, layer.beat = foresight.hear(foresight.leading_to(what), tag=layer.tag)
        else:
            self._hear_features(layer, what)

    def _hear_features(self, layer: Layer, features: np.ndarray, *, state: bool = False) -> None:
        """state: go on from what the layer has heard, instead of afresh."""
        known = layer.state if state else None
        foresight = self._reading.foresights[layer.predictor]
        features = foresight.plausible(features)
        layer.anchor = features[-1]
        layer.mixture, layer.state, layer.beat = foresight.hear_features(features, known, tag=layer.tag)

    def _next(self, layer: Layer) -> tuple[list[Event], Choice]:
        frozen = layer.settings.mode is Mode.FREEZE and layer.unit is not None
        if not layer.tag or (not frozen and layer.cursor >= layer.phrase_end and len(layer.weights) > 1):
            self._turn(layer)
        foresight = self._reading.foresights[layer.predictor]
        expected = self.units.features[layer.unit][None] if frozen else self._expect(layer)
        targets = (
            expected if frozen else self._reading.bend.apply(expected, tag=layer.tag, steering=layer.settings.steering)
        )
        query = self._query(layer, targets)
        chosen = self._reading.selector.hold(query) if frozen else self._choose(layer, query)
        layer.anchor = expected[0]
        fresh = layer.unit is None
        sounded = self._reading.player.sound(
            layer, Wish(unit=chosen.unit, continues=chosen.continues, expected=expected[0])
        )
        events, heard, begin = sounded.events, sounded.heard, sounded.begin
        layer.usage.note(chosen.unit, clock=begin)
        layer.planned.append((begin, heard[0]))
        layer.unit = heard[-1]
        layer.played[layer.tag] += layer.cursor - begin
        if not frozen and foresight.is_over(heard[-1], layer.tag):
            layer.forget_past()  # what has died away is no reason for silence: open anew
        elif not (frozen or layer.listening):
            bent = achieved(self.units.features[heard[0]], expected=expected[0], target=targets[0])
            layer.mixture, layer.state, layer.beat = foresight.hear(heard, layer.state, tag=layer.tag, shift=bent)
        silent = all(isinstance(event, StopLayer) for event in events) and layer.settings.trigger < 1.0
        reason = (
            "rest" if silent else
            "fallback" if chosen.taboo else
            "start" if fresh else
            "continue" if chosen.continues or frozen else
            "jump"
        )  # fmt: skip
        return events, self._choice(layer, chosen, target=targets[0], begin=begin, reason=reason)

    def _choose(self, layer: Layer, query: Query) -> Selection:
        tag = layer.tag
        if tag not in layer.pools:
            layer.pools[tag] = Pool.of(self.units, tag, layer.allowed)
        return self._reading.selector.select(
            query, usage=layer.usage, pool=layer.pools[tag], settings=layer.settings, rng=layer.rng
        )

    def _query(self, layer: Layer, targets: np.ndarray) -> Query:
        settings = layer.settings
        factors = np.array(settings.weights, dtype=np.float32)
        weights = DEFAULT_WEIGHTS * np.concatenate([factors[:-1], factors[-1] * factors[:-1]])
        return Query(
            targets=targets,
            weights=weights / np.linalg.norm(weights) * self._reading.bend.emphasis(layer.tag, settings.steering),
            tag=layer.tag,
            after=layer.unit,
            follower=self._reading.player.follower(layer),
            clock=layer.cursor,
            samples_per_step=self._reading.foresights[layer.predictor].samples_per_step,
            allowed=layer.allowed,
        )

    def _turn(self, layer: Layer) -> None:
        """Give the next tag its phrase. If it is another one, it begins afresh, from its own material."""
        tag = layer.next_tag()
        self._begin_phrase(layer)
        if tag != layer.tag:
            layer.tag = tag
            layer.forget_past()

    def _begin_phrase(self, layer: Layer) -> None:
        layer.phrase_end = layer.cursor + int(layer.rng.uniform(*PHRASE_SECONDS) * self.units.sample_rate)

    def _expect(self, layer: Layer) -> np.ndarray:
        """The future to plan for, before any bending: float32 (horizon, n_features)."""
        settings = layer.settings
        foresight = self._reading.foresights[layer.predictor]
        if layer.mixture is None and layer.given is not None:
            self._hear_given(layer, layer.given[1])
        if layer.mixture is None and layer.unit is None:
            opening = self._opening(layer, layer.tag)
            layer.n_opened[layer.tag] += 1
            del layer.openings[layer.tag]
            layer.mixture, layer.state, layer.beat = opening.mixture, opening.state, opening.beat
            return opening.future
        if layer.mixture is None:
            own = [unit for begin, unit in layer.planned if begin >= layer.past_from]
            heard = own[-PRIMING_UNITS:] or [layer.unit or 0]
            layer.mixture, layer.state, layer.beat = foresight.hear(heard, tag=layer.tag)
        movement = settings.steering.movement
        future = foresight.imagine(
            layer.mixture,
            layer.state,
            beat=layer.beat,
            tag=layer.tag,
            horizon=max(1, min(int(np.ceil(movement * settings.horizon)), MOST_STEPS)),
            temperature=_temperature(layer),
            rng=layer.rng,
        )
        anchor = future[0] if layer.anchor is None else layer.anchor
        return travel(anchor, future, movement=movement, horizon=settings.horizon)

    def _opening(self, layer: Layer, tag: str) -> Opening:
        """The next opening of a tag, made now where it is not there or was made for other settings."""
        horizon, temperature = min(layer.settings.horizon, OPENING_STEPS), _temperature(layer)
        opening = layer.openings.get(tag)
        if opening is None or (len(opening.future), opening.temperature) != (horizon, temperature):
            foresight = self._reading.foresights[layer.predictor]
            opening = foresight.open(tag, horizon=horizon, temperature=temperature, rng=layer.opening_rng(tag))
            layer.openings[tag] = opening
        return opening

    def _has(self, tag: str, unit: int) -> bool:
        sorted_units = self.units.tag_units[tag]
        place = int(np.searchsorted(sorted_units, unit))
        return place < len(sorted_units) and int(sorted_units[place]) == unit

    def _choice(self, layer: Layer, chosen: Selection, *, target: np.ndarray, begin: int, reason: str) -> Choice:
        units, unit = self.units, chosen.unit
        return Choice(
            layer=layer.number,
            start=begin,
            unit=unit,
            tag=layer.tag,
            tags=tuple(layer.weights.items()),
            source=units.source_names[units.source[unit]],
            seconds=float(units.position[unit] - units.source_start[unit]) / units.sample_rate,
            duration=(layer.cursor - begin) / units.sample_rate,
            target=target,
            features=units.features[unit],
            distance=chosen.distance,
            join=chosen.join,
            repetition=chosen.repetition,
            rank=chosen.rank,
            reason=reason,
            mode=str(layer.settings.mode),
        )


def _temperature(layer: Layer) -> float:
    return layer.settings.predict_temperature * layer.settings.steering.surprise
