"""Ten minutes of one tag by the sequencer itself, with each shipped predictor: repetition, and collapse.

    python -m benchmarks.choice.ten_minutes [--corpus corpora/demo.corpus] [--tags drone breakbeat ...]

The sequencer plans as on stage (temperature, beam, taboo as they are by default), without sound. In every minute:
distinct  share of different units among those chosen
variance  of the features of what was chosen, all of them together, the tenth minute's against the first's
natural   share of units that naturally follow the one before
"""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import options
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from liveseq.performance.instrument import open_instrument
from liveseq.runtime.folders import predictor_names
from liveseq.sequencer.timeline import Choice

MINUTES = 10
TAGS = ("drone", "breakbeat", "piano", "techno")


def main() -> None:
    parser = options.parser(__doc__, corpus=True)
    parser.add_argument("--tags", nargs="+", default=TAGS)
    arguments = parser.parse_args()
    rows = {}
    for model in predictor_names():
        found = [measure(arguments.corpus, model, tag) for tag in arguments.tags]
        rows[model] = {name: float(np.mean([row[name] for row in found])) for name in found[0]}
        rows[model]["least_distinct"] = min(row["distinct"] for row in found)
        print(model, "  ".join(f"{name} {value:.2f}" for name, value in rows[model].items()), flush=True)
    BENCHMARK.save({"tags": list(arguments.tags), "rows": rows})


def measure(corpus: Path, model: str, tag: str) -> dict[str, float]:
    """Figures of ten minutes."""
    instrument = open_instrument(corpus, predictor=model, seed=1, n_layers=1)
    sequencer, rate = instrument.sequencer, instrument.corpus.sample_rate
    sequencer.set_tags(1, {tag: 1.0}, at=0)
    sequencer.set_playing(1, True, at=0)
    choices: list[Choice] = []
    for now in range(0, MINUTES * 60 * rate, rate // 10):
        choices += sequencer.plan(now=now, until=now + int(0.12 * rate))[1]
    instrument.corpus.close()
    minutes = [[c for c in choices if c.start // (60 * rate) == minute] for minute in range(MINUTES)]
    spread = [instrument.scaling.apply(np.stack([c.features for c in m])).var(axis=0).mean() for m in minutes]
    return {
        "distinct": float(np.mean([len({c.unit for c in m}) / len(m) for m in minutes])),
        "last_minute_ratio": float(spread[-1] / spread[0]),
        "natural": float(np.mean([c.reason == "continue" for c in choices])),
    }


def section(figures: dict[str, Any]) -> str:
    names = ("distinct", "least_distinct", "last_minute_ratio", "natural")
    head = [
        "",
        "distinct units in a minute",
        "least of a tag",
        "last minute's variance against the first",
        "natural continuations",
    ]
    rows = [[f"`{model}`", *(f"{row[name]:.2f}" for name in names)] for model, row in figures["rows"].items()]
    tags = ", ".join(figures["tags"])
    return f"""### Played by the sequencer

`{BENCHMARK.command}`: ten minutes of each of {tags} from the demo corpus, by the shipped models, planned as on stage.

{table(head, rows)}"""


BENCHMARK = Benchmark(file=__file__, minutes=5, sections=(Section(text=section, page="predictors.md"),))

if __name__ == "__main__":
    main()
