"""Section of docs/generators.md "To two ears", from the figures of `ears`."""

from statistics import fmean, median
from typing import Any

from benchmarks.pages import table
from liveseq.train.sound.judge.gate import (
    CLEAR_RATIO,
    FIRST_TAGS,
    NOTHING,
    ONSETS_WITHIN,
    TAG_RATIO,
)

Rows = dict[str, dict[str, dict[str, Any]]]
"""Name of a row -> tag -> figures of its take."""


def section(figures: dict[str, Any]) -> str:
    """All of its tables, under their heading."""
    rows, gated = all_rows(figures), [*figures["tonal"], *figures["rhythmic"]]
    parts = ["### To two ears", how(figures), summary(figures, rows)]
    parts += [by_tag(rows, "Frames with a clear note", _clear, figures["tonal"])]
    parts += [by_tag(rows, "Clear onsets per second", _onsets, gated)]
    parts += [by_tag(rows, "Score of the tag that musicnn hears first in the recordings", _first, named(rows, gated))]
    parts += [by_tag(rows, "Stretches with a steady beat, and its tempo", _beat, figures["steady"])]
    return "\n\n".join([*parts, misses(figures)])


def all_rows(figures: dict[str, Any]) -> Rows:
    """Recordings first, generators last."""
    made = {f"**{name}**": row["heard"] for name, row in figures["models"].items()}
    return {"recordings": figures["recordings"], **figures["rows"], **made}


def how(figures: dict[str, Any]) -> str:
    n, silent = len(figures["recordings"]), unpitched(figures)
    words = (
        f"`python -m benchmarks.models.ears`: up to {figures['seconds']:.0f} s of each of {n} tags, of the recordings "
        "that generators learned from, of what becomes of these very recordings (Griffin-Lim, vocoder, latents), and "
        "of a stream of each generator. *Held out* are other recordings of the same tags: what the gate says of music "
        "(their onsets pass, as they are in the range). "
        f"{len(figures['tonal'])} tags are tonal; rhythmic without notes: {', '.join(figures['rhythmic']) or 'none'}."
    )
    if silent:
        words += f" Neither, so that there is {NOTHING}: {', '.join(silent)}."
    return "\n\n".join([words, *figures["missing"]])


def unpitched(figures: dict[str, Any]) -> list[str]:
    """Tags in whose recordings there is nothing to hear."""
    return [tag for tag in figures["recordings"] if tag not in {*figures["tonal"], *figures["rhythmic"]}]


def named(rows: Rows, tags: list[str]) -> list[str]:
    """Those of the tags in whose recordings musicnn has heard something."""
    return [tag for tag in tags if rows["recordings"][tag]["ratios"]["first"] is not None]


def summary(figures: dict[str, Any], rows: Rows) -> str:
    """A line for each row: ratios to the recordings, and the gate's count."""
    head = ["", "clear notes", "onsets within a third", "first tag kept", "steady beat", "tonal tags pass", "rhythmic"]
    gated, cells = {*figures["tonal"], *figures["rhythmic"]}, list[list[str]]()
    for name, row in rows.items():
        ratios = [each["ratios"] for tag, each in row.items() if tag in gated]
        clear = [each["clear"] for each in ratios if each["clear"] is not None]
        onsets = [abs(each["onsets"] - 1.0) <= ONSETS_WITHIN for each in ratios if each["onsets"] is not None]
        kept = [_kept(each) for each in ratios if each["score"] is not None]
        steady = [each["steady"] for each in ratios if each["steady"] is not None]
        counts = figures["passes"].get(name.strip("*"), {})
        line = [name, f"{median(clear):.2f}" if clear else "", _count(onsets), _count(kept)]
        line += [f"{fmean(steady):.2f}" if steady else ""]
        line += [
            "{} of {}".format(*counts[kind]) if counts.get(kind, (0, 0))[1] else "" for kind in ("tonal", "rhythmic")
        ]
        cells.append(line)
    return table(head, cells)


def by_tag(rows: Rows, title: str, cell: Any, tags: list[str]) -> str:
    """A table of one figure: a line for each tag, a column for each row."""
    cells = [[tag, *(cell(row[tag]) if tag in row else "" for row in rows.values())] for tag in tags]
    return table([title, *rows], cells) if tags else f"{title}: {NOTHING}."


def misses(figures: dict[str, Any]) -> str:
    """Tags of each generator that miss the gate, and by what."""
    lines = [
        f"Tags that miss the gate: notes (below {CLEAR_RATIO:g} of the recordings'), onsets (off by more than "
        "a third from those of any stretch of recordings), the first tag (that musicnn hears in the "
        f"recordings: not among its first {FIRST_TAGS}, or below {TAG_RATIO:g} of its score), the beat (none).",
        "",
    ]
    for name, row in figures["models"].items():
        words = [f"{tag} ({', '.join(map(' '.join, wrong.items()))})" for tag, wrong in row["misses"].items()]
        lines.append(f"- **{name}**: {'; '.join(words) or 'nothing'}")
    return "\n".join(lines)


def _kept(ratios: dict[str, Any]) -> bool:
    return ratios["place"] <= FIRST_TAGS and ratios["score"] >= TAG_RATIO


def _count(held: list[bool]) -> str:
    return f"{sum(held)} of {len(held)}" if held else ""


def _clear(each: dict[str, Any]) -> str:
    return "" if each["clear"] is None else f"{each['clear']:.2f}"


def _onsets(each: dict[str, Any]) -> str:
    return "" if each["onsets"] is None else f"{each['onsets']:.1f}"


def _first(each: dict[str, Any]) -> str:
    ratios = each["ratios"]
    if ratios["first"] is None or each["first"] is None:
        return ""
    return f"{ratios['first']} {each['first']:.2f}" + (
        "" if ratios["place"] <= FIRST_TAGS else f" (tag {ratios['place']})"
    )


def _beat(each: dict[str, Any]) -> str:
    if each["steady"] is None:
        return ""
    return f"{each['steady']:.1f}" + ("" if each["bpm"] is None else f" at {each['bpm']:.0f}")
