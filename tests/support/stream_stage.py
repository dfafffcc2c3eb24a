"""A sequencer, a generator that takes its time and a layer of the engine, on one clock that goes where it is told."""

import numpy as np

from liveseq.engine.layer import Counters, Layer
from liveseq.engine.ramps import Scratch
from liveseq.offline.streams import OfflineSource
from liveseq.runtime.generator import Stream
from liveseq.runtime.latent import START
from liveseq.sequencer.settings import Mode
from liveseq.sequencer.streams import Told
from liveseq.sequencer.timeline import STREAM_SHARD, CutLayer
from liveseq.streaming.maker import LiveStreams
from liveseq.streaming.ring import StreamRings
from liveseq.streaming.source import RingSource
from tests.support.desk_stage import SAMPLE_RATE, make_instrument

STEP = 8192
BLOCK = 128
AHEAD = int(0.29 * SAMPLE_RATE)
LOW, HIGH = np.array([1.0, 0.0], np.float32), np.array([0.0, 1.0], np.float32)
"""Tags."""
FADE = int(0.02 * SAMPLE_RATE)
"""Samples, in which the corpus gives way to a stream."""


class Tone:
    """A tone whose frequency tag or latent say, with a phase that goes on; a little louder with every seed."""

    sample_rate = SAMPLE_RATE
    samples_per_step = STEP
    tags = ("low", "high")
    tag_size = 2

    def __init__(self):
        self.n_made = 0

    def start(self, seed):
        return (np.zeros(1),)

    def step(self, number, *, seed, tag, states, tempo=0.0, place=START):
        self.n_made += 1
        own = 220.0 if tag is None else 220.0 * tag[0] + 660.0 * tag[1]
        hertz = own + place.held * (place.latent[0] - own) if place.latent.size else own
        turn = 2 * np.pi * (tempo + hertz) / SAMPLE_RATE
        angle = states[0] + turn * np.arange(1, self.samples_per_step + 1)
        sound = 0.1 * (1 + seed % 5) * np.sin(angle)
        return np.repeat(sound[:, None], 2, axis=1).astype(np.float32), (angle[-1:] % (2 * np.pi),)


class Chance(Tone):
    """Noise of the seed and the step's number, as loud as the tag says."""

    def step(self, number, *, seed, tag, states, tempo=0.0, place=START):
        noise = np.random.default_rng((seed, number)).standard_normal((STEP, 2)).astype(np.float32)
        return noise * np.float32(0.02 if tag is None else 0.05 * tag[0] + 0.1 * tag[1]), states


