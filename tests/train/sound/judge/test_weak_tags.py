"""Which tags a distance comes from."""

import numpy as np
import pytest

from liveseq.train.sound.judge.distances import mmd, mmd_parts
from liveseq.train.sound.judge.verdict import SPACES, Judge
from tests.train.sound.judge.test_verdict import FRONT_END, RATE, TAGS, takes


@pytest.fixture(scope="module")
def judge():
    return Judge(takes(1), takes(2), front_end=FRONT_END)


def test_the_parts_add_up_and_lie_where_the_sets_differ(rng):
    real, made = rng.normal(size=(60, 3)), rng.normal(size=(40, 3))
    made[:10] += 4.0
    of_real, of_made = mmd_parts(real, made)
    assert (of_real.shape, of_made.shape) == ((60,), (40,))
    assert of_real.sum() + of_made.sum() == pytest.approx(mmd(real, made))
    assert of_made[:10].min() > of_made[10:].max() - 0.01
    assert mmd(real, rng.normal(size=(40, 3))) < 0.1 * mmd(real, made)


def test_the_tag_that_is_wrong_is_named(judge):
    made = takes(3) | {"hiss": takes(4)["high"]}
    found = judge.judge(made)
    for space in SPACES:
        ratios = found["ratio_by_tag"][space]
        assert ratios.keys() == set(TAGS)
        assert max(ratios, key=ratios.get) in ("hiss", "high")  # no hiss where it should be, too much of the other
    weak = judge.weak(found)
    assert "low" not in weak or not any("heard" in why for why in weak["low"])
    assert any(why.startswith("heard as itself 0.0") for why in weak["hiss"])
    assert any(why.startswith("statistics") for why in weak["hiss"])


def test_a_hit_that_no_recording_has_is_counted_at_its_tag(judge):
    made = takes(3)
    before = judge.judge(made)
    assert before["hits"] == 0.0
    struck = made["hiss"].copy()
    struck[RATE : RATE + RATE // 50] *= 6.0
    found = judge.judge(made | {"hiss": struck})
    assert found["hits"] == pytest.approx(1 / 3)
    assert found["hits_by_tag"]["hiss"] > before["hits_by_tag"]["hiss"] + 6.0
    assert judge.weak(found) == judge.weak(before), "it is told, and no reason not to pass"


def test_a_fault_makes_a_tag_weak(judge):
    made = takes(3)
    made["low"] = (made["low"] + 0.01).astype(np.float32)
    assert "DC 0.0100" in judge.weak(judge.judge(made))["low"]
