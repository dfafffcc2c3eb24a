"""Entries of `make bench`. A module of live/, choice/ or models/ is a benchmark by having one, called `BENCHMARK`."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import results

FOLDERS = ("live", "choice", "models")
PERFORMANCE = "performance.md"


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a page of docs/, written from a benchmark's figures."""

    text: Callable[[dict[str, Any]], str]
    """Figures -> Markdown."""
    page: str = PERFORMANCE
    """File in docs/: that of performance is nothing but sections, any other has marks where it stands (pages.py)."""
    place: int = 0
    """Order on the page of performance: tens, so that there is room between two."""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A benchmark by the name of its module, which is that of its results too."""

    file: str
    """The module's `__file__`."""
    minutes: float
    """Duration on two cores, about."""
    on_demand: bool = False
    """Run only where it is named, not by `make bench`."""
    sections: tuple[Section, ...]

    @property
    def name(self) -> str:
        return Path(self.file).stem

    @property
    def module(self) -> str:
        return f"benchmarks.{Path(self.file).parent.name}.{self.name}"

    @property
    def command(self) -> str:
        return f"python -m {self.module}"

    def save(self, figures: dict[str, Any]) -> dict[str, Any]:
        """Keeps the figures for the pages. Returns them with the machine."""
        return results.save(self.name, figures)

    def load(self) -> dict[str, Any] | None:
        """The last figures; None where it was never run."""
        return results.load(self.name)


def benchmarks() -> dict[str, Benchmark]:
    """All of them by name, in the order of the page of performance, those of other pages last."""
    here = Path(__file__).parent
    modules = [
        import_module(f"benchmarks.{folder}.{file.stem}") for folder in FOLDERS for file in here.glob(f"{folder}/*.py")
    ]
    found = [module.BENCHMARK for module in modules if hasattr(module, "BENCHMARK")]
    return {one.name: one for one in sorted(found, key=_order)}


def _order(benchmark: Benchmark) -> tuple[int, str]:
    places = [section.place for section in benchmark.sections if section.page == PERFORMANCE]
    return min(places, default=1_000_000), benchmark.name
