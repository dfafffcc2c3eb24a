"""Predictors that the music waits for: deadlines when they are loaded, and in every step."""

import numpy as np
import pytest

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.errors import ModelError
from liveseq.runtime.live_predictor import LivePredictor, NoPredictor
from liveseq.runtime.predictor import Condition, load_predictor
from liveseq.runtime.watch import Watch
from tests.support.slow_nodes import ENDLESS, in_a_loop, in_one
from tests.support.tiny_set import SAMPLE_RATE, make_predictor

HEARD = np.ones(len(FEATURE_NAMES), dtype=np.float32)
CONDITION = Condition(np.zeros(4, dtype=np.float32), np.zeros(3, dtype=np.float32))


@pytest.fixture
def stuck():
    """The names of the models that could not be ended."""
    return []


@pytest.fixture
def load(tmp_path, stuck):
    def load(slow=([], {}), hung=()):
        make_predictor(tmp_path / "tiny", slow=slow)
        watch = Watch(stuck.append, hung=hung)
        with watch.opening("tiny"):
            loaded = load_predictor(
                tmp_path / "tiny", sample_rate=SAMPLE_RATE, hop_length=1024, watch=watch, name="tiny"
            )
        return LivePredictor(loaded, name="tiny", watch=watch), watch

    return load


def test_what_is_quick_is_heard(load):
    predictor, watch = load()
    state = predictor.start()
    for _ in range(100):
        mixture, state = predictor.step(HEARD, state, CONDITION)
        np.testing.assert_array_equal(mixture.means[0, 0], HEARD)
    assert watch.given_up == {}


@pytest.mark.parametrize(
    ("n_turns", "why"),
    [
        (
            20_000,
            r"a step takes \d+ ms to compute, expected at most 5.3 \(a plan asks for a dozen while the music waits",
        ),
        (ENDLESS, r"model.onnx: not done after 0.5 s"),
    ],
)
def test_what_is_too_slow_is_refused_when_it_is_loaded(load, n_turns, why):
    with pytest.raises(ModelError, match=why):
        load(in_a_loop("features", n_turns, at_rest=True))


def test_offline_it_may_take_its_time(tmp_path):
    make_predictor(tmp_path / "tiny", slow=in_a_loop("features", 20_000, at_rest=True))
    assert load_predictor(tmp_path / "tiny", sample_rate=SAMPLE_RATE, hop_length=1024).step_seconds > 0.005


@pytest.mark.parametrize(
    ("n_turns", "why"), [(30_000, r"a step takes \d+ ms to compute$"), (ENDLESS, r"not done after 0.5 s$")]
)
def test_what_becomes_slow_foretells_nothing_from_then_on(load, stuck, n_turns, why):
    predictor, watch = load(in_a_loop("features", n_turns))
    state = predictor.start()
    for _ in range(100):  # 20 at most take their time
        mixture, state = predictor.step(HEARD, state, CONDITION)
    assert not mixture.is_finite
    with pytest.raises(ModelError, match=why):
        raise ModelError(watch.given_up["tiny"])
    assert stuck == []


def test_what_cannot_be_ended_is_told_of_in_the_midst_of_it_and_refused_afterwards(load, stuck):
    predictor, _ = load(in_one("features"))
    predictor.step(HEARD, predictor.start(), CONDITION)
    assert set(stuck) == {"tiny"}
    with pytest.raises(ModelError, match="tiny: has hung before; restart the server to try it again"):
        Watch(stuck.append, hung=["tiny"]).opening("tiny").__enter__()


def test_a_run_that_follows_one_that_was_ended_has_its_own_time(load):
    predictor, _ = load(in_a_loop("features", ENDLESS))
    with pytest.raises(ModelError, match="not done"):
        predictor._predictor.step(HEARD, predictor.start(), CONDITION)
    mixture, _ = predictor._predictor.step(0.0 * HEARD, predictor.start(), CONDITION)
    assert mixture.is_finite


def test_nothing_can_be_drawn_where_there_is_no_predictor():
    nobody = NoPredictor(samples_per_step=8192, sample_rate=SAMPLE_RATE)
    mixture, _ = nobody.step(HEARD, nobody.start(), CONDITION)
    assert not mixture.is_finite
    assert mixture.means.shape == (1, 1, len(FEATURE_NAMES))
