"""Streams of all layers: what a generator makes is what sounds, whatever happens to it."""

import numpy as np
import pytest

from liveseq.runtime.latent import START
from liveseq.sequencer.settings import Mode
from liveseq.sequencer.streams import Told
from liveseq.sequencer.timeline import STREAM_SHARD
from tests.support.desk_stage import SAMPLE_RATE
from tests.support.stream_stage import (
    BLOCK,
    FADE,
    HIGH,
    LOW,
    STEP,
    Chance,
    Stage,
    Tone,
    frequency,
    largest_step,
    made,
    playing,
)


def test_a_stream_sounds_as_it_is_made_over_many_laps_of_its_ring():
    stage = playing(Chance())
    stage.play(45.0)
    origin = stage.first.stream.order.origin
    heard = stage.heard()[origin + FADE :]
    expected = made(Chance(), seconds=46.0)[FADE : FADE + len(heard)]
    assert np.abs(heard - expected).max() < 1e-6
    steps = [event for event in stage.events if getattr(event, "shard", 0) == STREAM_SHARD]
    assert [event.unit for event in steps] == list(range(len(steps)))
    assert sum(event.correlation == 1.0 for event in steps) == 6  # it has gone round so often
    assert (stage.counters.late, stage.counters.continued, stage.counters.dropped) == (0, 0, 0)


def test_until_it_is_there_the_corpus_plays():
    stage = Stage(Tone(), cost=0.3)
    stage.start()
    stage.generate()
    stage.play(2.0)
    assert stage.begun
    assert stage.begun[0] > 0.5 * SAMPLE_RATE  # the third step begins to be made after 0.6 s
    sources = [choice.source for choice in stage.choices]
    first = sources.index("generator tone")
    assert first > 0
    assert set(sources[first:]) == {"generator tone"}
    assert [choice.reason for choice in stage.choices[first : first + 2]] == ["start", "continue"]


def test_a_sweep_of_tags_does_not_keep_a_stream_from_beginning():
    begun = []
    for sweeps in (False, True):
        stage = Stage(Tone(), cost=0.1)
        stage.start()
        stage.generate()
        for turn in range(1, 50 * sweeps):
            tag = np.array([1.0 - turn / 49, turn / 49], np.float32)
            stage.do_at(int(0.02 * turn * SAMPLE_RATE), lambda stage=stage, tag=tag: stage.retag(tag))
        stage.play(1.0)
        begun.append(stage.begun[0])
    assert begun[1] <= begun[0]
    assert frequency(stage.play(2.5)) == pytest.approx(660, abs=2)


def test_a_tag_that_is_told_while_a_stream_is_to_come_is_heard_a_quarter_of_a_second_after_it_begins():
    stage = Stage(Tone(), cost=0.05)
    stage.start()
    stage.generate()
    for when, tag in ((0.03, HIGH), (0.06, LOW), (0.1, HIGH)):
        stage.do_at(int(when * SAMPLE_RATE), lambda tag=tag: stage.retag(tag))
    stage.play(2.0)
    [begin] = stage.begun
    sound = stage.heard()[begin + int(0.25 * SAMPLE_RATE) :]
    assert frequency(sound[:SAMPLE_RATE]) == pytest.approx(660, abs=2)
    assert largest_step(stage.heard()[begin + FADE :]) < 0.1


def test_a_stopped_layer_has_its_stream_ready_under_the_latest_tag():
    stage = Stage(Tone())
    stage.sequencer.set_tags(1, {stage.sequencer.tags[0]: 1.0}, at=0)
    stage.generate()
    stage.play(1.0)
    stage.retag(HIGH)
    stage.play(1.0)
    stage.start()
    stage.play(0.5)
    sound = stage.heard()[stage.begun[0] + FADE :]
    crossings = np.flatnonzero(np.diff(np.signbit(sound[:, 0]).astype(int)) == 1)
    assert np.abs(np.diff(crossings) - SAMPLE_RATE / 660.0).max() < 2.0


