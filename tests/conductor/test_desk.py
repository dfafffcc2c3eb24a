"""Transcripts of conversations: what is sent, what is answered, to whom."""

import pytest

from liveseq.engine.events import MasterGain, Panic, Play, Stop
from liveseq.osc.clients import LEASE_SECONDS
from liveseq.osc.packets import MAX_BUNDLE, PREFIX, build, build_bundles
from liveseq.osc.parameter import Kind
from liveseq.sequencer.timeline import CutLayer, PlayUnit
from tests.support.desk_stage import ALICE, BOB

DONE, FAIL = f"{PREFIX}/done", f"{PREFIX}/fail"


def kinds(records):
    return [type(record) for record in records]


def take(stage):
    records, stage.desk.records = stage.desk.records, []
    return records


def test_ping_and_an_id_that_comes_back(stage):
    [(address, echo, name, _, uptime, ident)] = stage.ask("/liveseq/ping", "hey", "id:7")
    assert (address, echo, name, uptime, ident) == ("/liveseq/pong", "hey", "liveseq", 0, "id:7")


def test_a_tag_starts_a_stopped_server_and_says_what_it_means(stage):
    assert stage.ask("/liveseq/tag", "tag 01") == [(DONE, "/liveseq/tag", "tag 01", 1.0)]
    assert kinds(take(stage)) == [Play, CutLayer]
    records, choices = stage.performance.plan(now=stage.act_at(0), until=stage.act_at(0) + 20_000)
    assert kinds(records) == [PlayUnit] * len(records)
    assert len(records) >= 2
    assert {choice.tag for choice in choices} == {"tag 01"}
    assert {record.layer for record in records} == {1}


def test_an_unknown_tag_is_answered_with_the_nearest_and_changes_nothing(stage):
    stage.send("/liveseq/tag", "tag 01")
    before = stage.performance.snapshot()
    [(address, about, code, message)] = stage.ask("/liveseq/tag", "tubular")
    assert (address, about, code) == (FAIL, "/liveseq/tag", "not_found")
    assert "nearest are tag 00" in message
    assert stage.performance.snapshot() == before


def test_tags_blend_by_weight_and_leave_one_by_one(stage):
    stage.send("/liveseq/tags", "tag 00", 1.0, "tag 01", 3.0)
    assert stage.performance.sequencer.layer(1).weights == {"tag 00": 0.25, "tag 01": 0.75}
    stage.send("/liveseq/tag", "tag 02", 4.0)
    assert stage.performance.sequencer.layer(1).weights == {"tag 00": 0.125, "tag 01": 0.375, "tag 02": 0.5}
    stage.send("/liveseq/tag", "tag 01", 0.0)
    assert stage.ask("/liveseq/tags") == [("/liveseq/tags", "tag 00", 1.0, "tag 02", 4.0)]
    stage.send("/liveseq/tag", "tag 03")
    assert stage.ask("/liveseq/layer/1/tags") == [("/liveseq/layer/1/tags", "tag 03", 1.0)]
    [answer] = stage.ask("/liveseq/tag", "tag 03", 0.0)
    assert answer[:3] == (FAIL, "/liveseq/tag", "out_of_range")


def test_layer_two_is_silent_until_it_gets_a_tag(stage):
    stage.send("/liveseq/tag", "tag 00")
    assert not stage.performance.sequencer.layer(2).playing
    [answer] = stage.ask("/liveseq/layer/2/play")
    assert answer[:3] == (FAIL, "/liveseq/layer/2/play", "not_ready")
    stage.send("/liveseq/tag", "tag 02", 1.0, 2)
    assert stage.performance.sequencer.layer(2).playing
    stage.send("/liveseq/layer/2/stop")
    assert [layer.playing for layer in stage.performance.sequencer.layers] == [True, False]


