"""Transcripts of conversations: what is sent, what is answered, to whom."""

from liveseq.engine.events import MasterGain, Panic, Play, Stop
from liveseq.osc.packets import PREFIX
from liveseq.sequencer.timeline import CutLayer, PlayUnit

DONE, FAIL = f"{PREFIX}/done", f"{PREFIX}/fail"


def kinds(records):
    return [type(record) for record in records]


def take(stage):
    records, stage.desk.records = stage.desk.records, []
    return records


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


def test_a_fault_of_ours_is_answered_and_the_next_message_obeyed(stage, monkeypatch, caplog):
    def broken(text):
        raise ZeroDivisionError

    monkeypatch.setattr(stage.performance.instrument, "match", broken)
    assert stage.ask("/liveseq/tag", "tag 00")[0][:3] == (FAIL, "/liveseq/tag", "internal")
    assert "ZeroDivisionError" in caplog.text
    assert stage.ask("/liveseq/gain") == [("/liveseq/gain", 0.0)]


def test_words_are_looked_up_before_it_is_said_when_they_act(stage, monkeypatch):
    order, match, act_at = [], stage.performance.instrument.match, stage.desk.link.act_at
    monkeypatch.setattr(stage.performance.instrument, "match", lambda text: order.append(text) or match(text))
    monkeypatch.setattr(stage.desk.link, "act_at", lambda due: order.append("at") or act_at(due))
    stage.send("/liveseq/tags", "tag 00", 0.5, "tag 01", 0.5)
    assert order[:3] == ["tag 00", "tag 01", "at"]
    assert stage.desk.acting_since is not None


def test_what_is_refused_makes_nothing_after_it_late(stage):
    stage.send("/liveseq/tag", "no such tag")
    assert stage.desk.acting_since is None


def test_every_change_is_recorded_with_the_sample_at_which_it_acts(stage):
    stage.send("/liveseq/tag", "tag 00")
    stage.send("/liveseq/ping")
    [entry] = stage.entries
    assert entry["address"] == "/liveseq/tag"
    assert entry["at"] == stage.act_at(0)
