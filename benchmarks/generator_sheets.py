"""A sheet of spectrograms, one for every tag."""

from pathlib import Path

import numpy as np

from liveseq.train.sound.judge.verdict import Takes

SECONDS = 6.0
COLUMNS = 4


def draw_sheet(takes: Takes, path: Path, *, sample_rate: int) -> None:
    """takes: tag -> float32 (n_samples, n_channels)."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    rows = -(-len(takes) // COLUMNS)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(3.2 * COLUMNS, 1.7 * rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (tag, take) in zip(axes.flat, takes.items(), strict=False):
        mono = take[: int(SECONDS * sample_rate)].mean(axis=1)
        axis.specgram(mono + 1e-9, NFFT=2048, noverlap=1536, Fs=sample_rate, vmin=-140, vmax=-40, cmap="magma")
        axis.set_yscale("symlog", linthresh=500)
        axis.set_ylim(40, sample_rate / 2)
        axis.set_title(f"{tag}  {20 * np.log10(np.sqrt(np.mean(take**2)) + 1e-9):.0f} dBFS", fontsize=8)
    figure.tight_layout(pad=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    plt.close(figure)
