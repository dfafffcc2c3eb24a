"""From chosen units to one line of sound: pitch, loudness, direction, rests, and what goes on by itself."""

import dataclasses
import itertools

import numpy as np
import pytest

from liveseq.corpus.units import UnitTable
from liveseq.engine.events import pack
from liveseq.engine.voices import Voice
from liveseq.sequencer.layers import Layer
from liveseq.sequencer.loudness import matching_gain
from liveseq.sequencer.matching import UNPITCHED
from liveseq.sequencer.playback import Cue, Player
from liveseq.sequencer.repetition import Usage
from liveseq.sequencer.settings import Mode
from liveseq.sequencer.timeline import PlayUnit, StopLayer
from tests.support.small_corpus import SAMPLE_RATE, UNIT, Goes, Persistence, column, make, play, table

PITCH, LOUDNESS = column("log_f0_mean"), column("loudness_db_mean")


@pytest.fixture
def units(rng: np.random.Generator) -> UnitTable:
    return table([60, 40, 50], tags=["drone", "drone", "bells"], rng=rng)


def layer_of(units: UnitTable, **settings) -> Layer:
    layer = Layer(number=1, seed=1, usage=Usage(units.n_units))
    layer.blend.move_to("drone")
    layer.settings = dataclasses.replace(layer.settings, **settings)
    return layer


def sound(units: UnitTable, layer: Layer, unit: int, *, continues: bool = False, **expected: float) -> PlayUnit:
    """The event of one cue; expected: columns that differ from the unit's own."""
    features = units.features[unit].copy()
    for name, value in expected.items():
        features[column(name)] = value
    player = Player(units, lambda _, begin, end: np.zeros((end - begin, 2), dtype=np.float32))
    [event] = player.sound(layer, Cue(unit=unit, continues=continues, expected=features)).events
    layer.line.follow(unit)
    return event


def semitones(event: PlayUnit) -> float:
    return 12.0 * np.log2(event.ratio)


@pytest.mark.parametrize(
    ("apart", "reach", "heard"),
    [
        (3.0, 4.0, 3.0),
        (-4.0, 4.0, -4.0),
        (11.0, 4.0, -1.0),  # the same note an octave lower is a semitone away
        (-26.0, 4.0, -2.0),
        (6.0, 4.0, 0.0),  # no octave of it is near
        (3.0, 0.0, 0.0),  # not asked for
    ],
)
def test_pitch_is_matched_within_the_range_or_in_another_octave(units, apart, reach, heard):
    units.features[:, PITCH] = np.log2(440.0)
    event = sound(units, layer_of(units, pitch_match=reach), 5, log_f0_mean=np.log2(440.0) + apart / 12.0)
    assert semitones(event) == pytest.approx(heard, abs=1e-3)


def test_what_has_no_pitch_is_not_transposed(units):
    units.features[:, PITCH] = UNPITCHED
    assert sound(units, layer_of(units, pitch_match=12.0), 5, log_f0_mean=np.log2(440.0)).ratio == 1.0
    units.features[:, PITCH] = np.log2(440.0)
    assert sound(units, layer_of(units, pitch_match=12.0), 5, log_f0_mean=UNPITCHED).ratio == 1.0


def test_the_pitch_macro_transposes_by_what_is_missing_up_to_an_octave(units):
    units.features[:, PITCH] = np.log2(440.0)
    for asked, heard in ((5.0, 5.0), (-12.0, -12.0), (24.0, 12.0)):
        layer = layer_of(units)
        layer.settings.steering.pitch = asked
        event = sound(units, layer, 5, log_f0_mean=np.log2(440.0))
        assert abs(semitones(event)) <= 12.0 + 1e-9
        if abs(asked) <= 12.0:
            assert semitones(event) == pytest.approx(heard, abs=1e-3)


@pytest.mark.parametrize(("apart", "reach", "heard"), [(4.0, 6.0, 4.0), (-20.0, 6.0, -6.0), (4.0, 0.0, 0.0)])
def test_loudness_is_matched_within_the_range(units, apart, reach, heard):
    own = matching_gain(units)
    units.features[:, LOUDNESS] = -30.0
    tag_db = float(20.0 * np.log10(own[units.source[units.tag_units["drone"]]]).mean())
    unit_db = float(20.0 * np.log10(own[units.source[5]]))
    event = sound(units, layer_of(units, loudness_match=reach), 5, loudness_db_mean=-30.0 + apart - tag_db + unit_db)
    assert 20.0 * np.log10(event.gain) - unit_db == pytest.approx(heard, abs=1e-4)


def test_the_loudness_macro_makes_up_for_what_is_missing(units):
    units.features[:, LOUDNESS] = -30.0
    plain, louder = layer_of(units), layer_of(units)
    louder.settings.steering.loudness = 6.0
    before, after = sound(units, plain, 5), sound(units, louder, 5)
    tag_db = float(20.0 * np.log10(matching_gain(units)[units.source[units.tag_units["drone"]]]).mean())
    raised = 20.0 * np.log10(after.gain / before.gain)
    unit_db = float(20.0 * np.log10(before.gain))
    assert raised == pytest.approx(np.clip(6.0 + tag_db - unit_db, -6.0, 6.0), abs=1e-4)


