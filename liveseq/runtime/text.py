"""The text encoder: an ONNX model with its own tokenizer.json that turns texts into unit vectors."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers

from liveseq.errors import ModelError
from liveseq.runtime.session import open_model
from liveseq.runtime.tag_table import TagTable
from liveseq.words.plain import clean

TOKENIZER = "tokenizer.json"
"""Name of the file that parts texts into pieces."""
MAX_TOKENS = 32
"""Word pieces that the encoder reads; what follows is ignored."""


class TextEncoder:
    """A sentence encoder: ids and mask in, unit vectors out. Serves our small one and an exported BERT alike."""

    def __init__(self, folder: Path) -> None:
        """Raises ModelError, by name, where the folder is not such a model."""
        self.manifest, self._session = open_model(folder, role="text-encoder")
        if TOKENIZER not in self.manifest.files:
            raise ModelError(f"{folder}/model.yaml: does not list {TOKENIZER} with its SHA-256; export it again")
        self._tokenizer = _tokenizer(folder / TOKENIZER)
        self._unknown = self._tokenizer.token_to_id("[UNK]")
        self.n_dimensions = int(self.embed(["warm up"]).shape[1])
        """Numbers of a vector."""
        files = self.manifest.files
        self.digest = hashlib.sha256((files[self.manifest.model] + files[TOKENIZER]).encode()).hexdigest()
        """Hash of the graph and the tokenizer: whoever has the same gives the same vectors."""

    def words(self) -> list[str]:
        """Single words that the encoder was taught one by one: where a misspelt word may lead."""
        added = self._tokenizer.get_added_tokens_decoder().values()
        return [token.content for token in added if not token.special and " " not in token.content]

    def n_pieces(self, word: str) -> int:
        """Tokens that a clean word falls into: 1 for a word that the encoder knows."""
        return len(self._tokenizer.encode(word, add_special_tokens=False).ids)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors of texts, float32 (n_texts, n_dimensions). One without any known token gives zeros.

        Raises TagError for a text that `clean` refuses.
        """
        ids, mask = self._ids([clean(text) for text in texts])
        return self._session.run({"ids": ids, "mask": mask})[0]

    def table(self, tags: Sequence[str]) -> TagTable:
        """Vectors of tags, for a model that is trained beside this encoder."""
        vectors = self.embed(tags) if tags else np.zeros((0, self.n_dimensions), dtype=np.float32)
        return TagTable(tuple(tags), vectors, self.digest)

    def _ids(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Token ids and their mask, both int64 (n_texts, longest text), padded with 0 under a mask of 0."""
        encodings = self._tokenizer.encode_batch(list(texts))
        rows = [[i for i in encoding.ids if i != self._unknown] for encoding in encodings]
        ids = np.zeros((len(rows), max([1, *map(len, rows)])), np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(rows):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        return ids, mask


def _tokenizer(path: Path) -> Any:
    if not path.is_file():
        raise ModelError(f"{path}: no such file; run export_onnx.py text-encoder again")
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers has no exception of its own
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: not a tokenizer: {reason}; run export_onnx.py text-encoder again") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer
