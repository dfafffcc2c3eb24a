"""What float16 costs the sound of the shipped models, computed on the CPU, which casts where a GPU does not.

    python -m benchmarks.half

margin  dB by which the difference from float32 lies below what the sound masks, in the critical band where that is
        least (`liveseq.train.sound.half`), over a stream of 200 steps under four tags
error   dB by which all of the difference lies below all of the sound
share   of the graph's weights that are float16
Each for all heavy nodes, and for the copies as a prebuild makes them.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from benchmarks.results import save
from liveseq.runtime.folders import model_folder
from liveseq.runtime.manifest import Manifest
from liveseq.runtime.session import open_session
from liveseq.train.sound import half

NAMES = ("vocoder", "unagan", "musika")
KINDS = {"all": frozenset(), "made": half.TENDER}


def main() -> None:
    found = {name: {kind: figures(name, tender) for kind, tender in KINDS.items()} for name in NAMES}
    save("half", found)
    print(table(found))


def figures(name: str, tender: frozenset[str]) -> dict[str, float]:
    """Of one copy."""
    manifest = Manifest.load(model_folder(name))
    graph = model_folder(name) / manifest.model
    copy = half.to_half(onnx.load(graph), tender=tender)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "half.onnx"
        onnx.save(copy, path)
        wanted, found = half.sounds(manifest, open_session(graph), open_session(path))
    error = 10.0 * np.log10(np.square(wanted).sum() / np.square(wanted - found).sum())
    sizes = {kind: _n_weights(copy, kind) for kind in (onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT)}
    return {
        "margin_db": round(half.margin_db(wanted, found, sample_rate=manifest.sample_rate or 0), 1),
        "error_db": round(float(error), 1),
        "share": round(sizes[onnx.TensorProto.FLOAT16] / sum(sizes.values()), 2),
    }


def table(found: dict[str, Any]) -> str:
    """A line for each model, in Markdown."""
    lines = ["| model | all heavy nodes | as a prebuild makes it |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {_told(r['all'])} | {_told(r['made'])} |" for name, r in found.items())])


def _told(r: dict[str, float]) -> str:
    return f"{r['margin_db']:.1f} dB (error {r['error_db']:.0f} dB below the sound; {r['share']:.0%} of the weights)"


def _n_weights(model: onnx.ModelProto, kind: int) -> int:
    return sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer if tensor.data_type == kind)


if __name__ == "__main__":
    main()
