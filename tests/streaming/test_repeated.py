"""Streams in a replay: what was noted of them while they were late makes the very samples that were heard."""

import random
import types
from collections import deque

import numpy as np
import pytest

from liveseq.runtime.generator import Stream as Steps
from liveseq.runtime.latent import START
from liveseq.sequencer.streams import KEPT_CHANGES, Change, RingShape, StreamOrder, Told, Turn
from liveseq.streaming.live import Reader
from liveseq.streaming.repeated import RepeatedStream
from liveseq.streaming.ring import StreamRings
from tests.support.desk_stage import SAMPLE_RATE
from tests.support.stream_stage import HIGH, LOW, STEP, Chance, Stage, offline


class Turning(Chance):
    """Noise that remembers what every step before it was made under."""

    def step(self, number, *, seed, tag, states, tempo=0.0, place=START):
        audio, states = super().step(number, seed=seed, tag=tag, states=states, tempo=tempo, place=place)
        state = 0.9 * states[0] + (0.0 if tag is None else float(tag[0])) + 0.01 * tempo
        return audio * np.float32(0.3 + 0.2 * np.sin(state[0])), (state,)


class Live(Stage):
    """What happens is noted as a log notes it."""

    def __init__(self, *, cost=0.03):
        self._samples = {}  # of every change: meant to be heard there
        self._gaps = []
        super().__init__(Turning(), cost=cost)
        self.told = []
        self.start()
        self.generate()
        while not self.begun:
            self.play(0.1)

    @property
    def gaps(self):
        self._gaps += self.sequencer.streaming.take_gaps()
        return self._gaps

    def tell(self, tag=None, *, tempo=0.0):
        at = self.clock

        def act(stage):
            streaming = stage.sequencer.streaming
            if tag is None:
                streaming.lead(stage.first, tempo, at=at)
            else:
                streaming.retag(stage.first, tag, at=at)

        self.told.append((at, act))
        act(self)
        self._samples |= {change.number: change.sample for change in self.first.stream.order.changes}

    def is_late(self, turn):
        return (turn.begin * STEP if turn.place is None else turn.step * STEP + turn.place) > self._samples[turn.change]


class Again(Stage):
    """The same, made offline."""

    def __init__(self, live, turns):
        super().__init__(Turning(), cost=0.0)
        self.source = offline(self.generator)
        self.rings = self.source.rings
        self.sequencer.use_streams(self.source)
        self.streams = types.SimpleNamespace(tick=lambda: False)
        self._begun = live.begun
        for turn in turns:
            self.source.expect_turn(1, turn)
        for at, act in live.told:
            self.do_at(at, lambda act=act: act(self))
        for gap in live.gaps:
            self.source.expect_gap(1, 1, told=gap.told)
            self.do_at(gap.start, lambda gap=gap: self._go_on(gap))
        self.start()
        self.generate()

    def may_begin(self, layer):
        return layer.coming is not None and self.clock in self._begun

    def _go_on(self, gap):
        self.source.pass_gap(1, 1)
        self.sequencer.streaming.go_on(self.first, at=gap.start, step=gap.step)


def n_different(live, turns):
    """Samples of a replay that are others than those that were heard."""
    again = Again(live, turns)
    again.play(live.clock / SAMPLE_RATE)
    heard = live.heard()
    return int((heard != again.heard()[: len(heard)]).any(axis=1).sum())


def test_a_change_that_a_held_up_streamer_makes_late_is_repeated_where_it_was_heard():
    live = Live()
    live.play(1.0)
    live.tell(HIGH)
    live.play(0.4, tick=False)
    live.play(2.0)
    [turn] = live.turns
    assert (live.n_late, live.gaps) == (1, [])
    assert turn.step * 8192 + turn.place > live.first.stream.order.changes[-1].sample
    assert n_different(live, live.turns) == 0
    assert n_different(live, []) > 0.1 * SAMPLE_RATE


