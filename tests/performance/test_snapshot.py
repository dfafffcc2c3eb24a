"""A snapshot brings a set back, on a new conductor too."""

import json

import numpy as np

from liveseq.osc.parameter import Kind
from tests.support.desk_stage import ALICE, Persistence, Stage
from tests.support.plans import FAIL, plan


def furnish(stage):
    """Something of everything."""
    scaling = stage.performance.instrument.scaling
    learned = np.stack([scaling.mean, 2.0 * scaling.std]).astype(">f4").tobytes()
    messages = [
        ("/liveseq/tags", "tag 00", 1.0, "tag 02", 3.0),
        ("/liveseq/tag", "tag 00", 2.0),  # the newest is not the last
        ("/liveseq/layer/2/tag", "tag 01"),
        ("/liveseq/layer/2/mode", "cloud"),
        ("/liveseq/seed", 5),
        ("/liveseq/layer/2/seed", 9),
        ("/liveseq/steer/brightness", 1.5),
        ("/liveseq/layer/2/steer/brightness", -1.0),
        ("/liveseq/query/k", 9),
        ("/liveseq/layer/1/query/k", 3),
        ("/liveseq/grain/shape", "exponential"),
        ("/liveseq/query/weights", "timbre", 0.25, "spread", 0.0),
        ("/liveseq/layer/2/query/weights", "log_f0", 7.0),
        ("/liveseq/query/filter/range", "loudness_db", -500.0, 500.0),
        ("/liveseq/layer/1/query/filter/range", "log_f0", -500.0, 500.0),
        ("/liveseq/layer/2/query/filter/sources", "source 00001", 1.0, "source 00005", 1.0, "9", 0.0),
        ("/liveseq/query/calibration", learned),
        ("/liveseq/layer/2/listen", True),
        ("/liveseq/layer/2/stop",),
        ("/liveseq/gain", -6.0),
    ]
    for address, *arguments in messages:
        assert all(answer[0] != FAIL for answer in stage.ask(address, *arguments)), address


def test_a_snapshot_as_json_brings_everything_back(stage):
    furnish(stage)
    saved = json.loads(json.dumps(stage.performance.snapshot()))
    other = Stage()
    other.performance.restore(saved, at=0)
    assert json.loads(json.dumps(other.performance.snapshot())) == saved
    for mine, its in zip(stage.performance.sequencer.layers, other.performance.sequencer.layers, strict=True):
        assert its.settings == mine.settings
        assert (its.seed, its.weights, its.predictor, its.listening) == (
            mine.seed,
            mine.weights,
            mine.predictor,
            mine.listening,
        )
        np.testing.assert_array_equal(its.allowed.filter.mask, mine.allowed.filter.mask)
    for entry in stage.performance.table.values():
        if entry.parameter.kind is Kind.SET:
            assert other.performance.values[entry.address] == stage.performance.values[entry.address], entry.address
    other.performance.resume(at=0)
    playing = [layer.playing for layer in stage.performance.sequencer.layers]
    assert [layer.playing for layer in other.performance.sequencer.layers] == playing == [True, False]
    assert len(plan(other)[1]) > 3


def test_a_stopped_server_comes_back_stopped(stage):
    furnish(stage)
    stage.send("/liveseq/layer/2/play")
    stage.send("/liveseq/stop")
    other = Stage()
    other.performance.restore(json.loads(json.dumps(stage.performance.snapshot())), at=0)
    other.performance.resume(at=0)
    assert not other.performance.playing
    assert not any(layer.playing for layer in other.performance.sequencer.layers)
    other.send("/liveseq/play")
    assert {choice.layer for choice in plan(other)[1]} == {1, 2}


def test_a_model_that_is_gone_does_not_keep_the_rest_from_coming_back(stage):
    stage.send("/liveseq/tag", "tag 00")
    saved = json.loads(json.dumps(stage.performance.snapshot()))
    saved["values"]["/liveseq/predict/model"] = ["gone"]
    saved["values"]["/liveseq/layer/1/predict/model"] = ["gone"]
    other = Stage()
    other.performance.instrument.load_predictor = Persistence  # never reached: there is no such name
    other.performance.restore(saved, at=0)
    other.performance.resume(at=0)
    assert other.performance.sequencer.layer(1).weights == {"tag 00": 1.0}
    assert other.ask("/liveseq/layer/1/predict/model", source=ALICE) == [
        ("/liveseq/layer/1/predict/model", "predictor")
    ]
