"""`liveseq train vocoder|melgan|unagan|musika|notes|vae`. torch is imported when it runs, not when a line is read."""

import argparse
from pathlib import Path

import yaml

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
)
from liveseq.train.devices import is_first
from liveseq.train.sound.families import FAMILIES

_GIVEN = ("steps", "minutes", "seed", "accelerator", "devices", "precision")


def add_commands(models: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add a command for each family."""
    for name, family in FAMILIES.items():
        parser = models.add_parser(
            name,
            help=f"learn {family.help}",
            description=f"{name}: {family.help}. What is not given is the preset's.",
            argument_default=argparse.SUPPRESS,
        )
        out = Path(f"models/my-{name}")
        _add_data(parser.add_argument_group("what is learned from, and where it goes").add_argument, out=out)
        if family.vocoder:
            parser.add_argument("--vocoder", type=Path, default=Path("models/vocoder"), help="(models/vocoder)")
        _add_training(parser.add_argument_group("the training").add_argument)
        parser.set_defaults(run=run_training, family=name)


def _add_data(add: Add, *, out: Path) -> None:
    add("--data", type=Path, nargs="+", required=True, metavar="PATH", help="folders of audio, and corpora")
    add("--tags-from", default=None, metavar="folder|prefix|FILE.csv", help="of folders of audio (see corpus build)")
    add("--more", type=Path, nargs="+", default=[], metavar="PATH", help="corpora, of which none is held out")
    add_out(add, out)
    add(
        "--preset",
        default=None,
        help="small: 2 CPU cores and an hour; full: a GPU; and the family's own (--from's, or small)",
    )
    add("--from", type=Path, default=None, dest="begin_from", metavar="FOLDER", help="a trained one to begin with")
    add_resume(add)
    add_licence_and_wandb(add)


def _add_training(add: Add) -> None:
    add("--minutes", type=float, help="at most (as long as the batches take)")
    add("--steps", type=at_least(1), help="batches, at most")
    add_devices(add, precision="the preset's")


def run_training(arguments: argparse.Namespace) -> int:
    """Train a sound model. Exit status 0; errors are LiveseqErrors."""
    with needs_train_extra("training"):
        from liveseq.train import checkpoint
        from liveseq.train.sound.summary import next_steps, verdict_on
        from liveseq.train.sound.training import Order, train_sound
    a = arguments
    tags_from = a.tags_from if a.tags_from in (None, "folder", "prefix") else Path(a.tags_from)
    metrics = train_sound(
        Order(
            family=a.family,
            data=a.data,
            more=a.more,
            tags_from=tags_from,
            out=a.out,
            preset=a.preset,
            given=given(a, _GIVEN),
            vocoder=getattr(a, "vocoder", None),
            licence=a.licence,
            command=command_line(),
            resume=a.resume,
            begin_from=a.begin_from,
            wandb=a.wandb,
        )
    )
    if is_first():
        print(yaml.safe_dump(metrics, sort_keys=False), end="")
        if verdict := verdict_on(a.family, metrics):
            print(verdict)
        tags = checkpoint.load_yaml(a.out / checkpoint.CONFIG)["tags"]
        data = None if tags_from else a.data
        print(next_steps(a.family, metrics, model=name_for_commands(a.out), tags=tags, data=data))
    return 0
