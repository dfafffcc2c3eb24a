"""A trained predictor, from its folder."""

from pathlib import Path
from typing import Any

from liveseq.errors import TrainingError, one_line
from liveseq.train.checkpoint import CHECKPOINT, CONFIG, load_tensors, load_yaml
from liveseq.train.predictors.families import FAMILIES
from liveseq.train.predictors.families.base import Network


def load_network(folder: Path) -> tuple[Network, dict[str, Any]]:
    """The network of the best epoch, and config.yaml. Raises TrainingError where they do not fit each other."""
    config = load_yaml(folder / CONFIG)
    family = config.get("family")
    if family not in FAMILIES:
        raise TrainingError(f"{folder / CONFIG}: family must be one of {', '.join(FAMILIES)}, found {family!r}")
    network = FAMILIES[family]()
    tensors, _ = load_tensors(folder / CHECKPOINT)
    try:
        model = network(
            network.config_type(**config["model"]),
            mean=tensors["mean"].numpy(),
            deviation=tensors["deviation"].numpy(),
        )
        model.load_state_dict(tensors)
    except (KeyError, TypeError, RuntimeError) as error:
        raise TrainingError(f"{folder}: {CHECKPOINT} does not fit {CONFIG}: {one_line(error)}") from error
    return model.eval(), config
