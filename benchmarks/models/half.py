"""Cost of float16 in the sound of the shipped models, computed on the CPU, which casts where a GPU does not.

    python -m benchmarks.models.half

levels  difference of the levels of critical bands from those of float32, in dB, in 99.9 % of places and at the most,
        over a stream of 200 steps under four tags (`liveseq.train.sound.half`)
error   dB by which the difference of the waves lies below the sound
share   of the graph's weights that are float16
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from benchmarks import options
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from liveseq.runtime.folders import model_folder
from liveseq.runtime.manifest import Manifest
from liveseq.runtime.session import open_session
from liveseq.train.sound import half

NAMES = ("vocoder", "unagan", "musika")


def main() -> None:
    options.parser(__doc__).parse_args()
    print(section(BENCHMARK.save({name: measure(name) for name in NAMES})))


def measure(name: str) -> dict[str, float]:
    """Figures of the copy of one model."""
    manifest = Manifest.load(model_folder(name))
    graph = model_folder(name) / manifest.model
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "half.onnx"
        half.write_half(graph, path)
        wanted, found = half.sounds(manifest, open_session(graph), open_session(path))
        sizes = {kind: _n_weights(path, kind) for kind in (onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT)}
    error = 10.0 * np.log10(np.square(wanted).sum() / np.square(wanted - found).sum())
    levels = half.level_differences(wanted, found, sample_rate=manifest.sample_rate or 0)
    return {
        "levels_db": round(float(np.percentile(levels, half.MOST)), 2),
        "most_db": round(float(levels.max()), 1),
        "error_db": round(float(error), 1),
        "share": round(sizes[onnx.TensorProto.FLOAT16] / sum(sizes.values()), 2),
    }


def _n_weights(path: Path, kind: int) -> int:
    return sum(int(np.prod(tensor.dims)) for tensor in onnx.load(path).graph.initializer if tensor.data_type == kind)


def section(figures: dict[str, Any]) -> str:
    rows = [
        [
            name,
            f"{row['levels_db']:.2f} dB",
            f"{row['most_db']:.1f} dB",
            f"{row['error_db']:.0f} dB below the sound",
            f"{100 * row['share']:.0f} %",
        ]
        for name, row in figures.items()
        if name != "machine"
    ]
    return f"""By `{BENCHMARK.command}`, float16 with casts, on the CPU ({figures["machine"]["cpu"]}):

{table(["model", "levels, 99.9 %", "at the most", "waves", "weights in float16"], rows)}"""


BENCHMARK = Benchmark(file=__file__, minutes=1, sections=(Section(text=section, page="models.md"),))


if __name__ == "__main__":
    main()
