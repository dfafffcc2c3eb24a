"""Each record of a layer is changed by one module, whatever the layer is told to do."""

import sys

import pytest

from liveseq.sequencer.blend import Blend
from liveseq.sequencer.expectation import Expectation
from liveseq.sequencer.layers import Allowed, Layer
from liveseq.sequencer.line import Line
from liveseq.sequencer.settings import Mode, Settings, Steering
from liveseq.sequencer.streams import StreamLine, Streams
from tests.support.desk_stage import SAMPLE_RATE
from tests.support.stream_stage import HIGH, Stage, Tone

WRITERS = {
    Allowed: "layers",
    Blend: "blend",
    Expectation: "expectation",
    Layer: "sequencer",
    Line: "line",
    Settings: "settings",
    Steering: "settings",
    Streams: "streaming",
    StreamLine: "streaming",
}
"""Record -> the module of liveseq.sequencer that may change it; the one that defines it makes it."""


@pytest.fixture
def writes(monkeypatch):
    """Fields that were written, by record and module."""
    found = set()

    def watch(kind, write):
        def note(self, name, value):
            found.add((kind, sys._getframe(1).f_globals["__name__"], name))
            write(self, name, value)

        return note

    for kind in WRITERS:
        monkeypatch.setattr(kind, "__setattr__", watch(kind, kind.__setattr__))
    return found


def test_records_of_a_layer_are_changed_by_one_module_each(writes):
    stage = Stage(Tone())
    sequencer, units = stage.sequencer, stage.sequencer.units
    stage.start()
    for mode in (Mode.BEAT, Mode.CLOUD, Mode.FREEZE, Mode.CONTINUOUS):
        sequencer.set_mode(1, mode, at=stage.clock)
        sequencer.layer(1).settings.turn("movement", 0.5)
        sequencer.layer(1).settings.turn("reverse", 0.5)
        stage.play(0.5)
    sequencer.listen(1, True)
    sequencer.hear_input(1, units.features[:3])
    sequencer.listen(1, False)
    sequencer.set_tags(1, dict.fromkeys(units.tags, 1.0), at=stage.clock)
    sequencer.prime(1, units.features[5:9], at=stage.clock)
    sequencer.seed_corpus(1, 7, at=stage.clock)
    sequencer.set_seed(1, 3, at=stage.clock)
    sequencer.set_filter(1, None)
    sequencer.prepare()
    stage.play(6.0)
    stage.generate()
    stage.play(1.0)
    stage.retag(HIGH)
    stage.play(1.0)
    sequencer.set_mode(1, Mode.CONTINUOUS, at=stage.clock)
    sequencer.plan(now=stage.clock + 9 * SAMPLE_RATE, until=stage.clock + 10 * SAMPLE_RATE)  # late
    sequencer.set_playing(1, False, at=stage.clock)

    changed = {(kind, module) for kind, module, _ in writes if module != kind.__module__}
    assert changed <= {(kind, f"liveseq.sequencer.{module}") for kind, module in WRITERS.items()}
    fields = {(kind, name) for kind, _, name in writes}
    assert {(Line, "head"), (Expectation, "given"), (Streams, "cursor"), (StreamLine, "told")} <= fields
