"""Every benchmark has a duration, figures, a section and a place for it in the docs, which say what the figures say."""

import re

import pytest

from benchmarks.pages import BEGIN, page, table
from benchmarks.paths import DOCS, RESULTS, ROOT
from benchmarks.registry import FOLDERS, PERFORMANCE, Benchmark, Section, benchmarks

PROGRAMS = [
    path
    for folder in FOLDERS
    for path in sorted((ROOT / "benchmarks" / folder).glob("*.py"))
    if "__main__" in path.read_text()
]


@pytest.fixture(scope="module")
def entries():
    """All of them; not at import, since some import torch."""
    return benchmarks()


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_benchmark_has_an_entry_figures_and_sections(path, entries):
    assert path.stem in entries, f"{path}: expected BENCHMARK, an entry of make bench (benchmarks/registry.py)"
    benchmark = entries[path.stem]
    assert benchmark.command in path.read_text(), f"{path}: its docstring does not say how it is called"
    assert 0 < benchmark.minutes < 1000
    figures = benchmark.load()
    assert figures, f"expected benchmarks/results/{benchmark.name}.json: run {benchmark.command}"
    assert benchmark.sections
    for section in benchmark.sections:
        assert section.text(figures)
        assert section.page != PERFORMANCE or benchmark.command in section.text(figures)


def test_the_pages_say_what_the_figures_say(entries):
    for name in {section.page for benchmark in entries.values() for section in benchmark.sections}:
        assert page(name, entries) == (DOCS / name).read_text(), f"{name}: run python -m benchmarks.all --table"


def test_no_figures_without_a_benchmark(entries):
    assert {path.stem for path in RESULTS.glob("*.json")} == set(entries)


def test_sections_have_places_of_their_own(entries):
    places = [s.place for one in entries.values() for s in one.sections if s.page == PERFORMANCE]
    assert len(set(places)) == len(places)
    assert all(places)


def test_a_page_that_is_written_by_hand_needs_marks(monkeypatch):
    monkeypatch.setattr(Benchmark, "load", lambda _: {"n": 1})
    homeless = Benchmark(file="live/homeless.py", minutes=1, sections=(Section(text=str, page="models.md"),))
    mark = BEGIN.format(command="python -m benchmarks.live.homeless")
    with pytest.raises(ValueError, match=rf"models.md: expected {re.escape(mark)}"):
        page("models.md", {"homeless": homeless})


def test_what_was_never_run_has_no_section(monkeypatch, entries):
    monkeypatch.setattr(Benchmark, "load", lambda _: None)
    assert page(PERFORMANCE, entries).count("#") == 1


def test_numbers_of_a_table_have_three_digits():
    assert table(["a", "b"], [[0.12345, 1234.5]]).splitlines()[2] == "| 0.123 | 1234 |"
