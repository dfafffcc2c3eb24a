"""Tempo heard in a generator that is asked for one, by the beats that liveseq finds in recordings.

    python -m benchmarks.models.tempo [NAME ...]

A stream of 20 s for each tag and tempo, and one at the tag's own tempo. It is followed where that tempo or half of it
is heard, to 2 %.
"""

from typing import Any

import numpy as np

from benchmarks import options
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from liveseq.dsp.beats import find_beats
from liveseq.runtime.folders import MODELS
from liveseq.runtime.generator import OnnxGenerator, Stream
from liveseq.runtime.interpreter import Interpreter
from liveseq.runtime.text import TextEncoder

TAGS, ASKED = ("techno", "house", "breakbeat"), (0.0, 100.0, 128.0, 140.0)
SECONDS, SEED = 20, 7


def heard(model: OnnxGenerator, vector: np.ndarray, bpm: float) -> float:
    """Beats per minute of a stream, 0 without a beat. bpm: those that it is asked for, 0 for its own."""
    stream, late = Stream(model, seed=SEED), model.manifest.latency_samples
    n_steps = -(-(SECONDS * model.sample_rate + late) // model.samples_per_step)
    take = np.concatenate([stream.next(vector, bpm) for _ in range(n_steps)])[late:]
    beats = find_beats(take.mean(axis=1), sample_rate=model.sample_rate)
    return 0.0 if beats is None else 60.0 * model.sample_rate / beats.period


def followed(asked: float, found: float) -> bool:
    """Whether a tempo is heard, or half of it, to 2 %."""
    return any(abs(times * found / asked - 1.0) < 0.02 for times in (1, 2))


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("names", nargs="*", default=("musika", "unagan"), help="models (the shipped ones)")
    encoder = TextEncoder(MODELS / "text-encoder")
    models = {}
    for name in parser.parse_args().names:
        model = OnnxGenerator(MODELS / name)
        interpreter = Interpreter(model.folder, model.manifest, encoder)
        rows = {tag: [heard(model, interpreter.blend({tag: 1.0}), bpm) for bpm in ASKED] for tag in TAGS}
        for tag, row in rows.items():
            print(name, tag, *(f"{bpm or 'own'}: {found:.1f}" for bpm, found in zip(ASKED, row, strict=True)), sep="  ")
        n = sum(followed(*pair) for row in rows.values() for pair in zip(ASKED[1:], row[1:], strict=True))
        models[name] = {"followed": n, "of": len(TAGS) * len(ASKED[1:]), "heard": rows}
        print(f"{name}: {n} of {models[name]['of']}")
    BENCHMARK.save({"asked": ASKED, "models": models})


def section(figures: dict[str, Any]) -> str:
    rows = [
        [f"`{name}`", tag, *(f"{bpm:.1f}" if bpm else "none" for bpm in row), f"{found['followed']} of {found['of']}"]
        for name, found in figures["models"].items()
        for tag, row in found["heard"].items()
    ]
    asked = [f"{bpm:.0f}" if bpm else "its own" for bpm in figures["asked"]]
    return f"""### A tempo that is asked for

`{BENCHMARK.command}`: beats per minute heard in 20 s of a tag, by the tempo that was asked for. It is followed where
that tempo or half of it is heard, to 2 %.

{table(["", "tag", *asked, "followed"], rows)}"""


BENCHMARK = Benchmark(file=__file__, minutes=1, sections=(Section(text=section, page="generators.md"),))


if __name__ == "__main__":
    main()
