"""`liveseq train predictor`. torch is imported when it runs, not when the command line is read."""

import argparse
import dataclasses
from pathlib import Path

from liveseq.train.arguments import (
    Add,
    add_devices,
    add_licence_and_wandb,
    add_out,
    add_resume,
    at_least,
    command_line,
    given,
    name_for_commands,
    needs_train_extra,
    share,
)
from liveseq.train.devices import is_first
from liveseq.train.predictors.config import PredictorTrainConfig
from liveseq.train.predictors.families import FAMILIES


def add_commands(models: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = models.add_parser(
        "predictor",
        help="learn how the sound of a corpus goes on",
        description="What is not given is the model's own default, or the preset's.",
        argument_default=argparse.SUPPRESS,
    )
    _add_data(parser.add_argument_group("what is learned from, and where it goes").add_argument)
    _add_network(parser.add_argument_group("the network").add_argument)
    _add_training(parser.add_argument_group("the training").add_argument)
    parser.set_defaults(run=run_training)


def _add_data(add: Add) -> None:
    add("--corpus", type=Path, nargs="+", required=True, help="corpora, folders of audio, or Demiurge's JSON")
    add_out(add, Path("models/my-predictor"))
    add_resume(add)
    add("--sample-rate", type=int, default=None, help="Hz, for folders of audio (48000); corpora have their own")
    add_licence_and_wandb(add)


def _add_network(add: Add) -> None:
    add("--model", choices=tuple(FAMILIES), default="best", help="family (best)")
    add("--preset", default=None, help="settings by name: demiurge")
    add("--hidden", type=at_least(1), help="LSTM units per layer (128, best: 96; Demiurge: 100 or 200)")
    add("--layers", type=at_least(1), help="layers (2, best and lstm-seq2seq: 1; Demiurge: 3)")
    add("--mixtures", type=at_least(1), help="courses of the mixture (8)")
    add("--memory", type=at_least(1), help="steps that the linear part hears (16)")
    add("--positional", type=at_least(2), help="numbers of the positional code (26)")
    add("--heads", type=at_least(1), help="of attention (5)")
    add("--feed-forward", type=at_least(1), help="width inside a transformer's layer (128)")
    add("--context", type=at_least(2), help="steps that a transformer attends to (62), or that best searches (48)")
    add("--forecast", type=at_least(1), help="steps told at once (8), for lstm-seq2seq and transformer")
    add("--dropout", type=share, help="between layers and before the output, while training")
    add("--noise", type=float, help="on the input while training, in standard deviations")


def _add_training(add: Add) -> None:
    add("--window", type=at_least(2), help="steps (of 8 hops) learned from at a time (48)")
    add("--rollout", type=at_least(0), help="steps of its own that it hears before its answers count (0: none)")
    add("--average", type=share, help="share of the old in the running average of the weights (0.99)")
    add("--epochs", type=at_least(1), help="at most (200)")
    add("--minutes", type=float, help="at most (as long as it takes)")
    add("--patience", type=at_least(1), help="epochs without a better validation before it ends (20)")
    add("--batch-size", type=at_least(1), help="crops at a time on each device (32)")
    add("--learning-rate", type=float, help="(0.002)")
    add("--weight-decay", type=float, help="(0.01)")
    add("--held-out", type=share, help="share of the files of each tag to validate and to test on (0.2)")
    add_devices(add, precision="32")


def run_training(arguments: argparse.Namespace) -> int:
    """Train a predictor. Exit status 0; errors are LiveseqErrors."""
    with needs_train_extra("training"):
        from liveseq.train.predictors import presets
        from liveseq.train.predictors.loop import train_predictor
        from liveseq.train.predictors.material import N_FEATURES
        from liveseq.train.predictors.reading import read_material
        from liveseq.train.recordings import announce
        from liveseq.train.tags import begin_table
    a = arguments
    settings = presets.settings_of(a.model, a.preset)
    model = settings["model"] | given(a, presets.network_settings())
    network_config = presets.network_config(a.model, model, n_features=N_FEATURES)
    names = (field.name for field in dataclasses.fields(PredictorTrainConfig))
    config = PredictorTrainConfig(**(settings["train"] | given(a, names)))
    material = read_material(a.corpus, sample_rate=a.sample_rate)
    announce(material)
    table = None
    if network_config.tag_size:
        table = begin_table({r.group for r in material.recordings} - {""}, a.out, resume=a.resume)
        network_config = dataclasses.replace(network_config, tag_size=table.vectors.shape[1])
    train_predictor(
        material,
        a.out,
        family=a.model,
        network_config=network_config,
        config=config,
        table=table,
        licence=a.licence,
        command=command_line(),
        resume=a.resume,
        wandb=a.wandb,
    )
    if is_first():
        print(f"next: python export_onnx.py {name_for_commands(a.out)}")
    return 0
