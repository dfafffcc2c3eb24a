"""The controller with which benchmarks and tests play servers."""

import socket

import pytest

from benchmarks.rigs.controller import Controller
from liveseq.osc.packets import build


@pytest.fixture
def server():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        yield server


@pytest.fixture
def controller(server):
    with Controller(server.getsockname()[1]) as controller:
        yield controller


def answer(server, controller, *values):
    server.sendto(build("/liveseq/status", *values), controller.socket.getsockname())


def test_what_does_not_come_is_not_heard(controller):
    assert controller.hear("/liveseq/status", seconds=0.01) is None
    with pytest.raises(AssertionError, match="no answer to /liveseq/status"):
        controller.ask("/liveseq/status", seconds=0.1)


def test_a_question_is_not_answered_by_what_came_before_it(server, controller, monkeypatch):
    answer(server, controller, "old")
    monkeypatch.setattr(controller, "send", lambda *_: answer(server, controller, "new"))
    assert controller.ask("/liveseq/status") == ("new",)
