"""The matcher: the OSC wildcards, and time in proportion to the length."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseq.osc.pattern import covers, matches


@pytest.mark.parametrize(
    ("pattern", "address", "expected"),
    [
        ("/a/b", "/a/b", True),
        ("/a/*", "/a/b", True),
        ("/a/*", "/a/b/c", False),
        ("/*/b", "/a/b", True),
        ("/a/?", "/a/b", True),
        ("/a/?", "/a/", False),
        ("/a/b?", "/a/b", False),
        ("/layer/[12]/gain", "/layer/2/gain", True),
        ("/layer/[1-3]/gain", "/layer/2/gain", True),
        ("/layer/[!1]/gain", "/layer/1/gain", False),
        ("/layer/[!1]/gain", "/layer/2/gain", True),
        ("/{gain,mute}", "/mute", True),
        ("/{gain,mute}", "/pan", False),
        ("/{g,ga}in", "/gain", True),
        ("/*a*b", "/xaxb", True),
        ("/***", "/anything", True),
        ("/*x", "/", False),
        ("/[ab", "/a", False),
        ("/{a", "/a", False),
        ("/a.c", "/abc", False),
    ],
)
def test_wildcards(pattern, address, expected):
    assert matches(pattern, address) is expected


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=12))
def test_stars_and_question_marks_as_a_regular_expression_has_them(pattern, text):
    expected = re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text) is not None
    assert matches(pattern, text) is expected


@pytest.mark.parametrize(
    "pattern",
    ["/" + "*a" * 14 + "b", "/" + "*" * 250, "/" + "*?" * 120, "/" + "{a,aa}" * 40 + "b", "/" + "[!b]*" * 50],
)
def test_no_pattern_takes_long(pattern):
    address = "/" + "a" * 40
    best = 1.0
    for _ in range(5):
        began = time.thread_time()
        matches(pattern, address)
        best = min(best, time.thread_time() - began)
    assert best < 1e-3


def test_a_subscription_covers_what_lies_below():
    assert covers("/liveseq", "/liveseq/layer/1/gain")
    assert covers("/liveseq/layer/*", "/liveseq/layer/1/query/k")
    assert covers("/liveseq/", "/liveseq/meter")
    assert not covers("/liveseq/layer/2", "/liveseq/layer/1/gain")
    assert not covers("/liveseq/gain", "/liveseq/gainer")
