"""The float16 copy of a graph, where a prebuild has found it as good as the graph itself and faster on this machine.

It lies beside the model, with a record of what it is a copy of: only the provider that it was held against runs it.
"""

import logging
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import yaml

from liveseq.runtime.manifest import Manifest, sha256_of

ENGINES = ".engines"
"""Folder inside a model's for what is made for this machine only."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class HalfRecord:
    """Of a copy that may be played."""

    of: dict[str, str]
    """SHA-256 of the files of the model that it is a copy of."""
    graph: str
    """SHA-256 of the copy."""
    onnxruntime: str
    """The version that it was held against."""
    difference_db: float
    """Of its levels from those of float32, see `train.sound.half`."""
    p50_ms: float
    """Of a step."""
    float32_p50_ms: float
    """Of a step of the graph itself."""

    def save(self, path: Path) -> None:
        """Beside the copy."""
        record_of(path).write_text(yaml.safe_dump(asdict(self), sort_keys=False))


def half_path(folder: Path, provider: str) -> Path:
    """Where a model's copy for a provider lies, if there is one."""
    return folder / ENGINES / f"half-{provider}.onnx"


def record_of(path: Path) -> Path:
    """Where its record lies."""
    return path.with_suffix(".yaml")


def playable_half(folder: Path, manifest: Manifest, provider: str, *, onnxruntime: str) -> Path | None:
    """The copy, where it is whole and the one of this model; one that is not is told, and is left alone."""
    path = half_path(folder, provider)
    if not path.is_file():
        return None
    try:
        told = yaml.safe_load(record_of(path).read_text(encoding="utf-8"))
        record = HalfRecord(**{field.name: told[field.name] for field in fields(HalfRecord)})
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError):
        trouble = f"no record of it in {record_of(path).name}"
    else:
        if record.of != manifest.files:
            trouble = f"it is of another model than this {manifest.model}"
        elif record.onnxruntime != onnxruntime:
            trouble = f"made with onnxruntime {record.onnxruntime}, this is {onnxruntime}"
        elif record.graph != sha256_of(path):
            trouble = "damaged or changed since it was made"
        else:
            return path
    log.warning("%s: %s; float32 is played; run export_onnx.py %s --provider %s", path, trouble, folder.name, provider)
    return None
