"""The one table of everything that can be said to the server, and by it.

OSC dispatch, checks, the state dump, docs/osc.md and the tests are made from it, so that they cannot drift apart.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from liveseq.dsp.descriptors import BASE_NAMES
from liveseq.sequencer.settings import WEIGHT_NAMES, Mode, Settings, Steering
from liveseq.sequencer.timeline import GrainShape
from liveseq.server.osc import PREFIX, Value

SILENCE_DB = -90.0
"""A gain of this much, or less, is silence."""
_KNOBS = Settings()
_MACROS = Steering()


class Kind(StrEnum):
    """What a message does."""

    SET = "set"
    """Idempotent. With no arguments it asks for the value. The last of several in one packet wins."""
    TRIGGER = "trigger"
    """Does something; too late it is dropped."""
    QUERY = "query"
    """Asks for something."""
    PUSH = "push"
    """Sent by the server to those who subscribe."""


class Scope(StrEnum):
    """Where a parameter lies."""

    GLOBAL = "global"
    LAYER = "layer"
    """/liveseq/layer/<n>/..."""
    BOTH = "both"
    """At both addresses; the global one is for all layers at once."""


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument of a message."""

    name: str
    type: str
    """OSC type: f, i, s; b for a truth value (T, F, 0 or 1); blob; si for either of two."""
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    optional: bool = False

    @property
    def range(self) -> str:
        if self.choices:
            return " ".join(self.choices)
        if math.isfinite(self.low):
            return f"{self.low:.10g} to {self.high:.10g}" if math.isfinite(self.high) else f"from {self.low:.10g}"
        return ""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One row of the table."""

    path: str
    """Below /liveseq, or below /liveseq/layer/<n>."""
    kind: Kind
    description: str
    arguments: tuple[Argument, ...] = ()
    scope: Scope = Scope.GLOBAL
    default: tuple[Value, ...] = ()
    """Of a SET, before anybody has set it."""
    clip: bool = False
    """Whether a number out of range is moved to the nearest end, and said back; otherwise it is refused."""
    repeats: bool = False
    """Whether the arguments may come several times."""
    merges: bool = True
    """Whether of several in one packet or tick the last one is enough."""
    prepared: bool = False
    """Whether something has to be read or computed first, beside the music; it acts when that is done."""
    reply: str = ""
    """What the answer holds, for the documentation."""


def _f(
    name: str, unit: str = "", low: float = -math.inf, high: float = math.inf, *, optional: bool = False
) -> Argument:
    return Argument(name=name, type="f", unit=unit, low=low, high=high, optional=optional)


def _i(
    name: str, unit: str = "", low: float = -math.inf, high: float = math.inf, *, optional: bool = False
) -> Argument:
    return Argument(name=name, type="i", unit=unit, low=low, high=high, optional=optional)


def _s(name: str, *choices: str, optional: bool = False) -> Argument:
    return Argument(name=name, type="s", choices=choices, optional=optional)


def _b(name: str) -> Argument:
    return Argument(name=name, type="b")


def _blob(name: str, unit: str = "", *, optional: bool = False) -> Argument:
    return Argument(name=name, type="blob", unit=unit, optional=optional)


def _knob(path: str, argument: Argument, default: Value, description: str, *, clip: bool = True) -> Parameter:
    """A setting of the sequencer: per layer, and for all at once."""
    return Parameter(
        path=path,
        kind=Kind.SET,
        scope=Scope.BOTH,
        arguments=(argument,),
        default=(default,),
        clip=clip,
        description=description,
    )


_GAIN = _f("gain", "dB", SILENCE_DB, 6.0)  # a slip of the hand (50 for 5) is loud, but not a disaster
_WEIGHT = _f("weight", "", 0.0, 1000.0, optional=True)
_TAG = (
    "Play this tag, in your own words, from the next block on; on a stopped server its layer starts, alone. With a "
    "weight it is mixed with the other tags of the layer in proportion, and 0 takes it away; without, it replaces them."
)
_LAYER = _i("layer", "", 1, 16, optional=True)
_TAGS = "Play several tags, each with its weight, or all with the same; they replace what the layer had."

PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        path="play",
        kind=Kind.TRIGGER,
        description="Start. Every layer that has a tag plays; if none has, layer 1 takes the first tag of the corpus.",
    ),
    Parameter(
        path="stop",
        kind=Kind.TRIGGER,
        description="Fade out and stop. Messages that wait for their time are forgotten. Never waits itself.",
    ),
    Parameter(
        path="panic",
        kind=Kind.TRIGGER,
        description="Silence within one block and 10 ms; everything that waits is forgotten. Never waits.",
    ),
    Parameter(path="gain", kind=Kind.SET, arguments=(_GAIN,), default=(0.0,), clip=True, description="Master gain."),
    Parameter(
        path="fade",
        kind=Kind.TRIGGER,
        arguments=(_GAIN, _f("seconds", "s", 0.0, 3600.0)),
        description="Move the master gain to a value within a time.",
    ),
    Parameter(
        path="mute",
        kind=Kind.SET,
        arguments=(_b("mute"),),
        default=(False,),
        description="Silence the output; the music goes on meanwhile.",
    ),
    Parameter(
        path="tag",
        kind=Kind.SET,
        merges=False,
        arguments=(_s("tag"), _WEIGHT, _LAYER),
        default=("",),
        description=f"{_TAG} Layer 1 where no layer is given; the others are silent until they get a tag.",
        reply="s:tag of layer 1, the one that was given last",
    ),
    Parameter(
        path="tags",
        kind=Kind.SET,
        merges=False,
        repeats=True,
        arguments=(_s("tag"), _WEIGHT),
        description=f"{_TAGS} Layer 1.",
        reply="s:tag f:weight ...",
    ),
    Parameter(
        path="seed",
        kind=Kind.SET,
        scope=Scope.BOTH,
        arguments=(_i("seed", "", 0, 2**31 - 1),),
        default=(1,),
        description="Begin again from this seed: the same seed, tags and settings give the same choices.",
    ),
    Parameter(
        path="seed/file",
        kind=Kind.TRIGGER,
        prepared=True,
        arguments=(_s("path"), _LAYER),
        description="Continue from a recording: a path below the server's folder of seeds. Its last 30 s are heard.",
    ),
    Parameter(
        path="seed/corpus",
        kind=Kind.TRIGGER,
        arguments=(_s("source"), _f("seconds", "s", 0.0, 86_400.0, optional=True), _LAYER),
        description="Continue from this recording of the corpus, from its beginning or from so many seconds on.",
    ),
    Parameter(
        path="seed/input",
        kind=Kind.TRIGGER,
        prepared=True,
        arguments=(_f("seconds", "s", 0.5, 60.0), _LAYER),
        description="Continue from what was played into the input device in the last so many seconds.",
    ),
    Parameter(
        path="listen",
        kind=Kind.SET,
        merges=False,
        arguments=(_b("listen"), _LAYER),
        default=(False,),
        description="Keep following the input device: the plan continues what is being played there. Layer 1 where no "
        "layer is given.",
        reply="b:of layer 1",
    ),
    Parameter(
        path="listen",
        kind=Kind.SET,
        merges=False,
        scope=Scope.LAYER,
        arguments=(_b("listen"),),
        default=(False,),
        description="The same for this layer.",
    ),
    Parameter(
        path="prime",
        kind=Kind.TRIGGER,
        scope=Scope.BOTH,
        arguments=(_i("columns", "", 39, 43), _blob("descriptors", "float32, big-endian")),
        description="Continue from these descriptor frames, one row each: 43 columns (mfcc0 to mfcc38, loudness_db, "
        "centroid_hz, flatness, f0_hz), or Demiurge's 39. Layer 1 at the global address.",
    ),
    Parameter(
        path="mode",
        kind=Kind.SET,
        scope=Scope.BOTH,
        arguments=(_s("mode", *(str(mode) for mode in Mode)),),
        default=(str(_KNOBS.mode),),
        description="How the plan becomes sound: continuous, one unit after the other; beat, slices that land on the "
        "beat; cloud, overlapping grains; freeze, grains of the place that sounds now.",
    ),
    Parameter(
        path="play",
        kind=Kind.TRIGGER,
        scope=Scope.LAYER,
        description="Start this layer; on a stopped server, this one alone.",
    ),
    Parameter(path="stop", kind=Kind.TRIGGER, scope=Scope.LAYER, description="Fade this layer out; the others go on."),
    Parameter(
        path="tag",
        kind=Kind.SET,
        merges=False,
        scope=Scope.LAYER,
        arguments=(_s("tag"), _WEIGHT),
        default=("",),
        description=_TAG,
        reply="s:the tag that was given last",
    ),
    Parameter(
        path="tags",
        kind=Kind.SET,
        merges=False,
        repeats=True,
        scope=Scope.LAYER,
        arguments=(_s("tag"), _WEIGHT),
        description=_TAGS,
        reply="s:tag f:weight ...",
    ),
    Parameter(
        path="gain",
        kind=Kind.SET,
        scope=Scope.LAYER,
        arguments=(_GAIN,),
        default=(0.0,),
        clip=True,
        description="Gain of the layer.",
    ),
    Parameter(
        path="pan",
        kind=Kind.SET,
        scope=Scope.LAYER,
        arguments=(_f("pan", "", -1.0, 1.0),),
        default=(0.0,),
        clip=True,
        description="Position of the layer: -1 left, 0 centre, 1 right.",
    ),
    Parameter(
        path="mute",
        kind=Kind.SET,
        scope=Scope.LAYER,
        arguments=(_b("mute"),),
        default=(False,),
        description="Silence the layer; it goes on playing meanwhile.",
    ),
    _knob(
        "predict/temperature",
        _f("temperature", "", 0.0, 2.0),
        _KNOBS.predict_temperature,
        "How far the predicted future wanders: 0 the likeliest, 1 as the model means it.",
    ),
    _knob(
        "predict/horizon",
        _i("steps", "predictor steps", 1, 32),
        _KNOBS.horizon,
        "Steps that are planned ahead at once (about 170 ms each).",
        clip=False,
    ),
    Parameter(
        path="predict/model",
        kind=Kind.SET,
        scope=Scope.BOTH,
        prepared=True,
        merges=False,
        arguments=(_s("model"),),
        default=("",),
        description="The predictor: a folder of models/. It is loaded beside the music, and the next plan uses it.",
    ),
    _knob(
        "steer/loudness",
        _f("loudness", "dB", -24.0, 24.0),
        _MACROS.loudness,
        "Bend the plan: louder or softer material; where there is none, it is raised or lowered.",
    ),
    _knob(
        "steer/brightness",
        _f("brightness", "octaves", -3.0, 3.0),
        _MACROS.brightness,
        "Bend the plan: the centre of the spectrum so much higher or lower.",
    ),
    _knob(
        "steer/density",
        _f("density", "octaves", -3.0, 3.0),
        _MACROS.density,
        "Bend the plan: livelier inside each unit (attacks, changes), or smoother; in a cloud, more or fewer grains.",
    ),
    _knob(
        "steer/noisiness",
        _f("noisiness", "dB", -40.0, 40.0),
        _MACROS.noisiness,
        "Bend the plan: from tone to noise, as dB of spectral flatness.",
    ),
    _knob(
        "steer/pitch",
        _f("pitch", "semitones", -24.0, 24.0),
        _MACROS.pitch,
        "Bend the plan: higher or lower material; what is missing of it, up to an octave, is transposed.",
    ),
    _knob(
        "steer/movement",
        _f("movement", "", 0.0, 4.0),
        _MACROS.movement,
        "How fast the plan travels: 0 stays where it is, 1 as predicted, 2 twice as fast.",
    ),
    _knob(
        "steer/surprise",
        _f("surprise", "", 0.0, 3.0),
        _MACROS.surprise,
        "Factor on predict/temperature and query/temperature together.",
    ),
    _knob(
        "steer/memory",
        _f("memory", "", 0.0, 1.0),
        _MACROS.memory,
        "How strongly the plan returns to what has sounded in the last two minutes.",
    ),
    _knob(
        "query/k",
        _i("k", "units", 1, 256),
        _KNOBS.k,
        "Nearest units that are weighed for each step: few is closer to the prediction, many is freer.",
        clip=False,
    ),
    _knob(
        "query/radius",
        _f("radius", "standard deviations", 0.0, 10.0),
        _KNOBS.radius,
        "Units further than this from the prediction are left out, as long as one is nearer; 0 takes all.",
    ),
    Parameter(
        path="query/weights",
        kind=Kind.SET,
        scope=Scope.BOTH,
        merges=False,
        repeats=True,
        arguments=(_s("descriptor", *WEIGHT_NAMES, "timbre"), _f("weight", "", 0.0, 100.0)),
        default=tuple(item for name in WEIGHT_NAMES for item in (name, 1.0)),
        description="What counts how much in the choice of a unit; those that are not named stay. timbre is all MFCC "
        "together, spread what moves inside the unit.",
    ),
    Parameter(
        path="query/filter/tags",
        kind=Kind.SET,
        scope=Scope.BOTH,
        merges=False,
        repeats=True,
        arguments=(_s("tag"), _f("on", "", 0.0, 1.0, optional=True)),
        description="Only units that have one of these tags too. A filter that would leave nothing is refused.",
    ),
    Parameter(
        path="query/filter/sources",
        kind=Kind.SET,
        scope=Scope.BOTH,
        merges=False,
        repeats=True,
        arguments=(_s("source"), _f("on", "", 0.0, 1.0, optional=True)),
        description="Only units of recordings whose name contains one of these texts; with 0, of none of these.",
    ),
    Parameter(
        path="query/filter/range",
        kind=Kind.SET,
        scope=Scope.BOTH,
        merges=False,
        arguments=(_s("descriptor", *BASE_NAMES), _f("low"), _f("high")),
        description="Only units whose mean of this descriptor lies in this range (loudness_db and flatness_db in dB, "
        "log_centroid and log_f0 in octaves of Hz).",
        reply="s:descriptor f:low f:high, the last one set",
    ),
    Parameter(
        path="query/filter/clear",
        kind=Kind.TRIGGER,
        scope=Scope.BOTH,
        description="No filter any more.",
    ),
    _knob(
        "query/pitchmatch",
        _f("range", "semitones", 0.0, 12.0),
        _KNOBS.pitch_match,
        "Transpose a unit towards the predicted pitch, by at most this; 0 leaves it as it is.",
    ),
    _knob(
        "query/loudmatch",
        _f("range", "dB", 0.0, 24.0),
        _KNOBS.loudness_match,
        "Raise or lower a unit towards the predicted loudness, by at most this; 0 leaves it as it is.",
    ),
    Parameter(
        path="query/calibrate",
        kind=Kind.TRIGGER,
        prepared=True,
        arguments=(_f("seconds", "s", 0.0, 60.0),),
        description="Learn the range of the input for so long, and map it onto the range of the corpus from then on; "
        "0 forgets it.",
    ),
    Parameter(
        path="query/calibration",
        kind=Kind.TRIGGER,
        arguments=(_blob("range", "float32, big-endian", optional=True),),
        description="Map an input of this range onto that of the corpus: the mean of each of the 34 step features, then "
        "their spreads. What calibrate does in the end; without a range it is forgotten.",
    ),
    _knob(
        "query/temperature",
        _f("temperature", "", 0.0, 2.0),
        _KNOBS.query_temperature,
        "Chance in the choice of a unit: 0 always the one that fits best.",
    ),
    _knob(
        "query/stickiness",
        _f("stickiness", "", 0.0, 1.0),
        _KNOBS.stickiness,
        "0 jumps to whatever fits best, 1 stays in the recording that sounds.",
    ),
    _knob(
        "query/taboo/count",
        _i("count", "units", 0, 1000),
        _KNOBS.taboo_count,
        "A unit does not come back before this many others have sounded.",
        clip=False,
    ),
    _knob(
        "query/taboo/seconds",
        _f("seconds", "s", 0.0, 600.0),
        _KNOBS.taboo_seconds,
        "Nor before this many seconds.",
    ),
    _knob(
        "grain/crossfade_ms",
        _f("crossfade", "ms", 1.0, 500.0),
        _KNOBS.crossfade_ms,
        "Time in which one recording gives way to another.",
    ),
    _knob(
        "grain/align_ms",
        _f("align", "ms", 0.0, 20.0),
        _KNOBS.align_ms,
        "How far a join may move to where the two waveforms fit; 0 leaves it on the grid.",
    ),
    _knob(
        "grain/length_ms",
        _f("length", "ms", 10.0, 2000.0),
        _KNOBS.grain_ms,
        "Length of a grain in a cloud or a freeze.",
    ),
    _knob(
        "grain/density",
        _f("density", "grains/s", 0.5, 80.0),
        _KNOBS.grain_density,
        "Grains per second in a cloud or a freeze.",
    ),
    _knob(
        "grain/spread",
        _f("spread", "", 0.0, 1.0),
        _KNOBS.grain_spread,
        "How far grains scatter around the planned place, and between left and right.",
    ),
    Parameter(
        path="grain/shape",
        kind=Kind.SET,
        scope=Scope.BOTH,
        arguments=(_s("shape", *(shape.name.lower() for shape in GrainShape)),),
        default=(_KNOBS.grain_shape,),
        description="Envelope of a grain: hann is round, trapezoid straight, exponential strikes and dies away.",
    ),
    _knob(
        "grain/attack_ms",
        _f("attack", "ms", 0.0, 1000.0),
        _KNOBS.attack_ms,
        "Attack of a grain; with the release it is fitted into the grain.",
    ),
    _knob(
        "grain/release_ms",
        _f("release", "ms", 0.0, 1000.0),
        _KNOBS.release_ms,
        "Release of a grain.",
    ),
    _knob(
        "grain/reverse_prob",
        _f("chance", "", 0.0, 1.0),
        _KNOBS.reverse,
        "Chance that a unit or grain is read backwards.",
    ),
    _knob(
        "grain/trigger_prob",
        _f("chance", "", 0.0, 1.0),
        _KNOBS.trigger,
        "Chance that a unit or grain sounds at all.",
    ),
    Parameter(
        path="corpus/record",
        kind=Kind.SET,
        merges=False,
        arguments=(_b("record"), _s("tag", optional=True)),
        default=(False,),
        description="Record the input device into the corpus; when it ends, the take can be played under its tag "
        "(input, where none is given), seconds later.",
    ),
    Parameter(
        path="corpus/remove",
        kind=Kind.TRIGGER,
        prepared=True,
        arguments=(_s("source"),),
        description="Take a recording out of the corpus: it is not chosen any more.",
    ),
    Parameter(
        path="ping",
        kind=Kind.QUERY,
        arguments=(_s("echo", optional=True),),
        description="Is anybody there? Answered at /liveseq/pong.",
        reply="s:echo s:name s:version i:uptime_s",
    ),
    Parameter(
        path="version",
        kind=Kind.QUERY,
        description="Which version. protocol changes only when a client must change.",
        reply="s:name i:major i:minor i:patch i:protocol",
    ),
    Parameter(
        path="status",
        kind=Kind.QUERY,
        description="How it is. Subscribers get it once a second where it has changed. States: starting, ready, "
        "playing, degraded (playing, but events come late), no_device, error.",
        reply="s:state f:cpu_avg f:cpu_peak i:xruns i:late i:dropped f:latency_ms i:sr_nominal f:sr_actual s:device "
        "i:voices f:buffer_ms s:model s:corpus",
    ),
    Parameter(
        path="corpus/tags",
        kind=Kind.QUERY,
        description="Every tag of the corpus: a bundle of one message each, ended by /liveseq/corpus/tags/end i:count.",
        reply="s:tag i:units f:seconds",
    ),
    Parameter(
        path="hello",
        kind=Kind.QUERY,
        arguments=(_s("client"), _i("reply_port", "", 1, 65_535, optional=True)),
        description="Say who you are; all answers to you then go to reply_port, if given. Answered at "
        "/liveseq/welcome, then by a full state dump.",
        reply="i:client_id f:lease_s",
    ),
    Parameter(
        path="subscribe",
        kind=Kind.QUERY,
        arguments=(
            _s("pattern"),
            _f("max_hz", "Hz", 0.1, 100.0, optional=True),
            Argument(name="host", type="s", optional=True),
            _i("port", "", 1, 65_535, optional=True),
        ),
        description="Be told of changes at these addresses, and below them, at most max_hz times a second (30), last "
        "value wins. Lasts 30 s; every message of yours renews it. /done carries i:subscription.",
        reply="/liveseq/done",
    ),
    Parameter(
        path="unsubscribe",
        kind=Kind.QUERY,
        arguments=(Argument(name="pattern_or_number", type="si"),),
        description="The pattern of a subscription, or its number as an integer.",
        reply="/liveseq/done",
    ),
    Parameter(
        path="subscriptions",
        kind=Kind.QUERY,
        description="Every subscription: one message each.",
        reply="i:subscription s:pattern f:max_hz s:host i:port f:seconds_left",
    ),
    Parameter(
        path="state/dump",
        kind=Kind.QUERY,
        arguments=(_s("prefix", optional=True),),
        description="Every value, or those below a prefix, in bundles of <= 1400 bytes, ended by /liveseq/state/end.",
        reply="the values; /liveseq/state/end i:count",
    ),
    Parameter(
        path="sync",
        kind=Kind.QUERY,
        arguments=(_i("id"),),
        description="Answered at /liveseq/synced once everything before it is done.",
        reply="i:id",
    ),
    Parameter(
        path="sched/clear",
        kind=Kind.TRIGGER,
        description="Forget every message that waits for its timetag. Never waits itself. /done carries i:how_many.",
    ),
    Parameter(
        path="time",
        kind=Kind.QUERY,
        arguments=(_f("echo", optional=True),),
        description="The server's clocks, to compare a client's with.",
        reply="f:echo i:unix_seconds f:fraction f:engine_seconds",
    ),
    Parameter(
        path="osc/dump",
        kind=Kind.SET,
        arguments=(_i("level", "", 0, 1),),
        default=(0,),
        description="1: say every message that comes in at /liveseq/log.",
    ),
    Parameter(
        path="log/level",
        kind=Kind.SET,
        arguments=(_s("level", "debug", "info", "warning", "error"),),
        default=("info",),
        description="What is said at /liveseq/log.",
    ),
    Parameter(path="quit", kind=Kind.TRIGGER, description="Fade out and end the server."),
    Parameter(
        path="segment",
        kind=Kind.PUSH,
        description="A unit begins to sound, and why it was chosen: distance to what was predicted, how many of the "
        "nearest were nearer, and start, continue, jump or fallback.",
        reply="i:layer i:unit s:source f:start_s f:duration_s f:distance i:rank s:reason s:tag",
    ),
    Parameter(
        path="explain",
        kind=Kind.PUSH,
        description="With each segment: why. What was looked for and what was found, for loudness (dB), brightness "
        "(octaves of Hz), noisiness (dB of flatness) and pitch (octaves of Hz); then the tags of the layer.",
        reply="i:layer i:unit s:reason s:mode f:distance i:rank f:join f:repetition f:loudness f:found f:brightness "
        "f:found f:noisiness f:found f:pitch f:found s:tag f:share ...",
    ),
    Parameter(
        path="corpus/grown",
        kind=Kind.PUSH,
        description="The corpus has changed: a recording of so many units is new; 0 where one was taken out.",
        reply="s:source i:units i:total",
    ),
    Parameter(
        path="input",
        kind=Kind.PUSH,
        description="The input device: ready, lost (it is looked for again and again) or none, and what comes in.",
        reply="s:state s:device f:level_db",
    ),
    Parameter(path="meter", kind=Kind.PUSH, description="Peak of the output.", reply="f:left_db f:right_db"),
    Parameter(
        path="xrun",
        kind=Kind.PUSH,
        description="The device wanted a block that was not there (engine), or the pipe to the engine was full (pipe).",
        reply="i:total s:where",
    ),
    Parameter(path="log", kind=Kind.PUSH, description="What a person may want to know.", reply="s:level s:text"),
    Parameter(path="heartbeat", kind=Kind.PUSH, description="Once a second while all is well.", reply="i:uptime_s"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A parameter at one address."""

    address: str
    parameter: Parameter
    layer: int | None
    """None for a global address."""


def addresses(n_layers: int) -> dict[str, Entry]:
    """The table spread out over the layers: full address -> entry."""
    found = {}
    for parameter in PARAMETERS:
        if parameter.scope is not Scope.LAYER:
            found[f"{PREFIX}/{parameter.path}"] = Entry(f"{PREFIX}/{parameter.path}", parameter, None)
        if parameter.scope is not Scope.GLOBAL:
            for layer in range(1, n_layers + 1):
                address = f"{PREFIX}/layer/{layer}/{parameter.path}"
                found[address] = Entry(address, parameter, layer)
    return found
