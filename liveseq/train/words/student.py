"""The student of a sentence model: one vector per word piece, summed under the mask and normalised.

Its vectors come from the teacher, learn on random phrases to add up to the teacher's vector of the phrase, and are
pulled together where `lexicon.txt` says that musicians mean the same thing.
"""

from collections.abc import Sequence

import numpy as np
import tokenizers
import torch
from tqdm import tqdm

from liveseq.train.words.lexicon import Lexicon, pulled, random_phrases, unit
from liveseq.train.words.teacher import Teacher

N_DIMENSIONS = 256
N_PHRASES = 60_000
N_EPOCHS = 8
BATCH = 512
LEARNING_RATE = 0.01
RARITY = 1e-4
MUSIC = 0.7
"""Length of the dimension that says whether a text is about sound, beside the rest of length 1."""
WEIGHT, QUALITY_WEIGHT = 2.0, 0.8
"""Length of a lexicon word's vector in median words: a sound's name says more than how it sounds."""


def student_tokenizer(teacher_vocabulary: dict[str, int], lexicon: Lexicon) -> tokenizers.Tokenizer:
    """Tokenizer of the teacher's pieces of plain letters and digits, and of every lexicon entry as one token."""
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
    """Vectors of tokens, float32 (n_tokens, N_DIMENSIONS): their sum over a text points where the teacher points."""
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
    """One more dimension, from a teacher's vector: whether a text is about sound, so that a tax return is far off.

    It is 0 for what is not about sound, never negative: two such texts are no nearer to each other for it.
    """

    def __init__(self, weights: np.ndarray, bias: float) -> None:
        self._weights, self._bias = weights, bias

    @staticmethod
    def fitted(vectors: np.ndarray, is_sound: np.ndarray) -> "MusicProbe":
        """Probe by logistic regression. vectors: float32 (n, n_teacher); is_sound: 0 or 1, (n,)."""
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
        """Student vectors (n, n_dimensions) of these teacher vectors with it, unit float32 (n, n_dimensions + 1)."""
        sound = 1.0 / (1.0 + np.exp(-(teacher @ self._weights + self._bias)))
        return unit(np.concatenate([student, MUSIC * sound[:, None]], axis=1)).astype(np.float32)


def fit(
    table: np.ndarray, ids: Sequence[Sequence[int]], targets: np.ndarray, *, seed: int, progress: bool
) -> np.ndarray:
    """Table of token vectors, float32 (n_tokens, n_dimensions), that add up to the target of each phrase, by cosine.

    table: of that shape, to start from. ids: tokens of each phrase. targets: float32 (n_phrases, n_dimensions).
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
