"""Tables of generators: means of draws, verdicts, and models that the figures flatter."""

import pytest

from benchmarks.models.generator_tables import SPACES, tables
from benchmarks.models.generators import SPLIT, has_heard, mean_of
from benchmarks.models.tempo import followed

HEARD = ("lufs", "crest_db", "stuck", "width_db", "whistle_db", "pulsing_db")
COST = ("p50_ms", "p99_ms", "max_ms", "real_time_factor")
VOCODER = ("log_magnitude", "convergence", "log_mel", "mcd_db", "loudness")


def row(ratio, **more):
    return {
        "ratio": dict.fromkeys(SPACES, ratio),
        "distance": {"statistics": {"frechet": 1.0}},
        **dict.fromkeys(("density", "coverage", "different_bins", "accuracy", "copied"), 0.5),
        **dict.fromkeys(HEARD, 0.0),
        **more,
    }


def figures(**model):
    return {
        "split": SPLIT,
        "data": "3 tags",
        "machine": {"cpu": "one", "cores": "2"},
        "anchors": {"vocoder on held-out mels": row(0.5)},
        "models": {"mine": row(2.0, **dict.fromkeys(COST, 1.0), **model)},
        "vocoders": {"vocoder": dict.fromkeys(VOCODER, 0.1)},
    }


def test_a_generator_is_judged_by_the_mean_of_its_draws():
    quiet, clipped = {"ride": ["-43 LUFS"]}, {"bells": ["clipped"]}
    draws = [{"ratio": {"statistics": r}, "accuracy": 0.5, "wrong": w} for r, w in ((2.0, quiet), (4.0, clipped))]
    found = mean_of([*draws, *draws[:1]])
    assert found["ratio"]["statistics"] == pytest.approx(8 / 3)
    assert found["wrong"] == {"ride": ["-43 LUFS (2 of 3 draws)"]}
    page = tables(
        figures(why_not=[], weak={}, tags=["drone"], vocoders={}, draws=[row(1.7)["ratio"], row(2.3)["ratio"]])
    )
    assert "| **mine** | 2.0 (1.7 to 2.3) |" in page


def test_the_verdict_names_the_tags_that_fail_and_the_vocoders_part():
    page = tables(
        figures(
            why_not=["statistics 4.4 times the floor"],
            weak={"techno": ["statistics 9.1", "heard as itself 0.25"]},
            tags=["drone", "techno"],
            vocoders={"vocoder": dict.fromkeys(SPACES, 1.5)},
        )
    )
    assert "| statistics 4.4 times the floor |" in page
    assert "- **mine**, 1 of 2: techno (statistics 9.1, heard as itself 0.25)" in page
    assert "| vocoder on mels trained on, the same tags | 1.5 | 1.5 | 1.5 |" in page
    assert "| vocoder on held-out mels | 0.5 | 0.5 | 0.5 |" in page


def test_hits_are_told_beside_those_of_recordings_where_they_were_counted():
    page = tables(figures(why_not=[], weak={}, tags=["drone"], vocoders={}, hits=0.16))
    assert "| **mine** | 0.0 | 0.0 | 0.16 |" in page
    assert "| vocoder on held-out mels | 0.0 | 0.0 |  |" in page, "of a row of an earlier run"


def test_what_fails_nothing_passes():
    page = tables(figures(why_not=[], weak={}, tags=["drone"], vocoders={}))
    assert "| passes |" in page
    assert "- **mine**, 0 of 1: none" in page


@pytest.mark.parametrize(
    ("command", "flattered"),
    [
        (f"liveseq train unagan --data a --seed {SPLIT} --minutes 42", False),
        (f"liveseq train unagan --data a --licence 'CC0 1.0 (Sonic Pi samples)' --seed {SPLIT}", False),
        (f"liveseq train unagan --data a --seed={SPLIT}", False),
        (f"liveseq train unagan --data a --seed {SPLIT}0", True),
        (f"liveseq train unagan --data a --licence 'as with --seed {SPLIT}'", True),
        ("python its-author's-own.py", True),
        ("liveseq train unagan --data a", True),
        (f"liveseq train unagan --data a  (demo-N.corpus: liveseq corpus demo --seed {SPLIT})", True),
    ],
)
def test_a_model_of_another_split_is_told_so(command, flattered):
    assert bool(has_heard(command)) == flattered


def test_a_tempo_is_followed_where_half_of_it_is_heard_and_not_where_none_is():
    assert [followed(128.0, found) for found in (127.8, 63.9, 131.0, 96.0, 0.0)] == [True, True, False, False, False]
