"""The log and the counts of streams: how each change was obeyed, and which stream ran dry."""

import pytest

from liveseq.conductor.streams import LayerStreams
from liveseq.offline.replay import turn_of
from liveseq.sequencer.streams import KEPT_TURNS
from liveseq.streaming.source import RingSource
from tests.support.streaming_layers import MODE
from tests.support.tiny_generator import STEP


@pytest.mark.parametrize("late", [False, True])
def test_the_log_tells_in_which_step_a_change_was_obeyed(streaming, late):
    streaming.plan()
    begin = streaming.layer.stream.order.origin
    streaming.ask("/liveseq/layer/1/tag", "bells")
    asked = streaming.layer.stream.order.changes[-1].sample
    streaming.pass_time(0.4 if late else 0.05)
    streaming.make()
    reached = streaming.act_at(0) - begin
    [entry] = [entry for entry in streaming.entries if "turn" in entry]
    assert (entry["turn"], entry["count"], entry["change"], entry["after"]) == (1, 1, 2, 1)
    assert (entry["at"], entry["planned"]) == (streaming.act_at(0), streaming.performance.planned_until)
    sample = entry["step"] * STEP + entry["place"]
    assert sample >= reached > asked if late else sample == asked
    assert streaming.layers.log.n_late_changes == late
    told = turn_of(entry)
    assert (told.ident, told.step, told.begin, told.made) == (1, entry["step"], entry["begin"], entry["made"])
    streaming.make()
    streaming.make()
    assert sum("turn" in entry for entry in streaming.entries) == 1


def test_late_changes_are_counted_though_nobody_has_looked_for_long(streaming):
    n_changes = KEPT_TURNS + 4
    for turn in range(n_changes):
        streaming.plan(0.6)
        streaming.ask("/liveseq/layer/1/tag", "drone" if turn % 2 else "bells")
        streaming.pass_time(0.3)
        while streaming.streamer.tick():
            pass
    streaming.layers.tick(streaming.now)
    assert streaming.layers.log.n_late_changes == n_changes
    assert sum("turn" in entry for entry in streaming.entries) == KEPT_TURNS


def test_a_new_conductor_counts_from_nothing(streaming):
    streaming.plan(0.6)
    streaming.ask("/liveseq/layer/1/tag", "bells")
    streaming.pass_time(0.4)
    streaming.make()
    assert streaming.layers.log.n_late_changes == 1
    successor = LayerStreams(streaming.desk, RingSource(streaming.rings), lambda: streaming.generators.chosen)
    successor.tick(streaming.now)
    assert successor.log.n_late_changes == 0


def test_a_stream_that_runs_dry_is_counted_once_each_time(streaming):
    ends = []
    for n_dry in (1, 2):
        streaming.plan(60.0)  # all that there is
        ends.append(streaming.layer.stream.told)
        assert streaming.layers.log.n_dried_up == n_dry - 1
        streaming.wait(4.0)
        assert streaming.layers.log.n_dried_up == n_dry
        streaming.make()
        streaming.plan()
    assert streaming.dry() == [(1, end, end) for end in ends]


def test_a_stream_that_goes_on_between_two_looks_at_it_is_counted_too(streaming):
    streaming.plan(60.0)
    end = streaming.layer.stream.told
    while streaming.streamer.tick():
        pass
    streaming.pass_time(4.0)
    streaming.plan()
    streaming.layers.tick(streaming.now)
    assert (streaming.layers.log.n_dried_up, streaming.dry()) == (1, [(1, end, end)])


@pytest.mark.parametrize("act", ["/liveseq/stop", "/liveseq/layer/1/stop", MODE, "/liveseq/layer/1/seed", "the end"])
def test_a_stream_that_is_left_while_it_is_dry_is_in_the_log(streaming, act):
    streaming.plan(60.0)
    end = streaming.layer.stream.told
    streaming.wait(4.0)
    assert streaming.dry() == []
    if act == "the end":
        streaming.layers.log.end()
    else:
        streaming.ask(act, *{MODE: ("cloud",), "/liveseq/layer/1/seed": (9,)}.get(act, ()))
        streaming.make()
        streaming.layers.tick(streaming.now)
    assert (streaming.layers.log.n_dried_up, streaming.dry()) == (1, [(1, end, None)])


def test_a_stream_that_is_in_time_or_that_another_engine_knows_nothing_of_has_not_run_dry(streaming):
    for _ in range(20):
        streaming.plan()
        streaming.make()
        streaming.pass_time(0.1)
    streaming.performance.resume(at=streaming.act_at(0))
    streaming.pass_time(4.0)
    streaming.layers.tick(streaming.now)
    assert streaming.plan()
    assert streaming.layers.log.n_dried_up == 0
    assert [told for _, told, _ in streaming.dry()] == [0]
