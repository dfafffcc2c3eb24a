"""Presets of predictors, and the settings that a family takes.

Demiurge's published hyperparameters are for frames of 23 ms; a step here is eight of them, so its window of 500 is 62
steps. Its mistakes (batches of one, validation on the training files, a learning rate that died) are not kept.
"""

import dataclasses
from typing import Any

from liveseq.errors import TrainingError
from liveseq.train.predictors.families import FAMILIES
from liveseq.train.predictors.families.base import NetworkConfig

Settings = dict[str, dict[str, Any]]
"""`model` and `train`: the differences to the defaults of the network's config and of PredictorTrainConfig."""

_TRAIN = {"window": 62, "batch_size": 64, "learning_rate": 1e-4}
_POSITIONS = {"positional": 26, "forecast": 62}
_ATTENTION = {"layers": 3, "positional": 26, "heads": 5, "feed_forward": 128, "context": 62, "dropout": 0.1}
PRESETS: dict[str, dict[str, Settings]] = {
    "demiurge": {
        "lstm": {"model": {"hidden": 200, "layers": 3, "dropout": 0.0, "noise": 0.0}, "train": _TRAIN},
        "lstm-seq2seq": {
            "model": {"hidden": 200, "layers": 3, "dropout": 0.0, "noise": 0.0, **_POSITIONS},
            "train": _TRAIN,
        },
        "transformer-encoder": {"model": {**_ATTENTION, "noise": 0.05}, "train": _TRAIN},
        "transformer": {"model": {**_ATTENTION, "noise": 0.0, "forecast": 62}, "train": _TRAIN},
    }
}


def settings_of(family: str, preset: str | None) -> Settings:
    """Settings of a preset, a copy. Raises TrainingError for a name that is not there, or not for this family."""
    if preset is None:
        return {"model": {}, "train": {}}
    if preset not in PRESETS:
        raise TrainingError(f"--preset {preset}: no such preset; there are: {', '.join(PRESETS)}")
    found = PRESETS[preset].get(family)
    if found is None:
        raise TrainingError(f"--preset {preset} has no {family}; it has: {', '.join(PRESETS[preset])}")
    return {part: dict(values) for part, values in found.items()}


def network_settings() -> list[str]:
    """Names of the settings that some family takes."""
    return sorted({name for family in FAMILIES for name in _settings_of(family)})


def network_config(family: str, settings: dict[str, Any], *, n_features: int) -> NetworkConfig:
    """The network's config with these settings. Raises TrainingError for a setting that the family has not."""
    network, known = FAMILIES[family](), _settings_of(family)
    for name, value in settings.items():
        flag = "--" + name.replace("_", "-")
        if name not in known:
            takers = [other for other in FAMILIES if name in _settings_of(other)]
            raise TrainingError(f"{flag} means nothing to {family}; it is for {', '.join(takers) or 'no model'}")
        if name == "forecast" and value != 1 and network.one_step:
            takers = [other for other, load in FAMILIES.items() if not load().one_step]
            raise TrainingError(
                f"--forecast {value}: {family} tells one step at a time; leave it away, or choose {', '.join(takers)}"
            )
    return network.config_type(n_features=n_features, **settings)


def _settings_of(family: str) -> set[str]:
    return {field.name for field in dataclasses.fields(FAMILIES[family]().config_type)}
