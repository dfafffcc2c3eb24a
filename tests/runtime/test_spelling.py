"""A misspelt word and the one that was meant."""

import pytest

from liveseq.runtime.spelling import Spelling, slips_between


@pytest.mark.parametrize(
    ("a", "b", "slips"),
    [("drone", "drone", 0), ("droen", "drone", 1), ("dron", "drone", 1), ("paimo", "piano", 2), ("", "ab", 2)],
)
def test_slips(a, b, slips):
    assert slips_between(a, b) == slips
    assert slips_between(b, a) == slips


def test_spelling_leaves_alone_what_is_far_off():
    spelling = Spelling(["drone", "techno", "percussion"])
    assert spelling.nearest("percusion") == "percussion"
    assert spelling.nearest("tehcno") == "techno"
    assert spelling.nearest("refrigerator") is None
    assert spelling.nearest("dro") is None
