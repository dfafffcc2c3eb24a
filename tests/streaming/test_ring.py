"""Rings in shared memory: what one side writes the other reads; where steps lie, and how a reader goes round."""

import types
from dataclasses import replace

import numpy as np
import pytest

from liveseq.engine.rings import LastingMemory, map_rings
from liveseq.errors import ConfigError, ModelError
from liveseq.memory.layout import MAX_TAG_SIZE
from liveseq.runtime.latent import FREE, MOST_NUMBERS, Travel
from liveseq.sequencer.streams import (
    HEARD_SECONDS,
    KEPT_TURNS,
    STREAM_SECONDS,
    Change,
    Made,
    RingShape,
    StreamOrder,
    Told,
    Turn,
)
from liveseq.sequencer.timeline import STREAM_SHARD
from liveseq.streaming.layouts import Answer, StreamStatus, Wish
from liveseq.streaming.ring import SPARE_BYTES, StreamRings
from liveseq.streaming.source import RingSource
from tests.support.desk_stage import SAMPLE_RATE
from tests.support.stream_stage import Tone, offline

RING = int(STREAM_SECONDS * SAMPLE_RATE)


@pytest.fixture
def rings():
    rings = StreamRings.create(n_layers=2, sample_rate=SAMPLE_RATE)
    yield rings
    rings.close()


def order(**changes):
    vectors = np.random.default_rng(1).standard_normal((3, 256)).astype(np.float32)
    travels = FREE, Travel(np.arange(64, dtype=np.float32), 2.5, 0.0), Travel(np.ones(MOST_NUMBERS, np.float32))
    told = tuple(
        Change(n + 2, 1000 * n, Told(vector, 60.0 + n, travel))
        for n, (vector, travel) in enumerate(zip(vectors, travels, strict=True))
    )
    fields = {"ident": 3, "generator": "glass", "seed": 7, "begin": 12, "n_changes": 4, "changes": told}
    return StreamOrder(**(fields | {"scheduled": 5, "origin": -800} | changes))


def turn(**changes):
    fields = {"ident": 3, "change": 2, "after": 1, "made": 9, "begin": 4, "step": 5, "place": 300, "replaces": 0}
    return Turn(**(fields | changes))


@pytest.mark.parametrize("changes", [{}, {"origin": None}, {"origin": 0, "changes": (), "n_changes": 0}])
def test_an_order_and_a_status_arrive_as_they_were_sent(rings, changes):
    other = StreamRings.attach(rings.name, n_layers=2, sample_rate=SAMPLE_RATE)
    assert other.ring(2).read_order() == StreamOrder()
    assert not other.wanted
    sent = order(**changes)
    rings.ring(2).write_order(sent)
    got = other.ring(2).read_order()
    for name in ("ident", "generator", "seed", "begin", "n_changes", "scheduled", "origin"):
        assert getattr(got, name) == getattr(sent, name)
    for one, two in zip(got.changes, sent.changes, strict=True):
        assert (one.number, one.sample) == (two.number, two.sample)
        assert one.told.is_like(two.told)
        assert not one.told.is_like(replace(two.told, travel=Travel(seconds=9.0)))
    assert other.wanted
    made = Made(shape=RingShape(8192, 70, 14), base=3, first=1, end=9, n_changes=4)
    told = StreamStatus(ident=3, made=made, load=0.25, n_late=2, generator="glass", trouble="no glass: é")
    turns = (turn(place=None), *(turn(change=change, begin=change) for change in range(1, KEPT_TURNS)))
    for status in (told, replace(told, turns=turns[:1]), replace(told, turns=turns)):
        other.ring(2).write_status(status)
        assert rings.ring(2).read_status() == status
    assert rings.ring(1).read_status() == StreamStatus()


def test_a_wish_is_answered_once(rings):
    other = StreamRings.attach(rings.name, n_layers=2, sample_rate=SAMPLE_RATE)
    assert (other.ring(1).read_wish(), rings.ring(1).read_answer()) == (Wish(), Answer())
    rings.ring(1).write_wish(Wish(1, "models/glass é"))
    assert other.ring(1).read_wish() == Wish(1, "models/glass é")
    assert other.wanted
    other.ring(1).write_answer(Answer(1, "no glass"))
    assert rings.ring(1).read_answer() == Answer(1, "no glass")
    assert not rings.wanted


def test_a_record_that_is_being_written_is_not_read(rings):
    ring = rings.ring(1)
    ring.write_order(order())
    ring.write_order(order(ident=4))
    ring._orders._buffer[300] ^= 255  # of the slot that is written next and holds the older one
    assert ring.read_order().ident in (3, 4)


def test_a_tag_of_too_many_numbers_is_refused(rings):
    change = Change(1, 0, Told(np.zeros(MAX_TAG_SIZE + 1, np.float32)))
    with pytest.raises(ModelError, match=r"a tag of 1025 numbers: expected at most 1024; choose a smaller text"):
        rings.ring(1).write_order(order(changes=(change,)))


