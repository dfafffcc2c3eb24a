"""A picture of a take: its spectrogram, and below it the trail of its descriptors with the tags that were sent.

python tools/take_picture.py [--corpus corpora/demo.corpus] [--out docs/take.png]
"""

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np

from liveseq.dsp.descriptors import DESCRIPTOR_NAMES, HOP_LENGTH, describe
from liveseq.offline.messages import message
from liveseq.offline.player import Take
from liveseq.offline.render import render
from liveseq.performance.instrument import open_instrument

SET = (
    (0.0, "dark drone"),
    (10.0, "techno"),
    (20.0, "bells"),
    (30.0, "drum and bass"),
    (40.0, "harp"),
    (50.0, "texture"),
)
SECONDS = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path("corpora/demo.corpus"))
    parser.add_argument("--out", type=Path, default=Path("docs/take.png"))
    arguments = parser.parse_args()
    instrument = open_instrument(arguments.corpus, seed=7)
    messages = [message(at, "tag", tag) for at, tag in SET]
    stretches = render(instrument, messages, seconds=SECONDS)
    draw(Take.of(stretches, sample_rate=instrument.corpus.sample_rate), arguments.out)
    print(f"{arguments.out}: {SECONDS:g} s")


def draw(take: Take, out: Path) -> None:
    """Writes the picture as PNG."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    mono = take.audio.mean(axis=1)
    rows = describe(mono, sample_rate=take.sample_rate)
    seconds = np.arange(len(rows)) * HOP_LENGTH / take.sample_rate
    figure, (top, middle, bottom) = plt.subplots(
        3, 1, figsize=(12, 7), sharex=True, height_ratios=[4, 1.2, 1.2], layout="constrained"
    )
    top.specgram(mono + 1e-9, NFFT=2048, noverlap=1024, Fs=take.sample_rate, vmin=-150, vmax=-35, cmap="magma")
    top.set_yscale("symlog", linthresh=500)
    top.set_ylim(40, 20_000)
    top.set_ylabel("Hz")
    for at, tag in SET:
        for axis in (top, middle, bottom):
            axis.axvline(at, color="white" if axis is top else "0.6", lw=0.8)
        top.text(at + 0.2, 13_000, tag, color="white", weight="bold", va="top")
    middle.plot(seconds, rows[:, DESCRIPTOR_NAMES.index("loudness_db")], lw=0.7, color="#b5367a")
    middle.set_ylim(-70, 0)
    middle.set_ylabel("loudness\ndBFS")
    bottom.semilogy(seconds, rows[:, DESCRIPTOR_NAMES.index("centroid_hz")] + 1, lw=0.7, color="#51127c")
    bottom.set_ylabel("centroid\nHz")
    bottom.set_xlabel("seconds")
    bottom.set_xlim(0, len(mono) / take.sample_rate)
    figure.savefig(out, dpi=110)


if __name__ == "__main__":
    main()
