"""The lexicon: its entries, words that draw together, phrases to learn from."""

import numpy as np

from liveseq.train.words.lexicon import Lexicon, pulled, random_phrases, unit


def test_a_word_may_mean_several_concepts_and_stands_once(tmp_path):
    path = tmp_path / "lexicon.txt"
    path.write_text("bells: chime, church bell, Glöckchen\n~dark: gloomy, bells\n")
    lexicon = Lexicon(path)
    assert lexicon.entries() == ["bells", "chime", "church bell", "glockchen", "dark", "gloomy"]
    assert lexicon.qualities == {"dark", "gloomy"}


def test_words_of_one_concept_draw_together(rng, tmp_path):
    path = tmp_path / "lexicon.txt"
    path.write_text("bells: chime, gong\nbass: sub, tuba\n")
    lexicon = Lexicon(path)
    vectors = dict(zip(lexicon.entries(), unit(rng.standard_normal((6, 32))), strict=True))
    near = pulled(vectors, lexicon)
    assert near["chime"] @ near["gong"] > 0.8
    assert near["chime"] @ near["tuba"] < 0.2


def test_random_phrases_repeat_with_their_seed():
    lexicon = Lexicon()
    words = ["the", "river", "house", "of", "stone", "light"]
    first, second = (random_phrases(words, lexicon, n=20, rng=np.random.default_rng(3)) for _ in range(2))
    assert first == second
    assert len(set(first)) > 10
