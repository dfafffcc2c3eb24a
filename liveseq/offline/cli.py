"""`liveseq render` and `liveseq replay` on the command line."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from liveseq.config import ServerConfig
from liveseq.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from liveseq.offline.wording import Wording
    from liveseq.performance.instrument import Instrument

MAX_SECONDS = 36_000.0
"""Length of a rendered take, at most."""
_RENDER_HELP = (
    "Plays to a file, faster than real time: what run_server.py would play if it got the same messages at the same "
    "times. The same messages and seed give the same file. A file of messages has one on a line, SECONDS ADDRESS "
    'ARGUMENTS, as in docs/osc.md: 8 layer/2/tag "church bells"'
)
_OUT_HELP = "file to write, of the format that its name says: wav, flac, mp3, ogg or aiff"
_REPLAY_HELP = "Plays the log of a session into a file: the same choices at the same samples."


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`liveseq render` and `liveseq replay`."""
    _add_render(commands.add_parser("render", help="play to a file, without a server", description=_RENDER_HELP))
    _add_replay(commands.add_parser("replay", help="play a session's log into a file", description=_REPLAY_HELP))


def _add_render(parser: argparse.ArgumentParser) -> None:
    add, usual = parser.add_argument, ServerConfig()
    add("out", type=Path, help=_OUT_HELP)
    add("--corpus", type=Path, required=True, help="folder made by `liveseq corpus build`")
    add(
        "--tag",
        action="append",
        default=[],
        metavar="TAG[@SECONDS]",
        help='what to play, in words; again for a change: --tag "dark drone" --tag techno@20',
    )
    add("--messages", type=Path, metavar="FILE", help="timed messages: the whole set, or what comes beside --tag")
    add(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="a message at the beginning: --set steer/brightness=1 --set layer/2/tag=bells; several values are "
        "separated by commas (docs/osc.md has them all)",
    )
    add("--mode", help="how the plan becomes sound: continuous (default), beat, cloud, freeze or generate")
    add("--seconds", type=float, default=60.0, help="length of the take (default 60)")
    add("--seed", type=int, default=1, help="the same seed gives the same take (default 1)")
    add("--predictor", default=usual.predictor, help="model folder, or its name under models/")
    add("--generator", default=usual.generator, help="the same, of the one that mode generate plays")
    add("--seeds", type=Path, default=usual.seeds, help=f"where seed/file finds its files (default: {usual.seeds})")
    _add_explain(parser)
    parser.set_defaults(run=_render)


def _add_replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("log", type=Path, help="state/log-*.jsonl of a session")
    parser.add_argument("out", type=Path, help=_OUT_HELP)
    parser.add_argument("--corpus", type=Path, help="where the corpus lies now, if it was moved")
    _add_explain(parser)
    parser.set_defaults(run=_replay)


def _add_explain(parser: argparse.ArgumentParser) -> None:
    words = "also draw the plan against what was chosen, on a page of its own"
    parser.add_argument("--explain", type=Path, metavar="HTML", help=words)


def _render(arguments: argparse.Namespace) -> None:
    seconds = arguments.seconds
    if not 1.0 <= seconds <= MAX_SECONDS:
        raise ConfigError(f"--seconds: expected 1 to {MAX_SECONDS:g}, found {seconds:g}")
    if not 0 <= arguments.seed < 2**31:
        raise ConfigError(f"--seed: expected 0 to {2**31 - 1}, found {arguments.seed}")
    if not arguments.tag and arguments.messages is None:
        raise ConfigError("render: expected something to play: --tag WORDS or --messages FILE")
    from liveseq.offline.messages import n_layers_of, understood
    from liveseq.offline.render import Rendering
    from liveseq.offline.saving import check_place, save_take
    from liveseq.performance.instrument import open_instrument

    check_place(arguments.out, arguments.explain)
    messages = understood(_wordings(arguments), end=seconds, is_tag=_tags_of(arguments.corpus))
    instrument = open_instrument(
        arguments.corpus, predictor=arguments.predictor, seed=arguments.seed, n_layers=n_layers_of(messages)
    )
    rendering = Rendering(instrument, messages, generator=arguments.generator, seeds=arguments.seeds)
    for note in rendering.notes:
        print(f"liveseq: {note}", file=sys.stderr)
    for text, means in rendering.meanings.items():
        if list(means) != [text]:  # said, so that nobody wonders at what sounds
            print(f"{text!r} plays " + ", ".join(f"{name} {share:.0%}" for name, share in means.items()))
    words = save_take(
        arguments.out,
        rendering.play(seconds=seconds),
        n_samples=int(seconds * instrument.corpus.sample_rate),
        instrument=instrument,
        page=arguments.explain,
        title=", ".join([*arguments.tag, *([arguments.messages.name] if arguments.messages else [])]),
    )
    _tell_of_blind(instrument)
    print(f"{arguments.out}: {seconds:g} s, {words}")


def _tags_of(corpus: Path) -> "Callable[[str], bool]":
    """Whether a text is the very name of a tag of a corpus. Raises CorpusError."""
    from liveseq.corpus.names import as_tag
    from liveseq.corpus.store import Corpus

    with Corpus.open(corpus) as opened:
        tags = set(opened.tags())
    return lambda text: as_tag(text) in tags


def _wordings(arguments: argparse.Namespace) -> "list[Wording]":
    """Messages of all flags; at one time those of a file come last."""
    from liveseq.offline.wording import of_setting, of_tag, read_messages

    found = [of_setting(f"mode={arguments.mode}", where="--mode")] if arguments.mode else []
    found += [of_setting(text, where=f"--set {text!r}") for text in arguments.set]
    found += [of_tag(text) for text in arguments.tag]
    return found + (read_messages(arguments.messages) if arguments.messages else [])


def _replay(arguments: argparse.Namespace) -> None:
    from liveseq.offline.replay import Outline, open_log, replay
    from liveseq.offline.saving import check_place, save_take

    check_place(arguments.out, arguments.explain)
    instrument, log = open_log(arguments.log, arguments.corpus)
    rate = instrument.corpus.sample_rate
    outline = Outline.of(log, sample_rate=rate)
    if (provider := log.header.get("provider", "cpu")) != "cpu" and outline.has_streams:
        told = f"streams of this session were to run on {provider}; here the CPU makes them, and their waves differ"
        print(f"liveseq: {told}", file=sys.stderr)
    n_samples = outline.end - outline.start
    save_take(
        arguments.out,
        replay(instrument, log.header, log, outline),
        n_samples=n_samples,
        instrument=instrument,
        page=arguments.explain,
        title=arguments.log.name,
    )
    _tell_of_blind(instrument)
    print(f"{arguments.out}: {n_samples / rate:.1f} s, {outline.n_entries} lines of the log")


def _tell_of_blind(instrument: "Instrument") -> None:
    """Say which predictors foretold nothing."""
    for name, n_blind in instrument.sequencer.reading.n_blind.items():
        if n_blind:
            told = (
                f"predictor {name}: {n_blind} times no finite number; the tag's own material was played; export it anew"
            )
            print(f"liveseq: {told}", file=sys.stderr)
