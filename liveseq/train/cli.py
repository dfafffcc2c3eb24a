"""`liveseq train`: the models of all workshops. torch is imported when it runs, not when the command line is read."""

import argparse

from liveseq.train.predictors import cli as predictors
from liveseq.train.sound import cli as sound


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `train` with a command for each kind of model."""
    parser = commands.add_parser("train", help="train a model (needs the train extra)")
    models = parser.add_subparsers(title="models", required=True, metavar="MODEL")
    predictors.add_commands(models)
    sound.add_commands(models)
