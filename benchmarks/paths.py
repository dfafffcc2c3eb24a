"""Places of the project that benchmarks read and write."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
RESULTS = ROOT / "benchmarks" / "results"
"""One JSON file of figures per benchmark, in git."""
DEMO_CORPUS = Path("corpora/demo.corpus")
"""Below the folder in which a command is run, as `liveseq corpus demo` makes it."""
RECORDINGS = ROOT.parent / "shared" / "audio" / "sonic-pi-samples"
"""CC0 recordings of Sonic Pi, beside the project, not in it."""
