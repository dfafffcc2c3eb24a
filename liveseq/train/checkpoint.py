"""Training state on disk: every file appears whole or not at all, so that a kill at any instant leaves a usable folder.

checkpoint.safetensors  weights of the best epoch so far        config.yaml   model, training and recordings
resume.safetensors      everything needed to train on           metrics.yaml  the table at the end
"""

import json
import os
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from liveseq.errors import TrainingError

CONFIG, CHECKPOINT, RESUME, METRICS = "config.yaml", "checkpoint.safetensors", "resume.safetensors", "metrics.yaml"


def save_yaml(path: Path, data: dict[str, Any]) -> None:
    """A mapping of plain values as YAML. Raises TrainingError where the disk refuses."""
    save_bytes(path, yaml.safe_dump(data, sort_keys=False, width=120, allow_unicode=True).encode())


def load_yaml(path: Path) -> dict[str, Any]:
    """A mapping from YAML. Raises TrainingError where there is none."""
    if not path.is_file():
        raise TrainingError(f"{path}: no such file; train first: liveseq train MODEL --out {path.parent}")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        why = "too deep" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise TrainingError(f"{path}: not YAML: {why}") from error
    if not isinstance(data, dict):
        raise TrainingError(f"{path}: expected a mapping, found {type(data).__name__}")
    return data


def save_tensors(path: Path, tensors: dict[str, torch.Tensor], *, about: dict[str, Any]) -> None:
    """Tensors of any shape (...) as safetensors, with `about` as JSON in the header: both change in the same instant.

    Raises TrainingError where the disk refuses.
    """
    detached = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_bytes(path, save(detached, metadata={"about": json.dumps(about)}))  # save_file's are readable by us only


def save_bytes(path: Path, data: bytes) -> None:
    """Write a file whole and to the disk, or leave it as it was before. Raises TrainingError where the disk refuses."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # a full disk may say so only now
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        kept = "the one before it is kept" if path.exists() else "there is none yet"
        raise TrainingError(
            f"{path}: not written: {error.strerror}; {kept}; make room for {len(data) / 1e6:.0f} MB, "
            "and go on with --resume"
        ) from error


def load_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors (...) and `about` as of `save_tensors`. Raises TrainingError where there is no such file."""
    if not path.is_file():
        raise TrainingError(f"{path}: no such file; nothing to continue from or to export")
    try:
        with safe_open(str(path), framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("about", "{}"))
            return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118 (no mapping)
    except (SafetensorError, ValueError) as error:
        raise TrainingError(f"{path}: not readable as safetensors: {error}") from error


def unprefixed(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Tensors (...) whose name begins with the prefix, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def flatten_optimizer(optimizer: torch.optim.Optimizer, *, prefix: str = "optimizer.") -> dict[str, torch.Tensor]:
    """State of an optimiser as named tensors (...): safetensors knows no nesting, and pickles are programs."""
    state = optimizer.state_dict()["state"]
    return {f"{prefix}{i}.{key}": torch.as_tensor(value) for i, s in state.items() for key, value in s.items()}


def restore_optimizer(
    optimizer: torch.optim.Optimizer,
    tensors: dict[str, torch.Tensor],
    *,
    prefix: str = "optimizer.",
    rate: float | None = None,
) -> None:
    """Take the state of an optimiser from tensors (...) as of `flatten_optimizer`.

    rate: the learning rate that it had; None: the one that it has now.
    """
    groups = optimizer.state_dict()["param_groups"]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in unprefixed(tensors, prefix).items():
        index, key = name.split(".")
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    for group in optimizer.param_groups:
        group["lr"] = group["lr"] if rate is None else rate
