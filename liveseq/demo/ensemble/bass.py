"""Bass lines: roots, fifths and octaves in a rhythm, or a walk from chord to chord."""

from liveseq.demo.ensemble.chords import by_letter, entry
from liveseq.demo.ensemble.score import Note
from liveseq.demo.ensemble.voice import Voice
from liveseq.demo.harmony import near

LINES: dict[str, dict[str, tuple[str, ...]]] = {
    "held": {
        "4/4": ("r---------------",),
        "3/4": ("r-----------",),
        "6/8": ("r-----------",),
        "5/4": ("r-------------------",),
    },
    "two": {
        "4/4": ("r-------f-------", "r-------f---a---"),
        "3/4": ("r-----------", "r-------f---"),
        "6/8": ("r-----f-----",),
        "5/4": ("r-----------f-------",),
    },
    "ballad": {
        "4/4": ("r-----r-f-------", "r-------r-----a-"),
        "3/4": ("r-------f---",),
        "6/8": ("r---r-f-----",),
        "5/4": ("r-------r---f-----a-",),
    },
    "bossa": {"4/4": ("r-----rrf-----ff", "r-----r-f-----a-")},
    "eighths": {
        "4/4": ("r-r-r-r-r-r-r-r-", "r-r-r-r-r-r-f-a-"),
        "3/4": ("r-r-r-r-r-a-",),
        "6/8": ("r-r-r-f-f-a-",),
        "5/4": ("r-r-r-r-r-r-f-f-f-a-",),
    },
    "offbeats": {"4/4": ("..r-..r-..r-..r-", "..r-..r-..ro..r-")},
    "sixteenths": {"4/4": (".rrr.rrr.rrr.rrr", ".rro.rrr.rro.rrf", "r.rrr.rr.r.rr.ro")},
    "funk": {"4/4": ("r..r..o.r.rf..a.", "r-.o..r.s.r...fa", "r..r.ro...r.sfra")},
    "house": {"4/4": ("r--r--r---r-..o-", "r..r..o...r.f-s-")},
    "breaks": {"4/4": ("r-----r---..r-f-", "r---....r--o..s-", "r-----..f---r-..")},
    "trip": {"4/4": ("r-----.....r.f--", "r--r......o-s---", "r-----f-........")},
    "march": {"4/4": ("r-..f-..r-..f-..",), "3/4": ("r-..........",), "6/8": ("r-....f-....",)},
    "dub": {"4/4": ("....r-r-..r-f---", "r--...r-o-..f---")},
}
"""A bar in sixteenths: r root, f fifth, o octave, s seventh, a into the next root by step; - goes on, a dot rests."""


def bass(voice: Voice, *, line: str = "two", first: int = 0) -> list[Note]:
    plan, begin = voice.plan, entry(voice, first)
    patterns = LINES[line].get(plan.metre.name) or LINES["two"][plan.metre.name]
    chosen = by_letter(voice, patterns)
    notes: list[Note] = []
    for bar in range(plan.n_bars):
        pattern = chosen[plan.phrase_at(bar * plan.metre.bar).letter][bar % 2]
        for index, mark in enumerate(pattern):
            start = bar * plan.metre.bar + index * 0.25
            if mark in ".-" or start < begin:
                continue
            end = index + 1
            while end < len(pattern) and pattern[end] == "-":
                end += 1
            accent = 1.06 if index == 0 else 0.9 if index % 2 else 1.0
            notes.append(Note(start, (end - index) * 0.25, _pitch(voice, mark, start), accent))
    return notes


def _root(voice: Voice, start: float) -> int:
    """Around the lower third of the voice, so that there is room for the octave above."""
    return voice.into_range(near(voice.plan.chord_at(start).root, voice.low + (voice.high - voice.low) // 3))


def _pitch(voice: Voice, mark: str, start: float) -> int:
    plan, chord = voice.plan, voice.plan.chord_at(start)
    root = _root(voice, start)
    if mark == "a":
        following = _root(voice, min(start + plan.metre.pulse, plan.end - 0.01))
        step = following - 1 if following > voice.low else following + 1
        return plan.key.pitch(step, chord)
    fifth = 4 if root + 4 <= voice.high else -3
    step = root + {"r": 0, "f": fifth, "o": 7, "s": 6}[mark]
    return plan.key.pitch(voice.into_range(step), chord)


def walk(voice: Voice, *, first: int = 0) -> list[Note]:
    """A quarter note on every beat: root, chord and scale notes on the way, and a half-tone into the next root."""
    plan, begin = voice.plan, entry(voice, first)
    notes: list[Note] = []
    step = _root(voice, 0.0)
    for harmony in plan.harmonies:
        root = near(harmony.chord.root, (2 * step + voice.middle) // 3)  # not to the end of the neck and back
        step = voice.into_range(root)
        n = round(harmony.length)
        target = near(plan.chord_at(min(harmony.start + harmony.length, plan.end - 0.01)).root, step)
        target = voice.into_range(target)
        way = 1 if target > step or (target == step and step < voice.middle) else -1
        for beat in range(n):
            start = harmony.start + beat
            pitch = plan.key.pitch(step, harmony.chord)
            if beat == n - 1 and start < plan.last_bar and (n > 2 or voice.chance(0.5)):
                goal = plan.key.pitch(target, plan.chord_at(harmony.start + harmony.length))
                pitch = goal - 1 if voice.chance(0.5) or goal + 1 > voice.instrument.high else goal + 1
                pitch = max(pitch, voice.instrument.low)
            if start >= begin:
                notes.append(Note(start, 0.95, pitch, 1.05 if beat % 2 else 1.0))
            if beat < n - 1:
                step = _onward(voice, harmony.chord.degrees, step, way, n - beat)
    return notes


def _onward(voice: Voice, degrees: tuple[int, ...], step: int, way: int, left: int) -> int:
    """Two steps up a chord, or one along the scale."""
    hop = 2 if (step + 2 * way) % 7 in degrees and left > 2 and voice.chance(0.6) else 1
    if not voice.low <= step + hop * way <= voice.high:
        way = -way
    return int(min(voice.high, max(voice.low, step + hop * way)))
