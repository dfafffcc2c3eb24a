"""Training of a predictor, from its material to its metrics."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.errors import TrainingError
from liveseq.runtime.tag_table import TagTable
from liveseq.train import checkpoint
from liveseq.train.curves import require_wandb
from liveseq.train.devices import launch
from liveseq.train.predictors import linear
from liveseq.train.predictors.config import FREE_TO_CHANGE, PredictorTrainConfig
from liveseq.train.predictors.evaluate import evaluate, format_table
from liveseq.train.predictors.families import FAMILIES
from liveseq.train.predictors.families.base import Network, NetworkConfig
from liveseq.train.predictors.material import HOPS_PER_STEP, Material, Split, split_by_file, statistics, steps
from liveseq.train.predictors.run import PredictorRun
from liveseq.train.predictors.saved import load_network
from liveseq.train.tags import save_table


def train_predictor(
    material: Material,
    out: Path,
    *,
    family: str,
    network_config: NetworkConfig,
    config: PredictorTrainConfig,
    table: TagTable | None = None,
    licence: str,
    command: str,
    resume: bool = False,
    wandb: bool = False,
) -> dict[str, Any]:
    """Train, keep the best epoch, measure it on the test files. Returns the metrics; everything is in `out` afterwards.

    table: the recordings' groups with their vectors, for a network with conditions. On several devices each process
    runs this; the first one writes, and the others return {}. Raises TrainingError.
    """
    about = {
        "family": family,
        "model": dataclasses.asdict(network_config),
        "train": dataclasses.asdict(config),
        "sample_rate": material.sample_rate,
        "hop_length": material.hop_length,
        "samples_per_step": HOPS_PER_STEP * material.hop_length,
        "features": list(FEATURE_NAMES),
        "training": {"data": material.description, "licence": licence, "command": command},
        "fingerprint": material.fingerprint,
    }
    if wandb:
        require_wandb()
    if resume:
        about, config = _resumed(out, about, config)
        table = _fitting(table, about["model"].get("tag_size", 0), out=out)
    elif (out / checkpoint.CONFIG).exists():
        raise TrainingError(f"{out}: holds a trained model already; continue it with --resume, or choose another --out")
    tags = {} if table is None else {"": np.zeros(table.vectors.shape[1], dtype=np.float32)} | table.by_name()
    split = split_by_file(material, seed=config.seed, fraction=config.held_out, window=config.window)
    torch.manual_seed(config.seed)
    model = _new_network(about, split)
    fabric = launch(accelerator=config.accelerator, devices=config.devices, precision=config.precision)
    if fabric.is_global_zero:
        out.mkdir(parents=True, exist_ok=True)
        checkpoint.save_yaml(out / checkpoint.CONFIG, about)
        if table is not None:
            save_table(table, out)
    fabric.barrier()
    run = PredictorRun(model, config, fabric=fabric, out=out, split=split, tags=tags)
    if resume and (out / checkpoint.RESUME).exists():
        run.restore()
    run.fit(wandb=wandb, about=about)
    fabric.barrier()
    if not fabric.is_global_zero:
        return {}

    best, _ = load_network(out)
    metrics = evaluate(
        best, train=split.train, valid=split.valid, test=split.test, seed=config.seed, tags=tags, name=about["family"]
    )
    metrics |= {"parameters": best.n_parameters(), "best_epoch": run.best_epoch, "epochs": run.epoch}
    checkpoint.save_yaml(out / checkpoint.METRICS, metrics)
    print(format_table(metrics))
    return metrics


def _fitting(table: TagTable | None, size: int, *, out: Path) -> TagTable | None:
    """The table of a network that takes tags of `size` numbers; None where it takes none.

    Raises TrainingError where its own was not kept, and the text encoder has been exchanged.
    """
    if table is not None and size and table.vectors.shape[1] != size:
        raise TrainingError(
            f"{out}: began with tags of {size} numbers, but the text encoder gives {table.vectors.shape[1]}; put the "
            "one back that it began with, or choose another --out"
        )
    return table if size else None


def _new_network(about: dict[str, Any], split: Split) -> Network:
    network = FAMILIES[about["family"]]()
    mean, deviation = statistics(split.train)
    model = network(network.config_type(**about["model"]), mean=mean, deviation=deviation)
    sequences = [
        (steps(r.frames[offset:]) - mean) / deviation for r in split.train for offset in (0, HOPS_PER_STEP // 2)
    ]
    c = model.config
    model.begin_from(linear.fit(sequences, memory=c.memory, forecast=c.forecast, noise=c.noise))
    return model


def _resumed(
    out: Path, about: dict[str, Any], config: PredictorTrainConfig
) -> tuple[dict[str, Any], PredictorTrainConfig]:
    """Settings that the run began with; only FREE_TO_CHANGE can be new ones."""
    path = out / checkpoint.CONFIG
    saved = checkpoint.load_yaml(path)
    new = {name: getattr(config, name) for name in FREE_TO_CHANGE}
    try:
        train_config = dataclasses.replace(PredictorTrainConfig(**saved["train"]), **new)
        FAMILIES[saved["family"]]().config_type(**saved["model"])
        same = saved["fingerprint"] == about["fingerprint"]
    except (KeyError, TypeError) as error:
        raise TrainingError(f"{path}: not the config of a training: {error}") from error
    if not same:
        raise TrainingError(
            f"{out}: began on other recordings ({saved['training']['data']}); held-out files could be learned from: "
            "choose another --out"
        )
    return saved | {"train": dataclasses.asdict(train_config)}, train_config
