"""The real server under more than it can do: panic is heard, and it does not talk to itself."""

import threading
import time

import psutil
import pytest

from benchmarks.rigs.controller import Controller
from liveseq.osc.packets import build
from tests.support.controllers import bundle
from tests.support.server_process import child, running
from tests.support.waiting import denied

pytestmark = [pytest.mark.live, pytest.mark.slow]

PANIC_HEARD = 0.5
"""Seconds, without those in which others had the cores."""


@pytest.fixture(scope="module")
def server(folder):
    with running(folder, "--corpus", "tiny.corpus", "--output", "none", "--layers", "16") as server:
        yield server


def panic(server, controller, number):
    """Seconds until a panic is answered."""
    pids = server.pid, child(server, "conductor")
    others, began = denied(*pids), time.monotonic()
    controller.send("/liveseq/panic", f"id:{number}")
    while True:
        answer = controller.hear("/liveseq/done")
        if answer[:2] == ("/liveseq/panic", f"id:{number}"):
            return time.monotonic() - began - (denied(*pids) - others)


def test_panic_overtakes_bundles_of_patterns(server, controller):
    controller.send("/liveseq/tag", "bells")
    controller.wait_for("playing")
    patterns = [build(f"/liveseq/layer/*/{'?' * n}*[a-{end}]") for n in range(5) for end in "bcdefghijk"]
    packet = bundle(build("/liveseq/play"), *patterns * 5)
    with Controller(server.port) as other:
        for _ in range(64):
            other.raw(packet)
        assert panic(server, controller, 1) < PANIC_HEARD
    assert controller.ask("/liveseq/sync", 1, answer="/liveseq/synced") == (1,)
    controller.wait_for("ready", voices=0)  # what came before it plays nothing


def test_every_panic_is_heard_in_a_flood_of_tags(server, controller):
    ended = threading.Event()

    def flood():
        with Controller(server.port) as other:
            packets = [build("/liveseq/tag", tag) for tag in ("bells", "drone", "hum")]
            due = time.monotonic()
            while not ended.is_set():
                for packet in packets * 34:
                    other.raw(packet)
                due += 0.01
                time.sleep(max(0.0, due - time.monotonic()))

    sender = threading.Thread(target=flood)
    sender.start()
    try:
        for number in range(6):
            time.sleep(0.2)
            assert panic(server, controller, number) < PANIC_HEARD
    finally:
        ended.set()
        sender.join()
    assert server.errors == []


def test_the_server_is_not_made_to_talk_to_itself(server, controller):
    answer = controller.ask("/liveseq/hello", "me", server.port, answer="/liveseq/fail")
    assert answer[:2] == ("/liveseq/hello", "denied")
    target = ("/liveseq/subscribe", "/liveseq", 100.0, "127.0.0.1", server.port)
    assert controller.ask(*target, answer="/liveseq/fail")[1] == "denied"
    conductor = psutil.Process(child(server, "conductor"))
    assert controller.ask("/liveseq/sync", 5, answer="/liveseq/synced") == (5,)
    assert conductor.cpu_percent(interval=1.0) < 60.0
