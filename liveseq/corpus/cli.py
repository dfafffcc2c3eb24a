"""`liveseq corpus`: build, demo, ensemble, info, remove, verify, export-demiurge, import-demiurge.

Exit status: 0 done, 1 verify found damage, 2 with one clear line on stderr: it could not be done.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from liveseq.corpus.ensemble.cli import add_ensemble
from liveseq.corpus.recordings.walk import skipped_words
from liveseq.corpus.segmentation import METHODS

if TYPE_CHECKING:
    from liveseq.corpus.build import BuildReport
    from liveseq.corpus.source import Source


def add_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> "argparse._SubParsersAction[argparse.ArgumentParser]":
    """Each command sets `run`: arguments in, exit status out; it raises LiveseqError. Returns the actions of `corpus`,
    for those that need a model."""
    corpus = commands.add_parser("corpus", help="build, show and check the database of audio that is played")
    actions = corpus.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_build(actions)
    _add_demo(actions)
    add_ensemble(actions, positive=_positive, report=_print_report)
    info = actions.add_parser("info", help="what a corpus holds")
    info.add_argument("corpus", type=Path)
    info.add_argument("--sources", action="store_true", help="each recording too, with its tempo")
    info.set_defaults(run=_info)
    remove = actions.add_parser("remove", help="take recordings out of what is played", description=_REMOVE_HELP)
    remove.add_argument("corpus", type=Path)
    remove.add_argument("names", nargs="+", metavar="NAME", help="of a recording, as `info --sources` shows it")
    remove.set_defaults(run=_remove)
    check = actions.add_parser("verify", help="read every byte of a corpus and say what is damaged")
    check.add_argument("corpus", type=Path)
    check.set_defaults(run=_verify)
    export = actions.add_parser("export-demiurge", help="write Demiurge's descriptor JSON and the wav files it names")
    export.add_argument("corpus", type=Path)
    export.add_argument("folder", type=Path)
    export.set_defaults(run=_export)
    _add_import(actions)
    return actions


def _add_build(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser("build", help="make a corpus of a folder of recordings, or add what is new in it")
    parser.add_argument(
        "folder", type=Path, help="recordings (wav, flac, mp3, ogg, aiff, caf ...), or a corpus to convert"
    )
    parser.add_argument("--out", type=Path, required=True, help="the corpus: a new folder, or one made before")
    parser.add_argument("--tags-from", type=_tags_from, metavar="folder|prefix|FILE.csv", help=_TAGS_HELP)
    parser.add_argument("--segmentation", choices=METHODS, help=_SEGMENTATION_HELP)
    parser.add_argument("--sample-rate", type=int, help="of the corpus, in Hz (48000)")
    parser.add_argument("--jobs", type=_positive, help="processes (one per core)")
    parser.set_defaults(run=_build)


def _add_demo(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser("demo", help="compose a corpus of synthesised pieces, to play and to train on")
    parser.add_argument("--out", type=Path, default=Path("corpora/demo.corpus"), help="(corpora/demo.corpus)")
    parser.add_argument("--seed", type=int, default=1, help="another number, other music (1)")
    parser.add_argument("--sample-rate", type=int, help="in Hz (48000)")
    parser.add_argument("--jobs", type=_positive, help="processes (one per core)")
    parser.set_defaults(run=_demo)


def _add_import(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser("import-demiurge", help="make a corpus of Demiurge's descriptor JSON")
    parser.add_argument("json", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="the corpus: a new folder")
    parser.add_argument("--audio", type=Path, help="folder of the sound files that its _id names (that of the JSON)")
    parser.add_argument("--sample-rate", type=int, default=44_100, help="what its _sample counts in, in Hz (44100)")
    parser.add_argument("--tags-from", type=_tags_from, metavar="folder|prefix|FILE.csv", help=_TAGS_HELP)
    parser.set_defaults(run=_import)


_REMOVE_HELP = (
    "Recordings are not chosen any more, also by a server that is playing. Their audio stays on the disk until the"
    " corpus is built anew (liveseq corpus build CORPUS --out NEW); a file that is still in the folder comes back with"
    " the next build from it."
)


_TAGS_HELP = (
    "tags are the names of the sub-folders, the file names up to the first _ - or digit, or lines of file,tag,tag"
    " (folder where there are sub-folders, else prefix)"
)


_SEGMENTATION_HELP = (
    "where units begin: every 171 ms, at attacks, or on the beats of recordings that keep a tempo (fixed); onsets take"
    " a few seconds more to start, since each process loads librosa"
)


def _tags_from(text: str) -> "str | Path":
    if text in ("folder", "prefix"):
        return text
    if not text.lower().endswith((".csv", ".tsv", ".txt")):
        raise argparse.ArgumentTypeError(f"expected folder, prefix or the name of a .csv file, got {text!r}")
    return Path(text)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {text!r}")
    return int(text)


def _build(arguments: argparse.Namespace) -> int:
    from liveseq.corpus.build import build

    report = build(
        arguments.folder,
        arguments.out,
        tags_from=arguments.tags_from,
        segmentation=arguments.segmentation,
        sample_rate=arguments.sample_rate,
        jobs=arguments.jobs,
        progress=True,
    )
    status = _print_report(report, arguments.out)
    if status == 0:
        from liveseq.corpus.own_words.offering import offer_readings

        for line in offer_readings(arguments.out):
            print(f"liveseq: {line}", file=sys.stderr)
    return status


def _demo(arguments: argparse.Namespace) -> int:
    from liveseq.corpus.build import build_demo

    report = build_demo(
        arguments.out, seed=arguments.seed, sample_rate=arguments.sample_rate, jobs=arguments.jobs, progress=True
    )
    return _print_report(report, arguments.out)


def _print_report(report: "BuildReport", out: Path) -> int:
    for line in report.refused:
        print(f"liveseq: left out: {line}", file=sys.stderr)
    for line in report.notes:
        print(f"liveseq: {line}", file=sys.stderr)
    if report.lost:
        print(f"liveseq: {_lost_sentence(report.lost)}", file=sys.stderr)
    if report.untagged:
        sentence = _files(report.untagged, "has no tag, so no tag finds it", "have no tag, so no tag finds them")
        print(f"liveseq: {sentence}", file=sys.stderr)
    if report.missing:
        kept = "no longer in the folder, kept in the corpus"
        sentence = _files(report.missing, f"is {kept}", f"are {kept}")
        print(f"liveseq: {sentence}; to be rid of what is gone build a new corpus", file=sys.stderr)
    if report.tags_origin and report.tags and (report.added or report.changed or report.retagged):
        word = "one tag comes" if len(report.tags) == 1 else f"{len(report.tags)} tags come"
        other = "to take them from elsewhere give --tags-from"
        print(f"liveseq: {word} from {report.tags_origin}: {_first(report.tags)}; {other}", file=sys.stderr)
    print(f"{out}: {_summary(report)}")
    if report.added or report.changed or report.n_known:
        return 0
    print(f"liveseq: {out}: nothing to play: every recording was left out", file=sys.stderr)
    return 2


def _lost_sentence(lost: dict[str, tuple[str, ...]]) -> str:
    tags = list(dict.fromkeys(tag for gone in lost.values() for tag in gone))
    n_tags = "a tag" if len(tags) == 1 else f"{len(tags)} tags"
    which = f"{n_tags} of an earlier build ({_first(tags)})"
    sentence = _files(list(lost), f"loses {which}", f"lose {which}")
    return f"{sentence}; to have them back build again with the --tags-from of then"


def _summary(report: "BuildReport") -> str:
    retagged = f" ({len(report.retagged)} with other tags now)" if report.retagged else ""
    counts = (
        (len(report.added), f"added ({_time(report.seconds)})"),
        (len(report.changed), "replaced by a newer version"),
        (report.n_known, f"known{retagged}"),
        (len(report.refused), "left out"),
    )
    news = report.added or report.changed or report.retagged
    skipped = f"; skipped: {skipped_words(report.skipped)}" if report.skipped else ""
    return ", ".join([*([] if news else ["nothing new"]), *(f"{n} {text}" for n, text in counts if n)]) + skipped


def _files(names: Sequence[str], one: str, several: str) -> str:
    """A sentence about one file, or about several with the names of the first few."""
    if len(names) == 1:
        return f"{names[0]} {one}"
    return f"{len(names)} files {several}: {_first(names)}"


def _first(names: Sequence[str]) -> str:
    """The first few of some names."""
    return f"{', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"


def _info(arguments: argparse.Namespace) -> int:
    from liveseq.corpus.store import FORMAT_VERSION, Corpus

    with Corpus.open(arguments.corpus) as corpus:
        sources = corpus.sources()
        n_units = sum(source.n_units for source in sources)
        length = _time(sum(source.n_samples for source in sources) / corpus.sample_rate)
        n_bytes = sum(corpus.committed_files().values())
        kinds = ", ".join(sorted({source.provenance.kind for source in sources})) or "none"
        print(f"{arguments.corpus}: corpus format {FORMAT_VERSION}, {corpus.sample_rate} Hz, hop {corpus.hop_length}")
        units = f"{n_units} units ({corpus.segmentation})"
        print(f"{len(sources)} sources ({kinds}), {length}, {units}, {n_bytes / 1e6:.1f} MB")
        tags = corpus.tags()
        width = max(map(len, tags), default=0)
        for tag, (n_tagged, n_samples) in tags.items():
            tempo = _tempo([source for source in sources if tag in source.tags], corpus.sample_rate)
            print(f"  {tag:<{width}}  {n_tagged:>7} units  {n_samples / corpus.sample_rate:>9.1f} s  {tempo}".rstrip())
        if not tags:
            print("  no tags")
        for source in sources if arguments.sources else []:
            seconds = source.n_samples / corpus.sample_rate
            tempo = _tempo([source], corpus.sample_rate)
            units = f"{source.n_units} unit{'s' if source.n_units != 1 else ''}"
            print(f"{source.name}  {units}  {seconds:.1f} s  {tempo}".rstrip())
    return 0


def _tempo(sources: "Sequence[Source]", sample_rate: int) -> str:
    """Tempo in beats per minute, from the slowest to the fastest; empty where no source has a beat."""
    found = sorted(60.0 * sample_rate / source.beats.period for source in sources if source.beats)
    if not found:
        return ""
    slowest, fastest = f"{found[0]:.1f}", f"{found[-1]:.1f}"
    return f"{slowest} bpm" if slowest == fastest else f"{slowest} to {fastest} bpm"


def _remove(arguments: argparse.Namespace) -> int:
    from liveseq.corpus.store import Corpus

    with Corpus.open(arguments.corpus, writable=True) as corpus:
        corpus.remove(arguments.names)
    again = f"liveseq corpus build {shlex.quote(str(arguments.corpus))} --out NEW"
    print(f"{arguments.corpus}: {len(arguments.names)} removed; to give back their room build it anew: {again}")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from liveseq.corpus.verify import verify

    with tqdm(unit="source", desc="verify", leave=False, disable=None) as bar:

        def done(n: int, total: int) -> None:
            bar.total = total
            bar.update(n - bar.n)

        damages = verify(arguments.corpus, done=done)
    for damage in damages:
        print(damage, file=sys.stderr)
    print(f"{arguments.corpus}: {len(damages)} damaged" if damages else f"{arguments.corpus}: every byte as written")
    return 1 if damages else 0


def _export(arguments: argparse.Namespace) -> int:
    from liveseq.corpus.demiurge_json import export_demiurge
    from liveseq.corpus.store import Corpus

    with Corpus.open(arguments.corpus) as corpus:
        print(export_demiurge(corpus, arguments.folder))
    return 0


def _import(arguments: argparse.Namespace) -> int:
    from liveseq.corpus.demiurge_json import import_demiurge

    added, refused, notes = import_demiurge(
        arguments.json,
        arguments.out,
        audio=arguments.audio,
        sample_rate=arguments.sample_rate,
        tags_from=arguments.tags_from,
    )
    for line in [*(f"left out: {reason}" for reason in refused), *notes]:
        print(f"liveseq: {line}", file=sys.stderr)
    print(f"{arguments.out}: {len(added)} added, {len(refused)} left out")
    return 0 if added else 2


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
