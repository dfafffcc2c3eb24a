"""Pieces by number: which there are, and how one is composed. The same seed and number give the same notes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np

from liveseq.demo.ensemble import bass, chords, counterpoint, drums, melody
from liveseq.demo.ensemble.acoustic import ACOUSTIC_STYLES, CHORALES
from liveseq.demo.ensemble.describing import mood_of
from liveseq.demo.ensemble.electric import ELECTRIC_STYLES
from liveseq.demo.ensemble.instruments import FAMILIES, INSTRUMENTS, Instrument
from liveseq.demo.ensemble.planning import make_plan
from liveseq.demo.ensemble.score import Note, Part, Plan, Score
from liveseq.demo.ensemble.solos import solos
from liveseq.demo.ensemble.style import Seat, Style
from liveseq.demo.ensemble.voice import Motif, Role, Voice
from liveseq.errors import ConfigError

ENSEMBLES = "ensembles"
STYLES: tuple[Style, ...] = (*ACOUSTIC_STYLES, *ELECTRIC_STYLES, *CHORALES)
"""One name may have several: a chorale is for strings, brass, voices ..."""
WEIGHTS: dict[str, float] = {
    "piano": 4.0, "bells": 3.0, "organ": 2.5, "guitar": 3.5, "bass": 2.5, "strings": 3.5, "choir": 2.0, "brass": 2.0,
    "reeds": 2.5, "flutes": 2.5, "plucked": 2.5, "lead": 0.8, "pad": 1.7, "drums": 3.0, ENSEMBLES: 29.0,
}  # fmt: skip
"""How often each family plays alone, and several instruments together."""
OFTEN = {"piano": 3, "electric piano": 2, "nylon guitar": 2, "strings": 2, "choir": 2, "church organ": 2, "harp": 2}
"""Instruments that have more than one piece in each round of their family."""

ROLES: dict[str, Role] = {
    "melody": melody.melody,
    "countermelody": melody.countermelody,
    "held": chords.held,
    "struck": chords.struck,
    "strummed": chords.strummed,
    "power": chords.power,
    "broken": chords.broken,
    "rolled": chords.rolled,
    "bass": bass.bass,
    "walk": bass.walk,
    "drums": drums.drums,
    "hand_drums": drums.hand_drums,
    "chorale": counterpoint.chorale,
    "invention": counterpoint.invention,
    "ostinato": counterpoint.ostinato,
    "drifting": counterpoint.drifting,
    "drone": counterpoint.drone,
}


@dataclass(frozen=True)
class Commission:
    """A piece to be composed: small, so that it travels to another process."""

    seed: int
    number: int
    title: str
    """A style, or "instrument: style" where one plays alone."""

    @property
    def name(self) -> str:
        """Says all of it: "piano/nocturne/1-00012"."""
        return f"{self.title.replace(': ', '/')}/{self.seed}-{self.number:05d}"

    @classmethod
    def named(cls, name: str) -> "Commission":
        title, _, numbers = name.rpartition("/")
        seed, _, number = numbers.partition("-")
        return cls(int(seed), int(number), title.replace("/", ": "))


def titles() -> dict[str, tuple[str, ...]]:
    """Names that can be asked for: families of instruments, ensembles, and their styles."""
    found = {
        family: tuple(f"{one.name}: {style.name}" for one in INSTRUMENTS.values() if one.family == family
                      for style in solos(one.name))
        for family in FAMILIES
    }  # fmt: skip
    found |= {ENSEMBLES: tuple(dict.fromkeys(style.name for style in STYLES))}
    return found | {style.name: (style.name,) for style in STYLES}


def commissions(seed: int, only: Sequence[str] = ()) -> Iterator[Commission]:
    """Pieces without end, families and styles in turn: any beginning is balanced, and a longer one goes on from it.

    Raises ConfigError for a family or style that is not there.
    """
    known = titles()
    for word in only:
        if word not in known:
            raise ConfigError(f"--only {word}: expected some of {', '.join(known)}")
    words = [word for word in known if (word in only if only else word in WEIGHTS)]
    rng = np.random.default_rng((seed, 12))
    decks: dict[str, list[str]] = {word: [] for word in words}
    waiting = dict.fromkeys(words, 0.0)
    for number in count():
        for word in words:
            waiting[word] += WEIGHTS.get(word, 1.0)
        word = max(words, key=lambda one: waiting[one])
        waiting[word] -= sum(WEIGHTS.get(one, 1.0) for one in words)
        if not decks[word]:
            decks[word] = [str(title) for title in rng.permutation(_by_instrument(known[word], rng))]
        yield Commission(seed, number, decks[word].pop())


def _by_instrument(options: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Titles of each instrument (or style), so that none is heard more only because it can play more."""
    heads: dict[str, list[str]] = {}
    for title in options:
        heads.setdefault(title.split(": ")[0], []).append(title)
    return [group[int(rng.integers(len(group)))] for head, group in heads.items() for _ in range(OFTEN.get(head, 1))]


