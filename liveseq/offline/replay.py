"""`liveseq replay`: a log of the flight recorder, played again into a file.

The same Performance as live, told the logged commands at the samples at which they acted; plans are made as far ahead
as they were live, so that the same units are chosen. The same log gives the same samples, bit for bit. It differs from
what was heard only where the live plan had come too late: the fades of those moments, and what the DC block keeps of
them for a while. A stream that ran dry does so here: the log says how far it came, and when it went on. Where a stream
has changed over to another tag, late or not, it does so here: the log says in which step, and what was made for it.
What no log holds: the memory that a streamer has died with, and where it was stopped while it wrote what sounded ten
milliseconds later.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from liveseq.corpus.own_words.reading import OwnWords
from liveseq.corpus.unit_table import Moment
from liveseq.engine.events import Record
from liveseq.errors import ConfigError
from liveseq.offline.player import Player, Step, Stretch
from liveseq.performance.instrument import Instrument, open_instrument
from liveseq.performance.log import Log, arguments_of, read_log
from liveseq.performance.performance import Performance
from liveseq.performance.streamed import StreamStep
from liveseq.sequencer.streams import Turn

TAIL_SECONDS = 10.0
"""Seconds after the last entry, where the log does not say how the session ended."""
MAX_SECONDS = 6 * 3600.0

Entry = Mapping[str, Any]
"""A line of a log."""


@dataclass(frozen=True, kw_only=True)
class Outline:
    """Facts of a session that are needed before any of it is played."""

    start: int
    """Sample clock at which its take begins: with its first engine."""
    end: int
    """Sample clock at which it ends."""
    n_entries: int
    streams: list[Entry]
    """Where streams came too late, and how they changed."""
    has_streams: bool
    """Whether a layer has played a generator."""

    @classmethod
    def of(cls, entries: Iterable[Entry], *, sample_rate: int) -> "Outline":
        """Raises ConfigError where they are none of a log, or of more than MAX_SECONDS."""
        first: int | None = None
        last = n = 0
        ends: list[int] = []
        streams: list[Entry] = []
        has_streams = False
        with _of_a_log():
            for entry in entries:
                n += 1
                if "choice" in entry:
                    continue
                at = int(entry["at"])
                first, last = min(at, at if first is None else first), max(last, at)
                ends += [at] if "end" in entry else []
                streams += [entry] if "turn" in entry or entry.get("told") else []
                has_streams = has_streams or "stream" in entry
        start, end = first or 0, ends[-1] if ends else last + int(TAIL_SECONDS * sample_rate)
        if end - start > MAX_SECONDS * sample_rate:
            raise ConfigError(f"log of {(end - start) / sample_rate / 3600:.1f} hours: expected at most 6")
        return cls(start=start, end=end, n_entries=n, streams=streams, has_streams=has_streams)


def replay(instrument: Instrument, header: Entry, entries: Iterable[Entry], outline: Outline) -> Iterator[Stretch]:
    """The take, block by block, from the start of its first engine to its end. Raises ConfigError.

    instrument: as it was when the session began, see `open_log`. entries: gone through once, and never kept.
    """
    with _of_a_log():
        player = player_of(instrument, header, outline)
        for entry in _without_choices(entries):
            step = step_of(entry)
            yield from player.play_to(step.at, planned=step.planned)
            player.take(step)
        yield from player.play_to(outline.end, planned=outline.end + instrument.corpus.sample_rate)


def player_of(instrument: Instrument, header: Entry, outline: Outline) -> Player:
    """A player at the beginning of a session."""
    performance = Performance(instrument, seed=int(header["seed"]))
    ahead = int(header["look_ahead"] * instrument.corpus.sample_rate) + performance.unit_samples
    player = Player(performance, ahead=ahead, start=outline.start)
    if header.get("session"):
        performance.restore(header["session"], at=outline.start)
    for entry in outline.streams:
        if "turn" in entry:
            player.streams.expect_turn(int(entry["turn"]), turn_of(entry))
        else:
            player.streams.expect_gap(int(entry["dry"]), int(entry["count"]), told=int(entry["told"]))
    return player


def step_of(entry: Entry) -> Step:
    """A step that repeats an entry of a log."""
    return Step(int(entry["at"]), partial(_repeat, entry), planned=int(entry["planned"]))


def _repeat(entry: Entry, player: Player) -> Iterable[Record]:
    at, performance = int(entry["at"]), player.performance
    if "engine" in entry:
        return player.start_engine(at)
    if "grown" in entry:
        words = entry.get("words", performance.instrument.words())
        own = OwnWords.of_plain(words)
        performance.grow(performance.instrument.read_growth(moment_of(entry["grown"]), own=own))
        performance.instrument.use_synonyms(words["said"])
        return performance.mend(at=at).records
    if "stream" in entry:
        what, name = StreamStep(entry["step"]), str(entry["generator"])
        return performance.stream(int(entry["stream"]), what, at=at, generator=name).records
    if "dry" in entry:
        return _go_on(entry, player, at=at)
    if "address" in entry:
        return performance.apply(performance.table[entry["address"]], arguments_of(entry), at=at).records
    return ()


def _go_on(entry: Entry, player: Player, *, at: int) -> Iterable[Record]:
    """A stream that came too late goes on as it did, if it did."""
    number = int(entry["dry"])
    if entry["from"] is None:  # it never did
        return ()
    if entry["told"]:
        player.streams.pass_gap(number, int(entry["count"]))
    return player.performance.sequencer.go_on(number, at=at, step=int(entry["from"]))


def turn_of(entry: Entry) -> Turn:
    """The change of a stream that an entry of a log describes."""
    written = {**entry, "ident": entry["count"]}
    names = [field.name for field in fields(Turn)]
    numbers: dict[str, Any] = {name: None if written[name] is None else int(written[name]) for name in names}
    turn = Turn(**numbers)
    return replace(turn, place=None) if turn.place == -1 else turn  # as older logs have it


def moment_of(written: Entry) -> Moment:
    """A moment of a corpus, as a log writes it."""
    return Moment(int(written["last"]), tuple(written["retired"]))


def open_log(path: Path, corpus: Path | None = None) -> tuple[Instrument, Log]:
    """A session, and the instrument as it was at its start. corpus: where it lies now. Raises ConfigError."""
    log = read_log(path)
    header = log.header
    try:
        instrument = open_instrument(
            corpus or Path(header["corpus"]),
            predictor=header["predictor"],
            seed=int(header["seed"]),
            n_layers=int(header["n_layers"]),
            moment=moment_of(header["moment"]),
            own=OwnWords.of_plain(header.get("words", {})),
        )
        n_units = int(header["units"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path}: its first line does not hold what it should ({error!r})") from None
    if instrument.sequencer.units.n_units != n_units:
        found = instrument.sequencer.units.n_units
        raise ConfigError(f"{header['corpus']}: expected {n_units} units, found {found}; replay needs the same corpus")
    return instrument, log


def _without_choices(entries: Iterable[Entry]) -> Iterator[Entry]:
    """They follow from the rest."""
    return (entry for entry in entries if "choice" not in entry)


@contextmanager
def _of_a_log() -> Iterator[None]:
    """An entry that does not hold what it should is a fault of the log."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"log: a line does not hold what it should ({error!r}); was it edited?") from None