def test_a_generator_that_is_late_goes_down_the_ladder_and_comes_back_without_a_click():
    stage = playing(Tone())
    smooth = largest_step(stage.play(1.0))
    n_made = stage.generator.n_made
    away = stage.play(3.0, tick=False)
    assert stage.generator.n_made == n_made
    assert (stage.counters.continued, stage.counters.looped) == (1, 1)
    assert np.sqrt(np.mean(away[-SAMPLE_RATE:] ** 2)) > 0.1  # the last two seconds again
    back = stage.play(2.0)
    assert stage.layer.step == 0
    assert largest_step(np.concatenate([away, back])) < 2.0 * smooth
    steps = [choice.unit for choice in stage.streamed()]
    gone_on = [step for step in range(steps[-1]) if step not in steps]  # what the engine played by itself, and looped
    assert len(gone_on) == 1
    assert sum(choice.reason == "start" for choice in stage.streamed() if choice.unit > 0) == 1


def test_a_short_delay_is_not_heard():
    stage = playing(Chance())
    stage.play(1.0)
    stage.play(0.4, tick=False)
    stage.play(2.0)
    origin = stage.first.stream.order.origin
    heard = stage.heard()[origin + FADE :]
    assert np.abs(heard - made(Chance(), seconds=6.0)[FADE : FADE + len(heard)]).max() < 1e-6
    assert stage.counters.looped == 0


def test_after_a_death_the_next_process_goes_on():
    stage = playing(Tone())
    smooth = largest_step(stage.play(1.0))
    end = stage.rings.ring(1).read_status().made.end
    away = stage.play(1.0, tick=False)
    stage.restart()
    back = stage.play(2.0)
    status = stage.rings.ring(1).read_status()
    assert status.made.first == end
    assert largest_step(np.concatenate([away, back])) < 2.0 * smooth
    assert np.sqrt(np.mean(back**2)) > 0.1
    assert [choice.unit for choice in stage.streamed() if choice.reason == "start" and choice.unit > 0] == [end]


@pytest.mark.parametrize("seconds", [0.01, 0.3, 1.4, 7.0])
def test_after_the_death_of_the_engine_the_stream_goes_on_where_it_would_be(seconds):
    stage = playing(Chance())
    stage.play(1.0)
    origin, ident = stage.first.stream.order.origin, stage.first.stream.order.ident
    stage.restart_engine()
    stage.deaf = True
    stage.play(seconds)
    stage.deaf = False
    at = stage.clock + 256
    stage.send(stage.sequencer.rejoin(1, at=at))
    stage.play(2.0)
    assert (stage.first.stream.order.origin, stage.first.stream.order.ident) == (origin, ident)
    heard = stage.heard()[at + FADE :]
    expected = made(Chance(), seconds=12.0)[at + FADE - origin :]
    assert np.abs(heard - expected[: len(heard)]).max() < 1e-6
    assert not stage.heard()[at - 128 : at].any()
    assert (stage.counters.late, stage.counters.continued) == (0, 0)
    [rejoined] = [choice for choice in stage.streamed() if choice.reason == "start" and choice.unit > 0]
    assert rejoined.seconds == pytest.approx((at - origin) / SAMPLE_RATE)


def test_after_the_death_of_both_the_stream_goes_on_with_what_is_next():
    stage = playing(Tone())
    stage.play(1.0)
    stage.restart_engine()
    stage.deaf = True
    stage.play(4.0, tick=False)
    stage.deaf = False
    end = stage.rings.ring(1).read_status().made.end
    stage.restart()
    stage.send(stage.sequencer.rejoin(1, at=stage.clock))
    sound = stage.play(2.0)
    assert frequency(sound) == pytest.approx(220, abs=2)
    assert [choice.unit for choice in stage.streamed() if choice.reason == "start"][-1] == end


def test_two_layers_stream_at_once():
    stage = playing(Chance())
    stage.start(2)
    stage.generate(2, seed=7)
    stage.play(3.0)
    first, second = stage.sequencer.layers
    assert min(first.stream.next, second.stream.next) > 10
    origin = first.stream.order.origin
    heard = stage.heard()[origin + FADE :]
    assert np.abs(heard - made(Chance(), seconds=6.0)[FADE : FADE + len(heard)]).max() < 1e-6
    ring, line = stage.rings.ring(2), second.stream
    there = ring.read_step(line.made.shape, line.made.base, line.next - 2)
    begin = (line.next - 2) * STEP
    assert (there == made(Chance(), seconds=6.0, seed=7)[begin : begin + STEP]).all()


