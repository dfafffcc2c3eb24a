"""A desk without a socket, over a real sequencer and made-up units."""

import struct
import time
import types
from pathlib import Path

import numpy as np

from liveseq.conductor.corpus_watch import CorpusWatch
from liveseq.conductor.desk import Desk
from liveseq.conductor.generators.desk import GeneratorDesk
from liveseq.conductor.inbox import Inbox
from liveseq.conductor.input_desk import InputDesk
from liveseq.conductor.outbox import Outbox
from liveseq.conductor.output_desk import OutputDesk
from liveseq.conductor.preparation import Preparation
from liveseq.conductor.queries import Queries
from liveseq.conductor.word_desk import WordDesk
from liveseq.conductor.worker import Worker
from liveseq.corpus.index import Scaling, UnitIndex
from liveseq.corpus.names import as_tag
from liveseq.corpus.own_words.reading import OwnWords
from liveseq.corpus.synthetic import synthetic_units
from liveseq.corpus.units import ANY, FEATURE_NAMES
from liveseq.engine.state import Pulse, Status
from liveseq.errors import TagError
from liveseq.generation.orders import STATE_BYTES, GeneratorState
from liveseq.osc.clients import Clients
from liveseq.osc.hosts import Hosts
from liveseq.osc.packets import build, parse_packet
from liveseq.osc.scheduler import ntp_time
from liveseq.performance.performance import Performance
from liveseq.runtime.predictor import Mixture
from liveseq.runtime.tag_matcher import TagMatch
from liveseq.sequencer.material import Material
from liveseq.sequencer.sequencer import Sequencer
from liveseq.words.knowledge import key, knowledge
from liveseq.words.qualities import wording
from liveseq.words.reading import Reader

SAMPLE_RATE = 48_000
ALICE = ("127.0.0.1", 5001)
BOB = ("127.0.0.1", 5002)
OWN_PORT = 7700


class Persistence:
    """Expects what it last heard."""

    feature_names = FEATURE_NAMES
    samples_per_step = 8192
    sample_rate = SAMPLE_RATE

    def tag_vectors(self, vectors):
        return vectors

    def start(self):
        return ()

    def step(self, features, state, condition):
        means = features[None, None].astype(np.float32)
        return Mixture(np.zeros(1, np.float32), means, np.full_like(means, 0.3)), state


def make_instrument(*, seed=1, n_layers=2):
    units = synthetic_units(2000, sample_rate=SAMPLE_RATE, seed=3, n_tags=4)
    scaling = Scaling.of(units.features)
    index = UnitIndex(scaling.apply(units.features), tag_units=units.tag_units)
    tags = {key(tag): (place,) for place, tag in enumerate(units.tags)}
    reader = Reader(knowledge(), wording(), tags=tags, is_word=lambda word: True, mend=lambda word: None)

    def match(text):
        if as_tag(text) in (*units.tags, ANY):
            return TagMatch(weights={as_tag(text): 1.0}, best=[], known=True)
        parts = reader.read(text) if text.strip() else []
        named = [part.text for part in parts if part.kind == "tag"]
        if any(part.kind not in ("tag", "quality") for part in parts) or not parts:
            raise TagError(f"unknown tag {text!r}: the nearest are {units.tags[0]}")
        qualities = {part.quality: part.sign for part in parts if part.quality is not None}
        weights = {tag: 1.0 / len(named) for tag in named} or {ANY: 1.0}
        return TagMatch(weights=weights, best=[], known=True, qualities=qualities)

    corpus = types.SimpleNamespace(
        sample_rate=SAMPLE_RATE,
        path=Path("synthetic.corpus"),
        shards=lambda: [(0, 10_000_000)],
        tags=lambda: {tag: (len(found), len(found) * 8192) for tag, found in units.tag_units.items() if tag != ANY},
    )
    noise = np.random.default_rng(0).standard_normal((4 * SAMPLE_RATE, 2)).astype(np.float32)
    material = Material(units=units, index=index, scaling=scaling, audio=lambda _, begin, end: noise[: end - begin])
    sequencer = Sequencer(material, {"predictor": Persistence()}, seed=seed, n_layers=n_layers)
    said = {}
    return types.SimpleNamespace(
        sequencer=sequencer,
        match=match,
        corpus=corpus,
        scaling=scaling,
        given_up=dict,
        own=OwnWords(),
        said=said,
        written={},
        words=dict,
        common=lambda text: said.get(text, text),
        use_synonyms=lambda said: None,
    )


