"""Tables of docs/predictors.md, from the figures of `predictors`."""

from typing import Any

from benchmarks.pages import table

CORPORA = {
    "demo": "the demo corpus (made by liveseq, 14 tags)",
    "cc0": "CC0 recordings (Sonic Pi's samples)",
    "mixed": "both together",
}
HORIZONS = (1, 4, 16, 40)


def tables(figures: dict[str, Any]) -> str:
    """Forecasts and free runs per corpus, cost once."""
    machine = figures["machine"]
    how = (
        f"Cells are for 1 / 4 / 16 / 40 steps ahead (0.2, 0.7, 2.7 and 6.8 s); bold is the best of a column. Trained "
        f"on one thread ({machine['cpu']}, {machine['cores']} cores shared with other work)."
    )
    parts = [how]
    for name, found in figures["corpora"].items():
        head = f"### {CORPORA[name][0].upper()}{CORPORA[name][1:]}\n\n{found['data']}. {_judged(found)}"
        parts += [head, forecasts(found), "Left alone:", alone(found)]
    where = "In ONNX Runtime on one CPU thread, state and all, at real-time priority where the system allows it."
    parts += ["### Cost of a step", where, cost(figures["corpora"])]
    return "\n\n".join(parts)


def forecasts(found: dict[str, Any]) -> str:
    """Scores on held-out files, by horizon."""
    scores = [[f"{score}_{h}" for h in HORIZONS] for score in ("mse", "energy")] + [
        ["nll", *(f"nll_{h}" for h in HORIZONS[1:])]
    ]
    best = {
        name: min(row[name] for row in found["table"].values() if name in row) for names in scores for name in names
    }
    rows = []
    for model, row in found["table"].items():
        network = found["models"].get(model)
        gates = [] if network is None else network["gate"]
        verdict = "" if network is None else f"{sum(not gate for gate in gates)} of {len(gates)}"
        cells = [" / ".join(_cell(row.get(name), best[name]) for name in names) for names in scores]
        rows.append([f"`{model}`" if network else model, *cells, verdict])
    return table(["", "squared error", "energy score", "NLL", "passes"], rows)


def alone(found: dict[str, Any]) -> str:
    """Free runs of each model, beside real music."""
    head = ["", "", "variance", "features within 0.7 to 1.3", "movement, dB off", "distinct units", "last minute"]
    rows = [[kind, "", *_lively(row)] for kind, row in found["real"].items()]
    for model, kinds in found["alone"].items():
        rows += [[f"`{model}`", kind, *_lively(row)] for kind, row in kinds.items()]
    return table(head, rows)


def cost(corpora: dict[str, Any]) -> str:
    """Size and time of a step of each model."""
    rows = []
    for model in dict.fromkeys(model for found in corpora.values() for model in found["models"]):
        about = next(
            (c["models"][model] for c in reversed(corpora.values()) if "step_ms" in c["models"].get(model, {})), None
        )
        if about is not None:
            ms = about["step_ms"]
            times = [f"{1e3 * ms[key]:.0f}" for key in ("p50", "p99", "max")]
            size = f"{about['megabytes']:.1f}"
            rows.append([f"`{model}`", f"{about['parameters']:,}", size, *times, f"{about['parity_max_abs']:.0e}"])
    return table(["", "parameters", "MB", "p50, us", "p99, us", "max, us", "off torch, at most"], rows)


def _judged(found: dict[str, Any]) -> str:
    splits = " and ".join(
        f"{files} (seed {seed})" for seed, files in zip(found["seeds"], found["held_out"], strict=True)
    )
    epochs = "; ".join(f"`{m}` {' and '.join(map(str, about['epochs']))}" for m, about in found["models"].items())
    return f"Judged on {splits}. Epochs: {epochs}."


def _lively(row: dict[str, float]) -> list[str]:
    names = ("variance_ratio", "share_in_band", "modulation_db", "distinct", "last_minute_ratio")
    return [f"{row[name]:.2f}" if name in row else "" for name in names]


def _cell(value: float | None, best: float) -> str:
    if value is None:
        return "-"
    return f"**{value:.3f}**" if value == best else f"{value:.3f}"
