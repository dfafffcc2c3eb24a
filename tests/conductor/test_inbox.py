"""Packets that come in: what is queued, what goes first, what waits for its time, what is refused."""

import itertools
import struct

import pytest

from liveseq.conductor.backlog import MAX_PACKETS
from liveseq.engine.events import MasterGain, Panic
from liveseq.osc.packets import MAX_COMMANDS, PREFIX, build, build_bundles
from liveseq.sequencer.timeline import CutLayer
from tests.support.controllers import bundle
from tests.support.desk_stage import ALICE, BOB

DONE, FAIL = f"{PREFIX}/done", f"{PREFIX}/fail"


def take(stage):
    records, stage.desk.records = stage.desk.records, []
    return records


def test_panic_goes_before_what_has_come_already(stage):
    stage.inbox.receive(build("/liveseq/tag", "tag 00"), ALICE, now=stage.now)
    stage.inbox.receive(build("/liveseq/panic"), BOB, now=stage.now)
    stage.pass_time(0.0)
    assert take(stage) == [Panic()]
    assert not stage.performance.playing


def test_patterns_set_values_but_never_play_or_quit(stage):
    stage.send("/liveseq/layer/*/gain", -3.0)
    assert stage.ask("/liveseq/layer/2/gain") == [("/liveseq/layer/2/gain", -3.0)]
    take(stage)
    stage.send("/liveseq/*")
    assert not stage.performance.playing
    assert not stage.ended
    assert take(stage) == []


def test_a_burst_of_sets_keeps_the_last_and_never_merges_what_happens_once(stage):
    messages = [(f"{PREFIX}/gain", (float(-n),)) for n in range(50)] + [(f"{PREFIX}/fade", (0.0, 1.0))] * 3
    for packet in build_bundles(messages):
        stage.inbox.receive(packet, ALICE, now=stage.now)
    stage.pass_time(0.0)
    assert take(stage) == [MasterGain(gain_db=-49.0, seconds=0.0), *[MasterGain(gain_db=0.0, seconds=1.0)] * 3]


def test_other_hosts_are_refused_as_senders_and_as_targets(stage, caplog):
    for _ in range(3):
        stage.send("/liveseq/gain", -6.0, source=("10.1.2.3", 5000))
    assert stage.sent == []
    assert (stage.inbox.n_turned_away, stage.inbox.n_dropped) == (3, 0)
    assert [record.getMessage() for record in caplog.records] == [
        "10.1.2.3 may not send, and is turned away; to let it: --allow 10.1.2.3"
    ]
    assert stage.ask("/liveseq/gain") == [("/liveseq/gain", 0.0)]
    [answer] = stage.ask("/liveseq/subscribe", "/liveseq", 30.0, "10.1.2.3", 5000)
    assert answer[:3] == (FAIL, "/liveseq/subscribe", "denied")
    assert stage.ask("/liveseq/subscribe", "/liveseq/gain", 30.0, "localhost", 6000)[0][0] == DONE
    stage.send("/liveseq/gain", -6.0, source=BOB)
    stage.pass_time(0.1)
    assert ("/liveseq/gain", -6.0) in stage.answers(("127.0.0.1", 6000))


def test_a_timetag_is_kept_to_the_sample(stage):
    stage.bundle(0.5, ("/liveseq/tag", "tag 00"))
    due = stage.now + 0.5
    stage.pass_time(0.4)
    assert take(stage) == []
    stage.pass_time(0.096)
    cut = take(stage)[-1]
    assert isinstance(cut, CutLayer)
    assert abs(cut.start - due * 48_000) <= 1
    assert stage.entries[-1]["at"] == cut.start


