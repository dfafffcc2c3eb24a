"""Packets that go out: who is answered, who hears of what, and how often."""

from liveseq.osc.clients import LEASE_SECONDS, MAX_CLIENTS
from liveseq.osc.packets import PREFIX
from tests.support.desk_stage import ALICE, BOB, OWN_PORT

DONE, FAIL = f"{PREFIX}/done", f"{PREFIX}/fail"


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
        stage.outbox.value("/liveseq/meter", float(n), 0.0)
        stage.pass_time(0.01)
    got = stage.answers()
    assert len(got) == 2
    assert got[0] == ("/liveseq/meter", 0.0, 0.0)
    stage.pass_time(0.2)
    assert stage.answers() == [("/liveseq/meter", 19.0, 0.0)]
    stage.outbox.value("/liveseq/meter", 19.0, 0.0)
    stage.pass_time(0.2)
    assert stage.answers() == []
    assert stage.ask("/liveseq/unsubscribe", number) == [(DONE, "/liveseq/unsubscribe", 1)]
    assert stage.ask("/liveseq/unsubscribe", "/liveseq/meter")[0][2] == "not_found"


def test_events_come_each_by_itself(stage):
    stage.send("/liveseq/subscribe", "/liveseq")
    stage.pass_time(0.1)
    stage.answers()
    for n in range(3):
        stage.outbox.event("/liveseq/xrun", n, "engine", now=stage.now)
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


def test_errors_are_limited_per_client_and_summed_up(stage):
    for _ in range(50):
        stage.send("/liveseq/nothing", 1)
    answers = stage.answers()
    assert [answer[2] for answer in answers] == ["unknown_address"] * 10 + ["rate_limited"]
    assert stage.ask("/liveseq/nothing", source=BOB)[0][2] == "unknown_address"
    stage.pass_time(1.1)
    assert len(stage.ask("/liveseq/nothing")) == 1


def test_nobody_makes_the_server_answer_itself(stage):
    for address, *arguments in (
        ("/liveseq/hello", "me", OWN_PORT),
        ("/liveseq/subscribe", "/liveseq", 30.0, "127.0.0.1", OWN_PORT),
        ("/liveseq/subscribe", "/liveseq", 30.0, "0.0.0.0", OWN_PORT),
    ):
        [answer] = stage.ask(address, *arguments)
        assert answer[:3] == (FAIL, address, "denied")
    [answer] = stage.ask("/liveseq/subscribe", "/liveseq", 30.0, "::1", OWN_PORT)
    assert answer[3] == f"port {OWN_PORT} is this server's own; name the one at which you listen"
    assert stage.ask("/liveseq/ping", "x")[0][:2] == ("/liveseq/pong", "x")  # answers go where they went
    stage.sent.clear()
    stage.send("/liveseq/ping", source=("127.0.0.1", OWN_PORT))
    assert stage.sent == []
    [(address, *_)] = stage.ask("/liveseq/subscribe", "/liveseq/gain", 30.0, "127.0.0.1", OWN_PORT + 1)
    assert address == DONE


def test_clients_that_come_and_vanish_displace_no_subscriber(stage):
    stage.send("/liveseq/subscribe", "/liveseq/gain")
    stage.pass_time(20.0)
    for n in range(200):
        stage.send("/liveseq/subscribe", "/liveseq/gain", source=("127.0.0.1", 20_000 + n))
        stage.send("/liveseq/ping", source=("127.0.0.1", 30_000 + n))
    assert len(stage.clients) <= MAX_CLIENTS
    assert stage.answers(("127.0.0.1", 20_000))[0][0] == DONE
    [answer] = stage.answers(("127.0.0.1", 20_199))
    assert answer[:3] == (FAIL, "/liveseq/subscribe", "busy")
    stage.answers()
    stage.send("/liveseq/gain", -5.0, source=BOB)
    stage.pass_time(0.1)
    assert ("/liveseq/gain", -5.0) in stage.answers()
    stage.send("/liveseq/ping")
    stage.pass_time(LEASE_SECONDS)
    assert stage.ask("/liveseq/subscribe", "/liveseq/gain", source=BOB)[0][0] == DONE
