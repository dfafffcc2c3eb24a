"""Another output while the music plays, as the one who asks for it hears of it."""

import pytest

from liveseq.engine.state import Status
from tests.support.desk_stage import SAMPLE_RATE


def test_it_is_done_when_the_supervisor_says_so_and_can_be_asked_for(stage):
    assert stage.ask("/liveseq/output") == [("/liveseq/output", "system", SAMPLE_RATE, 128)]
    assert stage.ask("/liveseq/output", "Scarlett 2i2, ALSA", 0, 256, "id:4") == []
    assert stage.asked == [("Scarlett 2i2, ALSA", 256)]
    stage.output.answered(None, "Scarlett 2i2, ALSA", 256, now=stage.now)
    stage.output.tick(stage.now)
    assert stage.answers() == []
    stage.desk.link.status = lambda: Status(generation=1)  # now it plays
    stage.output.tick(stage.now)
    assert stage.answers() == [("/liveseq/done", "/liveseq/output", "id:4")]
    assert stage.ask("/liveseq/output") == [("/liveseq/output", "Scarlett 2i2, ALSA", SAMPLE_RATE, 256)]


def test_a_device_alone_keeps_the_block_size(stage):
    stage.send("/liveseq/output", "default", SAMPLE_RATE)
    assert stage.asked == [("default", 128)]


def test_a_device_that_cannot_be_opened_is_told_and_the_old_one_stays(stage):
    stage.send("/liveseq/output", "sistem")
    stage.output.answered("no output device named 'sistem'; did you mean system, JACK?", "sistem", 128, now=stage.now)
    [answer] = stage.answers()
    assert answer[:3] == ("/liveseq/fail", "/liveseq/output", "device_error")
    assert "did you mean system" in answer[3]
    assert stage.ask("/liveseq/output") == [("/liveseq/output", "system", SAMPLE_RATE, 128)]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("system", 96_000), "out_of_range", f"rate: expected 0 or {SAMPLE_RATE}, the corpus's; found 96000; let the"),
        (("system", 0, 8), "out_of_range", "block_size: expected 0, or 16 to 8192, found 8"),
        (("wav:/etc/passwd",), "denied", "a recording is begun with the server"),
        (("",), "bad_args", "device: expected a device's name"),
    ],
)
def test_what_cannot_be_is_refused_before_anybody_is_asked(stage, arguments, code, text):
    [answer] = stage.ask("/liveseq/output", *arguments)
    assert answer[1:3] == ("/liveseq/output", code)
    assert answer[3].startswith(text)
    assert stage.asked == []


def test_a_second_change_waits_for_the_first(stage):
    stage.send("/liveseq/output", "default")
    [answer] = stage.ask("/liveseq/output", "none")
    assert answer[2] == "busy"
    assert len(stage.asked) == 1


def test_an_answer_to_a_conductor_that_has_died_is_kept(stage):
    stage.output.answered(None, "default", 64, now=stage.now)
    assert stage.answers() == []
    assert stage.ask("/liveseq/output") == [("/liveseq/output", "default", SAMPLE_RATE, 64)]