class Stage:
    """Plays layer 1 (and others, unheard) from sample 0."""

    def __init__(self, generator, *, cost=0.03, n_layers=2, seed=1):
        """cost: seconds that a step takes to be made."""
        self.clock = 0
        self.deaf = False
        """Whether no engine is there to hear of events."""
        self.cost = cost
        self.sequencer = make_instrument(seed=seed, n_layers=n_layers).sequencer
        self.rings = StreamRings.local(n_layers=n_layers, sample_rate=SAMPLE_RATE)
        self.source = RingSource(self.rings)
        self.sequencer.use_streams(self.source)
        self.turns = []
        """Of layer 1, all of them."""
        self._timed = False
        generator.step = self._make(generator.step)
        self.generator = generator
        self.streams = None
        self.restart()
        self.counters = Counters()
        self.restart_engine()
        self.corpus = np.zeros((int(self.sequencer.units.source_end.max()), 2), np.float32)
        self.events, self.choices, self.begun = [], [], []
        self._actions = []
        self._timed = True
        self._scratch = Scratch(max_block=BLOCK)
        self.sounds = []

    @property
    def first(self):
        return self.sequencer.layer(1)

    def restart(self):
        """Another streamer."""
        self.streams = LiveStreams(
            self.rings, lambda _: self.generator, clock=lambda: self.clock, block_size=lambda: BLOCK
        )

    def restart_engine(self):
        """Another engine, which knows nothing."""
        self.layer = Layer(sample_rate=SAMPLE_RATE, counters=self.counters)

    def generate(self, number=1, *, tag=LOW, seed=1, tempo=0.0):
        """Mode generate, and a stream."""
        self.send(self.sequencer.set_mode(number, Mode.GENERATE, at=self.clock), number)
        self.sequencer.streaming.open(self.sequencer.layer(number), "tone", Told(tag, tempo), seed=seed)

    def retag(self, tag, number=1):
        self.sequencer.streaming.retag(self.sequencer.layer(number), tag, at=self.clock)
        return self.clock

    def send(self, events, number=1):
        if number != 1 or self.deaf:
            return
        for event in events:
            self.events.append(event)
            if isinstance(event, CutLayer):
                self.layer.cut(event.start)
            else:
                ring = getattr(event, "shard", 0) >= STREAM_SHARD
                self.layer.push(event, self.rings.ring(1).audio if ring else self.corpus)

    def play(self, seconds, *, tick=True):
        """Go on; returns what sounds meanwhile, float32 (n, 2). tick: False while the generator is away.

        Where a step is being made at the end, so long more.
        """
        first = len(self.sounds)
        end = self.clock + round(seconds * SAMPLE_RATE / BLOCK) * BLOCK
        while self.clock < end:
            if not (tick and self.streams.tick()):
                self._block()
        return np.concatenate(self.sounds[first:])

    def do_at(self, clock, what):
        """Do something when that block begins."""
        self._actions.append((clock // BLOCK * BLOCK, what))

    def _block(self):
        for when, what in [one for one in self._actions if one[0] <= self.clock]:
            self._actions.remove((when, what))
            what()
        self._conduct()
        out = np.zeros((BLOCK, 2), np.float32)
        self.layer.add_to(out, self.clock, scratch=self._scratch)
        self.clock += BLOCK
        self.sounds.append(out)

    def _make(self, step):
        """The generator's step, and the time that goes by meanwhile."""

        def make(*args, **kwargs):
            made = step(*args, **kwargs)
            for _ in range(round(self.cost * SAMPLE_RATE / BLOCK) if self._timed else 0):
                self._block()
            return made

        return make

    @property
    def n_late(self):
        return self.source.n_late()

    def _conduct(self):
        self.turns += self.source.turns(1)
        for layer in self.sequencer.layers:
            if layer.playing and self.may_begin(layer):
                self.begun.append(self.clock)
                self.send(self.sequencer.begin_stream(layer.number, at=self.clock), layer.number)
        while (start := self.sequencer.next_start(now=self.clock)) is not None and start < self.clock + AHEAD:
            events, choices = self.sequencer.plan(now=self.clock, until=start + 1)
            assert events
            self.choices += choices
            self.send([event for event in events if event.layer == 1])

    def may_begin(self, layer):
        return self.sequencer.streaming.is_ready(layer)

    def start(self, number=1):
        tag = self.sequencer.tags[0]
        self.send(self.sequencer.set_tags(number, {tag: 1.0}, at=self.clock), number)
        self.send(self.sequencer.set_playing(number, True, at=self.clock), number)

    def streamed(self):
        """Choices of the first layer's stream."""
        return [one for one in self.choices if one.layer == 1 and one.mode == "generate" and "generator" in one.source]

    def heard(self):
        return np.concatenate(self.sounds)


def offline(generator, *, n_layers=2):
    return OfflineSource(lambda _: generator, n_layers=n_layers, sample_rate=SAMPLE_RATE)


def made(generator, *, seconds, tag=LOW, seed=1):
    """The stream as its generator makes it, without a server."""
    stream = Stream(generator, seed=seed)
    return np.concatenate([stream.next(tag) for _ in range(int(seconds * SAMPLE_RATE / STEP) + 1)])


def playing(generator, **changes):
    """A stage on which a stream sounds."""
    stage = Stage(generator, **changes)
    stage.start()
    stage.generate()
    stage.play(0.5)
    assert stage.first.stream is not None
    return stage


def largest_step(sound):
    """The largest difference of neighbouring samples."""
    return float(np.abs(np.diff(sound[:, 0])).max())


def frequency(sound):
    """Frequency of the last second, in Hz, about."""
    return int((np.diff(np.signbit(sound[-SAMPLE_RATE:, 0]).astype(int)) == 1).sum())
