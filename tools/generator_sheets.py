"""A sheet of spectrograms of each generator: six seconds of every tag that it was taught.

    python tools/generator_sheets.py [NAME ...]

Each tag has a stream of its own, none of those that benchmarks/models/generators.py judges. Written to
docs/sheets/NAME.png.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from liveseq.runtime.folders import GENERATOR, model_folder
from liveseq.runtime.generator import OnnxGenerator
from liveseq.runtime.interpreter import Interpreter
from liveseq.runtime.text import TextEncoder
from liveseq.train.sound.judge.takes import generated_takes

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "sheets"
SECONDS = 6.0
COLUMNS = 5
SEED = 1000
"""Seed of the first tag; each has the next one."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=(GENERATOR, "musika"), help="models (the shipped ones)")
    encoder = TextEncoder(model_folder("text-encoder"))
    for name in parser.parse_args().names:
        model = OnnxGenerator(model_folder(name))
        interpreter = Interpreter(model.folder, model.manifest, encoder)
        vectors = {tag: interpreter.blend({tag: 1.0}) for tag in model.tags}
        lengths = dict.fromkeys(model.tags, int(SECONDS * model.sample_rate))
        takes = generated_takes(model, vectors, lengths, seed=SEED, late=model.manifest.latency_samples)
        print(draw_sheet(takes, FOLDER / f"{name}.png", sample_rate=model.sample_rate))


def draw_sheet(takes: Mapping[str, np.ndarray], path: Path, *, sample_rate: int) -> Path:
    """Writes the sheet as PNG. takes: tag -> float32 (n_samples, n_channels)."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    rows = -(-len(takes) // COLUMNS)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(2.6 * COLUMNS, 1.7 * rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (tag, take) in zip(axes.flat, takes.items(), strict=False):
        axis.specgram(
            take.mean(axis=1) + 1e-9, NFFT=2048, noverlap=1536, Fs=sample_rate, vmin=-140, vmax=-40, cmap="magma"
        )
        axis.set_yscale("symlog", linthresh=500)
        axis.set_ylim(40, sample_rate / 2)
        axis.set_title(f"{tag}  {20 * np.log10(np.sqrt(np.mean(take**2)) + 1e-9):.0f} dBFS", fontsize=8)
    figure.tight_layout(pad=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    plt.close(figure)
    return path


if __name__ == "__main__":
    main()
