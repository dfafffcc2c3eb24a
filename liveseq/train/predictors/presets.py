"""Settings by name, and whether they fit a family.

Demiurge's published hyperparameters are for frames of 23 ms; a step here is eight of them, so its window of 500 is 62
steps. What it got wrong (batches of one, validation on what was trained, a learning rate that died) is not kept.
"""

import dataclasses
from typing import Any

from liveseq.errors import TrainingError
from liveseq.train.predictors.families import FAMILIES, FamilyConfig

Settings = dict[str, dict[str, Any]]
"""`model` and `train`: what differs from the defaults of the family and of TrainConfig."""

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
    """A copy. Raises TrainingError for a name that is not there, or not for this family."""
    if preset is None:
        return {"model": {}, "train": {}}
    if preset not in PRESETS:
        raise TrainingError(f"--preset {preset}: no such preset; there are: {', '.join(PRESETS)}")
    found = PRESETS[preset].get(family)
    if found is None:
        raise TrainingError(f"--preset {preset} has no {family}; it has: {', '.join(PRESETS[preset])}")
    return {part: dict(values) for part, values in found.items()}


def model_config(family: str, settings: dict[str, Any], *, n_features: int) -> FamilyConfig:
    """The family's config with what was set. Raises TrainingError for a setting that the family has not."""
    config_type, network = FAMILIES[family]
    known = {field.name for field in dataclasses.fields(config_type)}
    for name, value in settings.items():
        flag = "--" + name.replace("_", "-")
        if name not in known:
            takers = [other for other, (type_, _) in FAMILIES.items() if name in type_.__dataclass_fields__]
            raise TrainingError(f"{flag} means nothing to {family}; it is for {', '.join(takers) or 'no model'}")
        if name == "forecast" and value != 1 and network.one_step:
            takers = [other for other, (_, type_) in FAMILIES.items() if not type_.one_step]
            raise TrainingError(
                f"--forecast {value}: {family} tells one step at a time; leave it away, or choose {', '.join(takers)}"
            )
    return config_type(n_features=n_features, **settings)
