"""Every generator of models/ to two published ears, beside the recordings that it learned from: where notes are lost.

    python -m benchmarks.models.ears [--seconds 20] [--trial FILE [--models NAME ...] [--tags TAG ...]]

basic-pitch hears notes and onsets, musicnn instruments, liveseq's own beats a tempo. The recordings themselves are
heard (the 32 tags of which there is most), others of the same tags, and what becomes of them by Griffin-Lim, each
vocoder, and each generator's latents where its checkpoint is there; then each generator, by a stream of each tag. An
ear that is not installed is named, and its figures are left out. Pictures: tools/piano_rolls.py.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import options
from benchmarks.models.autoencoders import autoencoded
from benchmarks.models.ear_tables import section
from benchmarks.models.rows import DATA, SPLIT, folders, inverted, vocoded
from benchmarks.paths import ROOT
from benchmarks.registry import Benchmark, Section
from benchmarks.results import machine
from liveseq.runtime.generator import OnnxGenerator
from liveseq.runtime.interpreter import Interpreter
from liveseq.runtime.manifest import Manifest
from liveseq.runtime.text import TextEncoder
from liveseq.train.sound.judge import anchors
from liveseq.train.sound.judge.gate import NOTHING, EarGate
from liveseq.train.sound.judge.hearing import Ears, Heard
from liveseq.train.sound.judge.takes import common, generated_takes, real_takes
from liveseq.train.sound.judge.verdict import Takes
from liveseq.train.sound.material.library import Library, read_library
from liveseq.train.sound.material.reading import Recording

RATE = 48_000
"""Hz, of the recordings and of the models."""
SHORTEST = 8.0
"""Seconds of a tag that say something about notes and instruments."""
SECONDS = 20.0
"""Of each tag at most."""
EACH = 5.0
"""Least seconds of a recording where a tag has many: a note lasts longer than a share of a hundred."""
MOST_TAGS = 32
"""Tags that are heard: those with the most recordings in seconds."""
ENSEMBLE = Path("corpora/ensemble.corpus")
"""As `liveseq corpus ensemble --minutes 60` makes it, or more of it; left out where it is not there."""
SEED = 11
"""Seed of the first tag's stream; each has the next one."""


@dataclass(frozen=True, kw_only=True)
class Hearing:
    """Everything that was heard, by tag."""

    gate: EarGate
    rows: dict[str, dict[str, Heard]]
    """Other recordings, and what became of those learned from, by the name of the row."""
    models: dict[str, dict[str, Heard]]
    """Generators by name, on the tags that they were taught."""
    missing: dict[str, str]
    """A sentence on how to get it for each ear that is not installed."""


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--models", nargs="+", default=None, help="names under models/, or paths; all of them without")
    parser.add_argument("--data", nargs="+", type=Path, default=[*DATA, ROOT / ENSEMBLE])
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each tag at most")
    parser.add_argument("--trial", type=Path, metavar="FILE", help="write figures and tables there, not the project's")
    parser.add_argument("--tags", nargs="+", default=None, help="only these (for a trial)")
    a = parser.parse_args()
    if (a.tags or a.models) and not a.trial:
        parser.error("--tags, --models: are for --trial FILE; what is kept has all of them, of one run")
    library = read_library([path for path in a.data if path.exists()], tags_from=None, sample_rate=RATE, seed=SPLIT)
    found = figures(hear(folders(a.models), library, seconds=a.seconds, only=a.tags), seconds=a.seconds)
    if a.trial:
        a.trial.write_text(f"{json.dumps(found, indent=1)}\n\n{section({'machine': machine(), **found})}\n")
        return
    keep(found)


def keep(found: dict[str, Any]) -> None:
    """Writes figures for the pages, with earlier rows of latents whose checkpoints are not there: they do not ship."""
    before = BENCHMARK.load() or {}
    for part in ("rows", "passes"):
        kept = {name: row for name, row in before.get(part, {}).items() if name.endswith("latents")}
        found[part] |= {name: row for name, row in kept.items() if name not in found[part]}
    BENCHMARK.save(found)


