"""Predictor families by the name in config.yaml: a config dataclass and a network."""

from liveseq.train.predictors.families.base import Family, FamilyConfig
from liveseq.train.predictors.families.best import Best, BestConfig
from liveseq.train.predictors.families.lstm import Lstm, LstmConfig
from liveseq.train.predictors.families.seq2seq import Seq2Seq, Seq2SeqConfig
from liveseq.train.predictors.families.transformer import (
    Transformer,
    TransformerConfig,
    TransformerEncoder,
    TransformerEncoderConfig,
)

FAMILIES: dict[str, tuple[type[FamilyConfig], type[Family]]] = {
    "lstm": (LstmConfig, Lstm),
    "lstm-seq2seq": (Seq2SeqConfig, Seq2Seq),
    "transformer-encoder": (TransformerEncoderConfig, TransformerEncoder),
    "transformer": (TransformerConfig, Transformer),
    "best": (BestConfig, Best),
}