@pytest.mark.parametrize("cost", [0.01, 0.06, 0.12])
def test_changes_are_repeated_however_slow_the_generator_is(cost):
    live = Live(cost=cost)
    live.play(1.0)
    for turn in range(12):
        if turn % 4 == 3:
            live.tell(tempo=60.0 + turn)
        else:
            live.tell(np.array([turn / 12, 1.0 - turn / 12], np.float32))
        live.play(0.05 + 0.037 * turn)
    live.play(1.0)
    assert (live.n_late > 0) == (cost > 0.1)
    assert n_different(live, live.turns) == 0


def test_what_sounds_of_steps_that_were_not_made_again_in_time_is_repeated():
    live = Live()
    live.play(1.0)
    live.tell(HIGH)
    while live.rings.ring(1).read_status().made.n_changes < 2:
        live.play(0.003)
    live.play(0.5, tick=False)  # the steps behind the first one are of the old tag still, and the engine knows of them
    live.play(2.0)
    assert [(turn.change, turn.after) for turn in live.turns] == [(2, 1), (2, 2)]
    assert (live.n_late, live.gaps) == (1, [])
    assert n_different(live, live.turns) == 0


@pytest.mark.parametrize("another", [False, True])
def test_a_stream_that_ran_dry_behind_a_change_goes_on_and_is_repeated(another):
    live = Live()
    live.play(1.0)
    live.tell(HIGH)
    while live.rings.ring(1).read_status().made.n_changes < 2:
        live.play(0.003)
    live.play(1.5, tick=False)
    if another:
        live.tell(LOW)
    live.play(3.0)
    assert len(live.gaps) == 1
    assert live.first.cursor >= live.clock
    assert n_different(live, live.turns) == 0


def test_changes_that_were_never_obeyed_are_not_repeated():
    live = Live()
    live.play(1.0)
    for turn in range(8):
        live.tell(np.array([turn / 8, 0.5], np.float32))
        live.play(0.2, tick=False)
    live.play(3.0)
    assert len(live.turns) <= KEPT_CHANGES < live.first.stream.order.n_changes - 1
    assert n_different(live, live.turns) == 0


def test_a_change_that_was_obeyed_without_a_turn_does_not_take_the_next_ones_place():
    """As a streamer does that goes on with what a dead one has made."""
    rings = StreamRings.local(n_layers=1, sample_rate=SAMPLE_RATE)
    shape = RingShape.of(rings.n_samples, samples_per_step=STEP, sample_rate=SAMPLE_RATE)
    turn = Turn(ident=1, change=3, after=2, made=4, begin=3, step=3, place=0, replaces=0)
    stream = RepeatedStream(
        order=StreamOrder(ident=1),
        stream=Steps(Turning(), seed=1, n_kept=8),
        ring=rings.ring(1),
        reader=Reader(sample_rate=SAMPLE_RATE),
        shape=shape,
        base=0,
        to_come=deque([turn]),
    )
    stream.begin_with(Change(1, 0, Told(LOW)), n_changes=1)
    while stream.stream.number < turn.made:
        stream.work()
    changes = Change(2, 3 * STEP, Told(LOW, 90.0)), Change(3, 3 * STEP + 1, Told(HIGH))
    stream.obey(StreamOrder(ident=1, n_changes=3, changes=changes))
    stream.work()
    assert (stream.obeyed, stream.controls.tempo, list(stream.controls.vector)) == (3, 0.0, list(HIGH))
    assert (stream.pending, stream.to_come) == (deque(), deque())


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_told_and_however_the_streamer_is_held_up_is_repeated(seed):
    dice = random.Random(seed)
    live = Live(cost=dice.choice([0.005, 0.03, 0.06]))
    for _ in range(12):
        for _ in range(dice.choice([1, 1, 2, 3])):
            if dice.random() < 0.2:
                live.tell(tempo=dice.choice([0.0, 90.0, 120.0]))
            else:
                live.tell(np.array([dice.random(), dice.random()], np.float32))
            live.play(dice.choice([0.01, 0.02, 0.1]), tick=dice.random() < 0.5)
        live.play(0.01 + 0.25 * dice.random(), tick=dice.random() < 0.5)
        live.play(0.1 + 0.5 * dice.random())
    live.play(1.0)
    assert live.n_late == sum(live.is_late(turn) for turn in live.turns)
    assert n_different(live, live.turns) == 0
