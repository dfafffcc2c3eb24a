"""Registry of the families of predictors, by the name that --model and config.yaml know them by.

To add one: a module with its network and config, and an entry here. torch is imported when a network is asked for, not
when a command line is read.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from liveseq.train.predictors.families.base import Network


def _lstm() -> "type[Network]":
    from liveseq.train.predictors.families.lstm import Lstm

    return Lstm


def _seq2seq() -> "type[Network]":
    from liveseq.train.predictors.families.seq2seq import Seq2Seq

    return Seq2Seq


def _transformer_encoder() -> "type[Network]":
    from liveseq.train.predictors.families.transformer import TransformerEncoder

    return TransformerEncoder


def _transformer() -> "type[Network]":
    from liveseq.train.predictors.families.transformer import Transformer

    return Transformer


def _best() -> "type[Network]":
    from liveseq.train.predictors.families.best import Best

    return Best


FAMILIES: dict[str, Callable[[], "type[Network]"]] = {
    "lstm": _lstm,
    "lstm-seq2seq": _seq2seq,
    "transformer-encoder": _transformer_encoder,
    "transformer": _transformer,
    "best": _best,
}
