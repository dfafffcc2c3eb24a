"""Another text encoder than the shipped one: its words, in vectors of another size."""

import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from liveseq.runtime.folders import TEXT_ENCODER
from liveseq.runtime.manifest import Tensor
from liveseq.train.words.export import MODEL, OUTPUT, TEXT_AXES, TOKENIZER, static_graph
from tests.support.tiny_set import save_model

SHIPPED = Path(__file__).resolve().parents[2] / "models"


def make_other_encoder(folder: Path, *, size: int = 64, seed: int = 5) -> Path:
    """The shipped encoder's tokens, thrown onto `size` random directions: words that are near stay so, more or less."""
    shipped = onnx.load(SHIPPED / TEXT_ENCODER / MODEL).graph
    parts = {part.name: numpy_helper.to_array(part) for part in shipped.initializer}
    table = parts["table"].astype(np.float32) * parts["scale"]
    directions = np.random.default_rng(seed).standard_normal((table.shape[1], size)).astype(np.float32)
    folder.mkdir(parents=True)
    shutil.copy(SHIPPED / TEXT_ENCODER / TOKENIZER, folder / TOKENIZER)
    save_model(
        folder,
        static_graph(table @ directions).graph,
        role="text-encoder",
        inputs=tuple(Tensor(name=name, shape=TEXT_AXES, dtype="int64") for name in ("ids", "mask")),
        outputs=(Tensor(name=OUTPUT, shape=(TEXT_AXES[0], size), dtype="float32"),),
        settings={"threshold": 0.37},
    )
    return folder


def make_models(folder: Path, *, size: int = 64) -> Path:
    """All shipped models, beside another text encoder."""
    make_other_encoder(folder / TEXT_ENCODER, size=size)
    for model in SHIPPED.iterdir():
        if model.is_dir() and model.name != TEXT_ENCODER:
            (folder / model.name).symlink_to(model, target_is_directory=True)
    return folder
