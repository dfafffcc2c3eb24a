"""Several voices that are each a line: chorales, imitation, patterns that go round at lengths of their own."""

from liveseq.demo.ensemble.chords import voiced
from liveseq.demo.ensemble.keys import Chord
from liveseq.demo.ensemble.leading import lead
from liveseq.demo.ensemble.melody import CADENCES, CELLS, HEIGHTS, _bar, _contour, _notes, lengths
from liveseq.demo.ensemble.score import Harmony, Note
from liveseq.demo.ensemble.voice import Motif, Voice, nearest
from liveseq.demo.harmony import near

Tone = tuple[float, float, Chord, int]
"""Start and length in quarter notes, the chord that sounds, step."""


def chorale(voice: Voice, *, part: int, parts: int = 4) -> list[Note]:
    """One of the voices of a hymn, 0 the bass. Every player works out the same hymn, by the plan alone."""
    lines = _hymn(voice, parts)
    key, notes = voice.plan.key, list[Note]()
    for start, length, chord, step in lines[part]:
        notes.append(Note(start, length, key.pitch(step, chord)))
    return _fitted(voice, notes)


def _hymn(voice: Voice, parts: int) -> list[list[Tone]]:
    plan = voice.plan
    low, high = plan.key.steps(40, 79)
    voicing: tuple[int, ...] = _opening(plan.harmonies[0], plan.key.steps(44, 60)[0], parts)
    lines: list[list[Tone]] = [[] for _ in range(parts)]
    for index, harmony in enumerate(plan.harmonies):
        closing = harmony.start + harmony.length >= plan.end - 1e-6 or harmony.length < 2.0
        halves = [harmony.length] if closing else _halves(harmony.length)
        start = harmony.start
        for turn, length in enumerate(halves):
            root = near(harmony.chord.root, (voicing[0] + low + 6) // 2)
            degrees = harmony.chord.degrees
            if turn:  # the second half of a chord: the soprano moves on, the others make room
                way = 1 if (index + plan.phrase_at(start).turn) % 2 == 0 else -1
                way = -way if not low + 14 < voicing[-1] + 2 * way < high else way
                top = nearest(degrees[:3], voicing[-1] + 2 * way, toward=way)
                root = nearest(degrees[1:2], root, toward=1) if index % 3 == 1 else root
                inner = lead(voicing[1:-1], degrees, low=root + 2, high=max(top - 1, root + 6))
                voicing = (root, *sorted(inner), top)
            else:
                voicing = (root, *sorted(lead(voicing[1:], degrees, low=root + 2, high=high)))
            for line, step in zip(lines, voicing, strict=True):
                line.append((start, length, harmony.chord, step))
            start += length
    return [_passing(line) for line in lines]


def _halves(length: float) -> list[float]:
    return {4.0: [2.0, 2.0], 3.0: [2.0, 1.0], 5.0: [3.0, 2.0], 2.0: [1.0, 1.0]}.get(length, [length])


def _opening(harmony: Harmony, low: int, parts: int) -> tuple[int, ...]:
    root = near(harmony.chord.root, low)
    ladder = [step for step in range(root + 4, root + 24) if step % 7 in harmony.chord.degrees[:3]]
    return (root, *ladder[1 : 2 * (parts - 1) : 2][: parts - 1]) if parts < 4 else (root, *ladder[1:parts])


def _passing(line: list[Tone]) -> list[Tone]:
    """A third between two notes is filled by the one between; a note that stays is held."""
    found: list[Tone] = []
    for index, (start, length, chord, step) in enumerate(line):
        following = line[index + 1][3] if index + 1 < len(line) else step
        if abs(following - step) == 2 and length >= 2.0:
            found.append((start, length - 1.0, chord, step))
            found.append((start + length - 1.0, 1.0, chord, (step + following) // 2))
        elif found and found[-1][3] == step and found[-1][2] == chord and length < 2.0:
            before = found.pop()
            found.append((before[0], before[1] + length, chord, step))
        else:
            found.append((start, length, chord, step))
    return found


def _fitted(voice: Voice, notes: list[Note]) -> list[Note]:
    """Moved by octaves into the range of the instrument, as a whole where that is enough."""
    if not notes:
        return notes
    low, high = voice.instrument.low, voice.instrument.high
    middle = sum(note.pitch for note in notes) / len(notes)
    shift = 12 * round(((low + high) / 2 - middle) / 12) if not low + 3 <= middle <= high - 3 else 0
    found = []
    for note in notes:
        pitch = note.pitch + shift
        while pitch < low:
            pitch += 12
        while pitch > high:
            pitch -= 12
        found.append(Note(note.start, note.length, pitch, note.accent))
    return found


def invention(voice: Voice, *, part: int, parts: int = 2) -> list[Note]:
    """A line that gives out the subject, hands it on at the next bar, and runs against it more slowly."""
    plan = voice.plan
    notes: list[Note] = []
    previous = voice.middle
    for phrase in plan.phrases:
        motif = voice.motifs.setdefault(f"subject {phrase.letter}", _subject(voice))
        for bar in range(phrase.n_bars):
            number = phrase.first_bar + bar
            if number < part:
                continue  # the others enter one by one
            start, closing = number * plan.metre.bar, phrase.closed and bar == phrase.n_bars - 1
            leads = number % parts == part
            if closing:
                rhythm = lengths(CADENCES[plan.metre.name][0 if number == plan.n_bars - 1 else 1])
                goal: tuple[int, ...] | None = plan.chord_at(start + plan.metre.bar - 0.1).degrees[:1]
            else:
                rhythm, goal = motif.rhythms[0 if leads else 1], None
            anchor = voice.middle + (motif.heights[bar % 4] if leads else -motif.heights[bar % 4])
            contour = motif.contour if leads else tuple(-step for step in motif.contour)
            sung = _bar(voice, rhythm, contour, start=start, anchor=anchor, previous=previous, goal=goal)
            previous = sung[-1][2] if sung else previous
            notes += _notes(voice, sung)
    return notes


def _subject(voice: Voice) -> Motif:
    cells = CELLS[voice.plan.metre.name]
    subject, against = lengths(voice.choose(cells["running"])), lengths(voice.choose(cells["moving"]))
    return Motif((subject, against), _contour(voice.rng, 16), voice.choose(HEIGHTS))


def ostinato(voice: Voice, *, length: int = 6, unit: float = 0.5, first: int = 0) -> list[Note]:
    """A pattern that goes round every `length` units, whatever the bar is, and gains and loses notes slowly."""
    plan = voice.plan
    figure = [int(rung) for rung in voice.rng.permutation([*range(6), *range(6)])[:length]]
    figure[0] = int(voice.rng.integers(0, 3))
    asleep = set(voice.rng.permutation(length)[: length // 4].tolist()) - {0}
    chords = [(harmony, _ladder(voice, steps)) for harmony, steps in voiced(voice, 4)]
    begin = plan.phrases[min(first, max(0, len(plan.phrases) - 3))].first_bar * plan.metre.bar
    notes: list[Note] = []
    for number in range(round((plan.last_bar - begin) / unit)):
        start = begin + number * unit
        place, turn = number % length, number // length
        if turn and turn % 8 == 0 and place == 0:
            changed = int(voice.rng.integers(1, length))
            figure[changed] = int(voice.rng.integers(0, 7))
            asleep.discard(changed)
        if place in asleep:
            continue
        harmony, steps = [one for one in chords if one[0].start <= start + 1e-6][-1]
        step = steps[min(figure[place], len(steps) - 1)]
        notes.append(Note(start, 0.9 * unit, plan.key.pitch(step, harmony.chord), 1.1 if place == 0 else 0.92))
    harmony, steps = chords[-1]
    last = [Note(plan.last_bar, plan.metre.bar, plan.key.pitch(step, harmony.chord)) for step in steps[:1]]
    return notes + last


def _ladder(voice: Voice, steps: tuple[int, ...]) -> tuple[int, ...]:
    """The chord, the second above its root, and an octave more where there is room."""
    root = steps[0]
    more = (root + 1, *(step + 7 for step in steps))
    return tuple(sorted({*steps, *(step for step in more if step <= voice.high)}))


def drifting(voice: Voice, *, often: float = 0.45, size: int = 5) -> list[Note]:
    """Single notes of the chord that float up here and there, some answered by a neighbour, with room around them."""
    plan, notes = voice.plan, list[Note]()
    chords = voiced(voice, size)
    at = float(voice.rng.integers(0, 3))
    while at < plan.end - 1.0:
        harmony, steps = [one for one in chords if one[0].start <= at + 1e-6][-1]
        step = steps[int(voice.rng.integers(len(steps)))]
        if voice.chance(0.3) and step + 7 <= voice.high:
            step += 7
        length = float(voice.rng.choice([2.0, 3.0, 4.0]))
        notes.append(Note(at, length, plan.key.pitch(step, harmony.chord), float(voice.rng.uniform(0.7, 1.1))))
        if voice.chance(0.4):
            other = nearest(harmony.chord.degrees, step + 2, toward=1)
            if other <= voice.high:
                notes.append(Note(at + 0.5, length, plan.key.pitch(other, harmony.chord), 0.75))
        at += float(voice.rng.choice([1.0, 1.5, 2.0, 3.0])) / (0.5 + often)
    return notes


def drone(voice: Voice, *, fifth: bool = True) -> list[Note]:
    """The tonic, phrase after phrase, with its fifth."""
    plan = voice.plan
    root = near(plan.key.degree, voice.low + 3)
    notes = []
    for phrase in plan.phrases:
        start = phrase.first_bar * plan.metre.bar
        length = phrase.n_bars * plan.metre.bar
        for step in (root, root + 4) if fifth and root + 4 <= voice.high else (root,):
            notes.append(Note(start, length, plan.key.pitch(step)))
    return notes
