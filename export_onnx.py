"""Prebuild before a gig: export a trained model, or check one, for the machine that will play.

    python export_onnx.py my-predictor                 # models/my-predictor, or a path
    python export_onnx.py text-encoder [--from FOLDER_OR_HUB_ID]
    python export_onnx.py --all --provider cuda        # everything in models/, one table

A folder with a checkpoint is exported anew; one with only a graph and its model.yaml is checked and timed.
Exit status 1 where a model misses its deadline or differs from torch, 2 where one cannot be built at all.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from liveseq.errors import LiveseqError, ModelError
from liveseq.runtime.manifest import MANIFEST_NAME, Manifest, missing_folder
from liveseq.runtime.session import PROVIDERS

MODELS = Path(__file__).resolve().parent / "models"
TEXT_ENCODER = "text-encoder"


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        from liveseq.train import export, report  # noqa: F401 (is torch there?)
    except ImportError as error:
        print(f"liveseq: exporting needs {error.name}; run: pip install 'liveseq[train]'", file=sys.stderr)
        return 2
    reports, refused = [], 0
    for folder in _folders(arguments):
        try:
            reports.append(_build(folder, arguments))
        except LiveseqError as error:
            refused += 1
            print(f"liveseq: {error}", file=sys.stderr)
    if reports:
        print(report.format_reports(reports))
    return 2 if refused else int(any(r.failures for r in reports))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="export_onnx.py", description=__doc__.partition("\n")[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("name", nargs="?", help="a folder of models/, or a path")
    which.add_argument("--all", action="store_true", help="every folder in models/")
    parser.add_argument("--provider", choices=tuple(PROVIDERS), default="cpu")
    parser.add_argument("--allow-cpu", action="store_true", help="where the provider does not run, take the CPU")
    parser.add_argument("--from", dest="source", help="text-encoder only: a sentence model to export whole")
    return parser


def _folders(arguments: argparse.Namespace) -> list[Path]:
    if arguments.all:
        return sorted(p for p in MODELS.iterdir() if p.is_dir() and not p.name.startswith("."))
    path = Path(arguments.name)
    return [path if path.is_dir() else MODELS / path]


def _build(folder: Path, arguments: argparse.Namespace):  # noqa: ANN202 (its type needs torch)
    from liveseq.train import checkpoint, export

    where = {"provider": arguments.provider, "allow_cpu": arguments.allow_cpu}
    if folder.name == TEXT_ENCODER and not arguments.all:
        from liveseq.train import text_encoder

        if arguments.source:
            text_encoder.export_full(arguments.source, folder)
        else:
            text_encoder.distil(folder)
        return export.check_model(folder, **where)
    if not folder.is_dir():
        raise missing_folder(folder)
    if (folder / checkpoint.CHECKPOINT).is_file():
        return _export(folder, where)
    if (folder / MANIFEST_NAME).is_file():
        return _check(folder, where)
    raise ModelError(f"{folder}: no {checkpoint.CHECKPOINT} to export and no {MANIFEST_NAME} to check; train it first")


def _export(folder: Path, where: dict[str, Any]):  # noqa: ANN202 (its type needs torch)
    from liveseq.train import checkpoint, export, families
    from liveseq.train.sound.export import export_sound

    family = checkpoint.load_yaml(folder / checkpoint.CONFIG).get("family")
    return (export.export_predictor if family in families.FAMILIES else export_sound)(folder, **where)


def _check(folder: Path, where: dict[str, Any]):  # noqa: ANN202 (its type needs torch)
    from liveseq.train import export, report
    from liveseq.train.sound.export import check_sound

    is_sound = Manifest.load(folder).role in report.SOUND_ROLES
    return (check_sound if is_sound else export.check_model)(folder, **where)


if __name__ == "__main__":
    sys.exit(main())
