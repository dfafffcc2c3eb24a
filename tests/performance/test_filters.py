"""Filters: only what they let through sounds, and one that leaves nothing is refused."""

import dataclasses

import numpy as np
import pytest

from tests.support.plans import DONE, LOUDNESS, plan, refused, units_of


def test_only_what_a_filter_lets_through_sounds(stage):
    units = stage.performance.sequencer.units
    stage.send("/liveseq/tag", "tag 00")
    loud = float(np.median(units.features[units.tag_units["tag 00"], LOUDNESS]))
    stage.send("/liveseq/query/filter/range", "loudness_db", loud, 1000.0)
    stage.send("/liveseq/query/filter/sources", "source 00004", 0.0)
    _, choices = plan(stage, seconds=20.0)
    chosen = units_of(choices)
    assert (units.features[chosen, LOUDNESS] >= loud).all()
    assert {choice.source for choice in choices} <= {"source 00000", "source 00008"}
    assert stage.ask("/liveseq/layer/1/query/filter/range") == [
        ("/liveseq/layer/1/query/filter/range", "loudness_db", pytest.approx(loud), 1000.0)
    ]
    stage.send("/liveseq/layer/1/query/filter/clear")
    assert stage.ask("/liveseq/layer/1/query/filter/range") == [("/liveseq/layer/1/query/filter/range",)]
    assert stage.performance.sequencer.layer(1).allowed.filter is None
    assert stage.performance.sequencer.layer(2).allowed.filter is not None


def test_a_tag_and_a_recording_are_meant_in_any_spelling(stage):
    units = stage.performance.sequencer.units
    names = tuple(name.replace("source", "s\u00f6urce") for name in units.source_names)
    stage.performance.sequencer.units = dataclasses.replace(units, source_names=names)
    stage.send("/liveseq/tag", "tag 00")
    stage.send("/liveseq/query/filter/tags", " TAG  00")
    stage.send("/liveseq/query/filter/sources", "so\u0308urce 00004", 0.0)
    assert stage.ask("/liveseq/query/filter/tags") == [("/liveseq/query/filter/tags", " TAG  00", 1.0)]
    allowed = stage.performance.sequencer.layer(1).allowed.filter.mask
    assert not allowed[units.source == 4].any()
    assert allowed[units.source == 0].all()


def test_a_filter_that_leaves_nothing_is_refused_and_the_last_one_stays(stage):
    stage.send("/liveseq/tag", "tag 00")
    stage.send("/liveseq/query/filter/sources", "source 00000", 1.0)
    code, message = refused(stage, "/liveseq/query/filter/range", "loudness_db", 900.0, 1000.0)
    assert code == "not_found"
    assert "leaves nothing of tag 00 on layer 1" in message
    assert "the last one stays" in message
    code, message = refused(stage, "/liveseq/query/filter/tags", "tag 01")
    assert "leaves nothing of tag 00" in message
    code, message = refused(stage, "/liveseq/query/filter/tags", "tag 77")
    assert (code, "no tag 'tag 77' here" in message) == ("not_found", True)
    code, message = refused(stage, "/liveseq/query/filter/range", "loudness_db", 5.0, -5.0)
    assert (code, "loudness_db: expected low <= high, found 5 and -5" in message) == ("out_of_range", True)
    code, message = refused(stage, "/liveseq/query/filter/range", "loudness", 0.0, 1.0)
    assert code == "out_of_range"
    assert {choice.source for choice in plan(stage)[1]} == {"source 00000"}


def test_a_tag_of_which_the_filter_leaves_nothing_is_refused_and_what_sounds_goes_on(stage):
    stage.send("/liveseq/tag", "tag 00")
    stage.send("/liveseq/layer/1/query/filter/sources", "source 00000", 1.0)
    code, message = refused(stage, "/liveseq/tag", "tag 01")
    assert code == "not_found"
    assert "the filter of layer 1 leaves nothing of tag 01; what sounds goes on" in message
    assert "/liveseq/query/filter/clear" in message
    assert {choice.source for choice in plan(stage)[1]} == {"source 00000"}
    assert stage.ask("/liveseq/layer/2/tag", "tag 01") == [(DONE, "/liveseq/layer/2/tag", "tag 01", 1.0)]


def test_a_global_filter_that_one_layer_cannot_keep_changes_none(stage):
    stage.send("/liveseq/tag", "tag 00")
    stage.send("/liveseq/layer/2/tag", "tag 01")
    _, message = refused(stage, "/liveseq/query/filter/tags", "tag 00")
    assert "leaves nothing of tag 01 on layer 2" in message
    assert [layer.allowed.filter for layer in stage.performance.sequencer.layers] == [None, None]
