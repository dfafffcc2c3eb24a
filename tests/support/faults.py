"""A server that plays while things go wrong in it, and those who hear of it."""

import contextlib
import time

import psutil

from tests.support.server_process import child, controlling, running
from tests.support.waiting import PATIENCE, denied, wait_for


@contextlib.contextmanager
def serving(folder, place, *flags):
    """A server that plays, a controller, and another one that hears its log."""
    flags = (
        "--corpus",
        "tiny.corpus",
        "--output",
        "none",
        "--play",
        "hum",
        "--state-dir",
        str(place / "state"),
        *flags,
    )
    with running(folder, *flags) as server:
        try:
            with controlling(server) as controller, controlling(server, "log") as ear:
                controller.wait_for("playing", voices=1, seconds=PATIENCE)
                yield server, controller, ear
        finally:
            print(*server.errors, sep="\n")  # shown where a test fails


def hear_log(ear, part):
    """The next line of the log that holds this."""
    return wait_for(lambda: (said := ear.hear("/liveseq/log")) and part in said[1] and said[1], what=part)


def say_line(server, part):
    """Wait for a line on the terminal that holds this, and return it."""
    return wait_for(lambda: next((line for line in server.errors if part in line), None), what=part)


def find_child(server, name):
    """Process id of a child that may be on its way."""

    def found():
        with contextlib.suppress(AssertionError):
            return child(server, name)

    return wait_for(found, what=name)


def is_gone(pid):
    """Whether a process has ended."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


class Watch:
    """Seconds, without those for which others had the cores: this process and those that are named, while they live."""

    def __init__(self, *pids):
        self.others, self.began = {pid: denied(pid) for pid in pids}, time.monotonic()

    def seconds(self, *pids):
        alive = [pid for pid in self.others if not is_gone(pid)]
        others = sum(denied(pid) - self.others[pid] for pid in alive) + sum(denied(pid) - denied() for pid in pids)
        return time.monotonic() - self.began - others