def test_on_a_stopped_server_a_tag_starts_its_layer_alone_and_play_all(stage):
    stage.send("/liveseq/tag", "tag 00")
    stage.send("/liveseq/layer/2/tag", "tag 01")
    stage.send("/liveseq/stop")
    stage.send("/liveseq/tag", "tag 02")
    assert [layer.playing for layer in stage.performance.sequencer.layers] == [True, False]
    stage.send("/liveseq/play")
    assert [layer.playing for layer in stage.performance.sequencer.layers] == [True, True]


def test_play_without_a_tag_takes_the_first_of_the_corpus(stage):
    stage.send("/liveseq/play")
    assert stage.ask("/liveseq/tag") == [("/liveseq/tag", "tag 00")]
    assert stage.performance.playing


def test_stop_and_panic_halt_every_layer_and_forget_what_waits(stage):
    for address, kind in (("/liveseq/stop", Stop), ("/liveseq/panic", Panic)):
        stage.send("/liveseq/tag", "tag 00")
        stage.bundle(1.0, ("/liveseq/tag", "tag 01"))
        take(stage)
        stage.send(address)
        assert kinds(take(stage)) == [kind]
        assert stage.performance.plan(now=0, until=10**9) == ([], [])
        stage.pass_time(2.0)
        assert not stage.performance.playing


def test_panic_goes_before_what_has_come_already(stage):
    stage.desk.receive(build("/liveseq/tag", "tag 00"), ALICE, now=stage.now)
    stage.desk.receive(build("/liveseq/panic"), BOB, now=stage.now)
    stage.pass_time(0.0)
    assert kinds(take(stage)) == [Panic]
    assert not stage.performance.playing


def test_a_fade_moves_the_gain_that_is_read(stage):
    stage.send("/liveseq/fade", -20.0, 4.0)
    assert take(stage) == [MasterGain(gain_db=-20.0, seconds=4.0)]
    assert stage.ask("/liveseq/gain") == [("/liveseq/gain", -20.0)]


def test_the_lowest_gain_is_silence(stage):
    stage.send("/liveseq/gain", -90)
    assert take(stage) == [MasterGain(gain_db=float("-inf"), seconds=0.0)]


def test_a_global_knob_turns_every_layer_and_a_layers_own_only_that(stage):
    stage.send("/liveseq/query/k", 7)
    stage.send("/liveseq/layer/2/query/k", 9)
    assert [layer.settings.k for layer in stage.performance.sequencer.layers] == [7, 9]
    assert stage.ask("/liveseq/layer/*/query/k") == [
        ("/liveseq/layer/1/query/k", 7),
        ("/liveseq/layer/2/query/k", 9),
    ]


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
    for data in build_bundles(messages):
        stage.desk.receive(data, ALICE, now=stage.now)
    stage.pass_time(0.0)
    assert take(stage) == [MasterGain(gain_db=-49.0, seconds=0.0), *[MasterGain(gain_db=0.0, seconds=1.0)] * 3]


def test_two_controllers_hear_of_each_other_but_not_of_themselves(stage):
    for who in (ALICE, BOB):
        stage.send("/liveseq/subscribe", "/liveseq/layer/1/gain", source=who)
    stage.pass_time(0.1)
    stage.answers(ALICE), stage.answers(BOB)
    stage.send("/liveseq/layer/1/gain", -5.0, source=ALICE)
    stage.pass_time(0.1)
    assert stage.answers(ALICE) == []
    assert stage.answers(BOB) == [("/liveseq/layer/1/gain", -5.0)]


def test_a_subscriber_gets_the_value_at_once_then_changes_only_at_its_rate_last_value_wins(stage):
    [(_, _, number)] = stage.ask("/liveseq/subscribe", "/liveseq/meter", 10.0)
    for n in range(20):
        stage.desk.value("/liveseq/meter", float(n), 0.0)
        stage.pass_time(0.01)
    got = stage.answers()
    assert len(got) == 2
    assert got[0] == ("/liveseq/meter", 0.0, 0.0)
    stage.pass_time(0.2)
    assert stage.answers() == [("/liveseq/meter", 19.0, 0.0)]
    stage.desk.value("/liveseq/meter", 19.0, 0.0)
    stage.pass_time(0.2)
    assert stage.answers() == []
    assert stage.ask("/liveseq/unsubscribe", number) == [(DONE, "/liveseq/unsubscribe", 1)]
    assert stage.ask("/liveseq/unsubscribe", "/liveseq/meter")[0][2] == "not_found"


