"""Time and memory of building a corpus.

    python -m benchmarks.choice.corpus_build [--audio FOLDER] [--copies 4] [--jobs 2]

Builds a folder of recordings, then one four times as large, each in a process of its own whose memory (with that of its
workers) is watched. The copies differ in level, since a corpus takes the same recording only once. Writing them is not
timed. The second build of the same folder is timed too.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import soundfile

from benchmarks import options
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from benchmarks.rigs.started import started

BUILD = """
import sys
from pathlib import Path
from liveseq.corpus.build import build
if __name__ == "__main__":
    report = build(Path(sys.argv[1]), Path(sys.argv[2]), jobs=int(sys.argv[3]))
    print(report.seconds, len(report.added))
"""


def main() -> None:
    parser = options.parser(__doc__, audio=True)
    parser.add_argument("--copies", type=int, default=4, help="of the recordings in the smaller folder (4)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="worker processes (one per core)")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for copies in (arguments.copies, 4 * arguments.copies):
            row = measure(arguments.audio, Path(temporary) / str(copies), copies=copies, jobs=arguments.jobs)
            rows.append(row)
            print("  ".join(f"{key} {value:g}" for key, value in row.items()), flush=True)
    BENCHMARK.save({"jobs": arguments.jobs, "rows": rows})


def measure(recordings: Path, folder: Path, *, copies: int, jobs: int) -> dict[str, float]:
    """Figures of two builds of the same recordings, so many times over. folder: gets all that is written."""
    write_copies(recordings, folder / "in", copies=copies)
    (folder / "build.py").write_text(BUILD)
    command = [sys.executable, str(folder / "build.py"), str(folder / "in"), str(folder / "out"), str(jobs)]
    output, seconds, peak = watch(command)
    _, again, _ = watch(command)
    audio_seconds, n_files = (float(text) for text in output.split())
    return {
        "files": n_files,
        "audio_hours": audio_seconds / 3600,
        "seconds": seconds,
        "hours_per_hour": audio_seconds / seconds,
        "peak_mb": peak / 1e6,
        "second_build_seconds": again,
    }


def write_copies(recordings: Path, folder: Path, *, copies: int) -> None:
    """Copies in folders of their own, each with another level."""
    for path in sorted(recordings.glob("*.flac")):
        y, sample_rate = soundfile.read(path, dtype="float32")
        for copy in range(copies):
            target = folder / f"copy {copy:03d}" / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(target, y * (1.0 - 0.5 * copy / copies), sample_rate)


def watch(command: list[str]) -> tuple[str, float, float]:
    """Runs a command. Its output, seconds, and the greatest resident memory of it and its children, in bytes."""
    begin = time.perf_counter()
    peak = 0
    with started(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            peak = max(peak, resident(process.pid))
            time.sleep(0.05)
        seconds = time.perf_counter() - begin
        output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{command} failed")
    return output, seconds, peak


def resident(pid: int) -> int:
    """Bytes of a process and all that come from it."""
    total = 0
    try:
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            total += process.memory_info().rss
    except psutil.NoSuchProcess:
        pass  # ended while it was looked at
    return total


def section(figures: dict[str, Any]) -> str:
    rows = [
        [row[key] for key in ("files", "audio_hours", "hours_per_hour", "peak_mb", "second_build_seconds")]
        for row in figures["rows"]
    ]
    return f"""## Building a corpus

`{BENCHMARK.command}`: the CC0 recordings over and over, {figures["jobs"]} processes; memory is
the peak of all processes together.

{table(["files", "hours of audio", "hours per hour", "peak MB", "second build, s"], rows)}"""


BENCHMARK = Benchmark(file=__file__, minutes=2, sections=(Section(text=section, place=50),))

if __name__ == "__main__":
    main()
