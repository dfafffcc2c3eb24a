"""Targets of the process that makes a corpus where none is named: it imports what no live process may.

SIGTERM ends it, and its parent's end does. A folder is there as soon as it can be played, and never before.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from liveseq.errors import LiveseqError
from liveseq.processes import lower_priority, when_orphaned

DEMO_SEED = 1


def compose_demo(folder: Path, sample_rate: int | None) -> None:
    """Compose the demo corpus. Stopped, it leaves nothing of it. sample_rate in Hz; None: the usual one."""
    from liveseq.corpus.build import build_demo

    with _ended_in_one_line():
        _whole(folder, lambda part: build_demo(part, seed=DEMO_SEED, sample_rate=sample_rate, progress=True))


def generate_first(folder: Path, voices: tuple[Path, ...], wanted: str | None, sample_rate: int | None) -> None:
    """Have generators make the first corpus: a little of it, then the rest beside the music, at the lowest priority.

    voices: their model folders; wanted: words that are to be played at once. Stopped, it leaves what is in the folder,
    and the next call goes on.
    """
    from liveseq.generation.first import begin, go_on

    with _ended_in_one_line():
        reports = []
        if not folder.is_dir():
            _whole(folder, lambda part: reports.append(begin(part, voices, wanted=wanted, sample_rate=sample_rate)))
        lower_priority()
        for report in [*reports, *go_on(folder, voices)]:
            for line in report.refused:
                print(f"liveseq: left out: {line}", file=sys.stderr)


@contextmanager
def _ended_in_one_line() -> Iterator[None]:
    """Ends the process with status 2 and one line where something fails, with status 130 where it is stopped."""
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        when_orphaned(lambda: os.kill(os.getpid(), signal.SIGTERM))
        yield
    except (LiveseqError, OSError) as error:
        print(f"liveseq: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)  # the parent says so


def _whole(folder: Path, make: Callable[[Path], object]) -> None:
    """Make a folder: all of it, or none."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of one that was killed
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        make(part)
        part.rename(folder)
    except BaseException:  # stopped, too
        shutil.rmtree(part, ignore_errors=True)
        raise
