"""`liveseq import-melgan`: a checkpoint of the published MelGAN as a model folder. torch is imported when it runs."""

import argparse
from pathlib import Path

from liveseq.errors import ModelError
from liveseq.train.arguments import needs_train_extra


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "import-melgan",
        help="a published MelGAN checkpoint as a vocoder",
        description="netG.pt or best_netG.pt of a MelGAN training, with or without the recurrent layer. "
        "The file is read as tensors alone; sizes are found in it.",
    )
    parser.add_argument("path", type=Path, help="the generator's state dict")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model, such as models/my-melgan")
    parser.add_argument(
        "--sample-rate", type=int, required=True, help="Hz it was trained at: 22050 as published, 44100 in Demiurge"
    )
    parser.add_argument("--licence", default="that of its authors", help="of the weights, for the manifest")
    parser.set_defaults(run=import_melgan)


def import_melgan(arguments: argparse.Namespace) -> int:
    """Exit status 0, or 1 where it misses its deadline here; errors are LiveseqErrors."""
    with needs_train_extra("importing"):
        from liveseq.train import checkpoint
        from liveseq.train.report import format_reports
        from liveseq.train.sound.export import export_sound
        from liveseq.train.sound.vocoders.melgan.layout import read_checkpoint, settings
    a = arguments
    if (a.out / checkpoint.CONFIG).exists():
        raise ModelError(f"{a.out}: holds a model already; choose another --out")
    net = read_checkpoint(a.path)
    model = settings(net.config, sample_rate=a.sample_rate)
    about = {
        "family": "melgan",
        "sample_rate": a.sample_rate,
        "model": model,
        "tags": [],
        "training": {
            "data": f"imported from {a.path.name}",
            "licence": a.licence,
            "command": f"liveseq import-melgan {a.path.name} --sample-rate {a.sample_rate}",
        },
    }
    a.out.mkdir(parents=True, exist_ok=True)
    tensors = {f"generator.net.{name}": tensor for name, tensor in net.state_dict().items()}
    checkpoint.save_tensors(a.out / checkpoint.CHECKPOINT, tensors, about={})
    checkpoint.save_yaml(a.out / checkpoint.CONFIG, about)
    report = export_sound(a.out)
    print(format_reports([report]))
    return int(bool(report.failures))