def test_events_come_each_by_itself(stage):
    stage.send("/liveseq/subscribe", "/liveseq")
    stage.pass_time(0.1)
    stage.answers()
    for n in range(3):
        stage.desk.event("/liveseq/xrun", n, "engine", now=stage.now)
    assert stage.answers() == [("/liveseq/xrun", n, "engine") for n in range(3)]


def test_a_lease_ends_unless_a_message_renews_it(stage):
    stage.send("/liveseq/subscribe", "/liveseq/gain")
    stage.pass_time(LEASE_SECONDS - 1.0)
    stage.send("/liveseq/ping")
    stage.pass_time(LEASE_SECONDS - 1.0)
    assert len(stage.clients) == 1
    stage.pass_time(2.0)
    assert len(stage.clients) == 0
    stage.send("/liveseq/gain", -1.0, source=BOB)
    stage.pass_time(0.1)
    assert [message for message in stage.answers() if message[0] == "/liveseq/gain"][1:] == []


def test_hello_names_a_port_and_gets_the_whole_state_in_small_bundles(stage):
    stage.send("/liveseq/tags", *[f"tag 0{n % 4}" for n in range(4)])
    stage.sent.clear()
    stage.send("/liveseq/hello", "tablet", 9999)
    assert max(len(datagram) for datagram, _ in stage.sent) <= MAX_BUNDLE
    answers = stage.answers(("127.0.0.1", 9999))
    assert answers[0][0] == "/liveseq/welcome"
    assert answers[0][2] == LEASE_SECONDS
    values = {message[0]: message[1:] for message in answers[1:-1]}
    expected = {a for a, e in stage.performance.table.items() if e.parameter.kind is Kind.SET}
    assert set(values) == expected
    assert answers[-1] == ("/liveseq/state/end", len(expected))
    dumped = stage.ask("/liveseq/state/dump", "/liveseq/layer/2")
    assert dumped == []  # answers go to the port that was named
    assert len(stage.answers(("127.0.0.1", 9999))) > 10


def test_other_hosts_are_refused_as_senders_and_as_targets(stage):
    stage.send("/liveseq/gain", -6.0, source=("10.1.2.3", 5000))
    assert stage.sent == []
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
    assert stage.lines[-1]["at"] == cut.start


def test_a_little_late_is_done_much_too_late_is_said(stage):
    stage.bundle(-0.02, ("/liveseq/gain", -1.0), ("/liveseq/fade", -2.0, 0.0))
    assert stage.answers() == [(DONE, "/liveseq/fade")]
    stage.bundle(-0.2, ("/liveseq/layer/1/gain", -3.0), ("/liveseq/fade", -4.0, 0.0))
    answers = stage.answers()
    assert [(a[0], a[1], a[3]) for a in answers] == [
        ("/liveseq/late", "/liveseq/layer/1/gain", "played"),
        ("/liveseq/late", "/liveseq/fade", "dropped"),
    ]
    assert answers[0][2] == pytest.approx(200.0, abs=1.0)
    assert stage.ask("/liveseq/gain") == [("/liveseq/gain", -2.0)]
    assert stage.ask("/liveseq/layer/1/gain") == [("/liveseq/layer/1/gain", -3.0)]
    assert stage.desk.n_late == 4


def test_another_clock_is_refused_with_the_offset(stage):
    stage.bundle(3600.0, ("/liveseq/gain", -1.0))
    [answer] = stage.answers()
    assert answer[:3] == (FAIL, "/liveseq/gain", "out_of_range")
    assert "3600.0 s ahead" in answer[3]


