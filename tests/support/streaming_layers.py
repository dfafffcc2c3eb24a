"""A desk whose layers may play a generator, and a streamer that is as quick as it is asked."""

import pytest

from liveseq.conductor.streams import LayerStreams
from liveseq.generation.models import Models
from liveseq.runtime.folders import model_folder
from liveseq.runtime.text import TextEncoder
from liveseq.streaming.maker import LiveStreams
from liveseq.streaming.ring import StreamRings
from liveseq.streaming.source import RingSource
from tests.support.desk_stage import SAMPLE_RATE, Stage
from tests.support.tiny_generator import make_generator
from tests.support.tiny_set import make_set

MODE = "/liveseq/layer/1/mode"


class Layers(Stage):
    """A desk, and a streamer that is as quick as it is asked."""

    def __init__(self, folder, generator):
        super().__init__(encoder=TextEncoder(folder / "text-encoder"), generator=generator)
        self.rings = StreamRings.local(n_layers=2, sample_rate=SAMPLE_RATE)
        self.layers = LayerStreams(self.desk, RingSource(self.rings), lambda: self.generators.chosen)
        self.desk.handlers |= self.layers.handlers
        models = Models()
        self.streamer = LiveStreams(
            self.rings, lambda name: models.get(model_folder(name)), clock=lambda: int(self.now * SAMPLE_RATE)
        )

    @property
    def layer(self):
        return self.performance.sequencer.layer(1)

    def make(self):
        """Let the streamer work, and the conductor look: a model is opened, a stream is ordered, it begins."""
        for _ in range(2):
            self.layers.tick(self.now)
            while self.streamer.tick():
                pass
        self.layers.tick(self.now)

    def plan(self, seconds=0.5):
        now = self.act_at(0)
        _, choices = self.performance.plan(now=now, until=now + int(seconds * SAMPLE_RATE))
        self.layers.log.note_gaps(self.now)
        return [choice.source for choice in choices if choice.layer == 1]

    def wait(self, seconds):
        """While nothing more is made."""
        for _ in range(round(2 * seconds)):
            self.pass_time(0.5)
            self.layers.tick(self.now)
            self.plan()

    def dry(self):
        """Of the log: which stream ran dry, of how many steps the engine knew, and with which step it went on."""
        return [(entry["count"], entry["told"], entry["from"]) for entry in self.entries if "dry" in entry]

    def steps(self):
        """Of the log: what became of each layer's stream."""
        return [(entry["stream"], entry["step"]) for entry in self.entries if "stream" in entry]


@pytest.fixture(scope="module")
def stream_models(tmp_path_factory):
    """A folder of models: generators of several kinds, and the rest of a tiny set."""
    folder = tmp_path_factory.mktemp("layers")
    make_set(folder)
    make_generator(folder / "generator", tags=("drone", "bells"))
    make_generator(folder / "louder", level=0.3)
    make_generator(folder / "slower", sample_rate=44_100)
    make_generator(folder / "odd", odd=True)
    make_generator(folder / "led", tempo=True)
    make_generator(folder / "moving", latent=2, settings={"components": {"low": [0, 0], "high": [400, 0]}})
    return folder


@pytest.fixture
def models(stream_models, monkeypatch):
    """The same folder, where the server looks for models."""
    monkeypatch.setattr("liveseq.runtime.folders.MODELS", stream_models)
    return stream_models


@pytest.fixture
def layers(models):
    """Layers that play the corpus."""
    return Layers(models, "generator")


@pytest.fixture
def streaming(layers):
    """A layer that streams: the corpus here does not know the word, the generator does."""
    layers.ask("/liveseq/layer/1/tag", layers.performance.sequencer.tags[0])
    layers.ask("/liveseq/subscribe", "/liveseq/log")
    layers.ask(MODE, "generate")
    layers.make()
    assert layers.layer.stream is not None
    return layers
