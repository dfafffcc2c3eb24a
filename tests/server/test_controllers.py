"""The real server and controllers as they are: buttons that are let go, foreign types, other epochs and addresses."""

import contextlib
import socket
import sys
from collections import Counter

import numpy as np
import psutil
import pytest

from benchmarks.rigs.controller import Controller
from liveseq.corpus.segmentation import fixed
from liveseq.corpus.store import Corpus, NewSource
from liveseq.dsp.descriptors import describe
from liveseq.osc.packets import build, parse_packet
from tests.support.controllers import FAIL, ODD, TouchOsc
from tests.support.server_process import controlling, let_play, running
from tests.support.tiny_set import SAMPLE_RATE
from tests.support.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(folder):
    with Corpus.open(folder / "tiny.corpus", writable=True) as corpus:
        corpus.add(_beat("808"))
    flags = ("--corpus", "tiny.corpus", "--output", "none", "--state-dir", "state", "--listen", "0.0.0.0")
    with running(folder, *flags, "--allow", "198.51.100.0/24", "--allow", "localhost") as server:
        yield server


def _beat(tag):
    """A recording that has a number for a name, as the drums have."""
    y = np.sin(np.arange(3 * SAMPLE_RATE) * 0.01).astype(np.float32) * 0.2
    audio = np.repeat(y[:, None], 2, axis=1)
    frames = describe(y, sample_rate=SAMPLE_RATE)
    return NewSource(name=f"{tag}.wav", audio=audio, frames=frames, bounds=fixed(len(y), hop_length=1024), tags=(tag,))


def answers(controller, number):
    """Everything that is answered before this number is."""
    controller.send("/liveseq/sync", number)
    found = []
    while True:
        [*messages] = controller.receive(seconds=PATIENCE)
        assert messages, "no answer"
        for one in messages:
            if (one.address, one.arguments) == ("/liveseq/synced", (number,)):
                return found
            found.append((one.address, *one.arguments))


def test_a_controllers_worth_of_odd_messages_is_acted_on_ignored_or_refused(server):
    outcomes = Counter()
    with contextlib.ExitStack() as stack:
        for number, (packet, expected) in enumerate(ODD):
            if number % 6 == 0:  # more errors of one client are summed up
                controller = stack.enter_context(Controller(server.port))
            controller.raw(packet)
            found = answers(controller, number)
            assert [one[: len(words)] for one, words in zip(found, expected, strict=True)] == expected, packet
            outcomes.update(["refused" if one[0] == FAIL else "acted on" for one in found] or ["ignored"])
        controller.wait_for("ready", voices=0)  # the last was panic
        assert outcomes == {"acted on": 23, "ignored": 7, "refused": 10}
        assert controller.ask("/liveseq/gain") == (-6.0,)
        assert controller.ask("/liveseq/status")[16] == 0
    assert server.errors == []


def test_touchosc_plays_stops_and_panics_and_is_told_of_no_error(server, controller):
    with controlling(server) as tablet:
        touch = TouchOsc(tablet)
        touch.show(1)
        touch.press("/liveseq/play")
        controller.wait_for("playing", voices=1)
        touch.let_go("/liveseq/play")
        touch.let_go("/liveseq/panic")  # a finger that slid off it
        touch.slide("/liveseq/gain", -20.0, -10.0, -3.5)
        touch.slide("/liveseq/layer/1/mute", 1.0, 0.0)
        let_play(controller, 0.2)
        controller.wait_for("playing", voices=1)
        assert controller.ask("/liveseq/gain") == (-3.5,)
        touch.push("/liveseq/stop")
        controller.wait_for("ready", voices=0)
        touch.show(2)
        touch.push("/liveseq/layer/1/play")
        controller.wait_for("playing", voices=1)
        touch.push("/liveseq/panic")
        controller.wait_for("ready", voices=0)
        told = [words[:2] for words in answers(tablet, 1)]
    assert told == [("/liveseq/done", f"/liveseq/{path}") for path in ("play", "stop", "layer/1/play", "panic")]


def own_addresses():
    cards = [card for some in psutil.net_if_addrs().values() for card in some]
    return [card.address for card in cards if card.family in (socket.AF_INET, socket.AF_INET6)]


@pytest.mark.skipif(sys.platform == "win32", reason="what is bound to one address there cannot always send to another")
def test_this_machine_is_answered_at_all_of_its_addresses(server):
    addresses = own_addresses()
    assert "127.0.0.1" in addresses
    for address in addresses:
        [(family, _, _, _, place)] = socket.getaddrinfo(address, server.port, type=socket.SOCK_DGRAM)
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.settimeout(1.0)

            def ask(sender=sender, place=place):
                sender.sendto(build("/liveseq/ping", "hey"), place)
                with contextlib.suppress(TimeoutError):
                    return parse_packet(sender.recv(65_536))[0].messages[0]

            assert wait_for(ask, what=address).arguments[0] == "hey"
