"""The one table of everything that can be said to the server, and by it.

OSC dispatch, checks, the state dump, docs/osc.md and the tests are made from it, so that they cannot drift apart.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from liveseq.sequencer.settings import Settings
from liveseq.server.osc import PREFIX, Value

SILENCE_DB = -90.0
"""A gain of this much, or less, is silence."""
_KNOBS = Settings()


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
    """OSC type: f, i, s; b for a truth value (T, F, 0 or 1); si for either."""
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
        arguments=(_s("tag"), _WEIGHT, _i("layer", "", 1, 16, optional=True)),
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
    _knob(
        "query/k",
        _i("k", "units", 1, 256),
        _KNOBS.k,
        "Nearest units that are weighed for each step: few is closer to the prediction, many is freer.",
        clip=False,
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
