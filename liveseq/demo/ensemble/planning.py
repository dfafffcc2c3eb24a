"""The plan of a piece: how many phrases, which return, what chords they have, how loud they become."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from liveseq.demo.ensemble import progressions
from liveseq.demo.ensemble.keys import Key
from liveseq.demo.ensemble.score import METRES, Harmony, Metre, Phrase, Plan

SHORTEST, LONGEST = 12.0, 50.0
"""Seconds of a plan; the last sound rings a little longer."""

FORMS: dict[int, tuple[str, ...]] = {
    1: ("A",),
    2: ("AA", "AB"),
    3: ("ABA", "AAB"),
    4: ("AABA", "ABAB", "AABB", "ABAC"),
    5: ("AABBA", "ABACA"),
    6: ("AABABA", "AABBCA", "ABABCA"),
    7: ("AABACAA", "ABACABA"),
    8: ("AABBAABA", "AABACABA", "ABABCCAA"),
    9: ("AABBACCAA", "ABACABACA"),
    10: ("AABBAACCAA", "ABABCCABAA"),
    11: ("AABBCCAABBA",),
    12: ("AABBAACCAABA", "AABACCAABABA"),
}
ARCS: dict[str, tuple[float, ...]] = {
    "growing": (0.15, 0.9),
    "arch": (0.25, 0.85, 0.35),
    "fading": (0.75, 0.25),
    "soft": (0.18, 0.3, 0.2),
    "strong": (0.75, 0.9, 0.85),
    "terraced": (0.7, 0.25, 0.7, 0.3, 0.8),
    "steady": (0.5, 0.6, 0.55),
}
"""How loud a piece is from its beginning to its end."""


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """The choices that a style leaves to a plan."""

    modes: tuple[str, ...]
    metres: tuple[str, ...]
    tempo: tuple[float, float]
    harmony: str
    """"song" (phrases that ask and answer), "hymn" (the same, two chords a bar), "loop", "jazz", "blues" or
    "drone" (two bars and more to a chord)."""
    dynamics: tuple[str, ...]
    pentatonic: float = 0.0
    """How often."""


def make_plan(grounds: Grounds, rng: np.random.Generator) -> tuple[Plan, str]:
    """A plan, and the name of its dynamics."""
    key = Key(int(rng.integers(12)), str(rng.choice(grounds.modes)))
    metre = METRES[str(rng.choice(grounds.metres))]
    slow, fast = grounds.tempo
    tempo = round(slow * (fast / slow) ** float(rng.random()), 1)
    dynamics = str(rng.choice(grounds.dynamics))
    n_phrases = _n_phrases(grounds, metre, tempo, rng)
    phrases = _phrases(grounds, key, metre, _form(grounds, n_phrases, rng), ARCS[dynamics], rng)
    pentatonic = bool(rng.random() < grounds.pentatonic)
    return Plan(key=key, metre=metre, tempo=tempo, phrases=tuple(phrases), pentatonic=pentatonic), dynamics


def _n_phrases(grounds: Grounds, metre: Metre, tempo: float, rng: np.random.Generator) -> int:
    seconds = 4 * metre.bar / metre.pulse * 60.0 / tempo
    wanted = float(rng.uniform(11.0, 44.0)) / seconds
    most = max(1, int(LONGEST / seconds))
    least = min(most, int(np.ceil(SHORTEST / seconds)))
    if grounds.harmony == "blues":
        return 3 * max(1, min(round(wanted / 3), most // 3))
    return int(np.clip(round(wanted), least, min(most, max(FORMS))))


def _form(grounds: Grounds, n_phrases: int, rng: np.random.Generator) -> str:
    if grounds.harmony == "blues":
        return "ABC" * (n_phrases // 3)
    return str(rng.choice(FORMS[n_phrases]))


def _phrases(
    grounds: Grounds, key: Key, metre: Metre, form: str, arc: Sequence[float], rng: np.random.Generator
) -> list[Phrase]:
    """A letter keeps its chords; in a song the last of two in a row, and of the piece, comes to rest."""
    banks = {letter: _bank(grounds, key.mode, letter, rng) for letter in dict.fromkeys(form)}
    phrases: list[Phrase] = []
    turns: dict[str, int] = {}
    for index, letter in enumerate(form):
        last = index == len(form) - 1
        answers = index > 0 and form[index - 1] == letter and turns.get(letter, 0) % 2 == 1
        closed = last or (answers and grounds.harmony in ("song", "jazz", "hymn"))
        text = banks[letter][1] if closed else banks[letter][0]
        level = float(np.interp(index / max(1, len(form) - 1), np.linspace(0, 1, len(arc)), arc))
        first_bar = 4 * index
        phrases.append(
            Phrase(
                letter=letter,
                turn=turns.get(letter, 0),
                first_bar=first_bar,
                n_bars=4,
                closed=closed,
                level=level,
                harmonies=_harmonies(text, key, metre, first_bar),
            )
        )
        turns[letter] = turns.get(letter, 0) + 1
    if grounds.harmony in ("loop", "blues", "drone"):
        first_bar, tonic = 4 * len(form), {"blues": "1!7"}.get(grounds.harmony, "1")
        end = _harmonies(tonic, key, metre, first_bar)
        phrases.append(
            Phrase(letter="", turn=0, first_bar=first_bar, n_bars=1, closed=True, level=arc[-1], harmonies=end)
        )
    return phrases


def _bank(grounds: Grounds, mode: str, letter: str, rng: np.random.Generator) -> tuple[str, str]:
    """Progressions of a letter: one that goes on, one that comes to rest."""
    if grounds.harmony == "drone":
        first, _, second, _ = str(rng.choice(progressions.LOOPS[mode])).split()
        going = "1 1 1 1" if letter == "A" and rng.random() < 0.4 else f"{first} {first} {second} {second}"
        return going, going
    if grounds.harmony == "blues":
        row = progressions.BLUES["ABC".index(letter)]
        return row, row
    if grounds.harmony == "hymn":
        start = str(rng.choice(progressions.OPEN[mode]))
        return _dense(start, str(rng.choice(progressions.OPEN[mode]))), _dense(
            start, str(rng.choice(progressions.CLOSED[mode]))
        )
    if grounds.harmony == "jazz":
        return str(rng.choice(progressions.JAZZ[mode])), str(rng.choice(progressions.JAZZ_CLOSED[mode]))
    if grounds.harmony == "loop":
        going = str(rng.choice(progressions.LOOPS[mode]))
        return going, going
    return str(rng.choice(progressions.OPEN[mode])), str(rng.choice(progressions.CLOSED[mode]))


def _dense(first: str, second: str) -> str:
    """Eight chords in four bars; the last bar has one. Of bars that are divided already the first chord stays."""
    chords = [bar.split("/")[0] for bar in f"{first} {second}".split()]
    pairs = [f"{a}/{b}" for a, b in zip(chords[:6:2], chords[1:6:2], strict=True)]
    if second.endswith(" 1"):  # a dominant before the end
        pairs[-1] = f"{chords[4]}/{second.split()[2].split('/')[-1]}"
    return " ".join([*pairs, chords[-1]])


def _harmonies(text: str, key: Key, metre: Metre, first_bar: int) -> tuple[Harmony, ...]:
    found = []
    for bar, chords in enumerate(text.split()):
        names = chords.split("/")
        begin = (first_bar + bar) * metre.bar
        middle = metre.strong[1] if len(metre.strong) > 1 else metre.bar - metre.pulse
        bounds = [0.0, metre.bar] if len(names) == 1 else [0.0, middle, metre.bar]
        for name, start, end in zip(names, bounds, bounds[1:], strict=False):
            found.append(Harmony(begin + start, end - start, key.chord(name)))
    return tuple(found)
