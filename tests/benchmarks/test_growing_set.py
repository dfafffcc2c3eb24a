"""The verdict on a set that grows: by its tape, and by the server's words."""

import numpy as np
import pytest

from benchmarks.live.growing_set import ladder, script, section, sound, why_not
from benchmarks.rigs.jack_server import BLOCK_SIZE, SAMPLE_RATE

SECONDS = 20.0


@pytest.fixture
def take(rng):
    """Blocks of noise, when each came, and messages every four seconds."""
    n = int(SECONDS * SAMPLE_RATE / BLOCK_SIZE)
    blocks = (0.1 * rng.standard_normal((n, BLOCK_SIZE, 2))).astype(np.float32)
    times = (np.arange(n) * BLOCK_SIZE / SAMPLE_RATE * 1e9).astype(np.int64)
    sent = [int(seconds * 1e9) for seconds in np.arange(5.0, SECONDS - 1.0, 4.0)]
    return blocks, times, sent


def test_steady_sound_has_no_gap_hole_or_click(take):
    found = sound(*take)
    assert (found["gap_s"], found["holes"], found["turns_sharp"], found["turns"]) == (0.0, 0, 0.0, 4)


def test_a_stale_block_is_a_hole_and_a_pause_a_gap(take):
    blocks, times, sent = take
    blocks[3000] = 0.0
    blocks[3500] = blocks[3499]  # JACK gives what was there before
    assert sound(blocks, times, sent)["holes"] == 2
    blocks[4000:4100] = 1e-5
    assert sound(blocks, times, sent)["gap_s"] == pytest.approx(100 * BLOCK_SIZE / SAMPLE_RATE, abs=0.02)


def test_a_click_after_a_message_is_found(take):
    blocks, times, sent = take
    at = int(sent[1] / 1e9 * SAMPLE_RATE / BLOCK_SIZE) + 30  # 80 ms later
    blocks[at, 64] = 0.9
    blocks[at, 65] = -0.9
    assert sound(blocks, times, sent)["turns_sharp"] == 0.25


def test_what_a_server_says_becomes_the_ladder():
    told = [
        "planning is behind: a layer loops",
        "planning is behind: a layer plays on in its recording",
        "a layer loops",
    ]
    assert ladder(told) == {"continued": 1, "looped": 1, "silenced": 0}


def test_the_script_grows_two_tags_and_turns_both_layers():
    messages = script(["bass", "bells", "drone", "techno"], seconds=60.0)
    assert [m.values for m in messages if m.address == "/liveseq/grow"] == [("dark bass", True), ("bells", True)]
    layers = [[m for m in messages if m.address == f"/liveseq/layer/{n}/tag"] for n in (1, 2)]
    assert {m.values[0] for m in layers[0]} == {"bass", "dark bass", "bells", "techno"}
    gaps = np.diff([m.seconds for m in layers[1]][1:])
    assert gaps.min() >= 3.0
    assert gaps.max() <= 5.0


GOOD = {
    "gap_s": 0.0,
    "holes": 2,
    "xruns": 2,
    "xruns_alone": 1,
    "control_alone": 1,
    "xruns_p": 0.75,
    "ladder": {"continued": 1, "looped": 0, "silenced": 0},
    "dried_up": 0,
    "lost": 0,
    "dropped": 0,
    "played": 0.4,
    "turns_sharp": 0.02,
    "told": [("planning is behind: layer 1 plays on in its recording", 1)],
}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, []),
        ({"gap_s": 0.3}, ["0.30 s without sound"]),
        ({"holes": 3}, ["3 holes, and 2 xruns"]),
        ({"xruns_alone": 9, "xruns_p": 0.002}, ["9 xruns alone, and 1 of the control alone (p 0.002)"]),
        ({"ladder": {"continued": 0, "looped": 3, "silenced": 0}}, ["3 times a layer was looped"]),
        ({"dried_up": 1, "lost": 2}, ["dried up: 1", "lost: 2"]),
        ({"turns_sharp": 0.06}, ["6% of the moments after a message are sharp"]),
        ({"told": [("growth pauses: 60 minutes have grown", 1)]}, ["growth pauses: 60 minutes have grown"]),
        ({"played": 0.0}, ["nothing of what grew was played"]),
    ],
)
def test_the_verdict(change, why):
    assert why_not(GOOD | change) == why


def test_the_figures_become_a_section_of_the_page():
    keys = (
        "seconds",
        "messages",
        "missed_blocks",
        "control",
        "both",
        "underruns",
        "cpu_peak",
        "late",
        "peak_dbfs",
        "late_changes",
    )
    grown = ("grown_recordings", "grown_units", "grown_minutes", "steal")
    figures = GOOD | dict.fromkeys(keys + grown, 0) | {"generator": "tiny", "by_minute": []}
    assert "**no gap**" in section(figures | {"why_not": []})
    assert "**3 holes; late**" in section(figures | {"why_not": ["3 holes", "late"]})
