"""A piece in words and numbers, for captions: made from the score alone."""

from typing import Any

from liveseq.demo.ensemble.score import Plan, Score

_BRIGHT = {"lydian": 2, "major": 1, "mixolydian": 0, "dorian": -1, "minor": -2, "phrygian": -3}


def mood_of(plan: Plan, dynamics: str) -> tuple[str, ...]:
    """One word for its colour, one for its pace, one for its force."""
    bright = _BRIGHT[plan.key.mode]
    colour = "dreamy" if bright == 2 else "bright" if bright >= 0 else "wistful" if bright == -1 else "dark"
    if plan.key.mode == "minor":
        colour = "melancholy" if plan.tempo < 110 else "dark"
    pace = "calm" if plan.tempo < 80 else "flowing" if plan.tempo < 112 else "lively" if plan.tempo < 140 else "driving"
    loud = max(phrase.level for phrase in plan.phrases)
    soft = sum(phrase.level for phrase in plan.phrases) / len(plan.phrases)
    force = "powerful" if soft > 0.7 else "gentle" if loud < 0.4 else ""
    return tuple(word for word in (colour, pace, force) if word)


def describe(score: Score) -> dict[str, Any]:
    """Facts that a caption may be made of. Ready for JSON."""
    plan = score.plan
    names = list(dict.fromkeys(part.instrument.name for part in score.parts))
    return {
        "name": score.name,
        "style": score.style,
        "tags": list(score.tags),
        "instruments": names,
        "solo": len(names) == 1,
        "key": plan.key.name,
        "mode": plan.key.mode,
        "pentatonic": plan.pentatonic,
        "metre": plan.metre.name,
        "tempo": plan.tempo,
        "mood": list(score.mood),
        "dynamics": score.dynamics,
        "form": plan.form,
        "bars": plan.n_bars,
        "swing": score.feel.swing,
        "room": score.room,
        "parts": [
            {
                "instrument": part.instrument.name,
                "family": part.instrument.family,
                "role": part.role,
                "notes": len(part.notes),
                "lowest": None if part.instrument.is_drums else min(note.pitch for note in part.notes),
                "highest": None if part.instrument.is_drums else max(note.pitch for note in part.notes),
            }
            for part in score.parts
        ],
    }