def test_what_is_late_is_done_at_once_and_much_too_late_is_said(stage):
    stage.bundle(-0.02, ("/liveseq/gain", -1.0), ("/liveseq/fade", -2.0, 0.0))
    assert stage.answers() == [(DONE, "/liveseq/fade")]
    stage.bundle(-0.2, ("/liveseq/layer/1/gain", -3.0), ("/liveseq/fade", -4.0, 0.0))
    answers = stage.answers()
    assert [answer[:2] for answer in answers] == [
        ("/liveseq/late", "/liveseq/layer/1/gain"),
        ("/liveseq/late", "/liveseq/fade"),
        (DONE, "/liveseq/fade"),
    ]
    assert answers[0][2] == pytest.approx(200.0, abs=1.0)
    assert stage.ask("/liveseq/gain") == [("/liveseq/gain", -4.0)]
    assert stage.ask("/liveseq/layer/1/gain") == [("/liveseq/layer/1/gain", -3.0)]
    assert stage.inbox.n_late == 4


def test_another_clock_is_refused_with_the_offset(stage):
    stage.bundle(3600.0, ("/liveseq/gain", -1.0), ("/liveseq/play",))
    answers = stage.answers()
    assert [answer[1:3] for answer in answers] == [("/liveseq/gain", "out_of_range"), ("/liveseq/play", "out_of_range")]
    assert all("3600.0 s ahead" in answer[3] for answer in answers)


@pytest.mark.parametrize("timetag", [0, 5, 1_800_000_000 << 32, 821_692_800 << 32, 2**64 - 1])
def test_a_bundle_of_another_epoch_is_obeyed_at_once_without_a_word(stage, timetag):
    messages = [build("/liveseq/gain", -5.0), build("/liveseq/play", 1.0)]
    elements = b"".join(struct.pack(">i", len(one)) + one for one in messages)
    stage.packet(b"#bundle\0" + struct.pack(">Q", timetag) + elements)
    assert stage.answers() == [(DONE, "/liveseq/play", "tag 00", 1.0)]
    assert stage.performance.playing
    assert stage.ask("/liveseq/gain") == [("/liveseq/gain", -5.0)]
    assert stage.inbox.n_late == 0


def test_panic_never_waits_for_its_time(stage):
    stage.send("/liveseq/tag", "tag 00")
    stage.bundle(5.0, ("/liveseq/panic",), ("/liveseq/gain", -1.0))
    assert not stage.performance.playing
    assert stage.ask("/liveseq/gain") == [("/liveseq/gain", 0.0)]


def test_the_scheduler_can_be_cleared(stage):
    stage.bundle(5.0, ("/liveseq/gain", -1.0))
    assert stage.ask("/liveseq/sched/clear") == [(DONE, "/liveseq/sched/clear", 1)]


def test_one_bad_message_of_a_bundle_leaves_the_others(stage):
    stage.bundle(0.0, ("/liveseq/gain", "loud"), ("/liveseq/layer/1/gain", -3.0))
    assert stage.answers()[0][2] == "bad_args"
    assert stage.ask("/liveseq/layer/1/gain") == [("/liveseq/layer/1/gain", -3.0)]


def test_panic_is_heard_in_a_bundle_of_what_cannot_be_read(stage):
    stage.send("/liveseq/tag", "tag 00")
    stage.answers()
    bad = [b"/liveseq/pan\0\0\0\0,x\0\0", b"", b"panic\0\0\0,\0\0\0"]
    elements = b"".join(struct.pack(">i", len(one)) + one for one in [*bad, build("/liveseq/panic", 1.0)])
    stage.packet(b"#bundle\0" + struct.pack(">Q", 1) + elements)
    answers = stage.answers()
    assert answers[0] == (DONE, "/liveseq/panic")
    assert [answer[:3] for answer in answers[1:]] == [
        (FAIL, "/liveseq/pan", "bad_args"),
        (FAIL, "#bundle", "bad_args"),
        (FAIL, "panic", "bad_args"),
    ]
    assert not stage.performance.playing


