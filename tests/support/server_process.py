"""A running server as a test sees it: its errors are kept, and its children can be told apart."""

from contextlib import contextmanager
from itertools import count

from benchmarks.faults.family import family
from benchmarks.rigs.controller import Controller
from benchmarks.rigs.running_server import PROGRAM, RunningServer
from liveseq.performance.session import load_session
from tests.support.waiting import PATIENCE, denied, wait_for

_QUESTIONS = count(1)


def running(folder, *flags, program=PROGRAM):
    """A server in this folder, which is ended with the context where the test has not stopped it."""
    return RunningServer(*flags, folder=folder, program=program, keep_errors=True)


@contextmanager
def controlling(server, *parts):
    """A controller that hears of these parts of the server."""
    with Controller(server.port) as controller:
        for part in parts:
            controller.ask("/liveseq/subscribe", f"/liveseq/{part}", 50.0, answer="/liveseq/done")
        yield controller


def played(controller):
    """The engine's clock now, in seconds: not an answer to an earlier question."""
    number = float(next(_QUESTIONS))
    return wait_for(lambda: (found := controller.ask("/liveseq/time", number))[0] == number and found)[3]


def log_lines(controller):
    """Levels and texts that have come at /liveseq/log and were not read yet."""
    found = []
    while messages := controller.receive(seconds=0.3):
        found += [tuple(one.arguments) for one in messages if one.address == "/liveseq/log"]
    return found


def let_play(controller, seconds):
    """Wait until the engine has played so long: on a crowded machine that is later than by the clock on the wall."""
    end = played(controller) + seconds
    wait_for(lambda: played(controller) >= end, seconds=PATIENCE + seconds, what="the engine's clock")


def saved(server, state):
    """Values of the session that a new conductor would go on with. state: the --state-dir."""
    return (load_session(state / f"session-{server.port}.json") or {"values": {}})["values"]


def child(server, role):
    """Process id of the server's child of this role: see `family`."""
    found = family(server.pid)
    if role not in found:
        raise AssertionError(f"no child {role}")
    return found[role]


def denied_by_others(server):
    """Seconds for which the supervisor and its engines were ready to run and had no core."""
    roles = family(server.pid)
    return denied(server.pid, *(roles[role] for role in ("engine", "spare engine") if role in roles))
