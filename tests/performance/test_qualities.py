"""Qualities in a layer's words: what plays is the part of the tags that sounds so, as long as they are the words."""

import json

import numpy as np
import pytest

from liveseq.corpus.describing import CorpusSettings, describe_source, new_source
from liveseq.corpus.source import Provenance
from liveseq.corpus.store import Corpus
from liveseq.corpus.units import ANY
from liveseq.performance.instrument import open_instrument
from liveseq.performance.performance import Performance
from liveseq.runtime.folders import MODELS, TEXT_ENCODER
from liveseq.runtime.tag_matcher import TagMatcher
from liveseq.runtime.text import TextEncoder
from liveseq.sequencer.settings import Mode
from tests.support.desk_stage import Stage
from tests.support.plans import DONE, FAIL, LOUDNESS, plan, refused, units_of
from tests.support.tiny_set import SAMPLE_RATE, make_set

TAG = "/liveseq/layer/1/tag"


def ranks(stage, descriptor, tag=ANY):
    """Ranks of a tag's units."""
    sequencer = stage.performance.sequencer
    return sequencer.reading.ranking.ranks[descriptor][sequencer.units.tag_units[tag]]


def chosen(stage, descriptor):
    """Ranks by a descriptor of the units of 20 s."""
    units = units_of(plan(stage, seconds=20.0)[1])
    return stage.performance.sequencer.reading.ranking.ranks[descriptor][units]


def mask(stage, number=1):
    return stage.performance.sequencer.layer(number).allowed.filter


def test_an_adjective_alone_plays_the_part_of_everything_that_sounds_so(stage):
    assert stage.ask(TAG, "dark") == [(DONE, TAG, "*", 1.0, "dark: brightness down, 33 % of everything")]
    assert chosen(stage, "brightness").max() <= np.quantile(ranks(stage, "brightness"), 0.34)


def test_beside_a_tag_it_plays_the_part_of_the_tag_that_sounds_so(stage):
    units = stage.performance.sequencer.units
    [(_, _, *pair, said)] = stage.ask(TAG, "dark tag 00")
    assert (pair, said) == (["tag 00", 1.0], "dark: brightness down, 33 % of tag 00")
    found = units_of(plan(stage, seconds=20.0)[1])
    assert set(found) <= set(units.tag_units["tag 00"])
    ranking = stage.performance.sequencer.reading.ranking.ranks["brightness"]
    assert ranking[found].max() <= np.quantile(ranks(stage, "brightness", "tag 00"), 0.34)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("not dark tag 00", "less dark: brightness up, 33 % of tag 00"),
        ("less dark tag 00", "less dark: brightness up, 33 % of tag 00"),
        ("very dark tag 00", "very dark: brightness down, 17 % of tag 00"),
        ("a bit dark tag 00", "a bit dark: brightness down, 50 % of tag 00"),
        ("high tag 00", "high: pitch up, brightness up, 33 % of tag 00"),
    ],
)
def test_the_answer_says_what_each_word_does(stage, words, said):
    assert stage.ask(TAG, words)[0][2:] == ("tag 00", 1.0, said)


def test_not_dark_is_the_other_end(stage):
    stage.send(TAG, "dark tag 00")
    dark = mask(stage).mask.copy()
    stage.send(TAG, "not dark tag 00")
    own = stage.performance.sequencer.units.tag_units["tag 00"]
    assert not (dark & mask(stage).mask)[own].any()


def test_the_next_words_end_it(stage):
    stage.send(TAG, "dark tag 00")
    assert mask(stage) is not None
    stage.send(TAG, "tag 00")
    assert mask(stage) is None
    stage.send(TAG, "dark")
    stage.send("/liveseq/stop")
    stage.send("/liveseq/play")
    assert mask(stage) is not None


def test_every_text_of_a_blend_has_its_own_qualities(stage):
    units = stage.performance.sequencer.units
    answer = stage.ask("/liveseq/tags", "dark tag 00", 1.0, "tag 01", 1.0, "loud tag 02", 2.0)
    assert answer[0][-2:] == ("dark: brightness down, 33 % of tag 00", "loud: loudness up, 33 % of tag 02")
    parts = [mask(stage).mask[units.tag_units[f"tag 0{n}"]].mean() for n in range(4)]
    assert parts == [pytest.approx(1 / 3, abs=0.01), 1.0, pytest.approx(1 / 3, abs=0.01), 1.0]
    assert {choice.tag for choice in plan(stage, seconds=30.0)[1]} == {"tag 00", "tag 01", "tag 02"}
    stage.send("/liveseq/tag", "dark tag 00", 0.0)  # takes that text away, and its wish with it
    assert mask(stage).mask[units.tag_units["tag 00"]].all()


