"""`liveseq train vocoder|melgan|unagan|musika`. torch is imported when it runs, not when the command line is read."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from liveseq.errors import TrainingError
from liveseq.train.arguments import at_least, command_line
from liveseq.train.devices import is_first
from liveseq.train.sound.families import FAMILIES

PRECISIONS = ("32", "bf16-mixed", "16-mixed")
_GIVEN = ("steps", "minutes", "seed", "accelerator", "devices", "precision")


def add_commands(models: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    for name, family in FAMILIES.items():
        parser = models.add_parser(
            name,
            help=f"learn {family.help}",
            description=f"{name}: {family.help}. What is not given is the preset's.",
            argument_default=argparse.SUPPRESS,
        )
        out = Path(f"models/my-{name}")
        _add_what(parser.add_argument_group("what is learned from, and where it goes").add_argument, out=out)
        if family.vocoder:
            parser.add_argument("--vocoder", type=Path, default=Path("models/vocoder"), help="(models/vocoder)")
        _add_training(parser.add_argument_group("the training").add_argument)
        parser.set_defaults(run=train_sound_model, family=name)


def _add_what(add: Callable[..., Any], *, out: Path) -> None:
    add("--data", type=Path, nargs="+", required=True, metavar="PATH", help="folders of audio, and corpora")
    add("--tags-from", default=None, metavar="folder|prefix|FILE.csv", help="of folders of audio (see corpus build)")
    add("--more", type=Path, nargs="+", default=[], metavar="PATH", help="corpora, of which none is held out")
    add("--out", type=Path, default=out, help=f"folder of the model ({out})")
    add("--preset", default="small", help="small: 2 CPU cores and an hour; full: a GPU; and the family's own (small)")
    add("--resume", action="store_true", default=False, help="go on where a run that was stopped or killed ended")
    add("--licence", default="that of the recordings", help="of the training data, for the manifest")
    add("--wandb", action="store_true", default=False, help="curves to Weights & Biases too, offline (WANDB_MODE)")


def _add_training(add: Callable[..., Any]) -> None:
    add("--minutes", type=float, help="at most (as long as the batches take)")
    add("--steps", type=at_least(1), help="batches, at most")
    add("--seed", type=at_least(0), help="(1)")
    add("--accelerator", choices=("auto", "cpu", "cuda", "mps"), help="(auto)")
    add("--devices", type=at_least(1), help="GPUs, or processes on the CPU (1)")
    add("--precision", choices=PRECISIONS, help="(the preset's)")


def train_sound_model(arguments: argparse.Namespace) -> int:
    """Exit status 0; errors are LiveseqErrors."""
    try:
        from liveseq.train import checkpoint
        from liveseq.train.sound.ending import next_steps, verdict
        from liveseq.train.sound.training import Order, train
    except ImportError as error:
        raise TrainingError(f"training needs {error.name}; run: pip install 'liveseq[train]'") from error
    a = arguments
    tags_from = a.tags_from if a.tags_from in (None, "folder", "prefix") else Path(a.tags_from)
    metrics = train(
        Order(
            family=a.family,
            data=a.data,
            more=a.more,
            tags_from=tags_from,
            out=a.out,
            preset=a.preset,
            given={name: getattr(a, name) for name in _GIVEN if hasattr(a, name)},
            vocoder=getattr(a, "vocoder", None),
            licence=a.licence,
            command=command_line(),
            resume=a.resume,
            wandb=a.wandb,
        )
    )
    if is_first():
        print(yaml.safe_dump(metrics, sort_keys=False), end="")
        if told := verdict(a.family, metrics):
            print(told)
        model = a.out.name if a.out.parent.name == "models" else str(a.out)
        tags = checkpoint.load_yaml(a.out / checkpoint.CONFIG)["tags"]
        print(next_steps(a.family, metrics, model=model, tags=tags, data=None if tags_from else a.data))
    return 0
