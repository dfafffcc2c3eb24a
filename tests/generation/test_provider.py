"""A server that is told to run generators on a GPU which is not there: it says so, and plays them on the CPU."""

import sys

import pytest

from liveseq.runtime.session import PROVIDERS, open_session
from tests.support.server_process import controlling, running
from tests.support.tiny_generator import make_generator
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]

if sys.platform == "win32":
    pytest.skip("signals as Linux and macOS have them", allow_module_level=True)


def test_streams_and_new_sound_come_from_the_cpu_and_that_is_told(folder):
    make_generator(folder / "generator")
    graph = next((folder / "generator").glob("*.onnx"))
    found = open_session(graph, provider="cuda", allow_cpu=True).provider
    if found != PROVIDERS["cpu"]:
        pytest.skip("there is a GPU here")
    told = "generator runs on CPU: provider cuda is not there"
    flags = ("--corpus", "tiny.corpus", "--output", "none", "--generator", "generator", "--provider", "cuda")
    with running(folder, *flags) as server, controlling(server, "segment") as controller:
        controller.send("/liveseq/tag", "hum")
        controller.send("/liveseq/mode", "generate")
        wait_for(lambda: "generator generator" in controller.hear("/liveseq/segment"), what="a stream")
        controller.send("/liveseq/generate", "hum", 1.0)
        done = controller.hear("/liveseq/done")
        assert done is not None
        assert done[0] == "/liveseq/generate"
        assert sum(told in line for line in server.errors) == 2, "by the streamer, and by what grows the corpus"
