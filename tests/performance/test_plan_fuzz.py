"""Any messages in any order: the desk never stumbles, every event is fit for the engine, and time only goes forward."""

import itertools
import json

import numpy as np
import pytest

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.dsp.descriptors import BASE_NAMES
from liveseq.engine.events import pack
from liveseq.osc.packets import PREFIX
from liveseq.performance.knobs import KNOBS
from liveseq.sequencer.settings import WEIGHT_NAMES
from tests.support.desk_stage import SAMPLE_RATE, Persistence, Stage

N_SEQUENCES = 300
N_MESSAGES = 5
TAGS = ("tag 00", "tag 01", "tag 02", "tag 03", "*", "nonsense")
MODES = ("continuous", "beat", "cloud", "freeze", "loud")


def knob(rng, table):
    path = rng.choice(list(KNOBS))
    [argument] = table[f"{PREFIX}/{path}"].parameter.arguments
    if argument.choices:
        return path, [str(rng.choice(argument.choices))]
    low, high = argument.low, argument.high
    value = float(rng.choice([low, high, low - 1, high + 1, rng.uniform(low, high)]))
    return path, [int(value) if argument.type == "i" else value]


def frames(rng):
    columns, n = int(rng.choice([39, 43, 41])), int(rng.choice([7, 8, 30]))
    data = rng.normal(scale=float(rng.choice([0.0, 3.0, 1e5, 1e30])), size=(n, columns)).astype(">f4")
    if rng.random() < 0.1:
        data[0, 0] = np.nan
    return [columns, data.tobytes()]


def message(rng, table):
    """A path below /liveseq or a layer, and arguments; about one in five is wrong."""
    tag = str(rng.choice(TAGS))
    kinds = {
        "knob": lambda: knob(rng, table),
        "tag": lambda: ("tag", [tag] if rng.random() < 0.5 else [tag, float(rng.uniform(0, 2))]),
        "mode": lambda: ("mode", [str(rng.choice(MODES))]),
        "seed": lambda: ("seed", [int(rng.integers(0, 9))]),
        "prime": lambda: ("prime", frames(rng)),
        "weights": lambda: (
            "query/weights",
            [str(rng.choice([*WEIGHT_NAMES, "timbre"])), float(rng.choice([0.0, 1e-40, 1.0, 100.0]))],
        ),
        "range": lambda: (
            "query/filter/range",
            [str(rng.choice(BASE_NAMES)), *(float(x) for x in rng.normal(scale=3.0, size=2))],
        ),
        "filter": lambda: (
            str(rng.choice(["query/filter/tags", "query/filter/sources"])),
            [str(rng.choice([tag, "source", "0000", "7"])), float(rng.integers(0, 2))],
        ),
        "clear": lambda: ("query/filter/clear", []),
        "listen": lambda: ("listen", [bool(rng.integers(0, 2))]),
        "model": lambda: ("predict/model", [str(rng.choice(["predictor", "other", "../x"]))]),
        "move": lambda: (str(rng.choice(["play", "stop"])), []),
    }
    names = list(kinds)
    weights = np.array([4.0 if name == "knob" else 1.0 for name in names])
    return kinds[str(rng.choice(names, p=weights / weights.sum()))]()


def corpus_message(rng):
    return "seed/corpus", [f"source {int(rng.integers(0, 11)):05d}", float(rng.uniform(0, 40)), int(rng.integers(1, 4))]


def perform(stage, rng):
    """One message and a plan."""
    if rng.random() < 0.1:
        path, arguments = corpus_message(rng)
        address = f"{PREFIX}/{path}"
    else:
        path, arguments = message(rng, stage.performance.table)
        address = f"{PREFIX}/{path}" if rng.random() < 0.4 else f"{PREFIX}/layer/{int(rng.integers(1, 4))}/{path}"
    stage.send(address, *arguments)
    stage.prepare()
    stage.pass_time(float(rng.choice([0.01, 0.2, 3.0])))
    now = stage.act_at(0)
    before = [layer.cursor for layer in stage.performance.sequencer.layers]
    records, choices = stage.performance.plan(now=now, until=now + SAMPLE_RATE // 4)
    after = [layer.cursor for layer in stage.performance.sequencer.layers]
    return [*stage.desk.records, *records], choices, before, after


@pytest.fixture(scope="module")
def stage():
    """Every other recording has a beat, and some units an attack."""
    stage = Stage()
    units = stage.performance.sequencer.units
    period = np.where(units.source % 2, 9_000.0 + 1_000.0 * units.source, 0.0)
    units.beat_period[:] = period
    units.beat[:] = (units.position - units.source_start - 700.0) / np.maximum(period, 1.0)
    units.onset[::3] = 1500
    return stage


@pytest.mark.parametrize("part", range(6))
def test_any_messages_in_any_order_leave_music(stage, monkeypatch, caplog, part):
    monkeypatch.setattr(stage.performance.instrument, "load_predictor", lambda name: Persistence(), raising=False)
    rng = np.random.default_rng(part)
    for sequence in range(N_SEQUENCES // 6):
        if sequence % 10 == 0:
            stage.performance.restore(json.loads(json.dumps(stage.performance.snapshot())), at=stage.act_at(0))
            stage.performance.resume(at=stage.act_at(0))
        for _ in range(N_MESSAGES):
            records, choices, before, after = perform(stage, rng)
            stage.desk.records.clear()
            for record in records:
                pack(record)
            assert all(new >= old for old, new in zip(before, after, strict=True))
            for number in (1, 2):
                begins = [choice.start for choice in choices if choice.layer == number]
                assert all(a < b for a, b in itertools.pairwise(begins))
            for choice in choices:
                assert np.isfinite([choice.distance, choice.join, choice.duration]).all()
                assert np.isfinite(choice.target).all()
                assert choice.features.shape == (len(FEATURE_NAMES),)
                allowed = stage.performance.sequencer.layer(choice.layer).allowed.filter
                assert allowed is None or choice.mode == "freeze" or allowed.mask[choice.unit]
    assert "Traceback" not in caplog.text
    assert not [answer for answer in stage.answers() if "internal" in answer]
