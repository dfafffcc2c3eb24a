"""Checkpoints of the published MelGAN code: state dicts of netG.pt and best_netG.pt, read into `MelGan`.

Their layers are numbered through (`model.3.weight_g`); a file is read as tensors only, never as a program.
"""

import dataclasses
import math
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from liveseq.dsp import mel
from liveseq.errors import ModelError, one_line
from liveseq.train.sound.vocoders.melgan.family import PUBLISHED_TRAINING
from liveseq.train.sound.vocoders.melgan.networks import MelGan, MelGanConfig

_RESIDUAL_PARTS = {"block.2": "dilated", "block.4": "pointwise", "shortcut": "shortcut"}
_WEIGHTS = {
    "weight_g": "parametrizations.weight.original0",
    "weight_v": "parametrizations.weight.original1",
    "bias": "bias",
}


def read_checkpoint(path: Path) -> MelGan:
    """The network of a file that the published training saved. Sizes are found in the tensors themselves.

    Raises ModelError where the file holds something else.
    """
    tensors = _tensors(path)
    config = _config(tensors, path)
    net = MelGan(config)
    expected = layout(config)
    _check(tensors, {theirs: net.state_dict()[ours].shape for theirs, ours in expected.items()}, path)
    net.load_state_dict({ours: tensors[theirs] for theirs, ours in expected.items()})
    return net


def settings(config: MelGanConfig, *, sample_rate: int) -> dict[str, Any]:
    """`model` of config.yaml for such a network. Its mel frames are MelGAN's, at this rate in Hz.

    Raises ModelError where its hop length is not that of those frames.
    """
    front_end = dataclasses.replace(mel.PRESETS["demiurge"], sample_rate=sample_rate, f_max=sample_rate / 2)
    found = math.prod(config.ratios)
    if (found, config.n_mels) != (front_end.hop_length, front_end.n_mels):
        raise ModelError(
            f"expected MelGAN's mel frames ({front_end.n_mels} bands, hop {front_end.hop_length}), "
            f"found {config.n_mels} bands, hop {found}; other front ends cannot be told from a checkpoint"
        )
    sizes = {name: list(v) if isinstance(v, tuple) else v for name, v in vars(config).items() if name != "n_mels"}
    return {"net": "published", "front_end": front_end.as_dict(), "sizes": sizes, **PUBLISHED_TRAINING}


def layout(config: MelGanConfig) -> dict[str, str]:
    """Names of tensors: theirs -> ours."""
    modules = {"model.1": "first"}
    place = 2
    for stage in range(len(config.ratios)):
        place += 1  # leaky ReLU
        if stage == 0 and config.recurrent:
            place += 1
        modules[f"model.{place}"] = f"ups.{stage}"
        for block in range(config.n_residuals):
            place += 1
            for theirs, ours in _RESIDUAL_PARTS.items():
                modules[f"model.{place}.{theirs}"] = f"residuals.{stage}.{block}.{ours}"
        place += 1
    modules[f"model.{place + 2}"] = "last"  # after another leaky ReLU and padding
    names = {f"{m}.{key}": f"{own}.{ours}" for m, own in modules.items() for key, ours in _WEIGHTS.items()}
    if config.recurrent:
        gru = MelGan(config).memory
        assert gru is not None
        names |= {f"model.3.rec.{key}": f"memory.gru.{key}" for key in gru.gru.state_dict()}
    return names


def _tensors(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ModelError(f"{path}: no such file; give the netG.pt or best_netG.pt of a MelGAN training")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        why = one_line(error, most=160)
        raise ModelError(f"{path}: expected tensors alone, as torch saves a state dict; found: {why}") from error
    if not isinstance(found, dict) or not all(isinstance(t, Tensor) for t in found.values()):
        raise ModelError(f"{path}: expected a state dict (names and tensors), found {type(found).__name__} of others")
    return {name.removeprefix("module."): t.float() for name, t in found.items()}  # module: from several devices


def _config(tensors: dict[str, Tensor], path: Path) -> MelGanConfig:
    """Sizes from shapes: v of a convolution is (out, in, width), of a transposed one (in, out, 2 * ratio)."""
    recurrent = any(name.startswith("model.3.rec.") for name in tensors)
    try:
        first = tensors["model.1.weight_v"]
        ups = _ups(tensors)
        ratios = tuple(int(v.shape[2]) // 2 for v in ups)
        n_blocks = len({name.split(".")[1] for name in tensors if ".shortcut." in name})
        return MelGanConfig(
            n_mels=int(first.shape[1]),
            base=int(first.shape[0]) // 2 ** len(ratios),
            ratios=ratios,
            n_residuals=n_blocks // len(ratios),
            recurrent=recurrent,
        )
    except (KeyError, IndexError, ZeroDivisionError) as error:
        some = ", ".join(sorted(tensors)[:3]) or "nothing"
        raise ModelError(
            f"{path}: expected the generator of the published MelGAN (model.1.weight_v ...), found {some} ...; "
            "a discriminator (netD.pt) cannot be imported"
        ) from error


def _ups(tensors: dict[str, Tensor]) -> list[Tensor]:
    """Weights of the transposed convolutions, in order: all numbered layers but the first and the last."""
    numbered = {int(n.split(".")[1]): t for n, t in tensors.items() if n.count(".") == 2 and n.endswith(".weight_v")}
    return [numbered[place] for place in sorted(numbered)[1:-1]]


def _check(tensors: dict[str, Tensor], expected: dict[str, torch.Size], path: Path) -> None:
    for name, shape in expected.items():
        if name not in tensors:
            raise ModelError(f"{path}: expected tensor {name} {list(shape)}, found none of that name; the file is cut")
        if tensors[name].shape != shape:
            raise ModelError(f"{path}: {name}: expected shape {list(shape)}, found {list(tensors[name].shape)}")
    more = sorted(tensors.keys() - expected.keys())
    if more:
        raise ModelError(f"{path}: expected a MelGAN generator and no more, found {', '.join(more[:3])} too")