def test_layers_have_wishes_of_their_own(stage):
    stage.send(TAG, "dark tag 00")
    stage.send("/liveseq/layer/2/tag", "tag 00")
    assert mask(stage, 2) is None
    assert mask(stage, 1) is not None


def test_a_filter_and_a_word_both_hold_whichever_comes_first(stage):
    units = stage.performance.sequencer.units
    own = units.tag_units["tag 00"]
    loud = float(np.median(units.features[own, LOUDNESS]))
    stage.send(TAG, "dark tag 00")
    stage.send("/liveseq/layer/1/query/filter/range", "loudness_db", loud, 1000.0)
    first = mask(stage).mask.copy()
    assert (units.features[own[first[own]], LOUDNESS] >= loud).all()
    assert first[own].sum() == pytest.approx(len(own) / 6, abs=2)
    stage.send(TAG, "tag 00")
    assert mask(stage).mask[own].sum() == pytest.approx(len(own) / 2, abs=1)
    stage.send(TAG, "dark tag 00")
    np.testing.assert_array_equal(mask(stage).mask, first)
    stage.send("/liveseq/layer/1/query/filter/clear")
    assert mask(stage).mask[own].sum() == pytest.approx(len(own) / 3, abs=2)


def test_an_adjective_takes_the_best_of_what_a_filter_leaves_and_is_not_refused(stage):
    """The filter lets nothing through that is dark for its tag: the darkest of the bright ones, then."""
    sequencer = stage.performance.sequencer
    own = sequencer.units.tag_units["tag 00"]
    bright = float(np.quantile(sequencer.units.features[own, LOUDNESS + 1], 0.8))
    stage.send("/liveseq/layer/1/query/filter/range", "log_centroid", bright, 1000.0)
    assert stage.ask(TAG, "dark tag 00")[0][0] == DONE
    left = own[mask(stage).mask[own]]
    assert 0 < len(left) < 0.2 * len(own)
    assert (sequencer.units.features[left, LOUDNESS + 1] >= bright).all()
    code, message = refused(stage, "/liveseq/layer/1/query/filter/tags", "tag 01")
    assert (code, "leaves nothing of tag 00 on layer 1" in message) == ("not_found", True)
    stage.send("/liveseq/layer/1/query/filter/clear")
    stage.send(TAG, "tag 01")
    stage.send("/liveseq/layer/1/query/filter/tags", "tag 01")
    code, message = refused(stage, TAG, "dark tag 00")
    assert (code, "the filter of layer 1 leaves nothing of tag 00" in message) == ("not_found", True)


def test_what_names_nothing_is_still_unknown(stage):
    assert stage.ask(TAG, "gnarf")[0][:3] == (FAIL, TAG, "not_found")
    assert stage.ask(TAG, "dark gnarf")[0][:3] == (FAIL, TAG, "not_found")


def test_a_layer_that_plays_a_generator_is_told_that_its_stream_does_not_follow(stage):
    stage.performance.sequencer.layer(1).settings.mode = Mode.GENERATE
    [(_, _, _, _, said)] = stage.ask(TAG, "dark tag 00")
    assert said == "dark: brightness down, 33 % of tag 00; a stream does not follow it"


def test_macros_bend_what_is_left(stage):
    stage.send(TAG, "dark tag 00")
    stage.send("/liveseq/layer/1/steer/brightness", 1.5)
    assert chosen(stage, "brightness").max() <= np.quantile(ranks(stage, "brightness", "tag 00"), 0.34)


def test_an_answer_of_many_words_fits_a_datagram(stage):
    words = "dark noisy slow sparse punchy loud low warm cold clean fast busy soft quiet tag 00"
    answer = stage.ask("/liveseq/tags", *(item for n in range(4) for item in (f"{words[:-1]}{n}", 1.0)))[0]
    texts = [one for one in answer if isinstance(one, str) and ":" in one]
    assert len(texts) == 8
    assert sum(map(len, texts)) < 1000


def test_a_snapshot_brings_the_wishes_back(stage):
    stage.send(TAG, "very dark tag 00")
    stage.send("/liveseq/layer/2/tag", "loud")
    stage.send("/liveseq/layer/2/query/filter/tags", "tag 01")
    other = Stage()
    other.performance.restore(json.loads(json.dumps(stage.performance.snapshot())), at=0)
    for number in (1, 2):
        np.testing.assert_array_equal(mask(other, number).mask, mask(stage, number).mask)


@pytest.fixture
def instrument(tmp_path, monkeypatch):
    corpus = make_set(tmp_path)
    monkeypatch.chdir(tmp_path)
    add(corpus, "hats.wav", 5000.0, ("hats", "bells"))
    return open_instrument(corpus, predictor="predictor", seed=5)


