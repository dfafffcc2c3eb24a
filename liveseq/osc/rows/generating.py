"""Rows of the table: sound that a generator makes while the set goes on."""

from liveseq.osc.parameter import Kind, Parameter, Scope, number, text, truth, whole
from liveseq.runtime.limits import MAX_MINUTES, SECONDS, TEMPO

GENERATING: tuple[Parameter, ...] = (
    Parameter(
        path="generate",
        kind=Kind.TRIGGER,
        arguments=(text("tag"), number("seconds", "s", *SECONDS), whole("seed", "", 0, 2**31 - 1, optional=True)),
        description="Make so much sound of this tag, in your own words, beside the music, and take it into the corpus; "
        "it can be played under the same words when this is answered. Without a seed, a fresh one. What lasts longer "
        "than 20 s comes piece by piece.",
        reply="/liveseq/done s:address s:source i:units i:seed",
    ),
    Parameter(
        path="generate/cancel",
        kind=Kind.TRIGGER,
        description="Give up what is being generated and what waits to be; what is in the corpus stays. Growth goes "
        "on. /done carries i:how_many.",
    ),
    Parameter(
        path="grow",
        kind=Kind.SET,
        merges=False,
        arguments=(text("tag"), truth("grow")),
        description="Keep making new sound of this tag in the background, each piece from a fresh seed, until F; "
        "several tags take turns, after what generate wants. It rests seven eighths of the time while nothing waits. "
        "* F ends it for all.",
        reply="s:tag ... that grow",
    ),
    Parameter(
        path="grow/minutes",
        kind=Kind.SET,
        arguments=(number("minutes", "min", 0.0, MAX_MINUTES),),
        default=(60.0,),
        description="Growth pauses when so much has grown in this session, and says so; a higher limit lets it go on.",
    ),
    Parameter(
        path="generator",
        kind=Kind.SET,
        merges=False,
        prepared=True,
        arguments=(text("model"),),
        default=("",),
        description="The generator: a folder of models/. It is opened beside the music; what waits already is made by "
        "the one before.",
    ),
    Parameter(
        path="generator/tempo",
        kind=Kind.SET,
        arguments=(number("tempo", "bpm", 0.0, TEMPO[1]),),
        default=(0.0,),
        description="Tempo of what is generated: by generate from the next job on, by grow from the next piece on, and "
        f"by layers in mode generate at once, where the beat goes on at it. 0: the model's own; else from {TEMPO[0]:g} "
        "on. A model that follows no tempo goes on as it was.",
    ),
    Parameter(
        path="latent",
        kind=Kind.SET,
        merges=False,
        repeats=True,
        scope=Scope.LAYER,
        arguments=(number("z"),),
        description="Move the stream of this layer to a place in what its generator has learned: as many numbers as "
        "its latents have. It goes there in latent/seconds, walks about there by latent/walk, and stays, whatever the "
        "tag; the next stream goes there too. What has other latents, or none, is refused, and what sounds goes on. "
        "Empty: it goes its own way.",
        reply="f:z ...",
    ),
    Parameter(
        path="latent/component",
        kind=Kind.TRIGGER,
        scope=Scope.LAYER,
        arguments=(text("component"),),
        description="Move the stream of this layer to the middle of a component, by its name (the tags that it holds) "
        "or its number, as generator/components lists them.",
    ),
    Parameter(
        path="latent/free",
        kind=Kind.TRIGGER,
        scope=Scope.LAYER,
        description="Let the stream of this layer go its own way again, where its tags lead, within latent/seconds.",
    ),
    Parameter(
        path="latent/seconds",
        kind=Kind.SET,
        scope=Scope.LAYER,
        arguments=(number("seconds", "s", 0.0, 600.0),),
        default=(0.0,),
        description="Time that the next move of the latent takes: it goes along a line, step by step.",
    ),
    Parameter(
        path="latent/walk",
        kind=Kind.SET,
        scope=Scope.LAYER,
        arguments=(number("walk", "", 0.0, 4.0),),
        default=(1.0,),
        clip=True,
        description="How far the latent walks about by itself, wherever it is: 1 as it was taught, 0 not at all. It "
        "takes a step with each tile, on the beat where there is one.",
    ),
    Parameter(
        path="generator/components",
        kind=Kind.QUERY,
        description="Places of the generator that have names, for latent/component: a bundle of one message each, "
        "ended by /liveseq/generator/components/end i:count.",
        reply="i:number s:name",
    ),
    Parameter(
        path="generator/state",
        kind=Kind.QUERY,
        description="What the generator does. Subscribers get it when it changes. States: none, starting, ready, "
        "working, growing, full (growth has reached its limit), lost (a new one starts).",
        reply="s:state s:model s:tag f:progress i:waiting f:grown_minutes",
    ),
    Parameter(
        path="generator/tags",
        kind=Kind.QUERY,
        description="What the generator was taught: a bundle of one message per tag, ended by "
        "/liveseq/generator/tags/end i:count.",
        reply="s:tag",
    ),
    Parameter(
        path="generator/list",
        kind=Kind.QUERY,
        prepared=True,
        description="The generators there are: one message each, ended by /liveseq/generator/list/end i:count. One "
        "whose model.yaml cannot be read is left out, and named on /liveseq/log.",
        reply="s:model i:sample_rate i:channels i:tags",
    ),
)
