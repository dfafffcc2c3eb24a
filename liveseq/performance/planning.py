"""The planning of a performance: messages that change seeds, knobs, modes, models, weights and filters of its layers.

Pure, as the performance is that it belongs to.
"""

from liveseq.corpus.units import ANY
from liveseq.errors import ModelError, OscError
from liveseq.osc.checks import layer_argument
from liveseq.osc.packets import PREFIX
from liveseq.performance.filters import FILTER_PARTS, Filters
from liveseq.performance.instrument import Instrument
from liveseq.performance.knobs import KNOBS, check_model_name, merged_weights, set_knob
from liveseq.performance.outcome import Handlers, Outcome, Request
from liveseq.performance.priming import Calibration, find_unit, step_features
from liveseq.performance.streamed import Streamed
from liveseq.performance.transport import Transport
from liveseq.performance.values import Values
from liveseq.performance.words import Speech
from liveseq.runtime.limits import TEMPO
from liveseq.runtime.predictor import Predictor
from liveseq.sequencer.settings import WEIGHT_NAMES, Mode


class Planning:
    """The messages that change how layers are planned. One per performance."""

    def __init__(
        self,
        instrument: Instrument,
        transport: Transport,
        *,
        speech: Speech,
        streamed: Streamed,
        filters: Filters,
        values: Values,
    ) -> None:
        self.learned = b""
        """The range of the input that is mapped onto the corpus's, as a message says it; empty for none."""
        self._calibration: Calibration | None = None  # made of it
        self._instrument = instrument
        self._sequencer = instrument.sequencer
        self._transport = transport
        self._speech = speech
        self._streamed = streamed
        self._filters = filters
        self._values = values
        self.handlers: Handlers = {
            "seed": self._set_seed,
            "seed/corpus": self._seed_corpus,
            "prime": self._prime,
            "listen": self._set_listen,
            "mode": self._set_mode,
            "generator/tempo": self._set_tempo,
            "predict/model": self._set_model,
            "query/weights": self._set_weights,
            "query/calibration": self._set_calibration,
            "query/filter/clear": self._clear_filter,
            **{f"query/filter/{part}": self._set_filter for part in FILTER_PARTS},
            **dict.fromkeys(KNOBS, self._turn_knob),
        }

    def use_predictor(self, name: str, predictor: Predictor | None) -> None:
        """Make a model known to the sequencer; None: load it now, unless it is. Raises OscError where it is none of
        ours."""
        if predictor is None and name in self._sequencer.predictors:
            return
        if predictor is None:
            try:
                predictor = self._instrument.load_predictor(check_model_name(name))
            except ModelError as error:
                raise OscError("model_error", str(error)) from None
        self._sequencer.add_predictor(name, predictor)

    def calibrate(self, learned: bytes) -> None:
        """Map an input of this range onto that of the corpus; empty: as it is. Raises OscError."""
        self._calibration = Calibration.of(learned, self._instrument.scaling)
        self.learned = learned

    # Seeds

    def _set_seed(self, request: Request) -> None:
        seed = int(request.arguments[0])  # type: ignore[arg-type]
        for layer in self._values.spread(request.row, request.arguments, request.outcome):
            request.outcome.records += self._sequencer.set_seed(layer, seed, at=request.at)
            self._streamed.reseed(layer)

    def _prime(self, request: Request) -> None:
        number = request.row.layer or 1
        features = step_features(request.arguments, self._sequencer.units)
        if self._calibration is not None:
            features = self._calibration.apply(features)
        layer = self._sequencer.layer(number)
        if layer.listening and layer.playing:
            self._sequencer.hear_input(number, features)
            return
        self._begin_seeded(number, at=request.at, outcome=request.outcome)
        request.outcome.records += self._sequencer.prime(number, features, at=request.at)

    def _seed_corpus(self, request: Request) -> None:
        arguments = request.arguments
        layer = self._layer_argument(request, 2)
        seconds = float(arguments[1]) if len(arguments) > 1 else 0.0  # type: ignore[arg-type]
        unit = find_unit(self._sequencer.units, str(arguments[0]), seconds=seconds)
        self._begin_seeded(layer, at=request.at, outcome=request.outcome)
        request.outcome.records += self._sequencer.seed_corpus(layer, unit, at=request.at)

    def _set_listen(self, request: Request) -> None:
        value = request.arguments[:1]
        layer = request.row.layer or self._layer_argument(request, 1)
        self._sequencer.listen(layer, bool(value[0]))
        self._values.keep(f"{PREFIX}/layer/{layer}/listen", value, request.outcome)
        if layer == 1:
            self._values.keep(f"{PREFIX}/listen", value, request.outcome)
        if value[0]:
            self._begin_seeded(layer, at=request.at, outcome=request.outcome)

    def _begin_seeded(self, layer: int, *, at: int, outcome: Outcome) -> None:
        """Let a layer play that is given something to continue; without a tag, whatever comes nearest. First: it begins
        with nothing to continue."""
        if not self._speech.spoken(layer):
            outcome.records += self._sequencer.set_tags(layer, {ANY: 1.0}, at=at)
            self._speech.keep(layer, {ANY: 1.0}, outcome, newest=ANY)
        self._transport.arm(layer, at=at, outcome=outcome)

    def _set_calibration(self, request: Request) -> None:
        learned = request.arguments[0] if request.arguments else b""
        assert isinstance(learned, bytes)
        self.calibrate(learned)

    # Knobs

    def _turn_knob(self, request: Request) -> None:
        for layer in self._values.spread(request.row, request.arguments, request.outcome):
            set_knob(self._sequencer.layer(layer).settings, request.row.parameter.path, request.arguments[0])

    def _set_weights(self, request: Request) -> None:
        settings = [self._sequencer.layer(layer).settings for layer in self._values.layers_of(request.row)]
        merged = [merged_weights(one.weights, request.arguments) for one in settings]
        for one, weights in zip(settings, merged, strict=True):
            one.turn("weights", weights)
        value = tuple(item for pair in zip(WEIGHT_NAMES, merged[0], strict=True) for item in pair)
        self._values.spread(request.row, value, request.outcome)

    def _set_mode(self, request: Request) -> None:
        mode = Mode(str(request.arguments[0]))
        for layer in self._values.spread(request.row, request.arguments, request.outcome):
            request.outcome.records += self._sequencer.set_mode(layer, mode, at=request.at)
            self._streamed.hope(layer)

    def _set_tempo(self, request: Request) -> None:
        tempo = float(request.arguments[0])  # type: ignore[arg-type]
        if 0.0 < tempo < TEMPO[0]:
            raise OscError("out_of_range", f"tempo: expected 0 or {TEMPO[0]:g} to {TEMPO[1]:g}, found {tempo:g}")
        self._streamed.lead(tempo, at=request.at)
        self._values.keep(request.row.address, request.arguments, request.outcome)

    def _set_model(self, request: Request) -> None:
        """A model that nobody has loaded before is loaded here: a replay may wait, the conductor sees to it first."""
        name = str(request.arguments[0])
        self.use_predictor(name, None)
        for layer in self._values.spread(request.row, request.arguments, request.outcome):
            request.outcome.records += self._sequencer.set_predictor(layer, name, at=request.at)

    # Filters

    def _set_filter(self, request: Request) -> None:
        part = request.row.parameter.path.rpartition("/")[2]
        self._filters.change(self._values.layers_of(request.row), part, request.arguments)
        self._values.spread(request.row, request.arguments, request.outcome)

    def _clear_filter(self, request: Request) -> None:
        layers = self._values.layers_of(request.row)
        self._filters.clear(layers)
        for layer in layers:
            bases = [f"{PREFIX}/layer/{layer}"] + ([PREFIX] if request.row.layer is None else [])
            for base in bases:
                for part in FILTER_PARTS:
                    self._values.keep(f"{base}/query/filter/{part}", (), request.outcome)

    def _layer_argument(self, request: Request, place: int) -> int:
        return layer_argument(request.arguments, place, n_layers=len(self._sequencer.layers))
