"""`liveseq replay`: a log of the flight recorder, played again into a file.

The same Performance as live, fed with the logged commands at the samples at which they acted; plans are made as far
ahead as they were live, so that the same units are chosen. The same log gives the same samples, bit for bit. It differs
from what was heard only where the live plan had come too late: the fades of those moments, and what the DC block keeps
of them for a while. A stream that ran dry does so here: the log says how far it came, and when it went on. Where a
stream has changed over to another tag, late or not, it does so here: the log says in which step, and what was made for
it. What no log holds: the memory that a streamer has died with, and where it was stopped while it wrote what sounded
ten milliseconds later.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from liveseq.corpus.unit_table import Moment
from liveseq.dsp.files import check_folder, save_wav
from liveseq.engine.events import Record
from liveseq.engine.mixer import Mixer
from liveseq.errors import ConfigError
from liveseq.performance.instrument import Instrument, open_instrument
from liveseq.performance.log import arguments_of, read_log
from liveseq.performance.performance import Performance
from liveseq.performance.streamed import StreamStep
from liveseq.sequencer.streams import Turn
from liveseq.streaming.source import OfflineSource

STEP = 1024
"""Samples between two plans."""
TAIL_SECONDS = 10.0
"""Played on after the last line, where the log does not say how the session ended."""
MAX_SECONDS = 6 * 3600.0


def replay(
    instrument: Instrument,
    header: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    *,
    watch: Callable[[Record], None] | None = None,
) -> np.ndarray:
    """The take, float32 (n_samples, 2), from the start of its first engine to its end. Raises ConfigError.

    watch: called with everything that the engine is told, in order.
    """
    rate = instrument.corpus.sample_rate
    lines = [line for line in lines if "choice" not in line]  # what was chosen follows from the rest
    try:
        player = Replayer(instrument, header, start=first_sample(lines), watch=watch)
        ends = [int(line["at"]) for line in lines if "end" in line]
        last = max((int(line["at"]) for line in lines), default=0)
        end = ends[-1] if ends else last + int(TAIL_SECONDS * rate)
        if end - player.mixer.clock > MAX_SECONDS * rate:
            raise ConfigError(f"log of {(end - player.mixer.clock) / rate / 3600:.1f} hours: expected at most 6")
        player.expect(lines)
        blocks = [block for line in lines for block in player.play(line)]
        blocks += player.render(end, planned=end + rate)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"log: a line does not hold what it should ({error!r}); was it edited?") from None
    return np.concatenate([np.zeros((0, 2), dtype=np.float32), *blocks])


def first_sample(lines: Sequence[Mapping[str, Any]]) -> int:
    """Sample clock at which the take of these lines begins."""
    return min((int(line["at"]) for line in lines if "choice" not in line), default=0)


class Replayer:
    """A performance and the mixer that it plays on."""

    def __init__(
        self,
        instrument: Instrument,
        header: Mapping[str, Any],
        *,
        start: int,
        watch: Callable[[Record], None] | None,
    ) -> None:
        corpus = instrument.corpus
        shards = corpus.map_shards()
        self.performance = Performance(instrument, seed=int(header["seed"]))
        self._streams = OfflineSource.of_models(n_layers=self.performance.n_layers, sample_rate=corpus.sample_rate)
        self.performance.sequencer.use_streams(self._streams)
        shards |= self._streams.rings.shards()
        self.mixer = Mixer(
            shards, sample_rate=corpus.sample_rate, n_layers=self.performance.n_layers, clock=start, max_block=STEP
        )
        self._ahead = int(header["look_ahead"] * corpus.sample_rate) + self.performance.unit_samples
        self._watch = watch
        self._engine = False  # whether one has been told of the state yet
        if header.get("session"):
            self.performance.restore(header["session"], at=start)

    def expect(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """What streams have done when this was played live: where they came too late, and how they changed."""
        for line in lines:
            if line.get("told"):
                self._streams.expect_gap(int(line["dry"]), int(line["count"]), told=int(line["told"]))
            elif "turn" in line:
                self._streams.expect_turn(int(line["turn"]), turn_of(line))

    def play(self, line: Mapping[str, Any]) -> Iterator[np.ndarray]:
        """Render up to a line of the log, and do what it says."""
        at, planned = int(line["at"]), int(line["planned"])
        yield from self.render(at, planned=planned)
        self._plan(planned)
        if "engine" in line:
            self._engine = True
            self._push(self.performance.resume(at=at))
        elif "grown" in line:
            self.performance.grow(self.performance.instrument.read_growth(moment_of(line["grown"])))
            self._push(self.performance.mend(at=at).records)
        elif "stream" in line:
            what, name = StreamStep(line["step"]), str(line["generator"])
            self._push(self.performance.stream(int(line["stream"]), what, at=at, generator=name).records)
        elif "dry" in line:
            self._go_on(line, at=at)
        elif "address" in line:
            entry = self.performance.table[line["address"]]
            self._push(self.performance.apply(entry, arguments_of(line), at=at).records)

    def _go_on(self, line: Mapping[str, Any], *, at: int) -> None:
        """A stream that came too late goes on as it did, if it did."""
        number = int(line["dry"])
        if line["from"] is None:  # it never did
            return
        if line["told"]:
            self._streams.pass_gap(number, int(line["count"]))
        self._push(self.performance.sequencer.go_on(number, at=at, step=int(line["from"])))

    def render(self, end: int, *, planned: int) -> Iterator[np.ndarray]:
        """Audio up to sample `end`; nothing is planned beyond sample `planned`."""
        while self.mixer.clock < end:
            self._plan(min(self.mixer.clock + self._ahead, planned))
            yield self.mixer.render(min(STEP, end - self.mixer.clock))

    def _plan(self, until: int) -> None:
        records, _ = self.performance.plan(now=0, until=until)  # now=0: a replay is never late
        self._push(records)

    def _push(self, records: Sequence[Record]) -> None:
        for record in records if self._engine else ():
            self.mixer.push(record)
            if self._watch is not None:
                self._watch(record)


def turn_of(line: Mapping[str, Any]) -> Turn:
    """The turn that a line of a log tells of."""
    told = {**line, "ident": line["count"]}
    names = [field.name for field in fields(Turn)]
    numbers: dict[str, Any] = {name: None if told[name] is None else int(told[name]) for name in names}
    turn = Turn(**numbers)
    return replace(turn, place=None) if turn.place == -1 else turn  # as older logs have it


def moment_of(told: Mapping[str, Any]) -> Moment:
    """Of a corpus, as a log tells it."""
    return Moment(int(told["last"]), tuple(told["retired"]))


def open_log(log: Path, corpus: Path | None = None) -> tuple[Instrument, dict[str, Any], list[dict[str, Any]]]:
    """What `replay` needs: the instrument as it was at the start, header and lines. Raises ConfigError."""
    header, lines = read_log(log)
    try:
        instrument = open_instrument(
            corpus or Path(header["corpus"]),
            predictor=header["predictor"],
            seed=int(header["seed"]),
            n_layers=int(header["n_layers"]),
            moment=moment_of(header["moment"]),
        )
        n_units = int(header["units"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{log}: its first line does not hold what it should ({error!r})") from None
    if instrument.sequencer.units.n_units != n_units:
        found = instrument.sequencer.units.n_units
        raise ConfigError(f"{header['corpus']}: expected {n_units} units, found {found}; replay needs the same corpus")
    return instrument, header, lines


def run(arguments: argparse.Namespace) -> None:
    """Of the command: log, out, corpus."""
    check_folder(arguments.out)
    instrument, header, lines = open_log(arguments.log, arguments.corpus)
    if (provider := header.get("provider", "cpu")) != "cpu" and any("stream" in line for line in lines):
        told = f"streams of this session were to run on {provider}; here the CPU makes them, and their waves differ"
        print(f"liveseq: {told}", file=sys.stderr)
    audio = replay(instrument, header, lines)
    save_wav(arguments.out, audio, sample_rate=instrument.corpus.sample_rate)
    print(f"{arguments.out}: {len(audio) / instrument.corpus.sample_rate:.1f} s, {len(lines)} lines of the log")
