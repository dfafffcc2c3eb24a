"""Rows of the table: the corpus, who is there, and what the server tells."""

from liveseq.osc.parameter import Argument, Kind, Parameter, number, text, truth, whole

SESSION: tuple[Parameter, ...] = (
    Parameter(
        path="corpus/record",
        kind=Kind.SET,
        merges=False,
        arguments=(truth("record"), text("tag", optional=True)),
        default=(False,),
        description="Record the input device into the corpus; when it ends, the take can be played under its tag "
        "(input, where none is given), seconds later.",
    ),
    Parameter(
        path="corpus/remove",
        kind=Kind.TRIGGER,
        prepared=True,
        arguments=(text("source"),),
        description="Take a recording out of the corpus: it is not chosen any more.",
    ),
    Parameter(
        path="output",
        kind=Kind.SET,
        merges=False,
        prepared=True,
        arguments=(
            text("device"),
            whole("rate", "Hz", optional=True),
            whole("block_size", "samples", optional=True),
        ),
        default=("default", 0, 0),
        description='Play at another device (a name, or "name, host API"; default; none), or with blocks of another '
        "size (16 to 8192), while the music goes on: another engine opens it and takes up what sounds, where it would "
        "be by then; /done comes when it plays. 0, or left out: the corpus's rate, the block size as it is. The rate "
        "is always the corpus's: another one is refused. Where the device cannot be opened, the old one plays on.",
    ),
    Parameter(
        path="ping",
        kind=Kind.QUERY,
        arguments=(text("echo", optional=True),),
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
        "playing, degraded (playing, but events or streams come late, or a layer is silent), no_device, "
        "error. late_changes: changes of tag, tempo or latent, on layers in mode generate, that were heard later "
        "than meant (150 ms after they were told, or with the step after that); dried_up: how often such "
        "a layer had nothing more to play, and looped. They grow where generators are slow. turned_away: "
        "packets of hosts that may not send (osc.allow). clock_steps: how often the machine's clock was "
        "set. blind_plans: those for which a predictor gave what is no finite number, or nothing in time, "
        "and the tag's own material was played. troubles: what is amiss now, in sentences: no log, a corpus "
        "that is gone, a recording that ended, no real-time priority, a layer without a sound; each is said at "
        "/liveseq/log as it begins and as it ends.",
        reply="s:state f:cpu_avg f:cpu_peak i:xruns i:late i:dropped f:latency_ms i:sr_nominal f:sr_actual s:device "
        "i:voices f:buffer_ms s:model s:corpus i:late_changes i:dried_up i:turned_away i:clock_steps i:blind_plans "
        "s:troubles",
    ),
    Parameter(
        path="corpus/tags",
        kind=Kind.QUERY,
        description="Every tag of the corpus: a bundle of one message each, ended by /liveseq/corpus/tags/end i:count.",
        reply="s:tag i:units f:seconds",
    ),
    Parameter(
        path="tag/means",
        kind=Kind.QUERY,
        arguments=(text("text"),),
        description="Which tags this text would play, with their weights, and why; nothing changes. Before that, for "
        "each quality of sound in it, /liveseq/tag/means/quality s:text s:quality f:amount s:why (below 0: less of "
        "it). A text that means no tag here: the nearest one with weight 0 (or an empty name), and why not.",
        reply="s:text s:tag f:weight s:why ...",
    ),
    Parameter(
        path="hello",
        kind=Kind.QUERY,
        arguments=(text("client"), whole("reply_port", "", 1, 65_535, optional=True)),
        description="Say who you are; all answers to you then go to reply_port, if given. Answered at "
        "/liveseq/welcome, then by a full state dump.",
        reply="i:client_id f:lease_s",
    ),
    Parameter(
        path="subscribe",
        kind=Kind.QUERY,
        arguments=(
            text("pattern"),
            number("max_hz", "Hz", 0.1, 100.0, optional=True),
            Argument(name="host", type="s", optional=True),
            whole("port", "", 1, 65_535, optional=True),
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
        arguments=(text("prefix", optional=True),),
        description="Every value, or those below a prefix, in bundles of <= 1400 bytes, ended by /liveseq/state/end.",
        reply="the values; /liveseq/state/end i:count",
    ),
    Parameter(
        path="sync",
        kind=Kind.QUERY,
        arguments=(whole("id"),),
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
        arguments=(number("echo", optional=True),),
        description="The server's clocks, to compare a client's with.",
        reply="f:echo i:unix_seconds f:fraction f:engine_seconds",
    ),
    Parameter(
        path="osc/dump",
        kind=Kind.SET,
        arguments=(whole("level", "", 0, 1),),
        default=(0,),
        description="1: say every message that comes in at /liveseq/log.",
    ),
    Parameter(
        path="log/level",
        kind=Kind.SET,
        arguments=(text("level", "debug", "info", "warning", "error"),),
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
