"""The plan over OSC: seeds, macros, modes, weights, models, calibration; and messages that are refused."""

import numpy as np
import pytest

from liveseq.corpus.units import ANY, FEATURE_NAMES
from liveseq.dsp.descriptors import N_MFCC
from liveseq.engine.events import Play
from liveseq.osc.packets import PREFIX
from liveseq.performance.knobs import KNOBS
from liveseq.sequencer.settings import WEIGHT_NAMES, Mode
from liveseq.sequencer.timeline import CutLayer, Grain
from tests.support.desk_stage import SAMPLE_RATE, Persistence
from tests.support.plans import DONE, descriptors, plan, refused, units_of


def test_frames_that_are_primed_on_a_silent_server_are_continued_by_whatever_is_nearest(stage):
    stage.performance.sequencer.layer(1).settings.predict_temperature = 0.0
    units = stage.performance.sequencer.units
    wanted = 777
    assert stage.ask("/liveseq/prime", 43, descriptors(units.features[wanted])) == [(DONE, "/liveseq/prime")]
    assert [type(record) for record in stage.desk.records][:1] == [Play]
    _, choices = plan(stage)
    assert choices[0].tag == ANY
    known = FEATURE_NAMES.index("loudness_db_mean")
    assert choices[0].target[known] == pytest.approx(units.features[wanted, known], abs=1e-3)
    np.testing.assert_allclose(choices[0].target[:N_MFCC], units.features[wanted, :N_MFCC], atol=1e-3)
    assert stage.ask("/liveseq/tag") == [("/liveseq/tag", ANY)]


def test_a_word_in_upper_case_takes_the_place_of_the_same_in_lower_case(stage):
    stage.send("/liveseq/tag", "tag 00")
    stage.send("/liveseq/tag", "tag 01", 0.5)
    stage.send("/liveseq/tag", "TAG 00", 0.25)
    assert stage.performance.spoken(1) == {"tag 01": 0.5, "TAG 00": 0.25}


def test_frames_are_continued_within_the_tags_of_the_layer(stage):
    units = stage.performance.sequencer.units
    stage.send("/liveseq/layer/2/tag", "tag 01")
    plan(stage)
    stage.desk.records.clear()
    stage.performance.sequencer.layer(2).settings.predict_temperature = 0.0
    blob = descriptors(units.features[3], n_frames=39)
    assert stage.ask("/liveseq/layer/2/prime", 43, blob) == [(DONE, "/liveseq/layer/2/prime")]
    assert stage.desk.records == [CutLayer(layer=2, start=stage.act_at(0))]
    _, choices = plan(stage)
    assert {choice.tag for choice in choices} == {"tag 01"}
    np.testing.assert_allclose(choices[0].target[:N_MFCC], units.features[3, :N_MFCC], atol=1e-3)


def test_demiurges_39_columns_will_do(stage):
    units = stage.performance.sequencer.units
    frames = np.zeros((8, 39), dtype=">f4")
    frames[:, :N_MFCC] = units.features[50, :N_MFCC]
    assert stage.ask("/liveseq/prime", 39, frames.tobytes()) == [(DONE, "/liveseq/prime")]
    assert plan(stage)[1][0].reason == "start"


@pytest.mark.parametrize(
    ("columns", "blob", "code", "message"),
    [
        (38, b"\0" * 38 * 32, "out_of_range", "columns: expected 39 to 43, found 38"),
        (41, b"\0" * 41 * 32, "out_of_range", "columns: expected 39 or 43, found 41"),
        (43, b"\0" * 100, "bad_args", "expected rows of 43 float32, found 100 bytes"),
        (43, b"\0" * 43 * 4 * 7, "bad_args", "expected at least 8 frames, found 7"),
        (43, np.full((8, 43), np.nan, dtype=">f4").tobytes(), "bad_args", "mfcc0 of frame 0 is no finite number"),
        (43, np.full((8, 43), 1e30, dtype=">f4").tobytes(), "out_of_range", "expected at most 1e+06"),
        (43, 5, "bad_args", "descriptors: expected i:columns blob:descriptors"),
    ],
)
def test_frames_that_are_none_are_refused_and_the_sound_goes_on(stage, columns, blob, code, message):
    stage.send("/liveseq/tag", "tag 01")
    plan(stage)
    found, said = refused(stage, "/liveseq/prime", columns, blob)
    assert found == code
    assert message in said
    assert len(plan(stage)[1]) > 3


def test_a_recording_of_the_corpus_is_continued_from_the_time_that_is_named(stage):
    settings = stage.performance.sequencer.layer(2).settings
    settings.stickiness = 0.99
    assert stage.ask("/liveseq/seed/corpus", "source 00004", 3.0, 2) == [(DONE, "/liveseq/seed/corpus")]
    _, choices = plan(stage)
    first = 800 + int(3.0 * SAMPLE_RATE / 8192) + 1
    assert units_of(choices, 2) == list(range(first, first + len(choices)))
    assert {choice.source for choice in choices} == {"source 00004"}


