"""Pages of docs/ that have figures of benchmarks: the whole page of performance, and marked parts of others.

A mark in a page that is written by hand is a comment, `<!-- figures: python -m benchmarks.models.half -->`, and
`<!-- end of figures -->` behind the part.
"""

from collections.abc import Mapping
from typing import Any

from benchmarks.paths import DOCS
from benchmarks.registry import PERFORMANCE, Benchmark

HEAD = """# Performance

Made by `make bench` (`python -m benchmarks.all`); each section names its command. Figures of another machine will
differ; what is compared was measured in one run. {machine}

"""
BEGIN, END = "<!-- figures: {command} -->", "<!-- end of figures -->"


def write_pages(entries: Mapping[str, Benchmark]) -> list[str]:
    """Writes every page that has a section; their names."""
    names = sorted({section.page for benchmark in entries.values() for section in benchmark.sections})
    for name in names:
        (DOCS / name).write_text(page(name, entries))
    return names


def page(name: str, entries: Mapping[str, Benchmark]) -> str:
    """A page with the last figures; a benchmark that was never run has no section yet.

    Raises ValueError where a page that is written by hand has no marks for a section.
    """
    found = [
        (section, benchmark, figures)
        for benchmark in entries.values()
        for section in benchmark.sections
        if section.page == name and (figures := benchmark.load())
    ]
    if name == PERFORMANCE:
        found.sort(key=lambda one: one[0].place)
        texts = [section.text(figures) for section, _, figures in found]
        return HEAD.format(machine=_machine(found[0][2]) if found else "") + "\n\n".join(texts) + "\n"
    text = (DOCS / name).read_text()
    for section, benchmark, figures in found:
        begin = BEGIN.format(command=benchmark.command)
        before, mark, rest = text.partition(begin)
        _, end, after = rest.partition(END)
        if not mark or not end:
            raise ValueError(f"{name}: expected {begin} and {END} where the figures are to stand")
        text = f"{before}{begin}\n\n{section.text(figures)}\n\n{END}{after}"
    return text


def _machine(figures: dict[str, Any]) -> str:
    about = figures["machine"]
    return f"Here: {about['cpu']}, {about['cores']} cores, {about['system']}."


def table(head: list[str], rows: list[list[Any]]) -> str:
    """A Markdown table; numbers have three digits."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)
