"""`liveseq render`: timed messages, played into a file.

The same Performance as live, told the same messages at the samples of their times. What takes long live (a seed file, a
model) is there when its message comes; a stream is there when it is ordered. With the same corpus, models, messages and
seed a render gives the same samples, bit for bit.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from liveseq.config import ServerConfig
from liveseq.corpus.units import ANY
from liveseq.engine.events import Record, Stop
from liveseq.errors import ConfigError, LiveseqError, TagError
from liveseq.generation.meaning import Vocabulary
from liveseq.offline.messages import TimedMessage
from liveseq.offline.player import Player, Step, Stretch
from liveseq.offline.streams import StreamFollower
from liveseq.osc.packets import PREFIX
from liveseq.performance.instrument import Instrument
from liveseq.performance.performance import Performance
from liveseq.performance.seeds import prime_arguments, read_seed
from liveseq.runtime.folders import GENERATOR, model_folder
from liveseq.sequencer.settings import Mode

FADE_SECONDS = 0.5
"""At the end of a take."""


def render(
    instrument: Instrument, messages: Sequence[TimedMessage], *, seconds: float, generator: str = GENERATOR
) -> Iterator[Stretch]:
    """A take, block by block. See `Rendering`."""
    return Rendering(instrument, messages, generator=generator).play(seconds=seconds)


class Rendering:
    """Messages that can be played: what they need is loaded, what they say is understood."""

    def __init__(
        self,
        instrument: Instrument,
        messages: Sequence[TimedMessage],
        *,
        generator: str = GENERATOR,
        seeds: Path = ServerConfig.seeds,
    ) -> None:
        """messages: in order of time. generator: that layers in mode generate play, by path or name. seeds: folder that
        seed/file reads from. Raises ConfigError for a message that cannot be obeyed, as far as is known now.
        """
        self._instrument = instrument
        self._rate = instrument.corpus.sample_rate
        self._performance = Performance(instrument, seed=instrument.sequencer.layer(1).seed)
        self._player = Player(self._performance, ahead=int(ServerConfig.look_ahead * self._rate))
        self._follower = StreamFollower(self._performance)
        self._player.follow = self._follower.follow
        self._generator = generator
        self._seeds = seeds
        self._vocabularies: dict[str, Vocabulary] = {}
        self._streamed: set[int] = set()  # layers that ever play a generator
        self.notes: list[str] = []
        """Sentences on what was wrong with a seed and could be helped."""
        self._messages = [self._prepared(message) for message in messages]
        self._generator = generator
        self.meanings = self._understood(messages)
        """Text of a tag -> what plays for it, each with its share: tags of the corpus, or of a generator."""

    def _understood(self, messages: Sequence[TimedMessage]) -> Mapping[str, Mapping[str, float]]:
        """Meanings of all texts, as the words stand when they come. Raises ConfigError."""
        said, found = self._instrument.said, {}
        for message in messages:
            if message.row.parameter.path == "tag/synonym":
                with _blaming(message):
                    self._instrument.say_synonym(*map(str, message.arguments))
            for text in _texts(message):
                found[text] = self._meaning(text, message)
        self._instrument.use_synonyms(said)
        return found

    def play(self, *, seconds: float) -> Iterator[Stretch]:
        """The take, once; its last FADE_SECONDS fade out. Raises ConfigError for a message that is refused."""
        end = int(seconds * self._rate)
        return self._player.play(sorted(self._steps(end), key=lambda step: step.at), end=end)

    def _steps(self, end: int) -> Iterator[Step]:
        yield Step(0, lambda player: player.start_engine(0))
        for message in self._messages:
            at = int(message.seconds * self._rate)
            yield Step(at, partial(self._obey, message, at))
        yield Step(end - int(FADE_SECONDS * self._rate), lambda _: [Stop(seconds=FADE_SECONDS)])

    def _prepared(self, message: TimedMessage) -> TimedMessage:
        """Load what a message needs; returns what is obeyed in its place."""
        path, arguments = message.row.parameter.path, message.arguments
        with _blaming(message):
            if path == "seed/file":
                return self._primed(message)
            if path == "predict/model":
                self._performance.use_predictor(str(arguments[0]), None)
            elif path == "generator":
                self._generator = str(arguments[0])
                self._learn(self._generator)
            elif path == "mode" and arguments[0] == Mode.GENERATE:
                self._learn(self._generator)
                layer = message.row.layer
                self._streamed.update([layer] if layer else range(1, self._performance.n_layers + 1))
        return message

    def _primed(self, message: TimedMessage) -> TimedMessage:
        """A seed is a priming, as in a log."""
        units = self._performance.sequencer.units
        name = str(message.arguments[0])
        rate, hop_length = units.sample_rate, units.hop_length
        frames = read_seed(self._seeds, name, sample_rate=rate, hop_length=hop_length, notes=self.notes)
        row = self._performance.table[f"{PREFIX}/layer/{message.layer}/prime"]
        return replace(message, row=row, arguments=prime_arguments(frames))

    def _learn(self, generator: str) -> Vocabulary:
        if generator not in self._vocabularies:
            self._vocabularies[generator] = Vocabulary(model_folder(generator), self._instrument.matcher.encoder)
        return self._vocabularies[generator]

    def _meaning(self, text: str, message: TimedMessage) -> Mapping[str, float]:
        """Tags that a text means, of a generator that its layer may play, or else of the corpus."""
        unknown: TagError | None = None
        streamed = message.layer in self._streamed and text.strip() != ANY
        with _blaming(message):
            for vocabulary in self._vocabularies.values() if streamed else ():
                try:
                    return vocabulary.meaning(self._instrument.common(text)).weights
                except TagError as error:
                    unknown = error
            try:
                return self._instrument.match(text).weights
            except TagError as error:
                raise unknown or error from None

    def _obey(self, message: TimedMessage, at: int, _: Player) -> Sequence[Record]:
        path, arguments = message.row.parameter.path, message.arguments
        records: Sequence[Record] = ()
        with _blaming(message):
            if path == "generator":
                self._generator = str(arguments[0])
            else:
                records = self._performance.apply(message.row, arguments, at=at).records
            if path == "generator" or (path == "mode" and arguments[0] == Mode.GENERATE):
                self._follower.choose(self._generator, self._learn(self._generator))
        return records


def _texts(message: TimedMessage) -> list[str]:
    """Words for tags in a message, without those that it takes away."""
    path, arguments = message.row.parameter.path, message.arguments
    if path not in ("tag", "tags"):
        return []
    pairs = zip(arguments[::2], arguments[1::2], strict=True) if path == "tags" else [(*arguments, 1.0)[:2]]
    return [str(text) for text, weight in pairs if weight]


@contextmanager
def _blaming(message: TimedMessage) -> Iterator[None]:
    """An error names the message that has led to it."""
    try:
        yield
    except LiveseqError as error:
        raise ConfigError(f"{message.where}: {error}") from None
