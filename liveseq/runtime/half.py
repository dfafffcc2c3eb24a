"""The float16 copy of a graph, where a prebuild has found it as good as the graph itself and faster on this machine.

It lies beside the model, with a manifest of its own: only the provider that it was held against runs it.
"""

import logging
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import yaml

from liveseq.runtime.manifest import Manifest, sha256_of
from liveseq.runtime.tag_table import TAGS

ENGINES = ".engines"
"""Folder inside a model's for what is made for this machine only."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class HalfManifest:
    """Description of a float16 copy that may be played."""

    of: dict[str, str]
    """SHA-256 of the files of the model that it is a copy of."""
    graph: str
    """SHA-256 of the copy."""
    onnxruntime: str
    """Version that it was held against."""
    difference_db: float
    """Difference of its levels from those of float32, see `train.sound.half`."""
    p50_ms: float
    """Median duration of a step."""
    float32_p50_ms: float
    """Median duration of a step of the graph itself."""

    @staticmethod
    def load(path: Path) -> "HalfManifest":
        """Read the one beside a copy. Raises OSError, or an error of yaml or of a type, where there is no such."""
        values = yaml.safe_load(half_manifest_path(path).read_text(encoding="utf-8"))
        return HalfManifest(**{field.name: values[field.name] for field in fields(HalfManifest)})

    def save(self, path: Path) -> None:
        """Write it beside the copy at `path`."""
        half_manifest_path(path).write_text(yaml.safe_dump(asdict(self), sort_keys=False))


def half_path(folder: Path, provider: str) -> Path:
    """Path of a model's copy for a provider, whether there is one or not."""
    return folder / ENGINES / f"half-{provider}.onnx"


def half_manifest_path(path: Path) -> Path:
    """Path of the manifest of the copy at `path`."""
    return path.with_suffix(".yaml")


def copied_files(manifest: Manifest) -> dict[str, str]:
    """SHA-256 of the files that a copy is of, by name: without the vectors of tags, which are no part of a graph."""
    return {name: digest for name, digest in manifest.files.items() if name != TAGS}


def playable_half(folder: Path, manifest: Manifest, provider: str, *, onnxruntime: str) -> Path | None:
    """Path of the copy, where it is whole and one of this model; one that is not is warned of, and left alone.

    onnxruntime: the version that would run it.
    """
    path = half_path(folder, provider)
    if not path.is_file():
        return None
    try:
        half = HalfManifest.load(path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError, TypeError, KeyError):
        trouble = f"no record of it in {half_manifest_path(path).name}"
    else:
        if half.of != copied_files(manifest):
            trouble = f"it is of another model than this {manifest.model}"
        elif half.onnxruntime != onnxruntime:
            trouble = f"made with onnxruntime {half.onnxruntime}, this is {onnxruntime}"
        elif half.graph != sha256_of(path):
            trouble = "damaged or changed since it was made"
        else:
            return path
    log.warning("%s: %s; float32 is played; run export_onnx.py %s --provider %s", path, trouble, folder.name, provider)
    return None
