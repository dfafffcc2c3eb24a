"""Senses of tags: each as it is understood, whatever else the corpus holds. Pure."""

from dataclasses import dataclass

from liveseq.words.knowledge import Knowledge
from liveseq.words.plain import clean
from liveseq.words.qualities import wording
from liveseq.words.reading import Part, Reader


@dataclass(frozen=True, slots=True)
class TagSense:
    """A tag as it is understood."""

    name: str
    """Clean."""
    reading: str
    """The performer's words for it, clean; empty where there are none."""
    parts: tuple[Part, ...]
    """Parts that both fall into."""

    @classmethod
    def of(cls, known: Knowledge, tag: str, reading: str = "") -> "TagSense":
        """Raises TagError for what is no text."""
        plain = Reader(known, wording(), tags={}, is_word=lambda word: True, mend=lambda word: None)
        parts = [part for text in (tag, reading) if clean(text) for part in plain.read(text)]
        return cls(clean(tag), clean(reading), tuple(parts))

    @property
    def things(self) -> list[int]:
        """Everything that it may name, the likeliest first: the last one of a name, which the others say more of."""
        return [thing for part in reversed(self.parts) if part.kind != "quality" for thing in part.things]

    def understood(self, known: Knowledge) -> str:
        """Its things with their kinds, and its qualities; empty where no facts know it."""
        said = []
        for part in self.parts:
            if part.quality is not None:
                said.append(f"how it sounds: {part.quality.name}")
            elif part.kind == "everyday":
                said.append(f"{part.text}, an everyday word")
            elif part.things:
                thing = known.things[part.things[0]]
                said.append(thing.names[0] + (f", a kind of {' and '.join(thing.kinds[:2])}" if thing.kinds else ""))
            elif known.knows(part.text) and not part.text.isdigit():
                said.append(f"{part.text}, which goes with others")
        return "; ".join(dict.fromkeys(said))