def test_another_seed_is_another_stream_and_the_change_is_a_fade():
    stage = playing(Tone())
    smooth = largest_step(stage.play(1.0))
    stage.sequencer.streaming.open(stage.first, "tone", Told(LOW), seed=4)
    sound = stage.play(2.0)
    assert largest_step(sound) < 6.0 * smooth  # as much louder
    assert np.abs(sound[-SAMPLE_RATE:]).max() == pytest.approx(0.5, abs=0.01)
    assert stage.counters.looped == 0


def test_another_stream_that_is_long_in_coming_does_not_lie_on_the_one_that_sounds():
    stage = playing(Tone())
    smooth = largest_step(stage.play(1.5))
    stage.cost, opened = 0.3, stage.clock  # as where its model is opened first
    stage.sequencer.streaming.open(stage.first, "tone", Told(LOW), seed=4)
    sound = stage.play(4.0)
    assert len(stage.begun) == 2
    assert np.abs(sound[: stage.begun[1] - opened]).max() < 0.3
    assert largest_step(sound) < 6.0 * smooth


def test_leaving_the_mode_leads_back_to_the_corpus():
    stage = playing(Tone())
    stage.play(1.0)
    stage.send(stage.sequencer.set_mode(1, Mode.CONTINUOUS, at=stage.clock))
    sound = stage.play(1.0)
    assert stage.first.stream is None
    assert not stage.rings.wanted
    assert stage.first.line.unit is not None
    assert "generator" not in stage.choices[-1].source
    assert np.abs(sound[2 * FADE :]).max() == 0.0  # the corpus here is silent


def test_more_than_the_machine_can_make_is_refused():
    stage = Stage(Tone())

    class Slow(Tone):
        samples_per_step = STEP

    stage.generator = Slow()
    stage.start()
    stage.generate()
    stage.play(0.5)
    line = stage.streams._live[1]
    line.step_seconds = 0.6 * STEP / SAMPLE_RATE
    stage.play(2 * BLOCK / SAMPLE_RATE)
    line.step_seconds = 0.6 * STEP / SAMPLE_RATE
    stage.streams._write_status(line, stage.rings.ring(1))
    assert "60% of a processor and layer 1 60%" in stage.source.room(2, "tone")
    assert stage.source.room(1, "tone") is None


@pytest.mark.parametrize("rate", [SAMPLE_RATE, 44_100])
def test_a_generator_is_timed_once_for_all_layers(rate):
    class Timed(Tone):
        sample_rate = rate
        n_timed = 0

        def step(self, number, *, seed, tag, states, tempo=0.0, place=START):
            self.n_timed += tag is None
            return super().step(number, seed=seed, tag=tag, states=states)

    stage = playing(Timed())
    stage.start(2)
    stage.generate(2)
    stage.play(1.0)
    assert len(stage.streams._live) == 2
    assert stage.generator.n_timed == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tag_size": 256}, "takes tags of 256 numbers, was told one of 2; it was exported anew"),
        ({"samples_per_step": 48_000}, "steps of 48000 samples are too long"),
    ],
)
def test_a_generator_that_does_not_fit_is_refused_in_words(changes, words):
    generator = Tone()
    for name, value in changes.items():
        setattr(generator, name, value)
    stage = Stage(generator)
    stage.start()
    stage.generate()
    stage.play(0.1)
    assert words in stage.sequencer.streaming.trouble(stage.first)
    assert stage.first.stream is None


def test_what_is_no_sound_ends_the_stream_and_says_so():
    class Broken(Tone):
        def step(self, number, *, seed, tag, states, tempo=0.0, place=START):
            audio, states = super().step(number, seed=seed, tag=tag, states=states)
            return audio if number < 5 else audio * np.nan, states

    stage = playing(Broken())
    stage.play(1.0)
    assert "step 5 of seed 1 is no sound" in stage.sequencer.streaming.trouble(stage.first)
    assert np.isfinite(stage.heard()).all()


def test_a_fault_at_the_beginning_of_a_stream_is_that_streams_alone(caplog):
    stage = playing(Chance())
    broken = Tone()
    broken.start = lambda seed: {}["seed"]
    stage.streams._open = lambda _: broken
    stage.start(2)
    stage.generate(2)
    stage.play(1.0)
    assert stage.sequencer.streaming.trouble(stage.sequencer.layer(2)) == (
        "tone: a fault of the model; the server's terminal has the details"
    )
    assert "KeyError" in caplog.text
    assert stage.first.stream.next > 5
    assert stage.counters.continued == 0
