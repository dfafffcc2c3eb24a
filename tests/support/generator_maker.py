"""A generator process that is made up: a test writes its status, and reads what is ordered."""

import dataclasses
import os
import time

import pytest

from liveseq.generation.orders import GeneratorStatus
from liveseq.runtime.text import TextEncoder
from tests.support.tiny_generator import make_generator
from tests.support.tiny_set import make_set

PREFIX = "/liveseq"


class Maker:
    """The process, as its status tells of it, under a stage."""

    def __init__(self, stage):
        self.stage = stage
        self.state = stage.orders
        self.status = GeneratorStatus(generation=1, pid=os.getpid())
        self.say()

    def say(self, **changes):
        self.status = dataclasses.replace(self.status, monotonic_ns=time.monotonic_ns(), **changes)
        self.state.write_status(self.status)

    def order(self):
        """The next one that is given, taken up; None where there is none."""
        self.stage.pass_time(0.01)
        self.stage.prepare()
        self.stage.pass_time(0.01)
        order = self.state.read_order()
        if order.number == self.status.done:
            return None
        self.say(order=order.number, progress=0.3, n_units=0, code="", error="")
        return order

    def done(self, **changes):
        """It is finished."""
        self.say(done=self.status.order, progress=1.0, **changes)
        self.stage.pass_time(0.01)
        self.stage.pass_time(0.01)

    def obey(self, **changes):
        """The next order from beginning to end."""
        order = self.order()
        self.done(**changes)
        return order

    def die(self):
        number = self.state.read_order().number
        self.say(generation=self.status.generation + 1, order=number, done=number)
        self.stage.pass_time(0.01)


def told(stage):
    """The arguments of what the server answers about its generator."""
    [answer] = stage.ask(f"{PREFIX}/generator/state")
    return answer[1:]


@pytest.fixture(scope="module")
def generators(tmp_path_factory):
    """A folder of models: two generators that were taught other words, and the rest of a tiny set."""
    folder = tmp_path_factory.mktemp("generators")
    make_set(folder)
    for name, tags in (("generator", ("drone", "bells")), ("other", ("drone", "hum"))):
        make_generator(folder / name, tags=tags)
    return folder


@pytest.fixture
def encoder(generators, monkeypatch):
    """The text encoder of the generators, which are where the server looks for them."""
    monkeypatch.setattr("liveseq.runtime.folders.MODELS", generators)
    return TextEncoder(generators / "text-encoder")


@pytest.fixture
def maker(stage):
    """A process with its model open."""
    maker = Maker(stage)
    assert maker.obey().kind == "load"
    return maker
