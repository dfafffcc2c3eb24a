"""The student: its pieces, and vectors that learn to add up."""

import numpy as np

from liveseq.train.words.lexicon import Lexicon, unit
from liveseq.train.words.student import fit, student_tokenizer


def test_fit_learns_to_add_up(rng):
    truth = rng.standard_normal((30, 8)).astype(np.float32)
    ids = [rng.integers(1, 30, rng.integers(1, 4)).tolist() for _ in range(2000)]
    targets = unit(np.array([truth[row].sum(axis=0) for row in ids]))
    start = 0.05 * rng.standard_normal((30, 8)).astype(np.float32)
    table = fit(start, ids, targets, seed=0, progress=False)
    again = fit(start, ids, targets, seed=0, progress=False)
    np.testing.assert_array_equal(table, again)

    def cosine(t):
        return np.mean([unit(t[row].sum(axis=0)) @ target for row, target in zip(ids, targets, strict=True)])

    assert cosine(table) > max(0.5, cosine(start) + 0.3)


def test_each_lexicon_entry_is_one_token():
    lexicon = Lexicon()
    tokenizer = student_tokenizer({"[PAD]": 0, "drum": 1, "b": 2, "##ass": 3, "and": 4}, lexicon)
    assert all(len(tokenizer.encode(entry).ids) == 1 for entry in lexicon.entries())
    assert tokenizer.encode("drum and bass").tokens == ["drum and bass"]
