import dataclasses

import numpy as np
import pytest

from liveseq.corpus.sounding import LIVELY_DB, SILENT_DB, lively, without_silence
from liveseq.corpus.synthetic import synthetic_units
from liveseq.corpus.units import ANY


@pytest.fixture
def hits():
    """Two hundred units a source, each source a hit that decays by 1 dB a unit, then rings on at -60 dB."""
    units = synthetic_units(2_000, sample_rate=48_000, seed=1, n_tags=2)
    step = np.arange(units.n_units) % 200
    return dataclasses.replace(units, loudness_db=np.maximum(-10.0 - step, -60.0).astype(np.float32))


def test_silent_ends_are_neither_found_nor_followed_into(hits):
    sounding = without_silence(hits)
    for tag, members in sounding.tag_units.items():
        loud = np.percentile(hits.loudness_db[hits.tag_units[tag]], 95)
        assert hits.loudness_db[members].min() >= loud - SILENT_DB
        assert 0 < len(members) < len(hits.tag_units[tag]) / 2
    found = np.concatenate(list(sounding.tag_units.values()))
    followed = sounding.successor[found]
    assert set(followed[followed >= 0]) <= set(found)
    assert (sounding.successor < 0).sum() > (hits.successor < 0).sum()


def test_units_keep_their_places(hits):
    sounding = without_silence(hits)
    assert sounding.n_units == hits.n_units
    assert sounding.features is hits.features


def test_even_sound_loses_nothing():
    units = synthetic_units(1_000, sample_rate=48_000, seed=1)
    sounding = without_silence(units)
    np.testing.assert_array_equal(sounding.successor, units.successor)
    np.testing.assert_array_equal(sounding.tag_units[ANY], np.arange(1_000))
    assert all(np.array_equal(sounding.tag_units[tag], units.tag_units[tag]) for tag in units.tags)


def test_what_sounds_under_one_of_its_tags_sounds(hits):
    quiet = np.flatnonzero(hits.loudness_db <= -50.0)
    both = dataclasses.replace(hits, tags=(*hits.tags, "tails"), tag_units=hits.tag_units | {"tails": quiet})
    sounding = without_silence(both)
    assert len(sounding.tag_units["tails"]) == len(quiet)
    np.testing.assert_array_equal(sounding.successor[quiet[:5]], hits.successor[quiet[:5]])


def test_phrases_begin_with_loud_units(hits):
    for tag, members in lively(hits).items():
        loud = np.percentile(hits.loudness_db[hits.tag_units[tag]], 95)
        assert len(members)
        assert hits.loudness_db[members].min() >= loud - LIVELY_DB


def test_any_is_what_sounds_under_a_tag_or_has_none(hits):
    untagged = hits.tag_units["tag 01"]
    bare = dataclasses.replace(hits, tags=("tag 00",), tag_units={t: hits.tag_units[t] for t in ("tag 00", ANY)})
    sounding = without_silence(bare)
    tagged = sounding.tag_units["tag 00"]
    found = sounding.tag_units[ANY]
    np.testing.assert_array_equal(np.intersect1d(found, hits.tag_units["tag 00"]), tagged)
    loud = np.percentile(hits.loudness_db[untagged], 95)
    assert hits.loudness_db[np.setdiff1d(found, tagged)].min() >= loud - SILENT_DB
    assert len(found) > len(tagged)
