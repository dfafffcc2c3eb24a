"""Ranks: what sounds so comes first, on material of which it is known; and never too little is left."""

import dataclasses
import itertools

import numpy as np
import pytest

from liveseq.corpus.describing import CorpusSettings, describe_source, new_source
from liveseq.corpus.source import Provenance
from liveseq.corpus.store import Corpus
from liveseq.corpus.units import ANY, UnitFilter
from liveseq.sequencer.matching import UNPITCHED
from liveseq.sequencer.ranking import LEAST_UNITS, Ranking, Wish, combined, share
from liveseq.words.qualities import wording
from tests.support.small_corpus import SAMPLE_RATE, column, table

SECONDS = 8.0
RECORDING = Provenance(kind="file")
WORDS = wording().qualities


def hits(times, *, decay, attack=0.001, seed=0):
    """Struck tones at these seconds, mono."""
    y = 0.002 * np.random.default_rng(seed).standard_normal(int(SECONDS * SAMPLE_RATE))
    for begin in times:
        at = int(begin * SAMPLE_RATE)
        t = np.arange(len(y) - at) / SAMPLE_RATE
        y[at:] += 0.3 * np.minimum(t / attack, 1.0) * np.exp(-t / decay) * np.sin(2.0 * np.pi * 440.0 * t)
    return y


