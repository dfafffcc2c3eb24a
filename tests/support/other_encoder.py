"""Another text encoder than the shipped one: its words, in vectors of another size."""

import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from liveseq.runtime.folders import TEXT_ENCODER
from liveseq.runtime.manifest import Training
from liveseq.train.words.export import MODEL, TOKENIZER, _save_manifest, static_graph

SHIPPED = Path(__file__).resolve().parents[2] / "models"


def make_other_encoder(folder: Path, *, size: int = 64, seed: int = 5) -> Path:
    """The shipped encoder's tokens, thrown onto `size` random directions: words that are near stay so, more or less."""
    shipped = onnx.load(SHIPPED / TEXT_ENCODER / MODEL).graph
    parts = {part.name: numpy_helper.to_array(part) for part in shipped.initializer}
    table = parts["table"].astype(np.float32) * parts["scale"]
    directions = np.random.default_rng(seed).standard_normal((table.shape[1], size)).astype(np.float32)
    folder.mkdir(parents=True)
    onnx.save(static_graph(table @ directions), folder / MODEL)
    shutil.copy(SHIPPED / TEXT_ENCODER / TOKENIZER, folder / TOKENIZER)
    _save_manifest(
        folder,
        family="static",
        n_dimensions=size,
        settings={"threshold": 0.37},
        metrics={},
        training=Training(data="none", licence="MIT", command="none"),
    )
    return folder


def make_models(folder: Path, *, size: int = 64) -> Path:
    """All shipped models, beside another text encoder."""
    make_other_encoder(folder / TEXT_ENCODER, size=size)
    for model in SHIPPED.iterdir():
        if model.is_dir() and model.name != TEXT_ENCODER:
            (folder / model.name).symlink_to(model, target_is_directory=True)
    return folder
