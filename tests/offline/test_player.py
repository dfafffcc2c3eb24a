"""One player for renders and replays: the same samples of the same messages, and no more memory for a longer take."""

import tracemalloc

import numpy as np
import pytest

from liveseq.offline.messages import message
from liveseq.offline.player import STEP, Take
from liveseq.offline.render import render
from liveseq.offline.replay import Outline, replay
from liveseq.performance.instrument import open_instrument
from tests.support.replayed import replayed
from tests.support.tiny_set import SAMPLE_RATE, make_set

HEADER = {"log": "liveseq", "seed": 5, "look_ahead": 0.12, "session": None}
MESSAGES = [(0.0, "tag", "drone"), (0.4, "layer/2/tag", "bells"), (1.0, "steer/brightness", 1.0), (1.3, "gain", -6.0)]


@pytest.fixture
def instrument(tmp_path, monkeypatch):
    make_set(tmp_path)
    monkeypatch.chdir(tmp_path)
    return lambda: open_instrument(tmp_path / "tiny.corpus", predictor="predictor", seed=5)


def rendered(instrument, messages, *, seconds):
    return Take.of(render(instrument, [message(*one) for one in messages], seconds=seconds), sample_rate=SAMPLE_RATE)


def logged(messages, *, seconds):
    """Entries of a session that was told this: planned as far ahead as can be."""
    entries = [{"at": 0, "planned": 0, "engine": 1}]
    for when, address, *arguments in messages:
        at = int(when * SAMPLE_RATE)
        entries.append({"at": at, "planned": at, "address": f"/liveseq/{address}", "arguments": arguments})
    end = int(seconds * SAMPLE_RATE)
    return [*entries, {"at": end, "planned": end, "end": True}]


def test_the_same_messages_give_the_same_samples_and_others_do_not(instrument):
    first, again = (rendered(instrument(), MESSAGES, seconds=2.0) for _ in range(2))
    assert np.abs(first.audio).max() > 0.05
    np.testing.assert_array_equal(first.audio, again.audio)
    other = rendered(instrument(), MESSAGES[:-1], seconds=2.0)
    change = int(1.3 * SAMPLE_RATE)
    np.testing.assert_array_equal(first.audio[:change], other.audio[:change])
    assert np.abs(first.audio[change + 2000 :] - other.audio[change + 2000 :]).max() > 0.01


def test_an_instrument_that_has_played_plays_again(instrument):
    opened = instrument()
    messages = [(0.0, "seed", 3), (0.0, "tag", "drone"), (1.0, "gain", -60.0)]
    first, again = (rendered(opened, messages, seconds=2.0) for _ in range(2))
    np.testing.assert_array_equal(first.audio, again.audio)


def test_a_render_is_the_replay_of_a_session_that_was_told_the_same(instrument):
    """Where nothing that was planned is taken back it does not matter how far ahead the two have planned."""
    messages = [(0.0, "tag", "drone"), (0.0, "layer/2/tag", "bells"), (1.0, "layer/2/mute", True), (1.3, "gain", -6.0)]
    take = rendered(instrument(), messages, seconds=2.0)
    again = replayed(instrument(), HEADER, logged(messages, seconds=2.0))
    before = int(1.5 * SAMPLE_RATE)  # a render fades out
    np.testing.assert_array_equal(take.audio[:before], again.audio[:before])


def peak_of(stretches):
    """Bytes that are held at most while a take goes by."""
    tracemalloc.start()
    try:
        for _ in stretches:
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class Session:
    """Entries of a log that nobody keeps: a message and a choice every tenth of a second."""

    def __init__(self, seconds):
        self.seconds = seconds

    def __iter__(self):
        yield {"at": 0, "planned": 0, "engine": 1}
        yield {"at": 0, "planned": 0, "address": "/liveseq/tag", "arguments": ["drone"]}
        for at in range(STEP, int(self.seconds * SAMPLE_RATE), SAMPLE_RATE // 10):
            yield {"at": at, "planned": at + 9000, "address": "/liveseq/gain", "arguments": [-6.0 + at % 3]}
            yield {"at": at, "choice": list(range(100)), "source": "drone.wav"}
        at = int(self.seconds * SAMPLE_RATE)
        yield {"at": at, "planned": at, "end": True}


def test_a_long_take_needs_no_more_memory_than_a_short_one(instrument):
    """Its audio alone would be 5.8 MB more."""

    def replay_of(seconds):
        session = Session(seconds)
        return replay(instrument(), HEADER, session, Outline.of(session, sample_rate=SAMPLE_RATE))

    def render_of(seconds):
        return render(instrument(), [message(0.0, "tag", "drone")], seconds=seconds)

    for made in (replay_of, render_of):
        _, short, long = (peak_of(made(seconds)) for seconds in (1.0, 3.0, 18.0))  # the first loads what is loaded once
        assert long - short < 500_000
