"""`liveseq train`: predictors here, sound models in `sound.cli`.

torch is imported when it runs, not when the command line is read.
"""

import argparse
import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from liveseq.errors import TrainingError
from liveseq.train.arguments import at_least, command_line, share
from liveseq.train.devices import is_first
from liveseq.train.sound import cli as sound

MODELS = ("lstm", "lstm-seq2seq", "transformer-encoder", "transformer", "best")
PRECISIONS = ("32", "bf16-mixed", "16-mixed")
TEXT_ENCODER = Path(__file__).resolve().parents[2] / "models" / "text-encoder"
_MODEL_FLAGS = (
    "hidden",
    "layers",
    "mixtures",
    "memory",
    "positional",
    "heads",
    "feed_forward",
    "context",
    "forecast",
    "dropout",
    "noise",
)
_TRAIN_FLAGS = (
    "window",
    "batch_size",
    "learning_rate",
    "weight_decay",
    "average",
    "rollout",
    "epochs",
    "minutes",
    "patience",
    "held_out",
    "seed",
    "accelerator",
    "devices",
    "precision",
)


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("train", help="train a model (needs the train extra)")
    models = parser.add_subparsers(title="models", required=True, metavar="MODEL")
    predictor = models.add_parser(
        "predictor",
        help="learn how the sound of a corpus goes on",
        description="What is not given is the model's own default, or the preset's.",
        argument_default=argparse.SUPPRESS,
    )
    _add_what(predictor.add_argument_group("what is learned from, and where it goes").add_argument)
    _add_network(predictor.add_argument_group("the network").add_argument)
    _add_training(predictor.add_argument_group("the training").add_argument)
    predictor.set_defaults(run=train_predictor)
    sound.add_commands(models)


def _add_what(add: Callable[..., Any]) -> None:
    add("--corpus", type=Path, nargs="+", required=True, help="corpora, folders of audio, or Demiurge's JSON")
    add("--out", type=Path, default=Path("models/my-predictor"), help="folder of the model (models/my-predictor)")
    add("--resume", action="store_true", default=False, help="go on where a run that was stopped or killed ended")
    add("--sample-rate", type=int, default=None, help="Hz, for folders of audio (48000); corpora have their own")
    add("--licence", default="that of the recordings", help="of the training data, for the manifest")
    add("--wandb", action="store_true", default=False, help="curves to Weights & Biases too, offline (WANDB_MODE)")


def _add_network(add: Callable[..., Any]) -> None:
    add("--model", choices=MODELS, default="best", help="family (best)")
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


def _add_training(add: Callable[..., Any]) -> None:
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
    add("--seed", type=at_least(0), help="(1)")
    add("--accelerator", choices=("auto", "cpu", "cuda", "mps"), help="(auto)")
    add("--devices", type=at_least(1), help="GPUs, or processes on the CPU (1)")
    add("--precision", choices=PRECISIONS, help="(32)")


def train_predictor(arguments: argparse.Namespace) -> int:
    """Exit status 0; errors are LiveseqErrors."""
    try:
        from liveseq.train.predictors import presets
        from liveseq.train.predictors.conditions import tag_vectors
        from liveseq.train.predictors.data import N_FEATURES
        from liveseq.train.predictors.loop import TrainConfig, train
        from liveseq.train.predictors.reading import read_material
    except ImportError as error:
        raise TrainingError(f"training needs {error.name}; run: pip install 'liveseq[train]'") from error
    a = arguments
    settings = presets.settings_of(a.model, a.preset)
    model_config = presets.model_config(a.model, settings["model"] | _given(a, _MODEL_FLAGS), n_features=N_FEATURES)
    config = TrainConfig(**(settings["train"] | _given(a, _TRAIN_FLAGS)))
    material = read_material(a.corpus, sample_rate=a.sample_rate)
    if is_first():
        print(*material.notes, sep="\n", end="\n" if material.notes else "", file=sys.stderr)
        print(material.description)
    tags = {}
    if model_config.tag_size:
        encoder = _text_encoder()
        model_config = dataclasses.replace(model_config, tag_size=encoder.n_dimensions)
        tags = tag_vectors((recording.group for recording in material.recordings), encoder)
    train(
        material,
        a.out,
        family=a.model,
        model_config=model_config,
        config=config,
        tags=tags,
        licence=a.licence,
        command=command_line(),
        resume=a.resume,
        wandb=a.wandb,
    )
    if is_first():
        print(f"next: python export_onnx.py {a.out.name if a.out.parent.name == 'models' else a.out}")
    return 0


def _given(arguments: argparse.Namespace, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}


def _text_encoder():  # noqa: ANN202 (imported where it is needed)
    from liveseq.runtime.text import TextEncoder

    return TextEncoder(TEXT_ENCODER)
