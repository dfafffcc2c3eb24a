"""A running server as a test sees it: its errors are kept, and its children can be told apart."""

from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import psutil

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


def child(server, name):
    """Process id of the server's child that runs this function."""
    found = children(server, name)
    if not found:
        raise AssertionError(f"no child {name}")
    return found[0]


def children(server, name):
    """Process ids of all of them: the engine that plays first, then the spare one, which has fewer threads."""
    found = []
    for one in psutil.Process(server.pid).children(recursive=True):
        with suppress(psutil.Error):  # it has ended meanwhile
            if name == _function_of(one):
                found.append((-one.num_threads(), one.pid))
    return [pid for _, pid in sorted(found)]


def denied_by_others(server):
    """Seconds for which the supervisor and its engines were ready to run and had no core."""
    return denied(server.pid, *children(server, "engine"))


def _function_of(process):
    """The conductor alone maps the search library, the generator models without it, the engine a corpus's audio."""
    try:
        maps = {Path(one.path).name for one in process.memory_maps()}
    except psutil.Error:
        return None
    if any("faiss" in name for name in maps):
        return "conductor"
    if any("onnxruntime" in name for name in maps):
        return "generator"
    return "engine" if any(name.endswith(".f32") for name in maps) else None
