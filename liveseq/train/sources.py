"""Hashes of the weights that a graph was made of, so that a prebuild need not make it again."""

from pathlib import Path
from typing import Any

from liveseq.errors import LiveseqError
from liveseq.runtime.manifest import Manifest, sha256_of
from liveseq.train import checkpoint


def weights_of(folder: Path, config: dict[str, Any]) -> dict[str, str]:
    """SHA-256 of the checkpoint and of the vocoder's that config.yaml names, if any, for a manifest's settings."""
    places = {"checkpoint_sha256": folder}
    if "vocoder" in config:
        places["vocoder_sha256"] = Path(config["vocoder"])
    files = {name: place / checkpoint.CHECKPOINT for name, place in places.items()}
    return {name: sha256_of(path) for name, path in files.items() if path.is_file()}


def is_current(folder: Path) -> bool:
    """Whether the graph is the one that the manifest lists, and was made of the checkpoint that lies beside it."""
    try:
        settings = Manifest.load(folder).settings
        weights = weights_of(folder, checkpoint.load_yaml(folder / checkpoint.CONFIG))
    except LiveseqError:
        return False
    return "checkpoint_sha256" in weights and weights.items() <= settings.items()
