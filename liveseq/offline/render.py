"""The same sequencer and the same mixer, offline: a take as fast as the machine goes, to a file.

With the same corpus, predictor, tags and seed a render gives the same samples, bit for bit.
"""

import argparse
import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liveseq.corpus.units import ANY
from liveseq.dsp.files import check_folder, save_wav_blocks
from liveseq.engine.events import Play, Stop
from liveseq.engine.mixer import Mixer
from liveseq.errors import ConfigError, ModelError, OscError, TagError
from liveseq.generation.meaning import Vocabulary
from liveseq.offline.explain import explain
from liveseq.osc.checks import check
from liveseq.osc.table import PARAMETERS
from liveseq.performance.instrument import Instrument, open_instrument
from liveseq.performance.knobs import KNOBS, set_knob
from liveseq.performance.streamed import vector_of
from liveseq.runtime.folders import GENERATOR, model_folder
from liveseq.sequencer.settings import Mode, Settings
from liveseq.sequencer.timeline import Choice, Event
from liveseq.streaming.source import OfflineSource

LOOK_AHEAD = 0.12
"""Seconds that are planned ahead, as live."""
STEP = 1024
"""Samples between two plans."""
FADE_SECONDS = 0.5
"""At the end of a take."""


@dataclass(frozen=True)
class TagChange:
    """At `seconds` the layer changes to these tags."""

    seconds: float
    layer: int
    weights: dict[str, float]
    text: str = ""
    """What was said, for a generator; empty: the tags are."""


class Played:
    """The generator that a take of mode generate plays, and its streams."""

    def __init__(self, instrument: Instrument, name: str) -> None:
        """Raises ModelError where there is none of this name, or it does not fit."""
        n_layers, rate = len(instrument.sequencer.layers), instrument.corpus.sample_rate
        self.vocabulary = Vocabulary(model_folder(name), instrument.matcher.encoder)
        self.source = OfflineSource.of_models(n_layers=n_layers, sample_rate=rate)
        self._name = name
        self._sequencer = instrument.sequencer
        self._sequencer.use_streams(self.source)

    def tell(self, change: TagChange, *, at: int) -> list[Event]:
        """The layer's stream gets another tag, or begins with it. Raises TagError and ModelError."""
        layer, streaming = self._sequencer.layer(change.layer), self._sequencer.streaming
        vector = vector_of(self.vocabulary, {change.text: 1.0} if change.text else change.weights)
        if layer.stream is not None:
            streaming.retag(layer, vector, at=at)
            return []
        streaming.open(layer, self._name, vector, seed=layer.seed)
        if trouble := streaming.trouble(layer):
            raise ModelError(trouble)
        return self._sequencer.begin_stream(change.layer, at=at)


@dataclass(frozen=True)
class Stretch:
    """A block of a take: audio float32 (n, 2), and what was planned while it was rendered."""

    audio: np.ndarray
    events: list[Event]
    choices: list[Choice]


@dataclass(frozen=True)
class Take:
    """A rendered take: audio float32 (n_samples, 2), what was played, and why each unit was chosen."""

    audio: np.ndarray
    events: list[Event]
    choices: list[Choice]
    sample_rate: int


def render(
    instrument: Instrument, changes: Sequence[TagChange], *, seconds: float, played: Played | None = None
) -> Take:
    """Play a list of tag changes. The last FADE_SECONDS fade out."""
    stretches = list(play(instrument, changes, seconds=seconds, played=played))
    return Take(
        np.concatenate([stretch.audio for stretch in stretches]),
        [event for stretch in stretches for event in stretch.events],
        [choice for stretch in stretches for choice in stretch.choices],
        instrument.corpus.sample_rate,
    )