def compose(commission: Commission) -> tuple[Score, np.random.Generator]:
    """The score, and the generator of random numbers for whoever performs it."""
    rng = np.random.default_rng((commission.seed, commission.number, 7))
    style = _style(commission.title, rng)
    plan, dynamics = make_plan(style.grounds, rng)
    parts = _parts(style, plan, rng)
    alone = len({part.instrument.name for part in parts}) == 1
    score = Score(
        name=commission.name,
        style=style.name,
        tags=_tags(style, parts, alone=alone),
        plan=plan,
        parts=tuple(parts),
        feel=style.feels[int(rng.integers(len(style.feels)))],
        room=style.rooms[int(rng.integers(len(style.rooms)))],
        mood=mood_of(plan, dynamics),
        dynamics=dynamics,
    )
    return score, rng


def _style(title: str, rng: np.random.Generator) -> Style:
    head, _, name = title.partition(": ")
    options = solos(head) if name else STYLES
    found = [style for style in options if style.name == (name or head)]
    return found[int(rng.integers(len(found)))]


def _tags(style: Style, parts: list[Part], *, alone: bool) -> tuple[str, ...]:
    """Alone: the instrument. Together: the style, and the family where all are of one."""
    if alone:
        return parts[0].instrument.tags
    broad = [set(part.instrument.tags) for part in parts]
    return tuple(dict.fromkeys((style.name, *style.tags, *sorted(set.intersection(*broad)))))


def _parts(style: Style, plan: Plan, rng: np.random.Generator) -> list[Part]:
    seats = [one for one in style.seats if rng.random() < one.chance]
    motifs: dict[str, Motif] = {}
    parts: list[Part] = []
    taken: list[str] = []
    for one in seats:
        instrument = _player(one, taken, rng)
        taken.append(instrument.name)
        steps = plan.key.steps(*_register(one, instrument))
        voice = Voice(instrument=instrument, plan=plan, rng=rng, low=steps[0], high=steps[1], motifs=motifs)
        notes = ROLES[one.role](voice, **_options(one, rng))
        parts.append(_part(one, instrument, ended(notes, plan, one.role), rng))
    return [part for part in parts if part.notes]


def _register(one: Seat, instrument: Instrument) -> tuple[int, int]:
    """Where both the seat and the instrument are at home, an octave and a half at least."""
    low, high = max(one.register[0], instrument.low), min(one.register[1], instrument.high)
    if high - low < 17:
        low = max(instrument.low, min(low, instrument.high - 17))
        high = min(instrument.high, max(high, low + 17))
    return low, high


def _player(one: Seat, taken: list[str], rng: np.random.Generator) -> Instrument:
    """Nobody plays twice where somebody else can."""
    free = [name for name in one.players if name not in taken] or list(one.players)
    return INSTRUMENTS[free[int(rng.integers(len(free)))]]


def _options(one: Seat, rng: np.random.Generator) -> dict[str, Any]:
    """Where a seat leaves a choice, it is made here."""
    return {
        name: value[int(rng.integers(len(value)))] if isinstance(value, tuple) else value
        for name, value in one.options.items()
    }


def _part(one: Seat, instrument: Instrument, notes: list[Note], rng: np.random.Generator) -> Part:
    moved = float(np.clip(one.pan + 0.08 * rng.standard_normal(), -1.0, 1.0))
    return Part(
        instrument=instrument,
        role=one.role,
        notes=tuple(sorted(notes, key=lambda note: (note.start, note.pitch))),
        level_db=one.level_db + float(0.8 * rng.standard_normal()),
        pan=0.0 if instrument.is_drums else moved,
        send=one.send,
        legato=one.legato,
    )


def ended(notes: list[Note], plan: Plan, role: str) -> list[Note]:
    """The last bar comes to rest: what begins it is held, what would go on is left out."""
    if role in (
        "melody",
        "countermelody",
        "chorale",
        "invention",
        "drums",
        "hand_drums",
        "drifting",
        "drone",
        "rolled",
    ):
        return [note if note.end <= plan.end + 1e-6 else replace(note, length=plan.end - note.start) for note in notes]
    kept = [note for note in notes if note.start < plan.last_bar - 1e-6]
    last = [note for note in notes if note.start >= plan.last_bar - 1e-6]
    until = plan.last_bar + (plan.metre.pulse if role == "broken" else 0.01)
    held = [replace(note, length=plan.end - note.start) for note in last if note.start < until]
    if not held and last:
        first = min(note.start for note in last)
        held = [replace(n, start=plan.last_bar, length=plan.metre.bar) for n in last if n.start == first]
    return [replace(note, length=min(note.length, plan.end - note.start)) for note in kept] + held
