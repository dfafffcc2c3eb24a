"""Predictor families by the name in config.yaml: a config dataclass and a network like lstm.Lstm."""

from liveseq.train.families.lstm import Lstm, LstmConfig

FAMILIES = {"lstm": (LstmConfig, Lstm)}
