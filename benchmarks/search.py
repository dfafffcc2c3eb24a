"""Nearest units under a tag: one query, 32 neighbours, one thread, at 10^4, 10^5 and 10^6 units.

    python -m benchmarks.search [--units 10000 100000 1000000]

The corpus is made up (liveseq/corpus/synthetic.py). Recall is the share of the exact 32 nearest that is found; queries
are units of the corpus, moved by a third of a standard deviation. Once with all units under one tag (beyond 5 x 10^4
that is inverted lists), once spread over ten tags (which is what a corpus looks like).
"""

import argparse
import time

import faiss
import numpy as np

from benchmarks.results import save
from liveseq.corpus.index import Scaling, UnitIndex
from liveseq.corpus.synthetic import synthetic_units

K = 32
N_QUERIES = 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    arguments = parser.parse_args()
    rows = []
    for n_units in arguments.units:
        for n_tags in (1, 10):
            row = measure(n_units, n_tags)
            rows.append(row)
            print("  ".join(f"{key} {value:g}" for key, value in row.items()), flush=True)
    save("search", {"k": K, "rows": rows})


def measure(n_units: int, n_tags: int) -> dict[str, float]:
    units = synthetic_units(n_units, sample_rate=48_000, seed=1, n_tags=n_tags)
    scaled = Scaling.of(units.features).apply(units.features)
    begin = time.perf_counter()
    index = UnitIndex(scaled, tag_units=units.tag_units)
    build = time.perf_counter() - begin
    rng = np.random.default_rng(2)
    tag = units.tags[0]
    of_tag = units.tag_units[tag]
    queries = scaled[rng.choice(of_tag, N_QUERIES)]
    queries += np.float32(1 / 3) * rng.standard_normal(queries.shape, dtype=np.float32)
    exact = faiss.IndexFlatL2(scaled.shape[1])
    exact.add(scaled[of_tag])
    expected = of_tag[exact.search(queries, K)[1]]
    times, recalls = [], []
    for query, nearest in zip(queries, expected, strict=True):
        begin = time.perf_counter()
        _, found = index.search(query[None], k=K, tags=[tag])
        times.append(time.perf_counter() - begin)
        recalls.append(len(np.intersect1d(found[0], nearest)) / K)
    return {
        "units": n_units,
        "tags": n_tags,
        "build_seconds": build,
        "p50_ms": 1e3 * float(np.median(times)),
        "p99_ms": 1e3 * float(np.quantile(times, 0.99)),
        "recall": float(np.mean(recalls)),
    }


if __name__ == "__main__":
    main()
