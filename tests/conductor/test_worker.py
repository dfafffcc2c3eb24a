"""What is prepared beside the event loop acts in the order in which it came."""

import threading
import time

import pytest

from liveseq.conductor.worker import MAX_AFTER, MAX_WAITING, Worker
from liveseq.errors import OscError
from tests.support.waiting import PATIENCE


@pytest.fixture
def worker():
    worker = Worker()
    yield worker
    worker.close()


def settle(worker):
    while worker:
        worker.settle(now=5.0)
        time.sleep(0.001)


def test_jobs_act_in_order_and_a_failed_one_is_refused(worker):
    told = []

    def submit(path, prepare):
        worker.submit(
            path, prepare, act=lambda found, now: told.append((found, now)), refuse=lambda e, _: told.append(str(e))
        )

    gate = threading.Event()
    submit("a", lambda: gate.wait(PATIENCE) and 1)
    submit("b", lambda: 1 // 0)
    submit("c", lambda: 3)
    for _ in range(2 * MAX_WAITING):
        worker.after(lambda: told.append("after"))
    submit("d", lambda: 4)  # whoever only waits takes nobody's place
    worker.settle(now=5.0)
    assert told == []
    gate.set()
    settle(worker)
    assert told == [(1, 5.0), "integer division or modulo by zero", (3, 5.0), *["after"] * 2 * MAX_WAITING, (4, 5.0)]
    worker.after(lambda: told.append("at once"))
    assert told[-1] == "at once"


def test_too_many_are_refused_and_what_is_to_stop_is_forgotten(worker):
    told, gate = [], threading.Event()

    def submit(path, found):
        worker.submit(
            path,
            lambda: gate.wait(PATIENCE) and found,
            act=lambda f, _: told.append(f),
            refuse=lambda e, _: told.append(e),
        )

    for number in range(MAX_WAITING + 1):  # one is being prepared
        submit("seed/file" if number % 2 else "predict/model", number)
    for _ in range(MAX_AFTER - MAX_WAITING - 1):
        worker.after(lambda: None)
    with pytest.raises(OscError, match="messages wait for what is being prepared"):
        worker.after(lambda: None)
    with pytest.raises(OscError, match="8 messages that need preparation are waiting") as error:
        submit("seed/file", 9)
    assert error.value.code == "busy"
    worker.forget("seed/", now=5.0)
    assert [type(one) for one in told] == [OscError] * 4
    gate.set()
    settle(worker)
    assert told[4:] == [0, 2, 4, 6, 8]
