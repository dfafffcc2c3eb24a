"""A page that draws a take: what was looked for against what was chosen, unit by unit.

Pure: choices in, one HTML file out, with data, code and style inside; it needs no network. Names of sources and tags
come from the user's disk: they go in as JSON that cannot end its element, and are only ever shown as text.
"""

import dataclasses
import html
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.dsp.descriptors import BASE_NAMES
from liveseq.sequencer.timeline import Choice

TEMPLATE = Path(__file__).with_name("explain.html")
LANES = ("loudness_db", "log_centroid", "flatness_db", "log_f0")
"""Descriptors that are drawn as they are; the MFCC are drawn as one distance."""
TIMBRE = [i for i, name in enumerate(FEATURE_NAMES) if name.startswith("mfcc") and name.endswith("_mean")]


def explain(
    choices: Sequence[Choice], *, spread: np.ndarray, sample_rate: int, title: str, audio: str | None = None
) -> str:
    """The page.

    choices: of one take, as they were planned, at least one. spread: standard deviations of the corpus's raw features,
    (n_features,). audio: name of the take's file beside the page.
    """
    kept = sounding(choices, sample_rate=sample_rate)
    data = json.dumps(_data(kept, spread, sample_rate, title, audio), separators=(",", ":"))
    parts = {
        "{{title}}": html.escape(title),
        "{{summary}}": html.escape(summary(kept, sample_rate=sample_rate)),
        "{{data}}": data.replace("<", "\\u003c"),  # nothing in it can end the script element
    }
    before, after = TEMPLATE.read_text(encoding="utf-8").split("{{data}}")
    for place in ("{{title}}", "{{summary}}"):
        before = before.replace(place, parts[place])
    return before + parts["{{data}}"] + after


def sounding(choices: Sequence[Choice], *, sample_rate: int) -> list[Choice]:
    """Choices as they sound, by their starts: without what a later plan of the same layer took back or cut short."""
    kept: dict[int, list[Choice]] = {}
    for choice in choices:
        line = kept.setdefault(choice.layer, [])
        while line and line[-1].start >= choice.start:
            line.pop()
        if line:
            longest = (choice.start - line[-1].start) / sample_rate
            line[-1] = dataclasses.replace(line[-1], duration=min(line[-1].duration, longest))
        line.append(choice)
    return sorted((choice for line in kept.values() for choice in line), key=lambda choice: choice.start)


def summary(choices: Sequence[Choice], *, sample_rate: int) -> str:
    """Three sentences about a take."""
    n = len(choices)
    reasons = Counter(choice.reason for choice in choices)
    seconds = max(choice.start / sample_rate + choice.duration for choice in choices)
    joins = [choice.join for choice in choices if choice.reason in ("jump", "fallback")]
    counts = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    return (
        f"{n} units in {seconds:.0f} s, {len({choice.unit for choice in choices})} of them different, "
        f"from {len({choice.source for choice in choices})} recordings. "
        f"{reasons['continue'] / n:.0%} are natural continuations ({counts}). "
        f"Mean distance to what was looked for: {np.mean([choice.distance for choice in choices]):.2f} standard "
        f"deviations; mean cost of a jump's join: {np.mean(joins) if joins else 0.0:.2f}."
    )


def _data(
    choices: Sequence[Choice], spread: np.ndarray, sample_rate: int, title: str, audio: str | None
) -> dict[str, Any]:
    """Columns that the page draws: one per quantity, with one value per unit."""
    targets = np.stack([choice.target for choice in choices]).astype(float)  # (n, n_features)
    found = np.stack([choice.features for choice in choices]).astype(float)
    off = (found - targets) / spread
    sources, source = _numbered([choice.source for choice in choices])
    tags, tag = _numbered([choice.tag for choice in choices])
    shares, share = _numbered([choice.tags for choice in choices])
    lanes = {name: FEATURE_NAMES.index(f"{name}_mean") for name in LANES}
    return {
        "title": title,
        "audio": audio,
        "descriptors": BASE_NAMES,
        "sources": sources,
        "tags": tags,
        "shares": shares,
        "layer": [choice.layer for choice in choices],
        "start": [round(choice.start / sample_rate, 4) for choice in choices],
        "duration": [round(choice.duration, 4) for choice in choices],
        "source": source,
        "tag": tag,
        "share": share,
        "unit": [choice.unit for choice in choices],
        "seconds": [round(choice.seconds, 2) for choice in choices],
        "reason": [choice.reason for choice in choices],
        "mode": [choice.mode for choice in choices],
        "rank": [choice.rank for choice in choices],
        "distance": [round(choice.distance, 3) for choice in choices],
        "join": [round(choice.join, 3) for choice in choices],
        "repetition": [round(choice.repetition, 3) for choice in choices],
        "target": {name: targets[:, column].round(3).tolist() for name, column in lanes.items()},
        "found": {name: found[:, column].round(3).tolist() for name, column in lanes.items()},
        "timbre": np.sqrt(np.mean(off[:, TIMBRE] ** 2, axis=1)).round(3).tolist(),
        "off": off[:, : len(BASE_NAMES)].round(1).tolist(),
    }


def _numbered(values: Sequence[Any]) -> tuple[list[Any], list[int]]:
    """The different values in order of first use, and the number of each."""
    numbers: dict[Any, int] = {}
    rows = [numbers.setdefault(value, len(numbers)) for value in values]
    return list(numbers), rows
