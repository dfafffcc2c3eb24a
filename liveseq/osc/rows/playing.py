"""Rows of the table: what sounds, from where it begins, and how it is shaped."""

from liveseq.osc.parameter import SILENCE_DB, Kind, Parameter, Scope, blob, knob, number, text, truth, whole
from liveseq.sequencer.settings import Mode, Settings
from liveseq.sequencer.timeline import GrainShape

_KNOBS = Settings()
_GAIN = number("gain", "dB", SILENCE_DB, 6.0)  # a slip of the hand (50 for 5) is loud, but not a disaster
_WEIGHT = number("weight", "", 0.0, 1000.0, optional=True)
_TAG = (
    "Play this tag, in your own words, from the next block on; on a stopped server its layer starts, alone. With a "
    "weight it is mixed with the other tags of the layer in proportion, and 0 takes it away; without, it replaces them."
)
_LAYER = whole("layer", "", 1, 16, optional=True)
_TAGS = "Play several tags, each with its weight, or all with the same; they replace what the layer had."


PLAYING: tuple[Parameter, ...] = (
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
        arguments=(_GAIN, number("seconds", "s", 0.0, 3600.0)),
        description="Move the master gain to a value within a time.",
    ),
    Parameter(
        path="mute",
        kind=Kind.SET,
        arguments=(truth("mute"),),
        default=(False,),
        description="Silence the output; the music goes on meanwhile.",
    ),
    Parameter(
        path="tag",
        kind=Kind.SET,
        merges=False,
        arguments=(text("tag"), _WEIGHT, _LAYER),
        default=("",),
        description=f"{_TAG} Layer 1 where no layer is given; the others are silent until they get a tag.",
        reply="s:tag of layer 1, the one that was given last",
    ),
    Parameter(
        path="tags",
        kind=Kind.SET,
        merges=False,
        repeats=True,
        arguments=(text("tag"), _WEIGHT),
        description=f"{_TAGS} Layer 1.",
        reply="s:tag f:weight ...",
    ),
    Parameter(
        path="tag/synonym",
        kind=Kind.TRIGGER,
        arguments=(text("word"), text("tag", optional=True)),
        description="Let a word of your own be one more name of a tag, from the next message on; what sounds stays. "
        "Without a tag the word is none any more. It is written into tags.yaml beside the corpus; where that cannot "
        "be, it holds for this set, and the troubles say so. /done carries s:word s:tag.",
    ),
    Parameter(
        path="seed",
        kind=Kind.SET,
        scope=Scope.BOTH,
        arguments=(whole("seed", "", 0, 2**31 - 1),),
        default=(1,),
        description="Begin again from this seed: the same seed, tags and settings give the same choices.",
    ),
    Parameter(
        path="seed/file",
        kind=Kind.TRIGGER,
        prepared=True,
        arguments=(text("path"), _LAYER),
        description="Continue from a recording: a path below the server's folder of seeds. Its last 30 s are heard.",
    ),
    Parameter(
        path="seed/corpus",
        kind=Kind.TRIGGER,
        arguments=(text("source"), number("seconds", "s", 0.0, 86_400.0, optional=True), _LAYER),
        description="Continue from this recording of the corpus, from its beginning or from so many seconds on.",
    ),
    Parameter(
        path="seed/input",
        kind=Kind.TRIGGER,
        prepared=True,
        arguments=(number("seconds", "s", 0.5, 60.0), _LAYER),
        description="Continue from what was played into the input device in the last so many seconds.",
    ),
    Parameter(
        path="listen",
        kind=Kind.SET,
        merges=False,
        arguments=(truth("listen"), _LAYER),
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
        arguments=(truth("listen"),),
        default=(False,),
        description="The same for this layer.",
    ),
    Parameter(
        path="prime",
        kind=Kind.TRIGGER,
        scope=Scope.BOTH,
        arguments=(whole("columns", "", 39, 43), blob("descriptors", "float32, big-endian")),
        description="Continue from these descriptor frames, one row each: 43 columns (mfcc0 to mfcc38, loudness_db, "
        "centroid_hz, flatness, f0_hz), or Demiurge's 39. Layer 1 at the global address.",
    ),
    Parameter(
        path="mode",
        kind=Kind.SET,
        scope=Scope.BOTH,
        arguments=(text("mode", *(str(mode) for mode in Mode)),),
        default=(str(_KNOBS.mode),),
        description="How the plan becomes sound: continuous, one unit after the other; beat, slices that land on the "
        "beat; cloud, overlapping grains; freeze, grains of the place that sounds now; generate, no units but what the "
        "generator makes while it is played: tags morph into one another, and a seed begins it anew. The corpus plays "
        "until it is there, and again where it fails.",
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
        arguments=(text("tag"), _WEIGHT),
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
        arguments=(text("tag"), _WEIGHT),
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
        arguments=(number("pan", "", -1.0, 1.0),),
        default=(0.0,),
        clip=True,
        description="Position of the layer: -1 left, 0 centre, 1 right.",
    ),
    Parameter(
        path="mute",
        kind=Kind.SET,
        scope=Scope.LAYER,
        arguments=(truth("mute"),),
        default=(False,),
        description="Silence the layer; it goes on playing meanwhile.",
    ),
    knob(
        "grain/crossfade_ms",
        number("crossfade", "ms", 1.0, 500.0),
        _KNOBS.crossfade_ms,
        "Time in which one recording gives way to another.",
    ),
    knob(
        "grain/align_ms",
        number("align", "ms", 0.0, 20.0),
        _KNOBS.align_ms,
        "How far a join may move to where the two waveforms fit; 0 leaves it on the grid.",
    ),
    knob(
        "grain/length_ms",
        number("length", "ms", 10.0, 2000.0),
        _KNOBS.grain_ms,
        "Length of a grain in a cloud or a freeze.",
    ),
    knob(
        "grain/density",
        number("density", "grains/s", 0.5, 80.0),
        _KNOBS.grain_density,
        "Grains per second in a cloud or a freeze.",
    ),
    knob(
        "grain/spread",
        number("spread", "", 0.0, 1.0),
        _KNOBS.grain_spread,
        "How far grains scatter around the planned place, and between left and right.",
    ),
    Parameter(
        path="grain/shape",
        kind=Kind.SET,
        scope=Scope.BOTH,
        arguments=(text("shape", *(shape.name.lower() for shape in GrainShape)),),
        default=(_KNOBS.grain_shape,),
        description="Envelope of a grain: hann is round, trapezoid straight, exponential strikes and dies away.",
    ),
    knob(
        "grain/attack_ms",
        number("attack", "ms", 0.0, 1000.0),
        _KNOBS.attack_ms,
        "Attack of a grain; with the release it is fitted into the grain.",
    ),
    knob(
        "grain/release_ms",
        number("release", "ms", 0.0, 1000.0),
        _KNOBS.release_ms,
        "Release of a grain.",
    ),
    knob(
        "grain/reverse_prob",
        number("chance", "", 0.0, 1.0),
        _KNOBS.reverse,
        "Chance that a unit or grain is read backwards.",
    ),
    knob(
        "grain/trigger_prob",
        number("chance", "", 0.0, 1.0),
        _KNOBS.trigger,
        "Chance that a unit or grain sounds at all.",
    ),
)
