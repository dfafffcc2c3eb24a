"""Tables of docs/generators.md, from the figures of `generators`."""

from typing import Any

SPACES = ("statistics", "classifier", "random")


def tables(figures: dict[str, Any]) -> str:
    """All of them, under their headings."""
    cpu = figures["machine"]["cpu"]
    how = (
        f"{figures['data']}, split {figures['split']} (`--seed`). Machine: {cpu}, {figures['machine']['cores']} cores, "
        "one thread for each step."
    )
    parts = [how, "### How near to real sound", distances(figures), weak_tags(figures), shared(figures)]
    parts += [
        "### What can be heard",
        heard(figures),
        "### Cost",
        cost(figures),
        "### Vocoders and autoencoders",
        vocoders(figures),
    ]
    return "\n\n".join(parts)


def _rows(figures: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"**{name}**": row for name, row in figures["models"].items()} | figures["anchors"]


def distances(figures: dict[str, Any]) -> str:
    """Distances from real sound, and the verdict."""
    head = (
        "| | MMD: descriptors | classifier | random net | Fréchet: descriptors | density | coverage | "
        "other cells | tag accuracy | copied | verdict |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    lines = []
    for name, row in _rows(figures).items():
        ratio = " | ".join(_ratio(row, space) for space in SPACES)
        why = row.get("why_not")
        verdict = "" if why is None else "; ".join(why) or "passes"
        lines.append(
            f"| {name} | {ratio} | {row['distance']['statistics']['frechet']:.1f} | {row['density']:.2f} | "
            f"{row['coverage']:.2f} | {row['different_bins']:.2f} | {row['accuracy']:.2f} | {row['copied']:.2f} | "
            f"{verdict} |"
        )
    return "\n".join([head, *lines])


def _ratio(row: dict[str, Any], space: str) -> str:
    """A distance in times the floor, and the range of the draws that it is the mean of."""
    draws = [draw[space] for draw in row.get("draws", ())]
    return f"{row['ratio'][space]:.1f}" + (f" ({min(draws):.1f} to {max(draws):.1f})" if draws else "")


def weak_tags(figures: dict[str, Any]) -> str:
    """Tags of each generator that would not pass alone, and their faults."""
    lines = [
        "Tags that would not pass alone (times the floor in a space; share of seconds heard as the tag; faults):",
        "",
    ]
    for name, row in figures["models"].items():
        faults = "; ".join(f"{tag} ({', '.join(why)})" for tag, why in row["weak"].items()) or "none"
        lines.append(f"- **{name}**, {len(row['weak'])} of {len(row['tags'])}: {faults}")
    return "\n".join(lines)


def shared(figures: dict[str, Any]) -> str:
    """Distances of a generator beside those of the vocoder alone, on the generator's tags, by the same judge."""
    head = "How much of that is the vocoder's, on the tags of each generator: what lies beyond 1.0 in its row.\n\n"
    head += "| | MMD: descriptors | classifier | random net |\n|---|---|---|---|"
    lines = []
    for name, row in figures["models"].items():
        both = {f"**{name}**": row["ratio"]}
        both |= {f"{vocoder} on mels trained on, the same tags": each for vocoder, each in row["vocoders"].items()}
        lines += [
            f"| {words} | " + " | ".join(f"{each[space]:.1f}" for space in SPACES) + " |"
            for words, each in both.items()
        ]
    return "\n".join([head, *lines])


def heard(figures: dict[str, Any]) -> str:
    """Level, hits, width and faults of the sound."""
    head = (
        "| | LUFS | crest dB | hits | stuck | width dB | whistle dB | pulsing dB |\n|---|---|---|---|---|---|---|---|"
    )
    keys = ("lufs", "crest_db", "hits", "stuck", "width_db", "whistle_db", "pulsing_db")
    lines = [
        # rows that are kept of earlier runs may lack a figure
        f"| {name} | " + " | ".join(_figure(row, key) for key in keys) + " |"
        for name, row in _rows(figures).items()
    ]
    return "\n".join([head, *lines])


def _figure(row: dict[str, Any], key: str) -> str:
    return "" if key not in row else f"{row[key]:.2f}" if key == "hits" else f"{row[key]:.1f}"


def cost(figures: dict[str, Any]) -> str:
    """Time of a step of each generator."""
    head = "| | p50 ms | p99 ms | max ms | real-time factor |\n|---|---|---|---|---|"
    lines = [
        f"| {name} | {row['p50_ms']:.1f} | {row['p99_ms']:.1f} | {row['max_ms']:.1f} | {row['real_time_factor']:.3f} |"
        for name, row in figures["models"].items()
    ]
    return "\n".join([head, *lines])


def vocoders(figures: dict[str, Any]) -> str:
    """Recordings given back, and how far off they are."""
    keys = ("log_magnitude", "convergence", "log_mel", "mcd_db", "loudness")
    head = (
        "| | log magnitude L1 | spectral convergence | log mel L1 | mel-cepstral distortion dB | loudness LU |\n"
        "|---|---|---|---|---|---|"
    )
    lines = [
        f"| {name} | " + " | ".join(f"{row[key]:.2f}" for key in keys) + " |"
        for name, row in figures["vocoders"].items()
    ]
    return "\n".join([head, *lines])
