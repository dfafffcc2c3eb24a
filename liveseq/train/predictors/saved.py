"""A trained predictor, as it lies in its folder."""

from pathlib import Path
from typing import Any

from liveseq.errors import TrainingError
from liveseq.train.checkpoint import CHECKPOINT, CONFIG, load_tensors, load_yaml
from liveseq.train.predictors.families import FAMILIES
from liveseq.train.predictors.families.base import Family


def load_model(folder: Path) -> tuple[Family, dict[str, Any]]:
    """The best epoch's network, and the folder's config. Raises TrainingError where they do not fit each other."""
    config = load_yaml(folder / CONFIG)
    family = config.get("family")
    if family not in FAMILIES:
        raise TrainingError(f"{folder / CONFIG}: family must be one of {', '.join(FAMILIES)}, found {family!r}")
    config_type, network = FAMILIES[family]
    tensors, _ = load_tensors(folder / CHECKPOINT)
    try:
        model = network(
            config_type(**config["model"]), mean=tensors["mean"].numpy(), deviation=tensors["deviation"].numpy()
        )
        model.load_state_dict(tensors)
    except (KeyError, TypeError, RuntimeError) as error:
        told = " ".join(str(error).split())[:200]
        raise TrainingError(f"{folder}: {CHECKPOINT} does not fit {CONFIG}: {told}") from error
    return model.eval(), config
