"""Duration of the commands that README.md names for the hours before a gig.

    python -m benchmarks.live.before_a_gig

Some minutes. Each as a process of its own, from its start to its end, on every core: a minute of each tag that the
usual generator was taught into a new corpus, and every model checked and timed (one that was trained and not exported
yet is exported).
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import options
from benchmarks.pages import table
from benchmarks.paths import ROOT
from benchmarks.registry import Benchmark, Section
from benchmarks.rigs import started
from liveseq.corpus.store import Corpus
from liveseq.runtime.folders import MODELS
from liveseq.runtime.manifest import MANIFEST_NAME

FILL = ("-m", "liveseq.cli", "generate", "--into", "my.corpus", "--all-tags", "--minutes", "1")
PREBUILD = (str(ROOT / "export_onnx.py"), "--all")


def main() -> None:
    options.parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            {
                "command": "liveseq generate --into my.corpus --all-tags --minutes 1",
                "minutes": run(FILL, folder) / 60.0,
                "made": made(Path(folder) / "my.corpus"),
            }
        ]
    n_models = len(list(MODELS.glob(f"*/{MANIFEST_NAME}")))
    rows.append(
        {
            "command": "python export_onnx.py --all",
            "minutes": run(PREBUILD, str(ROOT), late=True) / 60.0,
            "made": f"{n_models} models",
        }
    )
    for row in rows:
        print(row)
    BENCHMARK.save({"rows": rows})


def run(command: tuple[str, ...], folder: str, *, late: bool = False) -> float:
    """Seconds of a command of python in a folder. late: status 1 says that a model is too slow here, no more."""
    began = time.perf_counter()
    status = started.run([sys.executable, *command], cwd=folder)
    if status not in ((0, 1) if late else (0,)):
        raise SystemExit(f"{' '.join(command)}: ended with status {status}; see above")
    return time.perf_counter() - began


def made(corpus: Path) -> str:
    """Length and size of a corpus, in words."""
    with Corpus.open(corpus) as opened:
        minutes = sum(one.n_samples for one in opened.sources()) / opened.sample_rate / 60.0
    size = sum(file.stat().st_size for file in corpus.rglob("*") if file.is_file())
    return f"{minutes:.0f} minutes of sound, {size / 1e6:.0f} MB"


def section(figures: dict[str, Any]) -> str:
    rows = [[f"`{row['command']}`", row["minutes"], row["made"]] for row in figures["rows"]]
    return f"""## Before a gig

`{BENCHMARK.command}`: the commands of README.md from their start to their end, on every core.

{table(["command", "minutes", "of what"], rows)}"""


BENCHMARK = Benchmark(file=__file__, minutes=6, on_demand=True, sections=(Section(text=section, place=130),))

if __name__ == "__main__":
    main()