def test_a_model_whose_name_would_be_cut_is_refused(rings):
    rings.ring(1).write_wish(Wish(1, 1024 * "g"))
    with pytest.raises(
        ModelError, match="Wish: generator: expected at most 1024 bytes, found 1025; choose a shorter one"
    ):
        rings.ring(1).write_wish(Wish(2, 1025 * "g"))
    assert rings.ring(1).read_wish() == Wish(1, 1024 * "g")


def test_the_engine_sees_a_ring_as_a_shard_that_grows_under_its_hands(rings):
    shards = map_rings(LastingMemory(name=rings.name), rings.places())
    assert sorted(shards) == [STREAM_SHARD, STREAM_SHARD + 1]
    shape = RingShape.of(rings.n_samples, samples_per_step=8192, sample_rate=SAMPLE_RATE)
    step = np.random.default_rng(2).standard_normal((8192, 2)).astype(np.float32)
    rings.ring(2).write_step(shape, 1, 4, step)
    assert (shards[STREAM_SHARD + 1][5 * 8192 : 6 * 8192] == step).all()
    assert (rings.ring(2).read_step(shape, 1, 4) == step).all()
    assert not shards[STREAM_SHARD].any()


@pytest.mark.parametrize("samples_per_step", [512, 4096, 8192, 24_000])
def test_a_reader_goes_round_on_and_on_and_always_has_the_last_seconds_behind_it(samples_per_step):
    shape = RingShape.of(RING, samples_per_step=samples_per_step, sample_rate=SAMPLE_RATE)
    assert shape.n_places * samples_per_step <= RING
    base, content = 5, np.full(shape.n_places, -1)
    heard = int(HEARD_SECONDS * SAMPLE_RATE / samples_per_step)
    place = shape.entry(base, 0)
    n_jumps = 0
    for step in range(3 * shape.n_lap):
        for ahead in range(step, step + 6):  # as far as a generator is before it
            content[list(shape.places(base, ahead))] = ahead
        assert content[place] == step
        assert content[place + 1] == step + 1  # and the engine may read on
        behind = min(step, heard, place)
        assert (content[place - behind : place] == np.arange(step - behind, step)).all()
        assert step < 2 * heard or behind == heard
        after = shape.after(place)
        n_jumps += after != place + 1
        place = after
    assert n_jumps in (2, 3)


def test_steps_that_are_too_long_have_no_ring():
    assert RingShape.of(RING, samples_per_step=48_000, sample_rate=SAMPLE_RATE) is None


def test_in_a_replay_there_is_no_more_of_a_stream_than_there_was_until_it_went_on():
    source = offline(Tone())
    assert source.count(1, source.new_ident(1)) == 1
    source.expect_gap(1, 1, told=2)
    source.order(1, StreamOrder(ident=1, generator="tone"))
    assert source.made(1, 1).end == 2
    source.pass_gap(1, 1)
    assert source.made(1, 1).end == 3
    source.order(1, StreamOrder(ident=2, generator="tone"))
    assert source.made(1, 2).end == 3


def test_a_turn_is_told_once_and_only_of_the_streams_of_this_source(rings):
    ring = rings.ring(1)
    ring.write_status(StreamStatus(ident=3, turns=(turn(),)))
    source = RingSource(rings)
    assert source.turns(1) == []
    told = [turn(ident=4), turn(ident=4, after=2), turn(ident=4, after=2, begin=6), turn(ident=4, change=3, after=2)]
    ring.write_status(StreamStatus(ident=4, turns=(turn(), *told[:1])))
    assert source.turns(1) == told[:1]
    ring.write_status(StreamStatus(ident=4, turns=tuple(told)))
    assert source.turns(1) == told[1:]
    assert source.turns(1) == source.turns(2) == []


def test_sixteen_layers_have_room_in_a_containers_shared_memory():
    rings = StreamRings.local(n_layers=1, sample_rate=SAMPLE_RATE)
    [(begin, n_samples)] = rings.places()
    assert 16 * (begin + 8 * n_samples) + SPARE_BYTES < 64 * 2**20


def test_layers_for_which_there_is_no_room_are_refused_with_the_size(monkeypatch, tmp_path):
    monkeypatch.setattr("liveseq.streaming.ring.SHARED_FOLDER", tmp_path)
    usage = types.SimpleNamespace(total=64 << 20, used=50 << 20, free=14 << 20)
    monkeypatch.setattr("liveseq.streaming.ring.shutil.disk_usage", lambda _: usage)
    with pytest.raises(ConfigError, match=r"layers: 4 need 18 MB of shared memory .*, found 15 MB free in .*fewer"):
        StreamRings.create(n_layers=4, sample_rate=SAMPLE_RATE)
    StreamRings.create(n_layers=3, sample_rate=SAMPLE_RATE).close()