def test_a_value_of_nothing_but_a_colour_is_refused_and_asks_for_nothing(stage):
    stage.packet(b"/liveseq/gain\0\0\0,r\0\0\1\2\3\4")
    [answer] = stage.answers()
    assert answer == (FAIL, "/liveseq/gain", "bad_args", "nothing but arguments of type r; expected f:gain")


def test_a_button_plays_when_it_is_pressed_and_says_nothing_when_it_is_let_go(stage):
    assert stage.ask("/liveseq/play", 1.0) == [(DONE, "/liveseq/play", "tag 00", 1.0)]
    assert stage.ask("/liveseq/layer/1/stop", 0.0) == []
    assert stage.performance.playing
    assert stage.ask("/liveseq/panic", 127) == [(DONE, "/liveseq/panic")]
    assert not stage.performance.playing
    assert stage.ask("/liveseq/play", False, "id:7") == []
    assert not stage.performance.playing
    for chatter in ("/ping", "/1", "/liveseq/play/z"):
        assert stage.ask(chatter, 1.0) == []


def test_words_and_numbers_that_come_one_by_one_are_tags(stage):
    assert stage.ask("/liveseq/tag", "tag", "00")[0] == (DONE, "/liveseq/tag", "tag 00", 1.0)
    [answer] = stage.ask("/liveseq/tag", 808)
    assert answer[2] == "not_found"
    assert "unknown tag '808'" in answer[3]


def test_a_flood_is_bounded(stage):
    for n in range(20_000):
        stage.inbox.receive(build("/liveseq/fade", float(-(n % 60)), 0.0), ALICE, now=stage.now)
    assert len(stage.inbox._backlog) == MAX_PACKETS
    assert stage.inbox.n_dropped == 20_000 - MAX_PACKETS
    stage.pass_time(0.0)
    assert len(stage.desk.records) == 4096
    assert stage.inbox.n_dropped == 20_000 - 4096
    assert {answer[2] for answer in stage.answers() if answer[0] == FAIL} == {"busy", "rate_limited"}


def test_messages_that_wait_for_their_time_are_bounded_one_by_one(stage):
    for _ in range(17):
        stage.bundle(5.0, *[("/liveseq/fade", -1.0, 0.0)] * 250)
    assert stage.inbox.n_dropped == 17 * 250 - 4096
    assert (FAIL, "/liveseq/fade", "busy") in [answer[:3] for answer in stage.answers()]
    assert stage.ask("/liveseq/sched/clear") == [(DONE, "/liveseq/sched/clear", 4096)]


