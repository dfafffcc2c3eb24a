"""Questions, and what concerns only the server."""

from liveseq.osc.clients import LEASE_SECONDS
from liveseq.osc.packets import MAX_BUNDLE
from liveseq.osc.parameter import Kind


def test_ping_and_an_id_that_comes_back(stage):
    [(address, echo, name, _, uptime, ident)] = stage.ask("/liveseq/ping", "hey", "id:7")
    assert (address, echo, name, uptime, ident) == ("/liveseq/pong", "hey", "liveseq", 0, "id:7")


def test_hello_names_a_port_and_gets_the_whole_state_in_small_bundles(stage):
    stage.send("/liveseq/tags", *[f"tag 0{n % 4}" for n in range(4)])
    stage.sent.clear()
    stage.send("/liveseq/hello", "tablet", 9999)
    assert max(len(packet) for packet, _ in stage.sent) <= MAX_BUNDLE
    answers = stage.answers(("127.0.0.1", 9999))
    assert answers[0][0] == "/liveseq/welcome"
    assert answers[0][2] == LEASE_SECONDS
    values = {message[0]: message[1:] for message in answers[1:-1]}
    expected = {address for address, row in stage.performance.table.items() if row.parameter.kind is Kind.SET}
    assert set(values) == expected
    assert answers[-1] == ("/liveseq/state/end", len(expected))
    dumped = stage.ask("/liveseq/state/dump", "/liveseq/layer/2")
    assert dumped == []  # answers go to the port that was named
    assert len(stage.answers(("127.0.0.1", 9999))) > 10


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
