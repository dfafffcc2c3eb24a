"""The same sequencer and the same mixer, offline: a take as fast as the machine goes, to a file.

With the same corpus, predictor, tags and seed a render gives the same samples, bit for bit.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liveseq.corpus.append import map_rows
from liveseq.dsp.files import check_folder, save_wav
from liveseq.engine.events import Play, Stop
from liveseq.engine.mixer import Mixer
from liveseq.errors import ConfigError
from liveseq.instrument import Instrument, open_instrument
from liveseq.sequencer.timeline import Choice

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


@dataclass
class Take:
    """A rendered take: audio float32 (n_samples, 2) and why each unit was chosen."""

    audio: np.ndarray
    choices: list[Choice]
    sample_rate: int


def render(instrument: Instrument, changes: Sequence[TagChange], *, seconds: float) -> Take:
    """Play a list of tag changes. The last FADE_SECONDS fade out."""
    sample_rate = instrument.corpus.sample_rate
    n_samples = int(seconds * sample_rate)
    audio = np.zeros((n_samples, 2), dtype=np.float32)
    choices: list[Choice] = []
    n_done = 0
    for block in _blocks(instrument, changes, n_samples, choices):
        audio[n_done : n_done + len(block)] = block
        n_done += len(block)
    return Take(audio, choices, sample_rate)


def _blocks(
    instrument: Instrument, changes: Sequence[TagChange], n_samples: int, choices: list[Choice]
) -> Iterator[np.ndarray]:
    corpus, sequencer = instrument.corpus, instrument.sequencer
    shards = {number: map_rows(corpus.shard_path(number), start=0, shape=(n, 2)) for number, n in corpus.shards()}
    mixer = Mixer(shards, sample_rate=corpus.sample_rate, n_layers=len(sequencer.layers))
    mixer.push(Play(seconds=0.0))
    waiting = sorted(changes, key=lambda change: change.seconds)
    ending = n_samples - int(FADE_SECONDS * corpus.sample_rate)
    while mixer.clock < n_samples:
        now = mixer.clock
        while waiting and waiting[0].seconds * corpus.sample_rate <= now:
            change = waiting.pop(0)
            for event in (
                *sequencer.set_playing(change.layer, True, at=now),
                *sequencer.set_tags(change.layer, change.weights, at=now),
            ):
                mixer.push(event)
        events, why = sequencer.plan(now=now, until=now + int(LOOK_AHEAD * corpus.sample_rate))
        choices += why
        for event in events:
            mixer.push(event)
        if now <= ending < now + STEP:
            mixer.push(Stop(seconds=FADE_SECONDS))
        yield mixer.render(min(STEP, n_samples - now))


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
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    if not 1.0 <= arguments.seconds <= 36_000.0:
        raise ConfigError(f"--seconds: expected 1 to 36000, found {arguments.seconds:g}")
    if not 0 <= arguments.seed < 2**31:
        raise ConfigError(f"--seed: expected 0 to {2**31 - 1}, found {arguments.seed}")
    check_folder(arguments.out)  # now, not after an hour
    instrument = open_instrument(arguments.corpus, predictor=arguments.predictor, seed=arguments.seed)
    changes = [_change(instrument, text, end=arguments.seconds) for text in arguments.tag]
    take = render(instrument, changes, seconds=arguments.seconds)
    save_wav(arguments.out, take.audio, sample_rate=take.sample_rate)
    peak = 20.0 * np.log10(max(float(np.abs(take.audio).max()), 1e-9))
    jumps = sum(choice.reason != "continue" for choice in take.choices)
    print(f"{arguments.out}: {arguments.seconds:g} s, peak {peak:.1f} dBFS, {len(take.choices)} units, {jumps} jumps")


def _change(instrument: Instrument, text: str, *, end: float) -> TagChange:
    tag, at, when = text.rpartition("@")
    if not at:
        return TagChange(0.0, 1, _weights(instrument, text))
    try:
        seconds = float(when)
    except ValueError:
        raise ConfigError(f"--tag {text!r}: expected TAG@SECONDS, found {when!r} for the seconds") from None
    if not 0.0 <= seconds < end:
        raise ConfigError(f"--tag {text!r}: expected a time before the take's end at {end:g} s, found {when}")
    return TagChange(seconds, 1, _weights(instrument, tag))


def _weights(instrument: Instrument, tag: str) -> dict[str, float]:
    """What a tag means here; said, so that nobody wonders at what sounds."""
    weights = instrument.match(tag).weights
    if list(weights) != [tag]:
        print(f"{tag!r} plays " + ", ".join(f"{name} {share:.0%}" for name, share in weights.items()))
    return weights
