"""A stream whose tag or tempo changes: when that is heard, and how the old sound gives way."""

import numpy as np
import pytest

from liveseq.runtime.latent import Travel
from tests.support.desk_stage import SAMPLE_RATE
from tests.support.stream_stage import (
    FADE,
    HIGH,
    LOW,
    STEP,
    Chance,
    Stage,
    Tone,
    frequency,
    largest_step,
    playing,
)


def test_a_tag_morphs_within_a_quarter_of_a_second_and_never_clicks():
    stage = playing(Tone())
    smooth = largest_step(stage.play(1.0))
    for turn in range(20):
        at = stage.retag(HIGH if turn % 2 == 0 else LOW)
        sound = stage.play(0.53 + 0.017 * turn)
        assert largest_step(sound) < 4.0 * smooth  # three times the frequency, and a fade
        crossings = np.flatnonzero(np.diff(np.signbit(sound[:, 0]).astype(int)) == 1)
        periods = np.diff(crossings)
        expected = SAMPLE_RATE / (660.0 if turn % 2 == 0 else 220.0)
        changed = crossings[:-1][np.abs(periods - expected) < 5.0]
        assert changed[0] < 0.25 * SAMPLE_RATE, (turn, at)
    assert stage.n_late == 0
    assert stage.counters.continued == 0


