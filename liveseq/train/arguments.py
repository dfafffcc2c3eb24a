"""Arguments and last lines that the commands of training share."""

import argparse
import contextlib
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from liveseq.errors import TrainingError

PRECISIONS = ("32", "bf16-mixed", "16-mixed")
Add = Callable[..., Any]
"""`add_argument` of a parser or of a group of one."""


def command_line() -> str:
    """The command as typed, without paths of this machine, and without --resume: a stopped run ends the same."""
    words = [Path(w).name if Path(w).is_absolute() else w for w in sys.argv[1:] if w != "--resume"]
    return shlex.join(["liveseq", *words])


def at_least(low: int) -> Callable[[str], int]:
    """Type of an argument that is a whole number from `low` on."""

    def whole_number(text: str) -> int:
        value = int(text)
        if value < low:
            raise argparse.ArgumentTypeError(f"must be at least {low}, got {value}")
        return value

    return whole_number


def share(text: str) -> float:
    """Type of an argument that is 0 or more and below 1."""
    value = float(text)
    if not 0.0 <= value < 1.0:
        raise argparse.ArgumentTypeError(f"must be 0 or more and below 1, got {text}")
    return value


def add_out(add: Add, out: Path) -> None:
    """--out, the folder of the model."""
    add("--out", type=Path, default=out, help=f"folder of the model ({out})")


def add_resume(add: Add) -> None:
    """--resume."""
    add("--resume", action="store_true", default=False, help="go on where a run that was stopped or killed ended")


def add_licence_and_wandb(add: Add) -> None:
    """--licence and --wandb."""
    add("--licence", default="that of the recordings", help="of the training data, for the manifest")
    add("--wandb", action="store_true", default=False, help="curves to Weights & Biases too, offline (WANDB_MODE)")


def add_devices(add: Add, *, precision: str) -> None:
    """--seed, and the device of a training. precision: the default, in words."""
    add("--seed", type=at_least(0), help="(1)")
    add("--accelerator", choices=("auto", "cpu", "cuda", "mps"), help="(auto)")
    add("--devices", type=at_least(1), help="GPUs, or processes on the CPU (1)")
    add("--precision", choices=PRECISIONS, help=f"({precision})")


def given(arguments: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    """Arguments of these names that stand on the command line; the others were suppressed."""
    return {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}


def name_for_commands(out: Path) -> str:
    """A model's folder as other commands take it: by name, where it lies in models/."""
    return out.name if out.parent.name == "models" else str(out)


@contextlib.contextmanager
def needs_train_extra(work: str) -> Iterator[None]:
    """Context in which a library that is missing is a TrainingError that says what to install. work: training ..."""
    try:
        yield
    except ImportError as error:
        raise TrainingError(f"{work} needs {error.name}; run: pip install 'liveseq[train]'") from error
