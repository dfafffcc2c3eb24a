"""Reading: the parts that a performer's text falls into. Pure.

The longest names first; among names of the same length what the corpus calls a tag, then what English calls a thing or
a quality, then other languages. A word that is none of these keeps its place: it may go with something, or be
misspelt.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from liveseq.words.knowledge import LONGEST_NAME, Knowledge, key
from liveseq.words.plain import clean, singular
from liveseq.words.qualities import Quality, Wording

DENIED = -1.0
"""Sign of what is not to be there at all."""

Kind = Literal["tag", "thing", "quality", "word", "everyday"]


@dataclass(frozen=True, slots=True)
class Part:
    """One or more words of a text that say one thing."""

    text: str
    """As it was understood: clean, a misspelt word as it was meant."""
    kind: Kind
    things: tuple[int, ...] = ()
    """What it may name, the likeliest first."""
    tags: tuple[int, ...] = ()
    """Tags that are called so."""
    quality: Quality | None = None
    sign: float = 1.0
    """Below 0 where it is to be away, above 1 where there is to be much of it."""
    written: str = ""
    """What the performer wrote instead; empty where that is the same."""


class Reader:
    """Reads texts as one corpus hears them."""

    def __init__(
        self,
        known: Knowledge,
        wording: Wording,
        *,
        tags: Mapping[str, tuple[int, ...]],
        mend: Callable[[str], str],
    ) -> None:
        """tags: key of a tag's name -> the tags of that name. mend: the word that one which nobody knows was meant to
        be; itself where that is open, nothing where it is no word."""
        self._known = known
        self._wording = wording
        self._tags = tags
        self._mend = mend
        self._silent = wording.silent

    def read(self, text: str) -> list[Part]:
        """The parts of a text, in its order. Raises TagError for a text that `clean` refuses."""
        words = self._words(clean(text))
        return self._read(words, silent=self._wording.silent) or self._read(words, silent=frozenset())

    def _read(self, words: list[str], *, silent: frozenset[str]) -> list[Part]:
        words, self._silent = list(words), silent
        parts: list[Part] = []
        sign, place = 1.0, 0
        while place < len(words):
            part, n = self._longest(words, place)
            place += n
            if part is None:
                word = words[place - n]
                said = self._wording.signs.get(word)
                sign = 1.0 if word in self._wording.endings else sign if said is None else sign * said
                continue
            parts.append(replace(part, sign=sign))
            if part.kind != "quality" or sign != DENIED:  # "not dark bells" are bells, "no dark bells" are none
                sign = 1.0
        return parts

    def _longest(self, words: list[str], place: int) -> tuple[Part | None, int]:
        for n in range(min(LONGEST_NAME, len(words) - place), 0, -1):
            name = " ".join(words[place : place + n])
            if self._is_quality_of_tag(name):  # a "dark pad" is no thing of its own where pads are there to be dark
                continue
            if (part := self._named(name)) is not None:
                return part, n
        word = words[place]
        if word in self._wording.signs or word in self._silent or word in self._wording.endings:
            return None, 1
        if (both := self._parted(word)) is not None:
            words[place : place + 1] = both
            return self._longest(words, place)
        if self._known.knows(word):
            return Part(word, "word"), 1
        meant = self._mend(word)
        if meant in ("", word):
            return (Part(word, "word") if meant else None), 1
        return replace(self._named(meant) or Part(meant, "word"), written=word), 1

    def _is_quality_of_tag(self, name: str) -> bool:
        """Whether a name is that of a tag with a quality before it, and no tag's own."""
        first, _, rest = name.partition(" ")
        return first in self._wording.qualities and key(rest) in self._tags and key(name) not in self._tags

    def _named(self, name: str) -> Part | None:
        form = key(name)
        known = self._known
        tags = self._tags.get(form, ())
        things = known.senses.get(form, ()) if name not in self._silent else ()
        quality = self._wording.qualities.get(name)
        if tags or (things and quality is None):
            return Part(name, "tag" if tags else "thing", things, tags)
        if quality is not None:
            return Part(name, "quality", things, (), quality)
        if form in known.everyday:
            return Part(name, "everyday")
        if name in self._wording.signs or name in self._silent or name in self._wording.endings:
            return None
        if things := known.foreign.get(form, ()):
            return Part(name, "thing", things)
        return None

    def _parted(self, word: str) -> list[str] | None:
        """Two names that are written as one word: birdsong, windchimes."""
        if len(word) < 7 or self._known.knows(word):
            return None
        for cut in range(len(word) - 3, 2, -1):
            both = [word[:cut], word[cut:]]
            if all(singular(one) in self._known.senses or singular(one) in self._tags for one in both):
                return both
        return None

    def _words(self, text: str) -> list[str]:
        """Words of a clean text; one without spaces, as in Japanese, falls into the names that it holds."""
        words: list[str] = []
        for word in text.split():
            words += [word] if word.isascii() or self._named(word) else self._unspaced(word)
        return words

    def _unspaced(self, word: str) -> list[str]:
        found, place = [], 0
        while place < len(word):
            for end in range(len(word), place, -1):
                name = word[place:end]
                if self._named(name) or name in self._wording.signs:
                    found.append(name)
                    place = end
                    break
            else:
                place += 1
        return found or [word]