def play(
    instrument: Instrument, changes: Sequence[TagChange], *, seconds: float, played: Played | None = None
) -> Iterator[Stretch]:
    """The take of `render` block by block: one of hours need not fit into memory. played: for mode generate."""
    corpus, sequencer = instrument.corpus, instrument.sequencer
    n_samples = int(seconds * corpus.sample_rate)
    shards = corpus.map_shards()
    if played is not None:
        shards |= played.source.rings.shards()
    mixer = Mixer(shards, sample_rate=corpus.sample_rate, n_layers=len(sequencer.layers))
    mixer.push(Play(seconds=0.0))
    waiting = sorted(changes, key=lambda change: change.seconds)
    ending = n_samples - int(FADE_SECONDS * corpus.sample_rate)
    while mixer.clock < n_samples:
        now = mixer.clock
        events: list[Event] = []
        while waiting and waiting[0].seconds * corpus.sample_rate <= now:
            change = waiting.pop(0)
            events += sequencer.set_playing(change.layer, True, at=now)
            events += sequencer.set_tags(change.layer, change.weights, at=now)
            events += played.tell(change, at=now) if played is not None else []
        planned, choices = sequencer.plan(now=now, until=now + int(LOOK_AHEAD * corpus.sample_rate))
        events += planned
        for event in events:
            mixer.push(event)
        if now <= ending < now + STEP:
            mixer.push(Stop(seconds=FADE_SECONDS))
        yield Stretch(mixer.render(min(STEP, n_samples - now)), events, choices)


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`liveseq render`."""
    parser = commands.add_parser("render", help="play to a file, faster than real time", description=render.__doc__)
    parser.add_argument("out", type=Path, help="wav file to write")
    parser.add_argument("--corpus", type=Path, required=True, help="folder made by `liveseq corpus build`")
    parser.add_argument(
        "--tag",
        action="append",
        required=True,
        metavar="TAG[@SECONDS]",
        help='what to play, in words; again for a change: --tag "dark drone" --tag techno@20',
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the take (default 60)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same take (default 1)")
    parser.add_argument("--predictor", default="predictor", help="model folder, or its name under models/")
    parser.add_argument("--mode", choices=[str(mode) for mode in Mode], default=str(Mode.CONTINUOUS))
    parser.add_argument("--generator", default=GENERATOR, help="for --mode generate: model folder, or its name")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KNOB=VALUE",
        help="turn a knob of the layer, by its OSC path: --set steer/brightness=1 (docs/osc.md has them all)",
    )
    parser.add_argument(
        "--explain", type=Path, metavar="HTML", help="also draw the plan against what was chosen, on a page of its own"
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    if not 1.0 <= arguments.seconds <= 36_000.0:
        raise ConfigError(f"--seconds: expected 1 to 36000, found {arguments.seconds:g}")
    if not 0 <= arguments.seed < 2**31:
        raise ConfigError(f"--seed: expected 0 to {2**31 - 1}, found {arguments.seed}")
    for path in (arguments.out, arguments.explain):
        if path is not None:
            check_folder(path)  # now, not after an hour
    instrument = open_instrument(arguments.corpus, predictor=arguments.predictor, seed=arguments.seed, n_layers=1)
    settings = instrument.sequencer.layer(1).settings
    settings.mode = Mode(arguments.mode)
    for text in arguments.set:
        turn(settings, text)
    played = Played(instrument, arguments.generator) if settings.mode is Mode.GENERATE else None
    changes = [_change(instrument, text, end=arguments.seconds, played=played) for text in arguments.tag]
    tally = Tally(keep=arguments.explain is not None)
    rate = instrument.corpus.sample_rate
    save_wav_blocks(
        arguments.out,
        tally.watch(play(instrument, changes, seconds=arguments.seconds, played=played)),
        n_samples=int(arguments.seconds * rate),
        n_channels=2,
        sample_rate=rate,
    )
    if arguments.explain is not None:
        _explain(arguments, tally.choices, instrument)
    print(f"{arguments.out}: {arguments.seconds:g} s, {tally}")


def _explain(arguments: argparse.Namespace, choices: Sequence[Choice], instrument: Instrument) -> None:
    out: Path = arguments.explain
    beside = arguments.out.name if out.resolve().parent == arguments.out.resolve().parent else None
    rate = instrument.corpus.sample_rate
    page = explain(
        choices, spread=instrument.scaling.std, sample_rate=rate, title=", ".join(arguments.tag), audio=beside
    )
    try:
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--explain {out}: not written: {error.strerror}; name another file") from None


class Tally:
    """What is said of a take at its end; a take of hours is not kept for it."""

    def __init__(self, *, keep: bool) -> None:
        """keep: whether every choice is wanted, not only how many there were."""
        self.choices: list[Choice] = []
        self._keep = keep
        self._peak = 1e-9
        self._n_units = 0
        self._n_jumps = 0

    def watch(self, stretches: Iterable[Stretch]) -> Iterator[np.ndarray]:
        """Their audio, counted on the way."""
        for stretch in stretches:
            self._peak = max(self._peak, float(np.abs(stretch.audio).max()))
            self._n_units += len(stretch.choices)
            self._n_jumps += sum(choice.reason != "continue" for choice in stretch.choices)
            if self._keep:
                self.choices += stretch.choices
            yield stretch.audio

    def __str__(self) -> str:
        return f"peak {20.0 * np.log10(self._peak):.1f} dBFS, {self._n_units} units, {self._n_jumps} jumps"


def turn(settings: Settings, text: str) -> None:
    """Turn the knob that KNOB=VALUE names. Raises ConfigError where there is none, or not that far."""
    path, found, value = text.partition("=")
    if not found or path not in KNOBS:
        raise ConfigError(f"--set {text!r}: expected KNOB=VALUE, KNOB one of: {', '.join(sorted(KNOBS))}")
    parameter = next(one for one in PARAMETERS if one.path == path)
    try:
        number = value if parameter.arguments[0].type == "s" else float(value)
        [checked], clipped = check(parameter, [number])
    except (ValueError, OscError) as error:
        raise ConfigError(f"--set {text!r}: {error}") from None
    if clipped:
        raise ConfigError(f"--set {text!r}: expected {parameter.arguments[0].range}")
    set_knob(settings, path, checked)


def _change(instrument: Instrument, text: str, *, end: float, played: Played | None) -> TagChange:
    tag, at, when = text.rpartition("@")
    if not at:
        return TagChange(0.0, 1, _weights(instrument, text, played), text)
    try:
        seconds = float(when)
    except ValueError:
        raise ConfigError(f"--tag {text!r}: expected TAG@SECONDS, found {when!r} for the seconds") from None
    if not 0.0 <= seconds < end:
        raise ConfigError(f"--tag {text!r}: expected a time before the take's end at {end:g} s, found {when}")
    return TagChange(seconds, 1, _weights(instrument, tag, played), tag)


def _weights(instrument: Instrument, tag: str, played: Played | None) -> dict[str, float]:
    """What a tag means here; said, so that nobody wonders at what sounds."""
    if played is None:
        weights = means = instrument.match(tag).weights
    else:
        means = {} if tag.strip() == ANY else played.vocabulary.meaning(tag).weights
        weights = {ANY: 1.0}
        with contextlib.suppress(TagError):
            weights = instrument.match(tag).weights
    if means and list(means) != [tag]:
        print(f"{tag!r} plays " + ", ".join(f"{name} {share:.0%}" for name, share in means.items()))
    return weights
