"""Nearest units under a tag: one query, 32 neighbours, one thread, at 10^4, 10^5 and 10^6 units.

    python -m benchmarks.choice.search [--units 10000 100000 1000000]

The corpus is made up (liveseq/corpus/synthetic.py); queries are units of the tag, moved by a third of a standard
deviation. Once with all units under one tag, once spread over fourteen (what a corpus looks like); with the default
weights, with weights drawn at random, and with loudness alone; with and without a filter that allows a tenth. Recall is
the share of the exact 32 nearest that is found; excess is how much further off than those the found ones are, in
percent of their distance, and in standard deviations where that is next to nothing (loudness alone). The index's memory
is counted from its arrays. Growth is a hundred units more.
"""

import time
from typing import Any

import faiss
import numpy as np

from benchmarks import options
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from liveseq.corpus.index import DEFAULT_WEIGHTS, FLAT_LIMIT, Scaling, UnitIndex
from liveseq.corpus.synthetic import synthetic_units
from liveseq.corpus.units import ANY, FEATURE_NAMES, UnitFilter

K = 32
N_QUERIES = 300
N_TAGS = (1, 14)
N_NEW = 100
ALLOWED = 0.1


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--units", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    arguments = parser.parse_args()
    searches, indices = [], []
    for n_units in arguments.units:
        for n_tags in N_TAGS:
            index, rows = measure(n_units, n_tags)
            indices.append(index)
            searches += rows
            for row in (index, *rows):
                print("  ".join(_text(key, value) for key, value in row.items()), flush=True)
    BENCHMARK.save({"k": K, "flat_limit": FLAT_LIMIT, "indices": indices, "rows": searches})


def measure(n_units: int, n_tags: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Figures of an index over a made-up corpus, and a row for each way to ask it."""
    units = synthetic_units(n_units, sample_rate=48_000, seed=1, n_tags=n_tags)
    z = Scaling.of(units.features).apply(units.features)
    begin = time.perf_counter()
    index = UnitIndex(z, tag_units=units.tag_units)
    build = time.perf_counter() - begin
    rng = np.random.default_rng(2)
    tag = units.tags[0]
    queries = z[rng.choice(units.tag_units[tag], N_QUERIES)]
    queries += np.float32(1 / 3) * rng.standard_normal(queries.shape, dtype=np.float32)
    few = UnitFilter(rng.random(n_units) < ALLOWED)
    rows = []
    for name, weights in weightings(rng).items():
        for allowed in (None, few):
            found = search(index, queries, weights=weights, tag=tag, allowed=allowed)
            among = units.tag_units[tag] if allowed is None else np.flatnonzero(allowed.mask)
            among = np.intersect1d(among, units.tag_units[tag])
            against = compare(found.pop("units"), z, among, queries, weights)
            rows.append(
                {"units": n_units, "tags": n_tags, "weights": name, "filter": allowed is not None, **found, **against}
            )
    about = {
        "units": n_units,
        "tags": n_tags,
        "build_seconds": build,
        "bytes_per_unit": index.n_bytes / n_units,
        "grow_ms": 1e3 * seconds_to_grow(index, z, units.tag_units, rng),
    }
    return about, rows


def weightings(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights of the features by name, float32 (n_features,)."""
    loudness = np.zeros(len(FEATURE_NAMES), dtype=np.float32)
    loudness[FEATURE_NAMES.index("loudness_db_mean")] = 1.0
    random = rng.uniform(0.0, 3.0, len(FEATURE_NAMES)).astype(np.float32)
    return {"default": DEFAULT_WEIGHTS, "random": random, "loudness": loudness}


def search(
    index: UnitIndex, queries: np.ndarray, *, weights: np.ndarray, tag: str, allowed: UnitFilter | None
) -> dict[str, Any]:
    """Milliseconds of a query, and the units that each has found, (n_queries, K)."""
    times, found = [], []
    for query in (queries[0], *queries):  # the first one looks at the filter
        begin = time.perf_counter()
        _, units = index.search(query[None], weights=weights, k=K, tags=[tag], allowed=allowed)
        times.append(1e3 * (time.perf_counter() - begin))
        found.append(units[0])
    p50, p99 = np.quantile(times[1:], [0.5, 0.99])
    return {"first_ms": times[0], "p50_ms": float(p50), "p99_ms": float(p99), "units": np.stack(found[1:])}


def compare(
    found: np.ndarray, z: np.ndarray, among: np.ndarray, queries: np.ndarray, weights: np.ndarray
) -> dict[str, float]:
    """Recall and excess of found units (n_queries, K) against the exact neighbours, sought among these units."""
    exact = faiss.IndexFlatL2(z.shape[1])
    exact.add(z[among] * weights)
    nearest = among[exact.search(queries * weights, K)[1]]
    best, got = (
        np.linalg.norm((z[units] - queries[:, None]) * weights, axis=2).mean(axis=1) for units in (nearest, found)
    )
    recalls = [len(np.intersect1d(one, other)) / K for one, other in zip(found, nearest, strict=True)]
    excesses, apart = 100.0 * (got - best) / best, (got - best) / np.linalg.norm(weights)
    return {
        "recall": float(np.mean(recalls)),
        "excess_percent": float(np.mean(excesses)),
        "excess_std": float(np.mean(apart)),
    }


def seconds_to_grow(
    index: UnitIndex, z: np.ndarray, tag_units: dict[str, np.ndarray], rng: np.random.Generator
) -> float:
    """The median of growing three times."""
    times = []
    for _ in range(3):
        new = np.arange(len(z), len(z) + N_NEW)
        z = np.concatenate([z, z[rng.integers(0, len(z), N_NEW)]])
        tag_units = tag_units | {tag: np.concatenate([tag_units[tag], new]) for tag in (ANY, "tag 00")}
        begin = time.perf_counter()
        index = index.grown(z, tag_units=tag_units)
        times.append(time.perf_counter() - begin)
    return float(np.median(times))


def _text(key: str, value: object) -> str:
    return f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"


def section(figures: dict[str, Any]) -> str:
    keys = ("units", "tags", "weights", "filter", "p50_ms", "p99_ms", "recall", "excess_std")
    rows = [[row[key] for key in keys] for row in figures["rows"]]
    indices = [list(row.values()) for row in figures["indices"]]
    return f"""## Search

`{BENCHMARK.command}`: one query, 34 features, k = {figures["k"]}, one thread; exact up to
{figures["flat_limit"]} units under a tag and filter, inverted lists beyond. The filter lets a tenth of them through.
Recall against the exact answer, and how much further off, in standard deviations, what was found instead is on average:
where loudness alone counts, thousands of units are as near as the nearest.

{table(["units", "tags", "weights", "filter", "p50 ms", "p99 ms", "recall", "further off"], rows)}

The index itself; to grow is to add 100 units.

{table(["units", "tags", "built in s", "bytes per unit", "ms to grow"], indices)}"""


BENCHMARK = Benchmark(file=__file__, minutes=3, sections=(Section(text=section, place=30),))

if __name__ == "__main__":
    main()
