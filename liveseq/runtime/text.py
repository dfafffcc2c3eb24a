"""Meaning of the performer's words: free text to weights over the tags of a corpus.

An encoder (ONNX, with its own tokenizer.json) turns text into a unit vector; the meaning of a text is its cosine to the
vector of each tag. Lives in the conductor: `TagMatcher.match` takes less than a millisecond and never touches the disk.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers

from liveseq.errors import ModelError, TagError
from liveseq.runtime.session import open_model
from liveseq.runtime.spelling import Spelling

TOKENIZER = "tokenizer.json"
"""Name of the file that parts texts into pieces."""
MAX_CHARACTERS = 200
"""Characters of the longest text: what is longer is no tag."""
MAX_TOKENS = 32
"""Word pieces that the encoder reads; what follows is ignored."""
N_REMEMBERED = 256
"""Texts whose meaning is kept: a set is played with the same words again and again."""
WORD_SHARE = 0.8
"""Share of its cosine that a tag counts for which fits one word of the text, and not the text as a whole."""
LEAST_LETTERS = 2.0
"""Letters that the pieces of a word must have on average: with less it is a slip of the hand across the keyboard."""
SPREAD = 0.05
"""Softmax temperature from cosine to weight: 0.05 below the best is 1 / e of its weight."""
MOST_TAGS = 3
"""Tags that a text means, at most."""
LEAST_SHARE = 0.3
"""Share of the best tag's weight that any other tag must have."""


def clean(text: str) -> str:
    """Lower-case words of letters and digits with single spaces between.

    Accents go, "&" becomes "n", an upper-case letter inside a word and a digit begin a new word. Raises TagError for a
    text that is too long or holds control characters.

    >>> clean("Deep_Bass-01"), clean("Drum & Bass"), clean("ChillWave")
    ('deep bass 01', 'drum n bass', 'chill wave')
    """
    text = unicodedata.normalize("NFC", text)  # where a Mac has parted accents from their letters
    if len(text) > MAX_CHARACTERS:
        raise TagError(f"tag of {len(text)} characters: expected at most {MAX_CHARACTERS}; send a few words")
    bad = [c for c in text if unicodedata.category(c) in ("Cc", "Cs") and not c.isspace()]
    if bad:
        raise TagError(f"tag {text!r}: holds the control character {bad[0]!r}; send plain text")
    text = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])", " ", text.strip())
    text = unicodedata.normalize("NFKD", text.replace("&", " n ")).casefold()
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = re.sub(r"(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])", " ", text.replace("œ", "oe"))
    return " ".join(re.findall(r"[^\W_]+", text))


class TextEncoder:
    """A sentence encoder: ids and mask in, unit vectors out. Serves our small one and an exported BERT alike."""

    def __init__(self, folder: Path) -> None:
        """Raises ModelError, by name, where the folder is not such a model."""
        self.manifest, self._session = open_model(folder, role="text-encoder")
        if TOKENIZER not in self.manifest.files:
            raise ModelError(f"{folder}/model.yaml: does not list {TOKENIZER} with its SHA-256; export it again")
        self._tokenizer = _tokenizer(folder / TOKENIZER)
        self._unknown = self._tokenizer.token_to_id("[UNK]")
        self.threshold = self._setting("threshold")
        """Cosine below which a text does not mean a tag; each encoder has its own."""
        self.n_dimensions = int(self.embed(["warm up"]).shape[1])
        """Numbers of a vector."""

    def _setting(self, name: str) -> float:
        value = self.manifest.settings.get(name)
        if not isinstance(value, float) or not 0.0 < value < 1.0:
            raise ModelError(
                f"text encoder: settings.{name} must be a number from 0 to 1, found {value!r}; export it again"
            )
        return value

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


@dataclass(frozen=True, kw_only=True)
class TagMatch:
    """Meaning of a text among the tags of a corpus."""

    weights: dict[str, float]
    """Tags above the threshold, the heaviest first; they add up to 1. Empty if the text is unknown."""
    best: list[tuple[str, float]]
    """The nearest tags with their cosine, best first, whether above the threshold or not."""
    known: bool
    """Whether the text means any tag."""


class TagMatcher:
    """Finds the tags that a text means."""

    def __init__(self, encoder: TextEncoder, tags: Sequence[str], *, n_best: int = 3) -> None:
        """tags: any names, such as the folders of the performer's recordings. Raises TagError where there is none."""
        if not tags:
            raise TagError("no tag to match against: expected a corpus with tags, found none; tag its sources")
        self.tags = tuple(dict.fromkeys(tags))
        self.encoder = encoder
        self._n_best = n_best
        self._names = [clean(tag) for tag in self.tags]
        self._vectors = encoder.embed(self.tags)  # (n_tags, n_dimensions)
        own = {word for name in self._names for word in name.split()}
        self._spelling = Spelling([*own, *encoder.words()])
        self._own_words = own
        self._known: dict[str, TagMatch] = {}

    def vectors(self) -> dict[str, np.ndarray]:
        """The encoder's unit vector of each tag, float32 (n_dimensions,)."""
        return dict(zip(self.tags, self._vectors, strict=True))

    def match(self, text: str) -> TagMatch:
        """The tags that a text means, with their weights and the runners-up. Recent texts are remembered.

        Raises TagError for a text that is too long or holds control characters.
        """
        name = clean(text)
        if name not in self._known:
            if len(self._known) >= N_REMEMBERED:
                self._known.clear()
            self._known[name] = self._find(name)
        return self._known[name]

    def _find(self, name: str) -> TagMatch:
        if name not in self._names:
            name = " ".join(spelt for word in name.split() if (spelt := self._spelt(word)))
        scores = self._scores(name)  # (n_tags,)
        best = [(self.tags[i], float(scores[i])) for i in np.argsort(-scores, kind="stable")[: self._n_best]]
        weights = {self.tags[self._names.index(name)]: 1.0} if name in self._names else self._weights(scores)
        return TagMatch(weights=weights, best=best, known=bool(weights))

    def _spelt(self, word: str) -> str:
        """The word, the known word that it was meant to be, or nothing where it is no word at all."""
        n_pieces = self.encoder.n_pieces(word)
        if word in self._own_words or n_pieces == 1:
            return word
        is_gibberish = len(word) < LEAST_LETTERS * n_pieces
        return self._spelling.nearest(word) or ("" if is_gibberish else word)

    def _scores(self, name: str) -> np.ndarray:
        """Cosine of each tag to the text, or to the word of it that fits best if that is more. float32 (n_tags,)."""
        words = name.split()
        parts = [name, *words] if len(words) > 1 else [name]
        cosines = self.encoder.embed(parts) @ self._vectors.T  # (n_parts, n_tags)
        scores: np.ndarray = np.maximum(cosines[0], WORD_SHARE * cosines.max(axis=0))
        if name in self._names:
            scores[self._names.index(name)] = 1.0  # even where no token of the name is known
        return scores

    def _weights(self, scores: np.ndarray) -> dict[str, float]:
        above = np.flatnonzero(scores >= self.encoder.threshold)
        if not len(above):
            return {}
        raw = np.exp((scores[above] - scores.max()) / SPREAD)
        least = max(np.sort(raw)[-MOST_TAGS:][0], LEAST_SHARE * raw.max())
        raw[raw < least] = 0.0
        order = np.argsort(-raw, kind="stable")
        return {self.tags[above[i]]: float(raw[i] / raw.sum()) for i in order if raw[i] > 0.0}


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