def hear(models: list[Path], library: Library, *, seconds: float, only: list[str] | None = None) -> Hearing:
    """Hears recordings, what becomes of them, and generators. only: these tags; None: all with enough recordings."""
    ears = Ears()
    for sentence in ears.missing.values():
        print(sentence, flush=True)
    lengths = {tag: sum(len(r.audio) for r in library.train if r.tag == tag) for tag in library.tags}
    most = sorted(lengths, key=lambda tag: -lengths[tag])[:MOST_TAGS]
    learned = real_takes(few(library.train, seconds=seconds), seconds=seconds, sample_rate=RATE)
    tags = [tag for tag in common(learned, shortest=int(SHORTEST * RATE)) if tag in (only or most)]
    learned = {tag: learned[tag] for tag in tags}
    other = real_takes(few(library.held_out, seconds=seconds), seconds=seconds, sample_rate=RATE)
    other = {tag: other[tag] for tag in common(other, shortest=int(SHORTEST * RATE)) if tag in tags}
    held_out = ears.hear_all(other, sample_rate=RATE)
    gate = EarGate(ears.hear_all(learned, sample_rate=RATE), others=held_out, missing=ears.missing)
    if not gate.tonal:
        print(f"{NOTHING}: in no tag half of the recordings' frames have a clear note", flush=True)
    generators = [folder for folder in models if Manifest.load(folder).role == "generator"]

    def heard(name: str, takes: Takes) -> dict[str, Heard]:
        found = ears.hear_all(takes, sample_rate=RATE)
        print(f"{name}: {gate.counts(found)}", flush=True)
        return found

    return Hearing(
        gate=gate,
        rows={"held out": held_out, **{name: heard(name, takes) for name, takes in copies(models, learned)}},
        models={folder.name: heard(folder.name, streams(folder, learned)) for folder in generators},
        missing=ears.missing,
    )


def few(recordings: Sequence[Recording], *, seconds: float) -> list[Recording]:
    """So many recordings of each tag that each has EACH seconds of a take, evenly spread over what there is."""
    by_tag: dict[str, list[Recording]] = {}
    for recording in recordings:
        by_tag.setdefault(recording.tag, []).append(recording)
    kept: list[Recording] = []
    for own in by_tag.values():
        long = [one for one in own if len(one.audio) >= EACH * RATE]
        if len(long) * EACH < seconds:  # short ones fill it up
            kept += own
        else:
            n = int(seconds / EACH)
            kept += [long[i * len(long) // n] for i in range(n)]
    return kept


def copies(models: list[Path], learned: Takes) -> Iterator[tuple[str, Takes]]:
    """Rows of what becomes of recordings, (n_samples, n_channels) each; one after the other, as they need memory."""
    yield "shuffled", anchors.shuffled(learned, sample_rate=RATE)
    yield "noise", anchors.white_noise(learned)
    for words, takes in inverted(models, learned, rate=RATE).items():
        yield f"Griffin-Lim, {words}", takes
    yield from vocoded(models, learned, rate=RATE).items()
    for name, takes in autoencoded(models, learned, root=ROOT).items():
        yield f"{name}'s latents", takes


def streams(folder: Path, learned: Takes) -> Takes:
    """A stream of a generator for each tag that it was taught, as long as the recordings: (n_samples, n_channels)."""
    model = OnnxGenerator(folder)
    taught = [tag for tag in learned if tag in model.tags] or list(learned)
    interpreter = Interpreter(folder, model.manifest, TextEncoder(ROOT / "models" / "text-encoder"))
    vectors = {tag: interpreter.blend({tag: 1.0}) for tag in taught}
    lengths = {tag: len(learned[tag]) for tag in taught}
    return generated_takes(model, vectors, lengths, seed=SEED, late=model.manifest.latency_samples)


def figures(hearing: Hearing, *, seconds: float) -> dict[str, Any]:
    """All of it for JSON. seconds: of each tag at most."""
    gate = hearing.gate
    models: dict[str, Any] = {
        name: {"heard": _rows(gate, heard), "misses": gate.misses(heard), "why_not": gate.passes(heard)}
        for name, heard in hearing.models.items()
    }
    return {
        "split": SPLIT,
        "seconds": seconds,
        "missing": list(hearing.missing.values()),
        "tonal": gate.tonal,
        "rhythmic": gate.rhythmic,
        "steady": gate.steady,
        "recordings": _rows(gate, gate.recordings),
        "rows": {name: _rows(gate, heard) for name, heard in hearing.rows.items()},
        "passes": {name: gate.counts(heard) for name, heard in {**hearing.rows, **hearing.models}.items()},
        "models": models,
    }


def _rows(gate: EarGate, heard: Mapping[str, Heard]) -> dict[str, dict[str, Any]]:
    ratios = gate.ratios(heard)
    return {
        tag: {
            **{key: _round(getattr(each, key)) for key in ("clear", "onsets", "steady", "bpm")},
            "hears": {name: _round(each.tags[name]) for name in each.first(3)},
            "first": _round(each.tags.get(ratios[tag].first or "")),
            "ratios": {key: _round(value) for key, value in asdict(ratios[tag]).items()},
        }
        for tag, each in heard.items()
    }


def _round(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


BENCHMARK = Benchmark(file=__file__, minutes=15, sections=(Section(text=section, page="generators.md"),))

if __name__ == "__main__":
    main()
