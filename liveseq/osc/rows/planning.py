"""Rows of the table: what is predicted, how it is bent, and how units are chosen."""

from liveseq.dsp.descriptors import BASE_NAMES
from liveseq.osc.parameter import (
    Kind,
    Parameter,
    Scope,
    blob,
    knob,
    number,
    text,
    whole,
)
from liveseq.sequencer.settings import WEIGHT_NAMES, Settings, Steering

_KNOBS = Settings()
_MACROS = Steering()

PLANNING: tuple[Parameter, ...] = (
    knob(
        "predict/temperature",
        number("temperature", "", 0.0, 2.0),
        _KNOBS.predict_temperature,
        "How far the predicted future wanders: 0 the likeliest, 1 as the model means it.",
    ),
    knob(
        "predict/horizon",
        whole("steps", "predictor steps", 1, 32),
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
        arguments=(text("model"),),
        default=("",),
        description="The predictor: a folder of models/. It is loaded beside the music, and the next plan uses it.",
    ),
    knob(
        "steer/loudness",
        number("loudness", "dB", -24.0, 24.0),
        _MACROS.loudness,
        "Bend the plan: louder or softer material; where there is none, it is raised or lowered.",
    ),
    knob(
        "steer/brightness",
        number("brightness", "octaves", -3.0, 3.0),
        _MACROS.brightness,
        "Bend the plan: the centre of the spectrum so much higher or lower.",
    ),
    knob(
        "steer/density",
        number("density", "octaves", -3.0, 3.0),
        _MACROS.density,
        "Bend the plan: livelier inside each unit (attacks, changes), or smoother; in a cloud, more or fewer grains.",
    ),
    knob(
        "steer/noisiness",
        number("noisiness", "dB", -40.0, 40.0),
        _MACROS.noisiness,
        "Bend the plan: from tone to noise, as dB of spectral flatness.",
    ),
    knob(
        "steer/pitch",
        number("pitch", "semitones", -24.0, 24.0),
        _MACROS.pitch,
        "Bend the plan: higher or lower material; what is missing of it, up to an octave, is transposed.",
    ),
    knob(
        "steer/movement",
        number("movement", "", 0.0, 4.0),
        _MACROS.movement,
        "How fast the plan travels: 0 stays where it is, 1 as predicted, 2 twice as fast.",
    ),
    knob(
        "steer/surprise",
        number("surprise", "", 0.0, 3.0),
        _MACROS.surprise,
        "Factor on predict/temperature and query/temperature together; leaving a recording costs as many times less.",
    ),
    knob(
        "steer/memory",
        number("memory", "", 0.0, 1.0),
        _MACROS.memory,
        "How strongly the plan returns to what has sounded in the last two minutes.",
    ),
    knob(
        "query/k",
        whole("k", "units", 1, 256),
        _KNOBS.k,
        "Nearest units that are weighed for each step: few is closer to the prediction, many is freer.",
        clip=False,
    ),
    knob(
        "query/radius",
        number("radius", "standard deviations", 0.0, 10.0),
        _KNOBS.radius,
        "Units further than this from the prediction are left out, as long as one is nearer; 0 takes all.",
    ),
    Parameter(
        path="query/weights",
        kind=Kind.SET,
        scope=Scope.BOTH,
        merges=False,
        repeats=True,
        arguments=(text("descriptor", *WEIGHT_NAMES, "timbre"), number("weight", "", 0.0, 100.0)),
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
        arguments=(text("tag"), number("on", "", 0.0, 1.0, optional=True)),
        description="Only units that have one of these tags too. A filter that would leave nothing is refused.",
    ),
    Parameter(
        path="query/filter/sources",
        kind=Kind.SET,
        scope=Scope.BOTH,
        merges=False,
        repeats=True,
        arguments=(text("source"), number("on", "", 0.0, 1.0, optional=True)),
        description="Only units of recordings whose name contains one of these texts; with 0, of none of these.",
    ),
    Parameter(
        path="query/filter/range",
        kind=Kind.SET,
        scope=Scope.BOTH,
        merges=False,
        arguments=(text("descriptor", *BASE_NAMES), number("low"), number("high")),
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
    knob(
        "query/pitchmatch",
        number("range", "semitones", 0.0, 12.0),
        _KNOBS.pitch_match,
        "Transpose a unit towards the predicted pitch, by at most this; 0 leaves it as it is.",
    ),
    knob(
        "query/loudmatch",
        number("range", "dB", 0.0, 24.0),
        _KNOBS.loudness_match,
        "Raise or lower a unit towards the predicted loudness, by at most this; 0 leaves it as it is.",
    ),
    Parameter(
        path="query/calibrate",
        kind=Kind.TRIGGER,
        prepared=True,
        arguments=(number("seconds", "s", 0.0, 60.0),),
        description="Learn the range of the input for so long, and map it onto the range of the corpus from then on; "
        "0 forgets it.",
    ),
    Parameter(
        path="query/calibration",
        kind=Kind.TRIGGER,
        arguments=(blob("range", "float32, big-endian", optional=True),),
        description="Map an input of this range onto that of the corpus: the mean of each of the 34 step features, "
        "then their spreads. What calibrate does in the end; without a range it is forgotten.",
    ),
    knob(
        "query/temperature",
        number("temperature", "", 0.0, 2.0),
        _KNOBS.query_temperature,
        "Chance in the choice of a unit: 0 always the one that fits best.",
    ),
    knob(
        "query/stickiness",
        number("stickiness", "", 0.0, 1.0),
        _KNOBS.stickiness,
        "0 jumps to whatever fits best, 1 stays in the recording that sounds.",
    ),
    knob(
        "query/taboo/count",
        whole("count", "units", 0, 1000),
        _KNOBS.taboo_count,
        "A unit does not come back before this many others have sounded.",
        clip=False,
    ),
    knob(
        "query/taboo/seconds",
        number("seconds", "s", 0.0, 600.0),
        _KNOBS.taboo_seconds,
        "Nor before this many seconds.",
    ),
)