def test_a_recording_that_is_not_there_is_answered_with_near_ones(stage):
    code, message = refused(stage, "/liveseq/seed/corpus", "source 0004")
    assert code == "not_found"
    assert "did you mean source 00004" in message
    code, message = refused(stage, "/liveseq/seed/corpus", "source 00004", 100.0)
    assert code == "out_of_range"
    assert "sounds until 34.1 s" in message


@pytest.mark.parametrize(
    ("address", "arguments"),
    [
        ("/liveseq/seed/corpus", ("source 00004", 0.0, 9)),
        ("/liveseq/listen", (True, 9)),
        ("/liveseq/tag", ("tag 00", 1.0, 9)),
    ],
)
def test_a_layer_that_does_not_exist_is_refused(stage, address, arguments):
    code, message = refused(stage, address, *arguments)
    assert code == "out_of_range"
    assert "layer: expected 1 to 2, found 9" in message
    for path in ("prime", "mode", "steer/brightness", "query/weights", "predict/model"):
        code, message = refused(stage, f"/liveseq/layer/9/{path}", 1)
        assert code == "unknown_address"
        assert "this server has 2 layers" in message


def test_a_layer_that_listens_plays_before_it_has_heard_anything_and_then_follows(stage):
    """No tag, no seed: everything is allowed, and what comes in decides."""
    for layer in stage.performance.sequencer.layers:
        layer.settings.predict_temperature = 0.0
    units = stage.performance.sequencer.units
    stage.send("/liveseq/listen", True, 2)
    assert stage.ask("/liveseq/layer/2/listen") == [("/liveseq/layer/2/listen", True)]
    assert stage.ask("/liveseq/listen") == [("/liveseq/listen", False)]
    _, choices = plan(stage, seconds=0.2)
    assert {(choice.layer, choice.tag) for choice in choices} == {(2, ANY)}
    for wanted in (100, 1500):
        cuts = len(stage.desk.records)
        stage.send("/liveseq/layer/2/prime", 43, descriptors(units.features[wanted]))
        assert len(stage.desk.records) == cuts  # nothing is cut: the next plan follows
        stage.pass_time(0.5)
        _, choices = plan(stage)
        np.testing.assert_allclose(choices[-1].target[:N_MFCC], units.features[wanted, :N_MFCC], atol=1e-3)
    stage.send("/liveseq/layer/2/listen", False)
    assert not stage.performance.sequencer.layer(2).listening


def knob_value(stage, path):
    argument = stage.performance.table[f"{PREFIX}/{path}"].parameter.arguments[0]
    if argument.choices:
        return argument.choices[-1]
    value = argument.low + 0.375 * (min(argument.high, 1e6) - argument.low)
    return int(value) + 1 if argument.type == "i" else value


@pytest.mark.parametrize("path", KNOBS)
def test_every_knob_reaches_its_layer_and_the_dump(stage, path):
    stage.send("/liveseq/tag", "tag 00")
    value = knob_value(stage, path)
    stage.send(f"/liveseq/layer/2/{path}", value)
    first, second = (layer.settings for layer in stage.performance.sequencer.layers)
    place = (first.steering, second.steering) if path.startswith("steer/") else (first, second)
    assert getattr(place[1], KNOBS[path]) == value
    assert getattr(place[0], KNOBS[path]) != value
    dump = dict(message[:2] for message in stage.ask("/liveseq/state/dump", "/liveseq/layer/2") if len(message) > 1)
    assert dump[f"/liveseq/layer/2/{path}"] == pytest.approx(value) if isinstance(value, float) else value
    stage.send(f"/liveseq/{path}", value)
    assert getattr(place[0], KNOBS[path]) == value
    assert len(plan(stage)[1]) > 3


def test_a_mode_acts_at_once_and_freeze_holds_what_sounds(stage):
    stage.send("/liveseq/tag", "tag 00")
    _, before = plan(stage, seconds=0.3)
    stage.pass_time(0.1)
    sounding = [choice.unit for choice in before if choice.start <= stage.act_at(0)][-1]
    stage.desk.records.clear()
    stage.send("/liveseq/mode", "freeze")
    assert stage.desk.records == [CutLayer(layer=1, start=stage.act_at(0))]
    records, choices = plan(stage, seconds=4.0)
    assert {type(record) for record in records} == {Grain}
    assert set(units_of(choices)) == {sounding}
    assert {choice.mode for choice in choices} == {"freeze"}
    for mode in Mode:
        assert stage.ask("/liveseq/layer/1/mode", str(mode)) == []
        assert {choice.mode for choice in plan(stage)[1]} == {str(mode)}
    code, message = refused(stage, "/liveseq/mode", "loud")
    assert (code, "expected continuous or beat or cloud or freeze" in message) == ("out_of_range", True)


