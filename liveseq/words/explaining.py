"""Explaining: sentences on why a text means a tag, or none. Pure."""

from collections.abc import Callable, Sequence

import numpy as np

from liveseq.words.knowledge import Knowledge, key
from liveseq.words.reading import Part
from liveseq.words.tag_sense import TagSense

LANGUAGES = {
    "de": "German",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "ja": "Japanese",
    "pl": "Polish",
    "pt": "Portuguese",
}
MOST_REASONS = 3
"""Parts of a text that are named for one tag."""
COUNTS = 0.5
"""Share of the likeness of the part that fits best, from which another one is named, too."""
LEAST = 0.1
"""Likeness below which the facts see none."""
ENCODER_ALONE = "likeness of the text encoder alone"


class Explaining:
    """Explains for the tags of one corpus."""

    def __init__(
        self, known: Knowledge, senses: Sequence[TagSense], *, likeness_of: Callable[[Part], np.ndarray]
    ) -> None:
        """likeness_of: a part -> its likeness to every tag, float32 (n_tags,)."""
        self._known = known
        self._senses = senses
        self._likeness_of = likeness_of

    def why(self, parts: Sequence[Part], place: int) -> str:
        """Reasons for which a text means the tag at this place, as "whale song: goes with humpback whale"."""
        if not parts:  # signs alone mean a tag that is spelt so, and no other
            return "its name"
        said = [part for part in dict.fromkeys(parts) if part.sign > 0.0 and part.kind != "everyday"]
        found = sorted(((float(self._likeness_of(part)[place]), part) for part in said), key=lambda pair: -pair[0])
        least = max(LEAST, COUNTS * found[0][0]) if found else LEAST
        reasons = [f"{self._head(part)}: {self.relation(part, place)}" for likeness, part in found if likeness >= least]
        return "; ".join([*(reasons[:MOST_REASONS] or [ENCODER_ALONE]), *self._against(parts)])

    def quality(self, part: Part) -> str:
        """How a part says that it is to sound, as "dark: less brightness"."""
        assert part.quality is not None
        much = "much " if abs(part.sign) > 1.0 else ""
        ways = [
            f"{much}{'more' if sign * part.sign > 0.0 else 'less'} {name}" for name, sign in part.quality.directions
        ]
        return f"{'not ' if part.sign < 0.0 else ''}{self._head(part)}: {', '.join(ways)}"

    def nothing(self, parts: Sequence[Part]) -> str:
        """Reasons for which a text means no tag here."""
        if not parts:
            return "it holds no word that is known"
        reasons = []
        for part in (one for one in dict.fromkeys(parts) if one.sign > 0.0):
            if part.kind in ("word", "unknown") and not self._known.knows(part.text):
                reasons.append(f"{self._head(part)}: no facts know it")
            elif part.kind not in ("quality", "everyday"):
                reasons.append(f"{self._head(part)}: nothing like it is here")
        reasons = list(dict.fromkeys(reasons))
        return "; ".join([*reasons[:MOST_REASONS], *self._against(parts)]) or "it says only how it is to sound"

    def relation(self, part: Part, place: int) -> str:
        """Relation of a part to the tag at this place, in a few words."""
        sense = self._senses[place]
        if place in part.tags:
            if key(part.text) == key(sense.name):
                return "its name"
            return "as the tag is read" if key(part.text) == key(sense.reading) else f"your word for {sense.name}"
        named = sense.reading or sense.name
        found = [self._between(thing, own, part, named) for own in sense.things for thing in part.things]
        [(_, words), *_] = sorted([*filter(None, found), (9, f"a word that goes with {named}")])
        return words

    def _between(self, thing: int, own: int, part: Part, named: str) -> tuple[int, str] | None:
        """Order and words of the relation of a thing that a part names to one that a tag names."""
        known = self._known
        if thing == own:
            return 0, "its name" if key(part.text) == key(named) else f"the same as {named}"
        if own in known.ancestors[thing]:
            return 1, f"a kind of {named}"
        if thing in known.ancestors[own]:
            return 2, f"{named} is a kind of it"
        if own in known.links[thing] or thing in known.links[own]:
            return 3, f"goes with {named}"
        shared = max(
            known.ancestors[thing].keys() & known.ancestors[own], key=known.information.__getitem__, default=-1
        )
        return (4, f"like {named}, a kind of {known.things[shared].names[0]}") if shared >= 0 else None

    def _head(self, part: Part) -> str:
        """A part as it was written, and as it was read."""
        if part.written:
            return f'"{part.written}", read as {part.text}'
        form = key(part.text)
        foreign = form not in self._known.senses and not part.tags and part.kind in ("thing", "quality")
        languages = (
            [name for code, name in LANGUAGES.items() if form in self._known.spoken.get(code, ())] if foreign else []
        )
        if not languages:
            return part.text
        meant = part.quality.name if part.quality else self._known.things[part.things[0]].names[0]
        return f"{part.text} (in {' and '.join(languages[:2])} {meant})"

    def _against(self, parts: Sequence[Part]) -> list[str]:
        once = list(dict.fromkeys(parts))
        everyday = [f"{part.text}: an everyday word, which makes no sound" for part in once if part.kind == "everyday"]
        denied = [f"without {part.text}" for part in once if part.sign < 0.0 and part.quality is None]
        return everyday + denied
