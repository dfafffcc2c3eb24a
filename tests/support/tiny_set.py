"""A corpus of a few seconds and models of a few nodes, made on the spot: the real loading path without trained weights.

They are called predictor and text-encoder, and a server that is started in their folder finds them by these names.
"""

from pathlib import Path

import numpy as np
import onnx
import tokenizers
from onnx import TensorProto, helper, numpy_helper

from liveseq.corpus.segmentation import fixed
from liveseq.corpus.store import Corpus, NewSource
from liveseq.corpus.units import FEATURE_NAMES
from liveseq.dsp.descriptors import describe
from liveseq.runtime.manifest import Manifest, StateTensor, Tensor, Training, sha256_of
from tests.support.slow_nodes import Nodes

SAMPLE_RATE = 48_000
TAGS = {"drone": 110.0, "bells": 880.0, "hum": 220.0}
"""Tag -> frequency of its sound in Hz."""


def make_set(folder: Path) -> Path:
    """Returns the corpus; beside it lie the models."""
    make_predictor(folder / "predictor")
    _make_text_encoder(folder / "text-encoder")
    return make_corpus(folder / "tiny.corpus")


def make_corpus(path: Path, *, seconds: float = 6.0) -> Path:
    n_samples = int(seconds * SAMPLE_RATE)
    time = np.arange(n_samples) / SAMPLE_RATE
    with Corpus.create(path, sample_rate=SAMPLE_RATE) as corpus:
        for tag, frequency in TAGS.items():
            y = 0.2 * np.sin(2 * np.pi * frequency * time) * (1.0 + 0.3 * np.sin(2 * np.pi * 1.3 * time))
            audio = np.repeat(y[:, None], 2, axis=1).astype(np.float32)
            frames = describe(audio[:, 0].copy(), sample_rate=SAMPLE_RATE)
            bounds = fixed(n_samples, hop_length=1024)
            corpus.add(NewSource(name=f"{tag}.wav", audio=audio, frames=frames, bounds=bounds, tags=(tag,)))
    return path


def save_model(folder: Path, graph: onnx.GraphProto, **fields: object) -> None:
    path = folder / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    files = {one.name: sha256_of(one) for one in folder.iterdir()}
    training = Training(data="none", licence="MIT", command="none")
    Manifest(family="tiny", model="model.onnx", training=training, files=files, **fields).save(folder)


def make_predictor(folder: Path, *, spread: float = 0.3, slow: Nodes = ([], {})) -> None:
    """Expects what it has heard, give or take `spread`. Its state counts steps. slow: nodes that it waits for."""
    folder.mkdir()
    n = len(FEATURE_NAMES)
    value = helper.make_tensor_value_info
    constants = {
        "shape": np.array([1, 1, n], np.int64),
        "zero": np.zeros(1, np.float32),
        "one": np.ones(1, np.float32),
        "spread": np.full((1, 1, n), spread, np.float32),
        **slow[1],
    }
    nodes = [
        helper.make_node("Reshape", ["features", "shape"], ["means"]),
        helper.make_node("Identity", ["zero"], ["logits"]),
        helper.make_node("Identity", ["spread"], ["scales"]),
        *slow[0],
        helper.make_node("Add", ["state", "waited" if slow[0] else "zero"], ["then"]),
        helper.make_node("Add", ["then", "one"], ["state_next"]),
    ]
    outputs = {"logits": (1,), "means": (1, 1, n), "scales": (1, 1, n)}
    graph = helper.make_graph(
        nodes,
        "predictor",
        [value("features", TensorProto.FLOAT, [n]), value("state", TensorProto.FLOAT, [1])],
        [value(name, TensorProto.FLOAT, shape) for name, shape in {**outputs, "state_next": (1,)}.items()],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    save_model(
        folder,
        graph,
        role="predictor",
        inputs=(Tensor(name="features", shape=(n,), dtype="float32"),),
        outputs=tuple(Tensor(name=name, shape=shape, dtype="float32") for name, shape in outputs.items()),
        states=(StateTensor(input="state", output="state_next", shape=(1,), dtype="float32"),),
        sample_rate=SAMPLE_RATE,
        hop_length=1024,
        samples_per_step=8192,
        features=FEATURE_NAMES,
    )


def _make_text_encoder(folder: Path) -> None:
    """Knows the names of the tags, and nothing else: one direction for each."""
    folder.mkdir()
    vocabulary = {word: number for number, word in enumerate(["[UNK]", *TAGS])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    n = len(vocabulary)
    value = helper.make_tensor_value_info
    constants = {
        "table": np.eye(n, dtype=np.float32),
        "tokens": np.array([1], np.int64),
        "last": np.array([2], np.int64),
        "least": np.array([1e-6], np.float32),
    }
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["words"]),
        helper.make_node("Cast", ["mask"], ["heard"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["heard", "last"], ["wide"]),
        helper.make_node("Mul", ["words", "wide"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "tokens"], ["sum"], keepdims=0),
        helper.make_node("ReduceL2", ["sum", "tokens"], ["norm"], keepdims=1),
        helper.make_node("Max", ["norm", "least"], ["positive"]),
        helper.make_node("Div", ["sum", "positive"], ["vectors"]),
    ]
    shape = ["texts", "tokens_each"]
    graph = helper.make_graph(
        nodes,
        "text_encoder",
        [value("ids", TensorProto.INT64, shape), value("mask", TensorProto.INT64, shape)],
        [value("vectors", TensorProto.FLOAT, ["texts", n])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    save_model(
        folder,
        graph,
        role="text-encoder",
        inputs=tuple(Tensor(name=name, shape=tuple(shape), dtype="int64") for name in ("ids", "mask")),
        outputs=(Tensor(name="vectors", shape=("texts", n), dtype="float32"),),
        settings={"threshold": 0.5},
    )
