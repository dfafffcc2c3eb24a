"""The layers of a performance, and the commands that change them: what is to be played, from which sample on.

Pure: no clock, no thread, no I/O. Time comes in as sample counts, so that the live server and an offline render that
give the same commands at the same samples get the same events, whatever the moments at which they ask for a plan. How a
layer is planned: `planner`; how it plays a generator: `streaming`.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from liveseq.corpus.units import ANY, UnitFilter
from liveseq.runtime.predictor import Predictor
from liveseq.sequencer.expectation import Given
from liveseq.sequencer.layers import Layer
from liveseq.sequencer.material import Material, Reading
from liveseq.sequencer.planner import Planner
from liveseq.sequencer.repetition import Usage
from liveseq.sequencer.settings import Mode
from liveseq.sequencer.streaming import Streaming
from liveseq.sequencer.streams import NoStreams, StreamSource
from liveseq.sequencer.timeline import Choice, CutLayer, Event, StopLayer

STOP_SECONDS = 0.05


class Sequencer:
    """`n_layers` layers, numbered from 1."""

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
        """Layers that play a generator."""
        self._use(Reading(material, predictors))

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags of the corpus."""
        return self.units.tags

    @property
    def predictors(self) -> tuple[str, ...]:
        """Names of those that are loaded."""
        return tuple(self._predictors)

    def layer(self, number: int) -> Layer:
        """A layer, to be read: commands change it."""
        return self.layers[number - 1]

    # The corpus, models and generators

    def read(self, material: Material) -> Reading:
        """A changed corpus, for `replace_material`. Any thread; takes a while, changes nothing."""
        return Reading(material, dict(self._predictors))

    def replace_material(self, reading: Reading) -> None:
        """Go on with a changed corpus, in which every known unit keeps its index."""
        for name in self._predictors.keys() - reading.foresights.keys():  # loaded meanwhile
            reading.foresights[name] = reading.foresee(self._predictors[name])
        for name, n_blind in self.reading.n_blind.items():
            reading.foresights[name].n_blind += n_blind
        self._use(reading)
        for layer in self.layers:
            layer.usage.grow(self.units.n_units)
            layer.allowed.grow(self.units.n_units)
            layer.expectation.drop_openings()

    def add_predictor(self, name: str, predictor: Predictor) -> None:
        """Let layers use another predictor, also in the place of one of this name. It has seen the same features as the
        others, in steps of its own."""
        before = self.reading.foresights.get(name)
        self._predictors[name] = predictor
        self.reading.foresights[name] = self.reading.foresee(predictor)
        if before is not None:
            self.reading.foresights[name].n_blind = before.n_blind
            for layer in self.layers:
                if layer.predictor == name:
                    layer.expectation.change_predictor()

    def use_streams(self, source: StreamSource) -> None:
        """Take streams from this source. Before any is played."""
        self.streaming.source = source

    # Commands

    def set_playing(self, number: int, playing: bool, *, at: int) -> list[Event]:
        """Start or stop a layer at `at`. Starting one that plays does nothing."""
        layer = self.layer(number)
        if playing == layer.playing:
            return []
        layer.playing = playing
        layer.expectation.restart()
        if playing:
            layer.line.forget_played()
            return self._replan(layer, at)
        self.streaming.close(layer)
        layer.rewind(at)
        return [StopLayer(layer=number, start=at, fade=int(STOP_SECONDS * self.units.sample_rate))]

    def set_tags(self, number: int, weights: Mapping[str, float], *, at: int) -> list[Event]:
        """Play these tags from `at` on. Weights are relative, above 0; every tag is one of `tags`, or ANY.

        What was planned from `at` on is replaced: send the returned events before the next plan.
        """
        total = sum(weights.values())
        layer = self.layer(number)
        layer.blend.share({tag: weight / total for tag, weight in weights.items()})
        events = self._replan(layer, at)  # a stream goes on, and changes its tag by itself
        unit = layer.line.unit
        if unit is not None and not (layer.tag and self._planner.has(layer.tag, unit)):
            layer.forget_past()  # what sounds is none of the new tags: no natural continuation, no history
        return events

    def set_seed(self, number: int, seed: int, *, at: int) -> list[Event]:
        """Repeat from `at` on what this seed gave before, under the same tags and settings."""
        layer = self.layer(number)
        layer.reseed(seed)
        layer.blend.restart()
        layer.expectation.restart()
        layer.line.forget_played()
        layer.line.free_beat()
        layer.usage = Usage(self.units.n_units)
        return self._replan(layer, at)

    def set_mode(self, number: int, mode: Mode, *, at: int) -> list[Event]:
        """Turn the plan into sound in this way from `at` on; freeze holds what then sounds.

        In mode generate the layer plays the corpus until a stream of its own is opened, there, and begun.
        """
        layer = self.layer(number)
        before = layer.settings.mode
        if before is mode:
            return []
        layer.settings.turn("mode", mode)
        if mode is Mode.GENERATE and before is Mode.CONTINUOUS:
            return []
        if before is Mode.GENERATE:
            self.leave_stream(number, at=at)
        layer.line.free_beat()
        layer.line.restart_grains(at)
        return self._replan(layer, at)

    def set_predictor(self, number: int, name: str, *, at: int) -> list[Event]:
        """Let this model plan for the layer from `at` on; it hears first what the layer has played."""
        layer = self.layer(number)
        layer.predictor = name
        layer.expectation.change_predictor()
        return self._replan(layer, at)

    def set_filter(self, number: int, allowed: UnitFilter | None) -> bool:
        """Restrict the layer to these units. False where a tag would have none left: then nothing has changed."""
        layer = self.layer(number)
        if allowed is not None and not self.leaves(allowed, layer.weights or {ANY: 1.0}):
            return False
        layer.allowed.restrict(allowed)
        return True

    def leaves(self, allowed: UnitFilter, tags: Iterable[str]) -> bool:
        """Whether each of the tags has a unit left under a filter, but for those that the corpus has lost."""
        known = [self.units.tag_units[tag] for tag in tags if tag in self.units.tag_units]
        return all(bool(allowed.mask[members].any()) for members in known)

    def listen(self, number: int, listening: bool) -> None:
        """Let the layer's predictor hear the input from now on, or what the layer plays."""
        self.layer(number).expectation.listen(listening)

    def hear_input(self, number: int, features: np.ndarray) -> None:
        """Let a layer that listens hear what is played to it: its plans continue that.

        features: raw, float32 (n_steps, n_features), n_steps >= 1.
        """
        self._planner.hear_input(self.layer(number), features)

    def prime(self, number: int, features: np.ndarray, *, at: int) -> list[Event]:
        """Continue from these steps at `at`: raw features, float32 (n_steps, n_features), n_steps >= 1.

        A layer without tags then plays whatever comes nearest.
        """
        return self._begin_from(self.layer(number), Given(at, features))

    def seed_corpus(self, number: int, unit: int, *, at: int) -> list[Event]:
        """Continue from this unit of the corpus at `at`.

        It need not have a tag of the layer: what follows it does.
        """
        return self._begin_from(self.layer(number), Given(at, unit))

    # Streams

    def begin_stream(self, number: int, *, at: int) -> list[Event]:
        """Play the stream that was to come from `at` on; it is there (see Streaming.is_ready)."""
        layer = self.layer(number)
        ready = layer.playing and layer.streams.coming is not None
        return list(self.streaming.begin(layer, at=at)) if ready else []

    def rejoin(self, number: int, *, at: int) -> list[Event] | None:
        """Let an engine that knows nothing of the layer's stream play it from `at` on, as far as it is by then; None
        where the layer plays none."""
        layer = self.layer(number)
        return list(self.streaming.rejoin(layer, at=at)) if layer.playing and layer.stream is not None else None

    def go_on(self, number: int, *, at: int, step: int) -> list[Event]:
        """Let a stream that came too late go on with this step at `at`, in a replay. It is planned at once, as it was
        then: what comes next in the log may have been planned no further than before."""
        layer = self.layer(number)
        if layer.stream is None:
            return []
        self.streaming.go_on(layer, at=at, step=step)
        return self._plan_stream(layer, now=at, until=at + 1)[0]

    def leave_stream(self, number: int, *, at: int) -> list[Event]:
        """Play the corpus again from `at` on."""
        layer = self.layer(number)
        sounded = layer.stream is not None
        self.streaming.close(layer)
        if not (sounded and layer.playing):
            return []
        layer.rewind(at)
        layer.forget_past()
        return [CutLayer(layer=number, start=at)]

    # Plans

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

    def plan(self, *, now: int, until: int) -> tuple[list[Event], list[Choice]]:
        """Plan every playing layer up to `until`. Where a plan has fallen behind `now`, it goes on from `now`."""
        events: list[Event] = []
        choices: list[Choice] = []
        for layer in self.layers:
            if layer.playing and layer.weights:
                plan = self._planner.plan if layer.stream is None else self._plan_stream
                heard, why = plan(layer, now=now, until=until)
                events += heard
                choices += why
        return events, choices

    def prepare(self) -> bool:
        """Make one opening ahead of time, so that a tag change need not wait for it. False where all are made.

        What is planned is the same with and without it.
        """
        return any(self._planner.prepare(layer) for layer in self.layers)

    def _use(self, reading: Reading) -> None:
        self.reading = reading
        self._planner = Planner(reading)
        self.units = reading.material.units

    def _plan_stream(self, layer: Layer, *, now: int, until: int) -> tuple[list[Event], list[Choice]]:
        mean = self.reading.material.scaling.mean  # nothing was looked for
        events, choices = self.streaming.plan(layer, now=now, until=until, features=mean)
        return list(events), choices

    def _replan(self, layer: Layer, at: int) -> list[Event]:
        """Cut the layer's plan; a stream goes on."""
        if layer.stream is not None:
            return []
        layer.rewind(at)
        if layer.expectation.given is not None:
            self._planner.begin_from(layer, layer.expectation.given)
        return [CutLayer(layer=layer.number, start=at)] if layer.playing else []

    def _begin_from(self, layer: Layer, given: Given) -> list[Event]:
        """Cut the plan, for something that is heard instead of what was played."""
        if not layer.weights:
            layer.blend.share({ANY: 1.0})
        layer.expectation.give(given)
        return self._replan(layer, given.at)
