"""Predictor families by the name in config.yaml: a config dataclass and a network."""

from liveseq.train.families.base import Family, FamilyConfig
from liveseq.train.families.lstm import Lstm, LstmConfig

FAMILIES: dict[str, tuple[type[FamilyConfig], type[Family]]] = {"lstm": (LstmConfig, Lstm)}