class Stage:
    """A desk with what a conductor would give it; time and engine clock stand still until they are moved."""

    def __init__(self, *, instrument=None, seeds=Path("seeds"), heard=None, encoder=None, generator=None, session=None):
        """instrument: a real one; None: made-up units. seeds: folder for seed/file. heard: an InputState, where there
        is to be an input.

        encoder, generator, session: as GeneratorDesk takes them.
        """
        self.now = 1000.0
        self.sent = []
        self.entries = []
        """Of the log."""
        self.ended = False
        self.performance = Performance(instrument or make_instrument(), seed=1)
        self.clients = Clients(Hosts(port=OWN_PORT))
        self.wall = 1_800_000_000.0
        values = self.performance.values
        self.outbox = Outbox(self.clients, lambda packet, target: self.sent.append((packet, target)), values=values)
        self.inbox = Inbox(self.performance, self.outbox, now=self.now, wall=self.wall)
        self.worker = Worker()
        self.desk = Desk(
            self.performance,
            self.inbox,
            self.outbox,
            link=self._link(),
            worker=self.worker,
            recorder=types.SimpleNamespace(write=self.entries.append),
            now=self.now,
        )
        self.folder = types.SimpleNamespace(version=lambda: 0)
        """Of the corpus: its version."""
        self.n_told = 0
        self.watch = CorpusWatch(self.desk, self.folder, tell=self._tell)
        self.words = WordDesk(self.desk)
        self.preparation = Preparation(self.desk, seeds=seeds)
        self.input = InputDesk(self.desk, self.watch, heard, sample_rate=SAMPLE_RATE)
        self.orders = GeneratorState(memoryview(bytearray(STATE_BYTES)))
        self.n_saved = 0
        self.generators = GeneratorDesk(
            self.desk,
            self.watch,
            self.orders,
            encoder=encoder,
            model=generator,
            minutes=60.0,
            session=session or {},
            save=self._count,
        )
        queries = Queries(self.desk, status=lambda: ("ready", 0.0), quit_server=lambda: setattr(self, "ended", True))
        self.asked = []
        """Outputs that the supervisor was asked for, with their block sizes."""
        self.output = OutputDesk(self.desk, lambda *asked: self.asked.append(asked), output="system", block_size=128)
        for part in (queries, self.watch, self.words, self.preparation, self.input, self.generators, self.output):
            self.desk.handlers |= part.handlers

    def _tell(self):
        self.n_told += 1

    def _count(self):
        self.n_saved += 1

    def _link(self):
        """An engine with which all is well."""
        status = Status(state="ready", sample_rate=float(SAMPLE_RATE), device="none")
        return types.SimpleNamespace(
            sample_rate=SAMPLE_RATE,
            block_size=128,
            act_at=self.act_at,
            clock=lambda: int(self.now * SAMPLE_RATE),
            pulse=Pulse,
            status=lambda: status,
            alive=lambda: True,
            n_full=0,
        )

    def act_at(self, due):
        return int(max(due, self.now) * SAMPLE_RATE)

    def send(self, address, *arguments, source=ALICE):
        self.packet(build(address, *arguments), source=source)

    def packet(self, data, *, source=ALICE):
        self.inbox.receive(data, source, now=self.now)
        self.work()

    def work(self, clock=None):
        """One turn. clock: gives the time; it stands still by default, and the turn takes as long as it needs."""
        self.desk.work(now=self.now, wall=self.wall, clock=clock or (lambda: self.now))

    def bundle(self, seconds, *messages, source=ALICE):
        """A bundle whose time is `seconds` from now."""
        data = b"#bundle\0" + struct.pack(">Q", ntp_time(self.wall + seconds))
        for address, *arguments in messages:
            dgram = build(address, *arguments)
            data += struct.pack(">i", len(dgram)) + dgram
        self.packet(data, source=source)

    def pass_time(self, seconds):
        self.now += seconds
        self.wall += seconds
        self.worker.settle(now=self.now)
        self.look(now=self.now)
        self.input.tick(self.now)
        self.generators.tick(self.now)
        self.work()
        self.outbox.flush(now=self.now)

    def look(self, *, now):
        """Until the corpus has been looked at, where it is time to."""
        self.watch.tick(now)
        while self.watch.looks:
            time.sleep(0.001)
            self.watch.looks.settle(now=now)
        self.watch.tick(now)

    def prepare(self):
        """Until everything that needs preparation has acted."""
        while self.worker:
            time.sleep(0.001)
            self.worker.settle(now=self.now)

    def answers(self, source=ALICE):
        """Everything that was sent to this address since the last call: (address, *arguments)."""
        mine = [datagram for datagram, target in self.sent if target == source]
        self.sent = [pair for pair in self.sent if pair[1] != source]
        return [
            (message.address, *message.arguments)
            for datagram in mine
            for group in parse_packet(datagram)
            for message in group.messages
        ]

    def ask(self, address, *arguments, source=ALICE):
        self.answers(source)
        self.send(address, *arguments, source=source)
        return self.answers(source)
