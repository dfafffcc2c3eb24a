"""From a sentence model to the text encoder that a server runs: its small student, or the whole model.

Deterministic: same versions, same threads, same file.
"""

from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from liveseq.errors import ModelError
from liveseq.runtime.manifest import Manifest, Tensor, Training, sha256_of
from liveseq.runtime.session import open_session
from liveseq.runtime.text import MAX_TOKENS
from liveseq.train.words.lexicon import Lexicon
from liveseq.train.words.student import student_tokenizer, student_vectors
from liveseq.train.words.teacher import Pooled, Teacher, name_of

MODEL, TOKENIZER = "text_encoder.onnx", "tokenizer.json"
OUTPUT = "meaning"
TEXT_AXES = ("texts", "tokens")
THRESHOLD, FULL_THRESHOLD = 0.37, 0.36
"""Cosine below which a text is unknown, for the student and for a whole model; from tuning phrases."""
MAX_DIFFERENCE = 1e-4


def static_graph(table: np.ndarray) -> onnx.ModelProto:
    """Graph from ids and mask (texts, tokens) to unit vectors (texts, n_dimensions); a mask of zeros gives zeros.

    table: float32 (n_tokens, n_dimensions), kept in 8 bits with one scale per token.
    """
    scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-9) / 127.0  # (n_tokens, 1)
    constants = {
        "table": np.round(table / scale).astype(np.int8),
        "scale": scale.astype(np.float32),
        "token_axis": np.array([1], np.int64),
        "last_axis": np.array([-1], np.int64),
        "least": np.array(1e-9, np.float32),
    }
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["bytes"]),
        helper.make_node("Cast", ["bytes"], ["steps"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["scale", "ids"], ["scales"]),
        helper.make_node("Cast", ["mask"], ["shown"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["shown", "last_axis"], ["shown_wide"]),
        helper.make_node("Mul", ["scales", "shown_wide"], ["weights"]),
        helper.make_node("Mul", ["steps", "weights"], ["vectors"]),
        helper.make_node("ReduceSum", ["vectors", "token_axis"], ["total"], keepdims=0),
        helper.make_node("ReduceL2", ["total", "last_axis"], ["length"], keepdims=1),
        helper.make_node("Max", ["length", "least"], ["divisor"]),
        helper.make_node("Div", ["total", "divisor"], [OUTPUT]),
    ]
    graph = helper.make_graph(
        nodes,
        "static text encoder",
        [helper.make_tensor_value_info(n, TensorProto.INT64, list(TEXT_AXES)) for n in ("ids", "mask")],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [TEXT_AXES[0], table.shape[1]])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def distil(
    out: Path,
    *,
    source: str | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Manifest:
    """Make the student and write it to the folder `out`; a few minutes of one thread.

    source: another teacher than the packaged one.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in one order: the same file on every machine of this kind
    try:
        teacher = Teacher(source)
        lexicon = Lexicon()
        tokenizer = student_tokenizer(teacher.tokenizer.get_vocab(), lexicon)
        table = student_vectors(teacher, tokenizer, lexicon, seed=seed, progress=progress)
    finally:
        torch.set_num_threads(threads)
    out.mkdir(parents=True, exist_ok=True)
    onnx.save(static_graph(table), out / MODEL)
    tokenizer.save(str(out / TOKENIZER), pretty=False)
    settings = {"threshold": THRESHOLD, "n_tokens": len(table)}
    return _save_manifest(
        out,
        family="static",
        n_dimensions=table.shape[1],
        settings=settings,
        metrics={},
        training=Training(
            data=f"{name_of(source)} as the teacher, random phrases, liveseq/train/words/lexicon.txt",
            licence="Apache-2.0 (teacher), MIT (lexicon)" if source is None else "the teacher's",
            command="python export_onnx.py text-encoder",
        ),
    )


def export_full(from_: str, out: Path) -> Manifest:
    """Write a whole BERT-like sentence model with a masked mean to the folder `out`, instead of the student.

    from_: local folder or hub id. Raises ModelError if onnxruntime and torch differ by more than MAX_DIFFERENCE.
    """
    teacher = Teacher(from_)
    out.mkdir(parents=True, exist_ok=True)
    backend = getattr(teacher.tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ModelError(f"{from_}: no fast tokenizer (tokenizer.json); choose a model that has one")
    backend.no_padding()
    backend.no_truncation()
    backend.save(str(out / TOKENIZER))
    # two tensors, and padding in the mask: the exporter would fold what is equal or all ones
    ids, mask = torch.ones(2, 8, dtype=torch.long), torch.ones(2, 8, dtype=torch.long)
    mask[1, 5:] = 0
    axes = {0: torch.export.Dim(TEXT_AXES[0]), 1: torch.export.Dim(TEXT_AXES[1], max=MAX_TOKENS)}
    torch.onnx.export(
        Pooled(teacher.net).eval(),
        (ids, mask),
        out / MODEL,
        input_names=["ids", "mask"],
        output_names=[OUTPUT],
        dynamo=True,
        dynamic_shapes=(axes, axes),
        external_data=False,
        verbose=False,
    )
    difference = _difference(teacher, out)
    if difference > MAX_DIFFERENCE:
        raise ModelError(
            f"{out / MODEL}: differs from torch by {difference:.1e}, at most {MAX_DIFFERENCE:.0e} is allowed"
        )
    n_dimensions = teacher.net.config.hidden_size
    return _save_manifest(
        out,
        family="bert",
        n_dimensions=n_dimensions,
        settings={"threshold": FULL_THRESHOLD},
        metrics={"max_difference_to_torch": difference},
        training=Training(
            data=f"see {from_}", licence=f"see {from_}", command=f"python export_onnx.py text-encoder --from {from_}"
        ),
    )


def _difference(teacher: Teacher, folder: Path) -> float:
    """Largest difference of one number between onnxruntime and torch, alone and in a padded batch."""
    texts = ["drone", "dark ambient drone", "glockenspiel", "the sound of rain on an old tin roof in the north", "808"]
    session = open_session(folder / MODEL)
    wanted = teacher.embed(texts)
    batch = teacher.tokenizer(texts, padding=True, return_tensors="np")
    found = [session.run({"ids": batch["input_ids"], "mask": batch["attention_mask"]})[0]]
    for text in texts:
        one = teacher.tokenizer([text], return_tensors="np")
        found.append(session.run({"ids": one["input_ids"], "mask": one["attention_mask"]})[0])
    return float(np.abs(np.concatenate(found) - np.concatenate([wanted, wanted])).max())


def _save_manifest(
    out: Path, *, family: str, n_dimensions: int, settings: dict[str, Any], metrics: dict[str, Any], training: Training
) -> Manifest:
    manifest = Manifest(
        role="text-encoder",
        family=family,
        model=MODEL,
        inputs=tuple(Tensor(name=name, shape=TEXT_AXES, dtype="int64") for name in ("ids", "mask")),
        outputs=(Tensor(name=OUTPUT, shape=(TEXT_AXES[0], n_dimensions), dtype="float32"),),
        settings=settings,
        training=training,
        metrics=metrics,
        versions={name: metadata.version(name) for name in ("torch", "onnx", "transformers", "tokenizers")},
        files={name: sha256_of(out / name) for name in (MODEL, TOKENIZER)},
    )
    manifest.save(out)
    return manifest