def add(corpus, name, frequency, tags):
    """A tone of 30 s that glides up an octave."""
    n = 30 * SAMPLE_RATE
    phase = np.cumsum(frequency * np.exp2(np.arange(n) / n)) / SAMPLE_RATE
    audio = np.repeat((0.2 * np.sin(2.0 * np.pi * phase))[:, None], 2, axis=1).astype(np.float32)
    settings = CorpusSettings(sample_rate=SAMPLE_RATE, hop_length=1024, segmentation="fixed")
    with Corpus.open(corpus, writable=True) as opened:
        description = describe_source(audio, settings)
        opened.add(new_source(audio, description, name=name, tags=tags, provenance=Provenance(kind="file")))


def say(performance, text):
    return performance.apply(performance.table[TAG], (text,), at=0).reply


def test_a_corpus_that_grows_is_ranked_anew(instrument):
    performance = Performance(instrument, seed=5)
    say(performance, "bright bells")
    before = performance.sequencer.layer(1).allowed.filter.mask
    add(instrument.corpus.path, "brighter.wav", 9000.0, ("bells",))
    performance.grow(instrument.read_growth())
    performance.mend(at=0)
    units = performance.sequencer.units
    after = performance.sequencer.layer(1).allowed.filter.mask
    assert len(after) == units.n_units > len(before)
    bells = units.tag_units["bells"]
    old = bells[bells < len(before)]
    assert after[bells[bells >= len(before)]].any()
    assert after[old].sum() < before[old].sum()
    assert after[bells].mean() == pytest.approx(1 / 3, abs=0.02)


def test_a_tag_that_leaves_the_corpus_takes_its_wish_along(instrument):
    performance = Performance(instrument, seed=5)
    say(performance, "bright hats")
    with Corpus.open(instrument.corpus.path, writable=True) as corpus:
        corpus.remove(["hats.wav"])
    performance.grow(instrument.read_growth())
    performance.mend(at=0)
    assert performance.sequencer.layer(1).weights.keys() <= performance.sequencer.units.tag_units.keys()
    assert performance.apply(performance.table["/liveseq/play"], (), at=0) is not None
    assert performance.plan(now=0, until=SAMPLE_RATE)[1]


def test_a_folder_that_is_called_by_the_word_is_meant_by_it(instrument):
    performance = Performance(instrument, seed=5)
    assert say(performance, "dark")[:2] == ("*", 1.0)
    add(instrument.corpus.path, "dark.wav", 60.0, ("dark",))
    add(instrument.corpus.path, "slow.wav", 70.0, ("slow things",))
    performance.grow(instrument.read_growth())
    assert say(performance, "dark") == ("dark", 1.0)
    assert performance.sequencer.layer(1).allowed.filter is None
    assert say(performance, "slow")[0] == "slow things"
    assert say(performance, "bright")[:2] == ("*", 1.0)


@pytest.fixture(scope="module")
def encoder():
    return TextEncoder(MODELS / TEXT_ENCODER)


def test_a_word_that_says_how_it_sounds_is_no_tag_by_itself(encoder):
    """Of the shipped encoder: low is not bass, nor quiet texture."""
    matcher = TagMatcher(encoder, ("bass", "texture", "bells", "plucked"))
    for text in ("dark", "low", "quiet", "very slow", "warm and slow", "not bright", "nicht dunkel"):
        assert matcher.match(text).weights == {ANY: 1.0}, text
    assert matcher.match("plucky").weights == {"plucked": 1.0}
    assert not matcher.match("xqzt").known


@pytest.mark.parametrize("words", ["dark", "very dark", "not dark", "less noisy", "low, soft and quiet", "deep"])
def test_what_a_tag_is_does_not_depend_on_how_it_is_to_sound(encoder, words):
    """ "less dark bass" is bass, and "dark drum" no percussion beside it."""
    matcher = TagMatcher(encoder, ("bass", "drum", "perc", "bd", "bells"))
    for tag in ("bass", "drum", "perc", "bells"):
        found = matcher.match(f"{words} {tag}")
        assert (found.weights, bool(found.qualities)) == ({tag: 1.0}, True)
    assert matcher.match("no dark bells, bass").weights == {"bass": 1.0}


@pytest.mark.parametrize("tag", ["pads", "drone", "kick"])
def test_a_name_of_a_quality_and_a_tag_asks_the_tag_for_the_quality(encoder, tag):
    """The facts know dark drones, soft pads and distorted kicks; a corpus has drones that are dark."""
    matcher = TagMatcher(encoder, ("pads", "drone", "kick"))
    for word, amount in (("soft", 1.0), ("less dark", -1.0), ("very distorted", 1.5)):
        found = matcher.match(f"{word} {tag}")
        assert next(iter(found.weights)) == tag
        assert list(found.qualities.values()) == [amount]
    named = TagMatcher(encoder, (tag, f"dark {tag}")).match(f"dark {tag}")
    assert (named.weights, named.qualities) == ({f"dark {tag}": 1.0}, {})