def held(frequencies, *, noise=0.0, gain=0.1):
    """A chord that is held, with noise beside it, mono."""
    t = np.arange(int(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    y = sum(np.sin(2.0 * np.pi * frequency * t) for frequency in frequencies) / len(frequencies)
    return gain * (y + noise * np.random.default_rng(1).standard_normal(len(t)))


def steady(per_second):
    return np.arange(0.0, SECONDS, 1.0 / per_second)


def scattered(n):
    """Times of n hits that keep no beat."""
    return np.sort(np.random.default_rng(n).uniform(0.0, SECONDS - 0.2, n))


@pytest.fixture(scope="module")
def ranked(tmp_path_factory):
    """Makes a corpus of these sounds, fixed units of 171 ms, and returns each one's mean rank by a descriptor."""
    numbers = iter(range(100))

    def make(descriptor, **sounds):
        path = tmp_path_factory.mktemp("ranked") / f"{next(numbers)}.corpus"
        settings = CorpusSettings(sample_rate=SAMPLE_RATE, hop_length=1024, segmentation="fixed")
        with Corpus.create(path, sample_rate=SAMPLE_RATE) as corpus:
            for name, y in sounds.items():
                audio = np.repeat(y[:, None], 2, axis=1).astype(np.float32)
                description = describe_source(audio, settings)
                corpus.add(new_source(audio, description, name=name, tags=(name,), provenance=RECORDING))
            units = corpus.units()
        ranks = Ranking(units).ranks[descriptor]
        return {name: float(ranks[units.tag_units[name]].mean()) for name in sounds}

    return make


def in_order(ranks, *, apart=0.05):
    values = list(ranks.values())
    return all(after - before > apart for before, after in itertools.pairwise(values))


def test_what_is_brighter_noisier_or_louder_ranks_higher(ranked):
    assert in_order(ranked("brightness", dull=held([200.0]), middle=held([800.0]), bright=held([3200.0])))
    assert in_order(
        ranked("noisiness", pure=held([200.0]), rough=held([200.0], noise=0.03), noise=held([200.0], noise=1.0))
    )
    fading = np.concatenate([held([200.0], gain=0.1)[:96_000], held([200.0], gain=0.01)[96_000:]])
    assert in_order(ranked("loudness", quiet=fading, loud=held([200.0])))


def test_the_pitch_ranks_what_has_one_and_the_rest_is_in_the_middle(ranked):
    ranks = ranked("pitch", low=held([110.0]), noise=held([110.0], noise=30.0, gain=0.01), high=held([880.0]))
    assert ranks["noise"] == pytest.approx(0.5, abs=0.1)
    assert in_order(ranks)


def test_a_beat_that_is_faster_ranks_higher_and_what_has_none_goes_by_its_attacks(ranked):
    ranks = ranked(
        "speed",
        held=held([220.0]),
        slow=hits(steady(1.0), decay=0.2),
        fast=hits(steady(2.0), decay=0.2),
        fastest=hits(steady(3.0), decay=0.1),
    )
    assert in_order(ranks)
    assert in_order(
        ranked(
            "speed",
            few=hits(scattered(5), decay=0.1),
            more=hits(scattered(14), decay=0.1),
            many=hits(scattered(40), decay=0.1),
        )
    )


def test_the_more_is_struck_the_denser(ranked):
    ranks = ranked(
        "density",
        held=held([220.0]),
        few=hits(scattered(6), decay=0.1),
        more=hits(scattered(16), decay=0.1),
        many=hits(scattered(48), decay=0.1),
    )
    assert in_order(ranks)


def test_the_harder_something_is_struck_the_punchier(ranked):
    times = steady(2.0)
    ranks = ranked(
        "punch",
        held=held([220.0]),
        swelling=hits(times, decay=0.25, attack=0.2),
        plucked=hits(times, decay=0.25, attack=0.03),
        struck=hits(times, decay=0.08, attack=0.001),
    )
    assert in_order(ranks, apart=0.02)


@pytest.fixture
def units(rng):
    """Tags `a` and `b`, 1200 units each, with no two alike."""
    units = table([600, 600, 600, 600], tags=["a", "b", "a", "b"], rng=rng)
    units.features[:] = rng.normal(size=units.features.shape)
    return units


def some(units, *words, tag="a", amount=1.0):
    """Places in the order of the tag's units that these words leave, and the sum of their ranks."""
    ranking = Ranking(units)
    members = units.tag_units[tag]
    qualities = {WORDS[word]: amount for word in words}
    found = ranking.best(members, qualities)
    rest = np.setdiff1d(members, found)
    return ranking, found, rest


@pytest.mark.parametrize(("amount", "part"), [(0.7, 0.5), (1.0, 1 / 3), (1.5, 1 / 6), (-1.0, 1 / 3), (-1.5, 1 / 6)])
def test_a_word_leaves_a_third_a_bit_of_it_half_and_much_of_it_a_sixth(units, amount, part):
    ranking, found, rest = some(units, "dark", amount=amount)
    assert len(found) == pytest.approx(part * 1200, rel=0.02)
    ranks = np.sign(amount) * ranking.ranks["brightness"]
    assert ranks[found].max() <= ranks[rest].min()


def test_two_words_are_weighed_together(units):
    ranking, found, rest = some(units, "dark", "noisy")
    score = ranking.ranks["noisiness"].astype(float) - ranking.ranks["brightness"]
    assert score[found].min() >= score[rest].max()
    assert share({WORDS["dark"]: 1.0, WORDS["noisy"]: 1.5}) == pytest.approx(1 / 6)


def test_words_that_contradict_each_other_leave_everything(units):
    assert combined({WORDS["dark"]: 1.0, WORDS["bright"]: 1.0}) == {}
    _, found, rest = some(units, "dark", "bright")
    assert (len(found), len(rest)) == (1200, 0)


def test_what_does_not_differ_is_left_whole(units):
    units.features[:, column("log_centroid_mean")] = 10.0
    _, found, _ = some(units, "dark", amount=1.5)
    assert len(found) == 1200


def test_a_corpus_without_pitch_is_high_where_it_is_bright(units):
    units.features[:, column("log_f0_mean")] = UNPITCHED
    ranking, found, rest = some(units, "high")
    assert (ranking.ranks["pitch"] == 0.5).all()
    assert ranking.ranks["brightness"][found].min() >= ranking.ranks["brightness"][rest].max()


@pytest.mark.parametrize(("n", "left"), [(1, 1), (2, 2), (10, 7), (60, 40), (150, 71), (900, 75)])
def test_never_less_is_left_than_what_keeps_it_from_coming_back_at_once(rng, n, left):
    """12 s are 71 units here; of a small tag two thirds are left, or the word could not be heard."""
    units = table([n, 300], tags=["a", "b"], rng=rng)
    ranking, found, rest = some(units, "dark", amount=2.0)
    assert len(found) == pytest.approx(left, abs=1)
    if len(rest):
        assert ranking.ranks["brightness"][found].max() <= ranking.ranks["brightness"][rest].min()


def test_of_long_units_as_many_are_left_as_keep_one_from_coming_back(rng):
    units = table([90], tags=["a"], rng=rng)
    longer = dataclasses.replace(units, length=units.length * 20)
    found = Ranking(longer).best(longer.tag_units["a"], {WORDS["dark"]: 2.0})
    assert len(found) == pytest.approx(LEAST_UNITS, abs=1)


def test_a_wish_narrows_its_own_tags_and_a_filter_holds_too(units):
    ranking = Ranking(units)
    dark = Wish(("a",), {WORDS["dark"]: 1.0})
    assert ranking.narrowed(None, [Wish(("a",), {})]) is None
    mask = ranking.narrowed(None, [dark]).mask
    assert mask[units.tag_units["b"]].all()
    assert mask[units.tag_units["a"]].mean() == pytest.approx(1 / 3, abs=0.01)
    bright = UnitFilter(ranking.ranks["brightness"] > 0.6)  # leaves none of the dark ones: the darkest of these, then
    both = ranking.narrowed(bright, [dark]).mask
    assert not both[~bright.mask].any()
    left = np.intersect1d(np.flatnonzero(bright.mask), units.tag_units["a"])
    assert 0 < both[left].sum() < len(left)
    assert ranking.ranks["brightness"][left[both[left]]].max() <= ranking.ranks["brightness"][left[~both[left]]].min()


def test_texts_of_a_blend_each_have_their_own_wish(units):
    ranking = Ranking(units)
    mask = ranking.narrowed(None, [Wish(("a",), {WORDS["dark"]: 1.0}), Wish(("b",), {})]).mask
    assert mask[units.tag_units["b"]].all()
    assert not mask[units.tag_units["a"]].all()
    either = ranking.narrowed(None, [Wish(("a",), {WORDS["dark"]: 1.0}), Wish(("a",), {WORDS["bright"]: 1.0})]).mask
    assert either[units.tag_units["a"]].mean() == pytest.approx(2 / 3, abs=0.02)
    everything = ranking.narrowed(None, [Wish((ANY,), {WORDS["dark"]: 1.0})]).mask
    assert everything.mean() == pytest.approx(1 / 3, abs=0.01)


def test_what_was_taken_out_of_the_corpus_is_not_chosen(units):
    gone = dataclasses.replace(units, tag_units={"a": units.tag_units["a"], ANY: units.tag_units["a"]})
    found = Ranking(gone).best(gone.tag_units[ANY], {WORDS["dark"]: 1.0})
    assert set(found) <= set(units.tag_units["a"])
