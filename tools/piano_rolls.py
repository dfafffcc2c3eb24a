"""Piano rolls as basic-pitch hears them, a sheet for each tag: recording, vocoder, latents, generator side by side.

    python -m tools.piano_rolls [NAME ...] [--tags TAG ...] [--out FOLDER]

Ten seconds of each: of recordings that the models learned from, of the same through each vocoder and through the
latents of each generator whose checkpoint is there, and of a stream of each generator. What is dark in one column and
bright in the column before it was lost there. Written to docs/sheets/notes-TAG.png.
"""

import argparse
import io
from collections.abc import Mapping
from pathlib import Path

from benchmarks.models.autoencoders import autoencoded
from benchmarks.models.ears import RATE, SHORTEST, streams
from benchmarks.models.rows import DATA, SPLIT, folders, vocoded
from benchmarks.paths import DOCS, ROOT
from liveseq.runtime.manifest import Manifest
from liveseq.train.sound.judge.ears.notes import FRAMES_PER_SECOND, N_KEYS, NoteEar, PianoRoll
from liveseq.train.sound.judge.takes import common, real_takes
from liveseq.train.sound.material.library import read_library

SECONDS = 10.0
N_COLOURS = 48
"""Of a picture: a third of the bytes of all colours."""
OCTAVES = {f"C{octave}": 3 + 12 * (octave - 1) for octave in range(1, 9)}
"""Keys that are marked, from the lowest of a piano on."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="models (all of models/)")
    parser.add_argument("--tags", nargs="+", default=None, help="only these")
    parser.add_argument("--data", nargs="+", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=DOCS / "sheets")
    a = parser.parse_args()
    models = folders(a.names)
    library = read_library([path for path in a.data if path.exists()], tags_from=None, sample_rate=RATE, seed=SPLIT)
    learned = real_takes(library.train, seconds=SECONDS, sample_rate=RATE)
    tags = [tag for tag in common(learned, shortest=int(SHORTEST * RATE)) if a.tags is None or tag in a.tags]
    learned = {tag: learned[tag] for tag in tags}
    columns = {"recording": learned, **vocoded(models, learned, rate=RATE)}
    columns |= {f"{name}'s latents": takes for name, takes in autoencoded(models, learned, root=ROOT).items()}
    generators = [folder for folder in models if Manifest.load(folder).role == "generator"]
    columns |= {folder.name: streams(folder, learned) for folder in generators}
    ear = NoteEar()
    for tag in tags:
        rolls = {name: ear.hear(takes[tag], sample_rate=RATE) for name, takes in columns.items() if tag in takes}
        print(draw_rolls(rolls, a.out / f"notes-{tag}.png", title=tag))


def draw_rolls(rolls: Mapping[str, PianoRoll], path: Path, *, title: str) -> Path:
    """Writes piano rolls side by side as PNG, under their names and shares of clear frames."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from PIL import Image

    figure, axes = plt.subplots(1, len(rolls), figsize=(2.6 * len(rolls), 2.4), sharey=True, squeeze=False)
    for axis, (name, roll) in zip(axes.flat, rolls.items(), strict=True):
        seconds = len(roll.notes) / FRAMES_PER_SECOND
        axis.imshow(
            roll.notes.T, origin="lower", aspect="auto", extent=(0, seconds, 0, N_KEYS), vmin=0, vmax=1, cmap="magma"
        )
        axis.set_title(f"{name}  {roll.clear_share():.2f}", fontsize=8)
        axis.tick_params(labelsize=6, length=2)
    axes[0, 0].set_yticks(list(OCTAVES.values()), list(OCTAVES))
    axes[0, 0].set_ylabel(title, fontsize=8)
    figure.tight_layout(pad=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=80)
    plt.close(figure)
    Image.open(picture).convert("RGB").quantize(N_COLOURS).save(path, optimize=True)
    return path


if __name__ == "__main__":
    main()
