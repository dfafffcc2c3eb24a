"""The transport of a performance: messages that let layers play under their words, stop them, and set their levels.

Pure, as the performance is that it belongs to.
"""

from collections.abc import Sequence

from liveseq.corpus.names import as_tag
from liveseq.engine.events import Panic, Play, Record, Stop
from liveseq.errors import OscError
from liveseq.osc.checks import layer_argument
from liveseq.osc.packets import PREFIX
from liveseq.performance.levels import LEVELS, fade_record, level_record
from liveseq.performance.outcome import Handlers, Outcome, Request
from liveseq.performance.values import Values
from liveseq.performance.words import Speech
from liveseq.sequencer.sequencer import Sequencer

PLAY_SECONDS = 0.005
STOP_SECONDS = 0.05


class Transport:
    """The layers that play, and the messages that start, stop and mix them. One per performance."""

    def __init__(self, sequencer: Sequencer, speech: Speech, values: Values) -> None:
        self.playing = False
        """Whether the transport runs."""
        self._n_layers = len(sequencer.layers)
        self.armed = [True] * self._n_layers
        """Layers that play while the transport runs, where they have a tag."""
        self._sequencer = sequencer
        self._speech = speech
        self._values = values
        self.handlers: Handlers = {
            "play": self._play,
            "stop": self._stop,
            "panic": self._panic,
            "fade": self._fade,
            "tag": self._set_tag,
            "tags": self._set_tags,
            **dict.fromkeys(LEVELS, self._set_level),
        }

    def arm(self, layer: int, *, at: int, outcome: Outcome) -> None:
        """Let a layer play, and the transport run; on a stopped server the others stay silent. Raises OscError where
        the layer has no tag."""
        if not self._speech.spoken(layer):
            raise OscError("not_ready", f"layer {layer} has no tag yet; send {PREFIX}/layer/{layer}/tag s:tag")
        if not self.playing:
            self.armed = [False] * self._n_layers
        self.armed[layer - 1] = True
        if self.playing:
            outcome.records += self._start_layer(layer, at=at)
        else:
            self._start(at=at, outcome=outcome)

    def halt(self, *, at: int) -> None:
        """Stop every layer. The engine is told to forget everything by itself."""
        self.playing = False
        for layer in self._layers():
            self._sequencer.set_playing(layer, False, at=at)

    def resume(self, *, at: int) -> list[Record]:
        """Records for an engine that knows nothing: each layer begins anew, a stream goes on."""
        if not self.playing:
            return []
        records: list[Record] = [Play(seconds=PLAY_SECONDS)]
        for layer in self._layers():
            going_on = self._sequencer.rejoin(layer, at=at)
            if going_on is not None:
                records += going_on
                continue
            self._sequencer.set_playing(layer, False, at=at)
            records += self._start_layer(layer, at=at)
        return records

    def restore(self, *, playing: bool, armed: Sequence[bool]) -> None:
        """Take over the state of a snapshot; `resume` then says it to the engine."""
        self.playing = playing
        self.armed = [True] * self._n_layers
        self.armed[: len(armed)] = armed[: self._n_layers]

    def _layers(self) -> range:
        return range(1, self._n_layers + 1)

    def _start(self, *, at: int, outcome: Outcome) -> None:
        if not self.playing:
            self.playing = True
            outcome.records.append(Play(seconds=PLAY_SECONDS))
        for layer in self._layers():
            outcome.records += self._start_layer(layer, at=at)

    def _start_layer(self, layer: int, *, at: int) -> list[Record]:
        if not (self.armed[layer - 1] and self._speech.spoken(layer)):
            return []
        return list(self._sequencer.set_playing(layer, True, at=at))

    # Handlers

    def _play(self, request: Request) -> None:
        if request.row.layer is not None:
            self.arm(request.row.layer, at=request.at, outcome=request.outcome)
            return
        if not any(map(self._speech.spoken, self._layers())):
            self._speech.say(1, {self._sequencer.tags[0]: 1.0}, at=request.at, outcome=request.outcome)
        self.armed = [True] * self._n_layers
        self._start(at=request.at, outcome=request.outcome)

    def _stop(self, request: Request) -> None:
        layer, outcome = request.row.layer, request.outcome
        if layer is not None:
            self.armed[layer - 1] = False
            outcome.records += self._sequencer.set_playing(layer, False, at=request.at)
            return
        self.halt(at=request.at)
        outcome.records.append(Stop(seconds=STOP_SECONDS))

    def _panic(self, request: Request) -> None:
        self.halt(at=request.at)
        request.outcome.records.append(Panic())

    def _set_tag(self, request: Request) -> None:
        arguments = request.arguments
        layer = request.row.layer or layer_argument(arguments, 2, n_layers=self._n_layers)
        tag = str(arguments[0])
        words = {tag: 1.0}
        if len(arguments) > 1:
            spoken = self._speech.spoken(layer)
            others = {text: weight for text, weight in spoken.items() if text == tag or as_tag(text) != as_tag(tag)}
            words = {**others, tag: float(arguments[1])}  # type: ignore[arg-type]
        self._speech.say(layer, words, at=request.at, outcome=request.outcome, newest=tag)
        self.arm(layer, at=request.at, outcome=request.outcome)

    def _set_tags(self, request: Request) -> None:
        layer = request.row.layer or 1
        pairs = zip(request.arguments[::2], request.arguments[1::2], strict=True)
        words: dict[str, float] = dict(pairs)  # type: ignore[arg-type]
        self._speech.say(layer, words, at=request.at, outcome=request.outcome)
        self.arm(layer, at=request.at, outcome=request.outcome)

    def _set_level(self, request: Request) -> None:
        row, arguments = request.row, request.arguments
        self._values.keep(row.address, arguments, request.outcome)
        request.outcome.records.append(level_record(row.parameter.path, arguments, layer=row.layer))

    def _fade(self, request: Request) -> None:
        self._values.keep(f"{PREFIX}/gain", request.arguments[:1], request.outcome)
        gain_db, seconds = (float(value) for value in request.arguments)  # type: ignore[arg-type]
        request.outcome.records.append(fade_record(gain_db, seconds=seconds))
