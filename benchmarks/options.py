"""Command lines of benchmarks: what several of them take is called the same."""

import argparse
from pathlib import Path

from benchmarks.paths import DEMO_CORPUS, RECORDINGS


def parser(
    doc: str | None, *, corpus: bool = False, audio: bool = False, trial: bool = False
) -> argparse.ArgumentParser:
    """A parser that describes a module by its docstring, with those of the common options that are asked for."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    if corpus:
        made.add_argument("--corpus", type=Path, default=DEMO_CORPUS)
    if audio:
        made.add_argument("--audio", type=Path, default=RECORDINGS, help="folder of recordings")
    if trial:
        made.add_argument("--trial", action="store_true", help="do not keep the figures")
    return made
