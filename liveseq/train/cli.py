"""`liveseq train predictor`. torch is imported when it runs, not when the command line is read."""

import argparse
import shlex
import sys
from pathlib import Path

from liveseq.errors import TrainingError


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("train", help="train a model (needs the train extra)")
    models = parser.add_subparsers(title="models", required=True, metavar="MODEL")
    predictor = models.add_parser(
        "predictor",
        help="learn how the sound of a corpus goes on",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = predictor.add_argument
    add("--corpus", type=Path, nargs="+", required=True, help="corpora, or folders of audio")
    add("--out", type=Path, required=True, help="folder of the model, such as models/my-predictor")
    add("--resume", action="store_true", help="go on where a run that was stopped or killed ended")
    add("--window", type=_at_least(2), default=48, help="steps (of 8 hops) learned from at a time")
    add("--hidden", type=_at_least(1), default=128, help="LSTM units per layer (Demiurge: 100 or 200)")
    add("--layers", type=_at_least(1), default=2, help="LSTM layers (Demiurge: 3)")
    add("--mixtures", type=_at_least(1), default=8, help="Gaussians per step")
    add("--memory", type=_at_least(1), default=16, help="steps that the linear part hears")
    add("--dropout", type=float, default=0.3, help="between layers and before the output, while training")
    add("--noise", type=float, default=0.3, help="on the input while training, in standard deviations")
    add("--epochs", type=_at_least(1), default=200, help="at most")
    add("--minutes", type=float, default=None, help="at most")
    add("--patience", type=_at_least(1), default=20, help="epochs without a better validation before it ends")
    add("--batch-size", type=_at_least(1), default=32)
    add("--learning-rate", type=float, default=1e-3)
    add("--held-out", type=float, default=0.2, help="share of the files of each tag to validate and to test on")
    add("--seed", type=_at_least(0), default=1)
    add("--sample-rate", type=int, default=None, help="Hz, for folders of audio; corpora have their own")
    add("--accelerator", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    add("--licence", default="that of the recordings", help="of the training data, for the manifest")
    predictor.set_defaults(run=train_predictor)


def train_predictor(arguments: argparse.Namespace) -> int:
    """Exit status 0; errors are LiveseqErrors."""
    try:
        from liveseq.train.data import N_FEATURES
        from liveseq.train.families.lstm import LstmConfig
        from liveseq.train.loop import TrainConfig, train
        from liveseq.train.reading import read_material
    except ImportError as error:
        raise TrainingError(f"training needs {error.name}; run: pip install 'liveseq[train]'") from error
    for name, high in (("dropout", 1.0), ("held_out", 1.0)):
        if not 0.0 <= getattr(arguments, name) < high:
            raise TrainingError(f"--{name.replace('_', '-')} must be 0 or more and below 1")
    material = read_material(arguments.corpus, sample_rate=arguments.sample_rate)
    for note in material.notes:
        print(note, file=sys.stderr)
    print(material.description)
    a = arguments
    train(
        material,
        a.out,
        model_config=LstmConfig(
            n_features=N_FEATURES,
            hidden=a.hidden,
            layers=a.layers,
            mixtures=a.mixtures,
            memory=a.memory,
            dropout=a.dropout,
            noise=a.noise,
        ),
        config=TrainConfig(
            window=a.window,
            batch_size=a.batch_size,
            learning_rate=a.learning_rate,
            epochs=a.epochs,
            minutes=a.minutes,
            patience=a.patience,
            held_out=a.held_out,
            seed=a.seed,
            accelerator=a.accelerator,
        ),
        licence=a.licence,
        command=_command(),
        resume=a.resume,
    )
    print(f"next: python export_onnx.py {a.out.name if a.out.parent.name == 'models' else a.out}")
    return 0


def _command() -> str:
    """As typed, without where this machine keeps things."""
    words = [Path(w).name if Path(w).is_absolute() else w for w in sys.argv[1:]]
    return shlex.join(["liveseq", *words])


def _at_least(low: int):  # noqa: ANN202 (argparse's own convention)
    def whole_number(text: str) -> int:
        value = int(text)
        if value < low:
            raise argparse.ArgumentTypeError(f"must be at least {low}, got {value}")
        return value

    return whole_number
