"""Records: what goes in comes out, and nothing out of range goes in."""

import math

import pytest

from liveseq.engine import events
from liveseq.engine.events import RECORD_SIZE, RecordError, pack, unpack
from liveseq.sequencer.timeline import CutLayer, GrainShape, StopLayer
from tests.support.engine_process import N_SHARD, grain, play_unit

RECORDS = [
    play_unit(layer=2, start=2**40, shard=7, position=99, gain=0.123456789),
    play_unit(ratio=2 ** (-1 / 12), reverse=True, correlation=0.1),
    grain(layer=2, start=2**40, gain=0.1, pan=-0.3, shape=GrainShape.EXPONENTIAL),
    grain(position=20_000, ratio=4.0, reverse=True),
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
    events.HandOver(pid=4_194_304),
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
        (play_unit(position=N_SHARD, reverse=True), "position"),
        (play_unit(ratio=0.2), "ratio"),
        (play_unit(ratio=math.inf), "ratio"),
        (play_unit(correlation=-0.1), "correlation"),
        (play_unit(correlation=math.nan), "correlation"),
        (grain(interval=0), "interval"),
        (grain(pan=1.1), "pan"),
        (grain(shape=3), "shape"),
        (grain(attack=2_401), "release"),
        (grain(position=N_SHARD - 4_799), "position"),
        (grain(position=4_798, reverse=True), "position"),
        (grain(position=N_SHARD - 4_801, ratio=1.001), "position"),
        (events.MasterGain(gain_db=30.0, seconds=0.0), "gain_db"),
        (events.LayerPan(layer=1, pan=1.5), "pan"),
        (events.Stop(seconds=math.inf), "seconds"),
    ],
)
def test_field_out_of_range_is_named(record, field):
    with pytest.raises(RecordError, match=rf"{type(record).__name__}\.{field}: expected"):
        pack(record)


def test_grain_that_just_fits_is_sent():
    for record in (grain(position=N_SHARD - 4_800), grain(position=4_799, reverse=True)):
        assert unpack(pack(record)) == record


def test_unknown_shape_in_a_record_is_refused():
    data = bytearray(pack(grain()))
    assert unpack(data).shape is GrainShape.HANN
    shape = next(place for place in range(len(data)) if _with(data, place, 1) == grain(shape=GrainShape.TRAPEZOID))
    data[shape] = 9
    with pytest.raises(RecordError, match=r"Grain\.shape: expected 0 to 2, found 9"):
        unpack(data)


def _with(data: bytes, place: int, value: int) -> events.Record | None:
    changed = bytearray(data)
    changed[place] = value
    try:
        return unpack(changed)
    except RecordError:
        return None


def test_fraction_where_samples_are_counted_is_refused():
    with pytest.raises(RecordError, match="required argument is not an integer"):
        pack(play_unit(position=1.5))


@pytest.mark.parametrize(
    "data", [b"", b"\0" * RECORD_SIZE, b"\xff" * RECORD_SIZE, b"\x01" + b"\xff" * (RECORD_SIZE - 1)]
)
def test_garbage_is_refused(data):
    with pytest.raises(RecordError, match=r"expected"):
        unpack(data)
