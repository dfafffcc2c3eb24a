"""Records: what goes in comes out, and nothing out of range goes in."""

import math

import pytest
from engine_process import play_unit

from liveseq.engine import events
from liveseq.engine.events import RECORD_SIZE, RecordError, pack, unpack
from liveseq.sequencer.timeline import CutLayer, StopLayer

RECORDS = [
    play_unit(layer=2, start=2**40, shard=7, position=99, gain=0.123456789),
    CutLayer(layer=1, start=5),
    StopLayer(layer=1, start=5, fade=480),
    events.MasterGain(gain_db=-math.inf, seconds=8.0),
    events.MasterMute(mute=True),
    events.LayerGain(layer=1, gain_db=-6.5),
    events.LayerPan(layer=16, pan=-0.25),
    events.LayerMute(layer=1, mute=False),
    events.Play(seconds=0.5),
    events.Stop(seconds=2.0),
    events.Panic(),
    events.ShardAdded(number=3, n_samples=2**33),
    events.Quit(),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_record_survives_the_pipe(record):
    data = pack(record)
    assert len(data) == RECORD_SIZE <= 96
    assert unpack(data) == record


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (play_unit(layer=0), "layer"),
        (play_unit(length=0), "length"),
        (play_unit(gain=math.nan), "gain"),
        (play_unit(fade=-1), "fade"),
        (play_unit(position=10, source_start=20), "position"),
        (events.MasterGain(gain_db=30.0, seconds=0.0), "gain_db"),
        (events.LayerPan(layer=1, pan=1.5), "pan"),
        (events.Stop(seconds=math.inf), "seconds"),
    ],
)
def test_field_out_of_range_is_named(record, field):
    with pytest.raises(RecordError, match=rf"{type(record).__name__}\.{field}: expected"):
        pack(record)


def test_fraction_where_samples_are_counted_is_refused():
    with pytest.raises(RecordError, match="required argument is not an integer"):
        pack(play_unit(position=1.5))


@pytest.mark.parametrize(
    "data", [b"", b"\0" * RECORD_SIZE, b"\xff" * RECORD_SIZE, b"\x01" + b"\xff" * (RECORD_SIZE - 1)]
)
def test_garbage_is_refused(data):
    with pytest.raises(RecordError, match=r"expected"):
        unpack(data)