def test_a_tempo_is_followed_within_a_quarter_of_a_second_and_stays_when_the_tag_changes():
    """This generator sounds a Hz higher for each beat per minute."""
    stage = playing(Tone())
    smooth = largest_step(stage.play(1.0))
    for act, wanted in (
        (lambda: stage.sequencer.streaming.lead(stage.first, 120.0, at=stage.clock), 340.0),
        (lambda: stage.retag(HIGH), 780.0),
        (lambda: stage.sequencer.streaming.lead(stage.first, 90.0, at=stage.clock), 750.0),
        (lambda: stage.sequencer.streaming.lead(stage.first, 90.0, at=stage.clock), 750.0),
        (lambda: stage.sequencer.streaming.lead(stage.first, 0.0, at=stage.clock), 660.0),
    ):
        act()
        sound = stage.play(1.5)
        assert frequency(sound[SAMPLE_RATE // 4 :]) == pytest.approx(wanted, abs=2)
        assert largest_step(sound) < 5.0 * smooth
    assert stage.first.stream.order.n_changes == 5, "what was told already is no change"
    assert stage.n_late == 0


def test_a_latent_is_gone_to_in_the_time_that_was_told_and_stays_when_the_tag_changes():
    stage = playing(Tone())
    smooth = largest_step(stage.play(1.0))
    there = Travel(np.array([500.0], np.float32), seconds=1.0)
    stage.sequencer.streaming.travel(stage.first, there, at=stage.clock)
    way = stage.play(1.6)
    each = [way[int(at * SAMPLE_RATE) :][: SAMPLE_RATE // 5, 0] for at in (0.0, 0.55, 1.3)]
    hertz = [5 * np.count_nonzero(np.diff(np.signbit(part).astype(int)) == 1) for part in each]
    assert hertz[0] < 280
    assert 300 < hertz[1] < 460
    assert hertz[2] == pytest.approx(500, abs=6)
    assert largest_step(way) < 5.0 * smooth
    stage.retag(HIGH)
    assert frequency(stage.play(1.0)) == pytest.approx(500, abs=2)
    stage.sequencer.streaming.travel(stage.first, Travel(), at=stage.clock)
    assert frequency(stage.play(1.5)[SAMPLE_RATE // 4 :]) == pytest.approx(660, abs=2)
    assert stage.first.stream.order.n_changes == 4
    assert stage.n_late == 0


def test_a_stream_begins_at_the_tempo_that_it_was_ordered_with():
    stage = Stage(Tone())
    stage.start()
    stage.generate(tempo=120.0)
    stage.play(0.5)
    assert frequency(stage.play(1.0)) == pytest.approx(340, abs=2)


def test_what_was_told_while_a_stream_was_to_come_does_not_come_back_with_a_tempo():
    stage = Stage(Tone(), cost=0.05)
    stage.start()
    stage.generate()
    stage.do_at(int(0.03 * SAMPLE_RATE), lambda: stage.retag(HIGH))
    stage.play(2.0)
    stage.retag(LOW)
    stage.play(1.0)
    stage.sequencer.streaming.lead(stage.first, 100.0, at=stage.clock)
    assert frequency(stage.play(1.5)) == pytest.approx(320, abs=2)


def script(stage, changes, *, seconds):
    """Tags at seconds after the stream's begin; what sounds from there on."""
    origin = stage.first.stream.order.origin
    for when, tag in changes:
        stage.do_at(origin + int(when * SAMPLE_RATE), lambda tag=tag: stage.retag(tag))
    stage.play(seconds)
    return stage.heard()[origin + FADE : origin + int((seconds - 0.5) * SAMPLE_RATE)]


SWEEP = [(2.0 + 0.02 * n, np.array([1.0 - n / 40, n / 40], np.float32)) for n in range(41)]
CHANGES = [(0.52, HIGH), (0.6, LOW), (0.62, HIGH), (1.1, LOW), (1.11, HIGH), (1.13, LOW), *SWEEP, (3.4, LOW)]


@pytest.mark.parametrize("cost", [0.005, 0.03, 0.06])
def test_the_same_seed_and_the_same_changes_are_the_same_samples_however_fast_it_is_made(cost):
    reference = script(playing(Chance(), cost=0.0), CHANGES, seconds=4.5)
    assert (script(playing(Chance(), cost=cost), CHANGES, seconds=4.5) == reference).all()
    other = Stage(Chance(), cost=cost)
    other.start()
    other.generate(seed=2)
    other.play(0.5)
    assert np.abs(script(other, CHANGES, seconds=4.5) - reference).max() > 0.05


def test_a_change_that_comes_late_is_a_fade_all_the_same():
    stage = playing(Tone(), cost=0.12)
    smooth = largest_step(stage.play(2.0))
    for turn in range(10):
        stage.retag(HIGH if turn % 2 == 0 else LOW)
        assert largest_step(stage.play(1.1)) < 4.0 * smooth
    assert stage.n_late > 0
    assert stage.counters.looped == 0


def test_a_change_that_a_generator_slower_than_its_sound_cannot_reach_is_heard_in_the_end():
    stage = Stage(Tone(), cost=1.2 * STEP / SAMPLE_RATE)
    stage.start()
    stage.generate()
    stage.play(2.0)
    smooth = largest_step(stage.play(2.0))
    stage.retag(HIGH)
    sound = stage.play(8.0)
    assert frequency(sound) == pytest.approx(660, abs=2)
    assert largest_step(sound) < 4.0 * smooth
    assert stage.n_late == 1


@pytest.mark.parametrize("size", [256, 1024])
def test_steps_shorter_than_a_fade_morph_too(size):
    generator = Tone()
    generator.samples_per_step = size
    stage = playing(generator, cost=0.0)
    smooth = largest_step(stage.play(1.0))
    for turn in range(4):
        stage.retag(HIGH if turn % 2 == 0 else LOW)
        assert largest_step(stage.play(0.61)) < 4.0 * smooth
    assert (stage.sequencer.streaming.trouble(stage.first), stage.counters.continued) == ("", 0)
    stage.retag(HIGH)
    assert frequency(stage.play(1.5)) == pytest.approx(660, abs=2)


@pytest.mark.parametrize("tags", [[HIGH], [HIGH, LOW, HIGH]])
def test_what_is_told_while_a_stream_is_dry_is_heard_as_soon_as_it_goes_on(tags):
    stage = playing(Tone())
    stage.play(1.0)
    stage.play(2.0, tick=False)
    for tag in tags:
        stage.retag(tag)
        stage.play(1.0, tick=False)
    stage.play(2.0)
    [gone_on] = [choice.start for choice in stage.streamed() if choice.reason == "start" and choice.unit > 0]
    assert frequency(stage.heard()[gone_on : gone_on + SAMPLE_RATE]) == pytest.approx(660, abs=10)
    assert stage.n_late == 1


def test_changes_that_came_late_are_counted_whoever_makes_them():
    stage = playing(Tone())
    stage.play(1.0)
    stage.retag(HIGH)
    stage.play(1.0)
    assert stage.n_late == 0
    stage.retag(LOW)
    stage.play(0.4, tick=False)
    stage.play(1.0)
    assert stage.n_late == 1
    stage.retag(HIGH)
    stage.play(0.7, tick=False)
    stage.restart()  # what was told is obeyed by the next one, from its first step on, without a turn
    assert frequency(stage.play(2.0)) == pytest.approx(660, abs=2)
    assert (stage.n_late, len(stage.turns)) == (2, 2)
    stage.generate(seed=2)  # another stream
    stage.play(1.0)
    stage.retag(HIGH)
    stage.play(0.4, tick=False)
    stage.play(1.0)
    assert stage.n_late == 3
    stage.streams._give_up(1, "no more")
    assert stage.n_late == 3


def test_a_generator_of_another_rate_is_played_at_its_pitch_and_morphs():
    generator = Tone()
    generator.sample_rate = 44_100
    stage = playing(generator)
    stage.play(2.0)
    assert frequency(stage.heard()) == pytest.approx(220 * 44_100 / 48_000, abs=1)  # a tone of the stage knows one rate
    smooth = largest_step(stage.play(1.0))
    for turn in range(6):
        stage.retag(HIGH if turn % 2 == 0 else LOW)
        assert largest_step(stage.play(0.53 + 0.017 * turn)) < 4.0 * smooth
    assert stage.counters.continued == 0
