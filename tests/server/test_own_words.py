"""The performer's own words, at a running server."""

import os
import signal

import pytest

from tests.support.server_process import child, controlling, running
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]


def test_words_that_are_said_are_written_and_a_new_conductor_knows_them(folder):
    file = folder / "tiny.corpus" / "tags.yaml"
    file.write_text("synonyms:\n  boom: bells\nsynonims: {}\n")
    flags = ("--corpus", "tiny.corpus", "--output", "none", "--play", "boom")
    with running(folder, *flags) as server, controlling(server) as controller:
        controller.wait_for("playing", voices=1)
        problem = "unknown key 'synonims', expected synonyms; it is left out, the set plays on"
        assert sum(problem in line for line in server.errors) == 1
        assert problem in controller.ask("/liveseq/status")[-1]
        assert controller.ask("/liveseq/layer/1/tag") == ("boom",)
        answer = controller.ask("/liveseq/tag/synonym", "wobble", "hum", answer="/liveseq/done")
        assert answer == ("/liveseq/tag/synonym", "wobble", "hum")
        wait_for(lambda: "what was said holds for this set alone" in controller.ask("/liveseq/status")[-1])
        file.write_text("synonyms:\n  boom: bells\n")  # mended
        wait_for(lambda: "wobble: hum" in file.read_text())
        wait_for(lambda: "tags.yaml" not in controller.ask("/liveseq/status")[-1])
        os.kill(child(server, "conductor"), signal.SIGKILL)
        wait_for(lambda: controller.ask("/liveseq/tag/means", "wobble")[1:3] == ("hum", 1.0))
        assert controller.ask("/liveseq/layer/1/tag") == ("boom",)
        controller.wait_for("playing", voices=1)
        assert file.read_text() == "synonyms:\n  wobble: hum\n  boom: bells\n"