@pytest.mark.parametrize("ratio", [2.0 ** (5 / 12), 2.0 ** (-7 / 12), 1.001])
def test_a_transposed_voice_goes_on_without_a_seam_for_as_long_as_it_is_followed(rng, ratio):
    """The engine asks for the very place at which its head is; a planner that rounds every step would lose it."""
    units = table([200], tags=["drone"], rng=rng)
    units.features[:, PITCH] = np.log2(440.0)
    layer = layer_of(units, pitch_match=12.0)
    audio = np.zeros((int(units.source_end[0]), 2), dtype=np.float32)
    event = sound(units, layer, 3, log_f0_mean=np.log2(440.0 * ratio))
    voice = Voice(audio, event, clock=event.start, sample_rate=SAMPLE_RATE)
    n = 0
    while layer.line.head is not None and n < 100:
        end = event.start + event.length
        event = sound(units, layer, int(units.successor[layer.line.unit]), continues=True)
        assert event.start == end
        if event.fade:  # the source ends here: another beginning
            break
        assert event.ratio == pytest.approx(ratio)
        assert voice.continues(event, event.start)
        n += 1
    assert n > 60


@pytest.mark.parametrize("semitones", [-12.0, -5.0, 7.0, 12.0])
def test_what_is_followed_is_what_sounds_at_any_pitch(rng, semitones):
    """The unit that an event names holds the middle of what is read, until the source ends."""
    units = table([40, 40], tags=["drone", "drone"], rng=rng)
    units.features[:, PITCH] = np.log2(440.0)
    course = np.tile(units.features[20], (1, 1))
    course[:, PITCH] = np.log2(440.0) + semitones / 12.0
    sequencer = make(units, predictor=Goes(course))
    settings = sequencer.layer(1).settings
    settings.pitch_match, settings.stickiness = 12.0, 0.98
    events, choices = play(sequencer, {"drone": 1.0}, seconds=30)
    assert np.mean([choice.reason == "continue" for choice in choices]) > 0.5
    for event in events:
        pack(event)
        if event.fade == 0 and event.position + event.length * event.ratio < event.source_end:
            middle = event.position + 0.5 * event.length * event.ratio
            begin = int(units.position[event.unit])
            assert begin <= middle <= begin + int(units.length[event.unit])


def everything(settings) -> None:
    settings.pitch_match, settings.loudness_match, settings.reverse = 7.0, 6.0, 0.4


@pytest.mark.parametrize("mode", [Mode.CONTINUOUS, Mode.CLOUD])
def test_durations_are_exact_whatever_a_unit_is_read_at(rng, mode):
    units = table([80, 80], tags=["a", "b"], rng=rng, lengths=20_000)
    units.features[:, PITCH] = np.log2(440.0) + rng.uniform(-1, 1, size=units.n_units)
    sequencer = make(units)
    sequencer.layer(1).settings.mode = mode
    everything(sequencer.layer(1).settings)
    events, choices = play(sequencer, {"a": 1.0}, seconds=30)
    begins = np.array([choice.start for choice in choices])
    np.testing.assert_array_equal(np.diff(begins), units.length[[choice.unit for choice in choices]][:-1])
    assert len({event.ratio for event in events}) > 10
    assert any(event.reverse for event in events)


def test_what_is_read_backwards_begins_inside_its_source_and_is_followed_by_a_jump(rng):
    units = table([30, 3, 1], tags=["a", "a", "a"], rng=rng, lengths=20_000)
    sequencer = make(units)
    sequencer.layer(1).settings.reverse = 0.5
    events, choices = play(sequencer, {"a": 1.0}, seconds=40)
    for event, choice, after in zip(events, choices, choices[1:], strict=False):
        assert event.source_start <= event.position < event.source_end
        pack(event)
        if event.reverse:
            lead = choice.start - event.start
            end = int(units.position[choice.unit] + units.length[choice.unit])
            assert event.position == min(end, event.source_end - 1) + lead
            assert after.reason != "continue"
    assert 0.1 < np.mean([event.reverse for event in events]) < 0.9


def test_nothing_is_triggered(units):
    sequencer = make(units)
    sequencer.layer(1).settings.trigger = 0.0
    events, choices = play(sequencer, {"drone": 1.0}, seconds=5)
    assert {type(event) for event in events} == {StopLayer}
    assert {choice.reason for choice in choices} == {"rest"}
    assert len(choices) > 25


def test_what_is_triggered_now_and_then_keeps_its_place(units):
    """A rest is a hole in the line, not another line: what follows is still what naturally follows."""
    sequencer = make(units)
    settings = sequencer.layer(1).settings
    settings.trigger, settings.stickiness = 0.5, 0.98
    events, choices = play(sequencer, {"drone": 1.0}, seconds=60)
    rests = np.mean([choice.reason == "rest" for choice in choices])
    assert 0.4 < rests < 0.6
    assert [isinstance(event, StopLayer) for event in events] == [choice.reason == "rest" for choice in choices]
    follows = [b.unit == units.successor[a.unit] for a, b in itertools.pairwise(choices)]
    assert np.mean(follows) > 0.8
    begins = np.array([choice.start for choice in choices])
    assert np.sum(np.diff(begins) != UNIT) <= 1  # but for the fade before the very first sound


def test_every_event_is_fit_for_the_engine_under_all_knobs_at_once(rng):
    units = table([60, 7, 1], tags=["a", "a", "b"], rng=rng, lengths=20_000)
    units.features[:, PITCH] = np.log2(440.0) + rng.uniform(-2, 2, size=units.n_units)
    units.features[:, LOUDNESS] = rng.uniform(-90, 0, size=units.n_units)
    for mode in Mode:
        sequencer = make(units, predictor=Persistence(0.8))
        settings = sequencer.layer(1).settings
        everything(settings)
        settings.mode, settings.trigger, settings.crossfade_ms = mode, 0.8, 500.0
        settings.grain_ms, settings.attack_ms, settings.release_ms = 2000.0, 1000.0, 1000.0
        settings.steering.pitch, settings.steering.loudness = -24.0, 24.0
        events, _ = play(sequencer, {"a": 1.0, "b": 1.0}, seconds=30)
        assert len(events) > 20
        for event in events:
            pack(event)
