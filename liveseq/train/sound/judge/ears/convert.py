"""Both ears as ONNX files, out of the packages that they were published in, without TensorFlow.

    pip download --no-deps basic-pitch==0.4.0 musicnn==0.1.0
    python -m liveseq.train.sound.judge.ears.convert *.whl

Writes basic-pitch.onnx, which its wheel holds, and musicnn.onnx beside this module. musicnn's weights are put into the
networks of `musicnn/models.py`, in torch.
"""

import argparse
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from liveseq.errors import ModelError
from liveseq.train.graph import write_graph
from liveseq.train.sound.judge.ears import notes, tags
from liveseq.train.sound.judge.ears.tags import N_FRAMES, N_MELS
from liveseq.train.sound.judge.ears.tensorflow_checkpoint import read_variables

NOTES = "basic_pitch/saved_models/icassp_2022/nmp.onnx"
CHECKPOINT = "musicnn/MTT_musicnn"
EPSILON = 1e-3
"""TensorFlow's of batch normalisation."""


class Weights:
    """Variables of the checkpoint as tensors, in the order in which TensorFlow numbers layers."""

    def __init__(self, variables: Mapping[str, np.ndarray]) -> None:
        self._variables = variables

    def convolution(self, number: int) -> tuple[Tensor, Tensor]:
        """Kernel (out, in, time, frequency) and bias (out,)."""
        name = _numbered("conv2d", number)
        return self._tensor(f"{name}/kernel").permute(3, 2, 0, 1).contiguous(), self._tensor(f"{name}/bias")

    def dense(self, number: int) -> tuple[Tensor, Tensor]:
        """Kernel (out, in) and bias (out,)."""
        name = _numbered("dense", number)
        return self._tensor(f"{name}/kernel").T.contiguous(), self._tensor(f"{name}/bias")

    def normalisation(self, number: int) -> tuple[Tensor, Tensor]:
        """Factor and offset (channels,) of a batch normalisation that has learned."""
        name = _numbered("batch_normalization", number)
        gamma, beta, mean, variance = (
            self._tensor(f"{name}/{part}") for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        factor = gamma / torch.sqrt(variance + EPSILON)
        return factor, beta - mean * factor

    def _tensor(self, name: str) -> Tensor:
        if name not in self._variables:
            raise ModelError(f"{CHECKPOINT}: expected a variable {name}; is it musicnn 0.1.0?")
        return torch.from_numpy(self._variables[name].copy())


class Layer(nn.Module):
    """Convolution, rectifier, normalisation: (B, in, T, F) -> (B, out, T, F')."""

    def __init__(self, weights: Weights, convolution: int, normalisation: int) -> None:
        super().__init__()
        kernel, bias = weights.convolution(convolution)
        factor, offset = weights.normalisation(normalisation)
        for name, value in (("kernel", kernel), ("bias", bias)):
            self.register_buffer(name, value)
        for name, value in (("factor", factor), ("offset", offset)):
            self.register_buffer(name, value[:, None, None])
        self.before = (kernel.shape[2] - 1) // 2
        self.after = kernel.shape[2] - 1 - self.before

    def forward(self, x: Tensor) -> Tensor:
        x = functional.pad(x, (0, 0, self.before, self.after))  # "same" over time, as TensorFlow pads
        return functional.relu(functional.conv2d(x, self.kernel, self.bias)) * self.factor + self.offset


class Musicnn(nn.Module):
    """Mel spectrogram (B, 187, 96) -> scores of the tags (B, 50)."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.scale, self.shift = (float(value) for value in weights.normalisation(0))
        self.timbre = nn.ModuleList(Layer(weights, n, n + 1) for n in (0, 1))
        self.rhythm = nn.ModuleList(Layer(weights, n, n + 1) for n in (2, 3, 4))
        self.middle = nn.ModuleList(Layer(weights, n, n + 1) for n in (5, 6, 7))
        factor, offset = weights.normalisation(9)
        hidden, hidden_bias = weights.dense(0)
        last_factor, last_offset = weights.normalisation(10)
        out, out_bias = weights.dense(1)
        for name, value in {
            "factor": factor,
            "offset": offset,
            "hidden": hidden,
            "hidden_bias": hidden_bias,
            "last_factor": last_factor,
            "last_offset": last_offset,
            "out": out,
            "out_bias": out_bias,
        }.items():
            self.register_buffer(name, value)

    def forward(self, mel: Tensor) -> Tensor:
        x = mel.unsqueeze(1) * self.scale + self.shift  # (B, 1, T, 96)
        front = torch.cat([layer(x).amax(dim=3) for layer in (*self.timbre, *self.rhythm)], dim=1)  # (B, 561, T)
        parts, passed = [front], front
        for number, layer in enumerate(self.middle):
            features = layer(passed.transpose(1, 2).unsqueeze(1)).squeeze(3)  # (B, 64, T)
            passed = features if number == 0 else features + passed
            parts.append(passed)
        whole = torch.cat(parts, dim=1)  # (B, 753, T)
        pooled = torch.stack((whole.amax(dim=2), whole.mean(dim=2)), dim=2).flatten(1)  # (B, 1506)
        pooled = pooled * self.factor + self.offset
        hidden = functional.relu(functional.linear(pooled, self.hidden, self.hidden_bias))
        return torch.sigmoid(functional.linear(hidden * self.last_factor + self.last_offset, self.out, self.out_bias))


def load_musicnn(wheel: Path) -> Musicnn:
    """The published network out of its wheel. Raises ModelError where it holds none."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with zipfile.ZipFile(wheel) as archive:
                for name in (".index", ".data-00000-of-00001"):
                    archive.extract(f"{CHECKPOINT}/{name}", folder)
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise ModelError(f"{wheel}: expected the wheel of basic-pitch or of musicnn 0.1.0: {error}") from None
        return Musicnn(Weights(read_variables(Path(folder) / CHECKPOINT))).eval()


def write_ear(wheel: Path, *, notes: Path = notes.GRAPH, tags: Path = tags.GRAPH) -> Path:
    """Writes the graph that this wheel has, at one of these paths; that path. Raises ModelError where it has none."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = archive.read(NOTES) if NOTES in archive.namelist() else None
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"{wheel}: expected the wheel of basic-pitch or of musicnn: {error}") from None
    if found is not None:
        notes.write_bytes(found)
        return notes
    write_graph(load_musicnn(wheel), tags, inputs={"mel": (1, N_FRAMES, N_MELS)}, outputs=("scores",))
    return tags


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", nargs="+", type=Path)
    for wheel in parser.parse_args().wheels:
        print(write_ear(wheel))


def _numbered(name: str, number: int) -> str:
    return name if number == 0 else f"{name}_{number}"


if __name__ == "__main__":
    main()