def test_weights_are_told_in_full_and_change_the_next_plan(stage):
    stage.send("/liveseq/tag", "tag 00")
    assert stage.ask("/liveseq/query/weights", "timbre", 0.0, "loudness_db", 2.0) == [(DONE, "/liveseq/query/weights")]
    expected = dict.fromkeys(WEIGHT_NAMES, 1.0) | dict.fromkeys(WEIGHT_NAMES[:N_MFCC], 0.0) | {"loudness_db": 2.0}
    for address in ("/liveseq/query/weights", "/liveseq/layer/1/query/weights", "/liveseq/layer/2/query/weights"):
        [(_, *told)] = stage.ask(address)
        assert dict(zip(told[::2], told[1::2], strict=True)) == expected
    stage.send("/liveseq/layer/2/query/weights", "loudness_db", 5.0)
    weights = [
        layer.settings.weights[WEIGHT_NAMES.index("loudness_db")] for layer in stage.performance.sequencer.layers
    ]
    assert weights == [2.0, 5.0]
    assert len(plan(stage)[1]) > 3


def test_weights_that_are_all_zero_are_refused_and_the_last_ones_stay(stage):
    stage.send("/liveseq/query/weights", "loudness_db", 3.0)
    zeros = [item for name in ("timbre", *WEIGHT_NAMES[N_MFCC:]) for item in (name, 0.0)]
    code, message = refused(stage, "/liveseq/query/weights", *zeros)
    assert (code, "the last ones stay" in message) == ("out_of_range", True)
    code, message = refused(stage, "/liveseq/query/weights", "loudness", 1.0)
    assert (code, "expected mfcc0 or" in message) == ("out_of_range", True)
    assert refused(stage, "/liveseq/query/weights", "loudness_db", 101.0)[0] == "out_of_range"
    assert refused(stage, "/liveseq/query/weights", "loudness_db", -1.0)[0] == "out_of_range"


def test_another_model_is_loaded_and_plans(stage, monkeypatch):
    stage.send("/liveseq/tag", "tag 00")
    plan(stage)
    loaded = []

    def load(name):
        loaded.append(name)
        return Persistence()

    monkeypatch.setattr(stage.performance.instrument, "load_predictor", load, raising=False)
    monkeypatch.setattr("liveseq.conductor.preparation.check_model_name", lambda name: name)
    stage.answers()
    stage.send("/liveseq/layer/1/predict/model", "other")
    stage.prepare()
    assert stage.answers() == [(DONE, "/liveseq/layer/1/predict/model")]
    assert [layer.predictor for layer in stage.performance.sequencer.layers] == ["other", "predictor"]
    stage.send("/liveseq/predict/model", "other")
    stage.prepare()
    assert loaded == ["other"]
    assert stage.ask("/liveseq/layer/2/predict/model") == [("/liveseq/layer/2/predict/model", "other")]
    assert len(plan(stage)[1]) > 3


@pytest.mark.parametrize("name", ["../models/predictor", "/etc/passwd", "lstm/", "", "no such model"])
def test_a_model_is_asked_for_by_its_name_and_never_by_a_path(stage, name):
    stage.send("/liveseq/tag", "tag 00")
    code, message = refused(stage, "/liveseq/predict/model", name)
    assert code == "not_found"
    assert "there are: " in message
    assert "predictor" in message
    assert len(plan(stage)[1]) > 3


def test_the_range_of_an_input_is_mapped_onto_that_of_the_corpus(stage):
    stage.performance.sequencer.layer(1).settings.predict_temperature = 0.0
    scaling = stage.performance.instrument.scaling
    quiet = scaling.mean - 2.0
    learned = np.stack([quiet, scaling.std]).astype(">f4").tobytes()
    assert stage.ask("/liveseq/query/calibration", learned) == [(DONE, "/liveseq/query/calibration")]
    stage.send("/liveseq/prime", 43, descriptors(quiet))
    _, choices = plan(stage)
    np.testing.assert_allclose(choices[0].target[:N_MFCC], scaling.mean[:N_MFCC], atol=1e-2)
    code, _ = refused(stage, "/liveseq/query/calibration", b"\0" * 12)
    assert code == "bad_args"
    stage.send("/liveseq/query/calibration")
    stage.send("/liveseq/prime", 43, descriptors(quiet))
    _, choices = plan(stage)
    np.testing.assert_allclose(choices[0].target[:N_MFCC], quiet[:N_MFCC], atol=1e-2)