def test_a_packet_of_patterns_has_so_many_commands_and_the_rest_is_refused(stage):
    n_reached = len([one for one in stage.ask("/liveseq/*") if one[0] != FAIL])
    n_whole = -(-MAX_COMMANDS // n_reached)
    assert n_whole * n_reached < 4096
    stage.answers()
    stage.packet(bundle(*[build("/liveseq/*")] * (n_whole + 3)))
    answers = stage.answers()
    fails = [answer for answer in answers if answer[0] == FAIL]
    assert len(answers) - len(fails) == n_whole * n_reached
    assert [fail[1:3] for fail in fails] == [("/liveseq/*", "busy")] * 3
    assert f"more than {MAX_COMMANDS} commands" in fails[0][3]


def test_a_turn_has_its_time_and_what_is_left_is_obeyed_in_the_next_ones_in_order(stage):
    for n in range(100):
        stage.inbox.receive(build("/liveseq/fade", float(-(n % 60)), 0.0), ALICE, now=stage.now)
    turns, ticks = 0, itertools.count(1)
    while stage.inbox.is_behind:
        turns += 1
        before = len(stage.desk.records)
        stage.work(clock=lambda: stage.now + 0.0005 * next(ticks))
        assert len(stage.desk.records) - before < 10
        if turns == 3:
            stage.inbox.receive(build("/liveseq/panic"), BOB, now=stage.now)
    assert turns > 3
    records = take(stage)
    place = records.index(Panic())
    assert 3 <= place < 30
    assert records[:place] == [MasterGain(gain_db=float(-n), seconds=0.0) for n in range(place)]
    assert records[place + 1 :] == []  # a fade that came before a panic is overtaken


@pytest.mark.parametrize("urgent", ["stop", "panic"])
def test_stop_and_panic_overtake_packets_that_came_before_them_and_what_stands_before_them_in_their_own(stage, urgent):
    stage.send("/liveseq/tag", "tag 00")
    stage.answers()
    stage.inbox.receive(build("/liveseq/gain", -7.0), ALICE, now=stage.now)
    stage.inbox.receive(build("/liveseq/layer/2/tag", "tag 01"), ALICE, now=stage.now)
    messages = [("/liveseq/play", ()), (f"/liveseq/{urgent}", ()), ("/liveseq/layer/2/gain", (-3.0,))]
    for packet in build_bundles(messages):
        stage.inbox.receive(packet, BOB, now=stage.now)
    stage.work()
    done, forgotten = stage.answers(BOB)
    assert done == (DONE, f"/liveseq/{urgent}")
    assert forgotten[:3] == (FAIL, "/liveseq/play", "busy")
    assert [answer[:3] for answer in stage.answers()] == [(FAIL, "/liveseq/layer/2/tag", "busy")]
    assert not stage.performance.playing
    assert stage.ask("/liveseq/gain") == [("/liveseq/gain", -7.0)]
    assert stage.ask("/liveseq/layer/2/gain") == [("/liveseq/layer/2/gain", -3.0)]
    assert stage.ask("/liveseq/play")[0][0] == DONE


def test_a_stop_that_is_let_go_forgets_nothing(stage):
    stage.packet(bundle(build("/liveseq/play", 1.0), build("/liveseq/stop", 0.0), build("/liveseq/panic", 0.0)))
    assert stage.answers() == [(DONE, "/liveseq/play", "tag 00", 1.0)]
    assert stage.performance.playing


def test_what_stands_behind_a_panic_in_its_packet_acts(stage):
    for packet in build_bundles([("/liveseq/panic", ()), ("/liveseq/tag", ("tag 01",))]):
        stage.packet(packet)
    assert stage.performance.playing


@pytest.mark.parametrize("step", [5.0, 3600.0, -5.0])
def test_timetags_follow_a_clock_that_is_set_at_once_and_it_is_said_and_counted(stage, step, caplog):
    stage.send("/liveseq/subscribe", "/liveseq/log")
    stage.pass_time(0.1)
    stage.bundle(0.5, ("/liveseq/layer/2/gain", -2.0))  # keeps its time
    stage.answers()
    stage.wall += step
    stage.pass_time(0.01)
    text = f"the clock of this machine was set by {step:+.3f} s; timetags are read by it from now on"
    assert stage.answers() == [("/liveseq/log", "warning", text)]
    assert [record.getMessage() for record in caplog.records] == [text]
    assert stage.inbox.n_clock_steps == 1
    stage.bundle(0.2, ("/liveseq/gain", -5.0))
    [(_, _, seconds, fraction, _)] = stage.ask("/liveseq/time", 1.0)
    assert seconds + fraction == pytest.approx(stage.wall, abs=1e-3)
    stage.pass_time(0.19)
    assert stage.ask("/liveseq/gain") == [("/liveseq/gain", 0.0)]
    stage.pass_time(0.01)
    assert stage.ask("/liveseq/gain") == [("/liveseq/gain", -5.0)]
    assert stage.ask("/liveseq/layer/2/gain") == [("/liveseq/layer/2/gain", 0.0)]
    stage.pass_time(0.3)
    assert stage.ask("/liveseq/layer/2/gain") == [("/liveseq/layer/2/gain", -2.0)]
    assert stage.inbox.n_clock_steps == 1
