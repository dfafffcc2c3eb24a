"""Work that needs the disk or takes long, beside the event loop: one thread, one job after another.

A job is prepared in the thread and acts in the event loop, in the order in which the jobs came: so the order of two
seeds of a layer is that of their messages.
"""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from liveseq.errors import OscError

MAX_WAITING = 8
"""Jobs; beyond it a command is refused."""
MAX_AFTER = 256
"""Jobs, together with what is to be done after them."""
_PRIORITY = 1
"""Real-time priority of the thread, where granted: below the event loop's, above what else the machine does. A
thread without one could be put aside while it holds the interpreter, and the event loop would wait for it."""

Act = Callable[[Any, float], None]
"""Called in the event loop with what was prepared, and the time."""
Refuse = Callable[[Exception, float], None]
"""Called in the event loop with what the preparation raised, and the time."""


@dataclass(frozen=True, slots=True)
class _Job:
    future: "Future[Any]"
    act: Act
    refuse: Refuse
    path: str


class Worker:
    """One per conductor. Everything but the preparation runs in the event loop."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="worker", initializer=_run_below_event_loop)
        self._jobs: deque[_Job] = deque()

    def __len__(self) -> int:
        return len(self._jobs)

    def submit(self, path: str, prepare: Callable[[], Any], *, act: Act, refuse: Refuse) -> None:
        """Prepare in the thread; then `act` with what came of it, or `refuse` with what it raised.

        path: of the command, for `forget`. Raises OscError (busy) where too many wait already.
        """
        if sum(bool(job.path) for job in self._jobs) > MAX_WAITING:
            raise OscError("busy", f"{MAX_WAITING} messages that need preparation are waiting already; wait for /done")
        self._jobs.append(_Job(self._pool.submit(prepare), act, refuse, path))

    def after(self, do: Callable[[], None]) -> None:
        """Do something once all jobs that are there now have acted: at once where there is none. Raises OscError."""
        if not self._jobs:
            do()
            return
        if len(self._jobs) >= MAX_AFTER:
            raise OscError("busy", f"{MAX_AFTER} messages wait for what is being prepared; wait for /synced")
        self._jobs.append(_Job(self._pool.submit(_nothing), lambda *_: do(), lambda *_: do(), ""))

    def forget(self, prefix: str, *, now: float) -> None:
        """Drop the jobs whose path begins so; their senders hear of it."""
        for job in [one for one in self._jobs if one.path.startswith(prefix)]:
            self._jobs.remove(job)
            job.future.cancel()
            job.refuse(OscError("not_ready", f"{job.path}: forgotten, since everything was to stop"), now)

    def settle(self, *, now: float) -> None:
        """Let the jobs that are prepared act. Never waits."""
        while self._jobs and self._jobs[0].future.done():
            job = self._jobs.popleft()
            error = job.future.exception()
            if error is None:
                job.act(job.future.result(), now)
            elif isinstance(error, Exception):
                job.refuse(error, now)

    def close(self) -> None:
        """Begin nothing more; what is being prepared is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _nothing() -> None:
    """A place in the queue."""


def _run_below_event_loop() -> None:
    """Lower the priority of this thread, which has inherited the event loop's."""
    if hasattr(os, "sched_setscheduler") and os.sched_getscheduler(0) == os.SCHED_FIFO:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