def test_panic_never_waits_for_its_time(stage):
    stage.send("/liveseq/tag", "tag 00")
    stage.bundle(5.0, ("/liveseq/panic",), ("/liveseq/gain", -1.0))
    assert not stage.performance.playing
    assert stage.ask("/liveseq/gain") == [("/liveseq/gain", 0.0)]


def test_the_schedule_can_be_cleared(stage):
    stage.bundle(5.0, ("/liveseq/gain", -1.0))
    assert stage.ask("/liveseq/sched/clear") == [(DONE, "/liveseq/sched/clear", 1)]


def test_errors_are_limited_per_client_and_summed_up(stage):
    for _ in range(50):
        stage.send("/liveseq/nothing", 1)
    answers = stage.answers()
    assert [answer[2] for answer in answers] == ["unknown_address"] * 10 + ["rate_limited"]
    assert stage.ask("/liveseq/nothing", source=BOB)[0][2] == "unknown_address"
    stage.pass_time(1.1)
    assert len(stage.ask("/liveseq/nothing")) == 1


def test_one_bad_message_of_a_bundle_leaves_the_others(stage):
    stage.bundle(0.0, ("/liveseq/gain", "loud"), ("/liveseq/layer/1/gain", -3.0))
    assert stage.answers()[0][2] == "bad_args"
    assert stage.ask("/liveseq/layer/1/gain") == [("/liveseq/layer/1/gain", -3.0)]


def test_a_flood_is_bounded(stage):
    for n in range(10_000):
        stage.desk.receive(build("/liveseq/fade", float(-(n % 60)), 0.0), ALICE, now=stage.now)
    assert len(stage.desk._inbox) == 4096
    stage.pass_time(0.0)
    assert len(stage.desk.records) == 4096
    assert stage.desk.n_dropped == 10_000 - 4096
    assert {answer[2] for answer in stage.answers() if answer[0] == FAIL} == {"busy", "rate_limited"}


def test_a_fault_of_ours_is_answered_and_the_next_message_obeyed(stage, monkeypatch, caplog):
    def broken(text):
        raise ZeroDivisionError

    monkeypatch.setattr(stage.performance.instrument, "match", broken)
    assert stage.ask("/liveseq/tag", "tag 00")[0][:3] == (FAIL, "/liveseq/tag", "internal")
    assert "ZeroDivisionError" in caplog.text
    assert stage.ask("/liveseq/gain") == [("/liveseq/gain", 0.0)]


def test_the_other_questions(stage):
    assert stage.ask("/liveseq/sync", 5) == [("/liveseq/synced", 5)]
    assert stage.ask("/liveseq/version")[0][:2] == ("/liveseq/version", "liveseq")
    assert stage.ask("/liveseq/status") == [("/liveseq/status", "ready", 0.0)]
    assert stage.ask("/liveseq/time", 3.5)[0][1] == 3.5
    tags = stage.ask("/liveseq/corpus/tags")
    assert [tag[1] for tag in tags[:-1]] == ["tag 00", "tag 01", "tag 02", "tag 03"]
    assert tags[-1] == ("/liveseq/corpus/tags/end", 4)
    stage.send("/liveseq/subscribe", "/liveseq/log")
    listed = stage.ask("/liveseq/subscriptions")
    assert listed[0][2:6] == ("/liveseq/log", 30.0, "127.0.0.1", 5001)
    stage.ask("/liveseq/osc/dump", 1)
    [(address, level, text), *_] = stage.ask("/liveseq/ping", "x")
    assert (address, level) == ("/liveseq/log", "info")
    assert text.endswith("/liveseq/ping x")
    stage.send("/liveseq/quit")
    assert stage.ended


def test_every_change_is_recorded_with_the_sample_at_which_it_acts(stage):
    stage.send("/liveseq/tag", "tag 00")
    stage.send("/liveseq/ping")
    [line] = stage.lines
    assert line["address"] == "/liveseq/tag"
    assert line["at"] == stage.act_at(0)
