"""Prebuild before a gig: export a trained model, or check one, for the machine that will play.

    python export_onnx.py my-predictor                 # models/my-predictor, or a path
    python export_onnx.py text-encoder [--from FOLDER_OR_HUB_ID]
    python export_onnx.py --all --provider cuda        # everything in models/, one table

A folder with a checkpoint is exported anew; one with only a graph and its model.yaml is checked and timed, and with
--all so is one that was exported from its checkpoint before: then nothing is written. On a GPU, generators and vocoders
get a copy in float16 beside them, which is played where levels stay the same and it is faster. Each model is a line
while it is worked on; the table comes last. Exit status 1 where a model misses its deadline or differs from torch,
2 where one cannot be built at all.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from liveseq.errors import LiveseqError, ModelError
from liveseq.runtime.folders import MODELS, TEXT_ENCODER
from liveseq.runtime.manifest import MANIFEST_NAME, Manifest, missing_folder
from liveseq.runtime.session import PROVIDERS


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    folders = _folders(arguments)
    if arguments.all:
        print(f"{len(folders)} models in {MODELS}: a few minutes", flush=True)  # torch alone takes some seconds
    try:
        from liveseq.train import export, report  # noqa: F401 (export: is torch there?)
    except ImportError as error:
        print(f"liveseq: exporting needs {error.name}; run: pip install 'liveseq[train]'", file=sys.stderr)
        return 2
    reports, refused = [], 0
    for folder in folders:
        print(f"{folder.name}: ", end="", flush=True)
        began = time.perf_counter()
        try:
            what, build = _task(folder, arguments)
            print(f"{what} ... ", end="", flush=True)
            reports.append(build())
            print(f"{time.perf_counter() - began:.0f} s", flush=True)
        except LiveseqError as error:
            refused += 1
            print("refused", flush=True)
            print(f"liveseq: {error}", file=sys.stderr)
    if reports:
        print(f"\n{report.format_reports(reports)}", flush=True)
        _warn_of_others(min(r.core for r in reports))
    return 2 if refused else int(any(r.failures for r in reports))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="export_onnx.py", description=__doc__.partition("\n")[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("name", nargs="?", help="a folder of models/, or a path")
    which.add_argument("--all", action="store_true", help="every folder in models/")
    parser.add_argument(
        "--provider", choices=tuple(PROVIDERS), default="cpu", help="of what makes sound; all else: cpu"
    )
    parser.add_argument("--allow-cpu", action="store_true", help="where the provider does not run, take the CPU")
    parser.add_argument("--from", dest="source", help="text-encoder only: a sentence model to export whole")
    return parser


def _folders(arguments: argparse.Namespace) -> list[Path]:
    if arguments.all:
        return sorted(p for p in MODELS.iterdir() if p.is_dir() and not p.name.startswith("."))
    path = Path(arguments.name)
    return [path if path.is_dir() else MODELS / path]


def _warn_of_others(core: float) -> None:
    from liveseq.train.report import QUIET

    if core < QUIET:
        print(
            f"liveseq: other programs left {100 * core:.0f} % of a core while this was timed; "
            "close them and run it again, or believe the times of this machine with them",
            file=sys.stderr,
        )


def _task(folder: Path, arguments: argparse.Namespace) -> tuple[str, Callable[[], Any]]:
    """Tasks: each in words, and the function that does it."""
    from liveseq.train import checkpoint
    from liveseq.train.sources import is_current

    where = {"provider": arguments.provider, "allow_cpu": arguments.allow_cpu}
    if folder.name == TEXT_ENCODER and not arguments.all:
        return "making and timing it", partial(_make_text_encoder, folder, arguments.source)
    if not folder.is_dir():
        raise missing_folder(folder)
    trained = (folder / checkpoint.CHECKPOINT).is_file()
    if trained and not (arguments.all and is_current(folder) and _is_of_today(folder)):
        return "exporting it, comparing with torch, timing", partial(_export, folder, where)
    if (folder / MANIFEST_NAME).is_file():
        compared = "exported before: comparing with torch, timing" if trained else "no checkpoint: checking, timing"
        return compared, partial(_check, folder, where)
    raise ModelError(f"{folder}: no {checkpoint.CHECKPOINT} to export and no {MANIFEST_NAME} to check; train it first")


def _is_of_today(folder: Path) -> bool:
    from liveseq.train import report
    from liveseq.train.sound.export import has_tensors_of_today

    return Manifest.load(folder).role not in report.SOUND_ROLES or has_tensors_of_today(folder)


def _make_text_encoder(folder: Path, source: str | None):  # noqa: ANN202 (its type needs torch)
    from liveseq.train.export import check_graph, keep_all_tags
    from liveseq.train.words.export import distil, export_full

    if kept := keep_all_tags(folder):
        print(f"{', '.join(kept)} keep the vectors of their tags ... ", end="", flush=True)
    if source:
        export_full(source, folder)
    else:
        distil(folder)
    return check_graph(folder)


def _export(folder: Path, where: dict[str, Any]):  # noqa: ANN202 (its type needs torch)
    from liveseq.train import checkpoint
    from liveseq.train.predictors.export import export_predictor
    from liveseq.train.predictors.families import FAMILIES
    from liveseq.train.sound.export import export_sound

    family = checkpoint.load_yaml(folder / checkpoint.CONFIG).get("family")
    return export_predictor(folder) if family in FAMILIES else export_sound(folder, **where)


def _check(folder: Path, where: dict[str, Any]):  # noqa: ANN202 (its type needs torch)
    from liveseq.train import report
    from liveseq.train.predictors.export import check_predictor
    from liveseq.train.sound.export import check_sound

    is_sound = Manifest.load(folder).role in report.SOUND_ROLES
    return check_sound(folder, **where) if is_sound else check_predictor(folder)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nliveseq: stopped; the model that was being exported may be half there: run it again", file=sys.stderr)
        sys.exit(130)
