"""Reading: the parts that a performer's text falls into. Pure.

The longest names first; among names of the same length what the corpus calls a tag, then what English calls a thing or
a quality, then other languages. A word that is none of these keeps its place: it may go with something, or be
misspelt.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from liveseq.words.knowledge import LONGEST_NAME, Knowledge, key
from liveseq.words.plain import clean, singular
from liveseq.words.qualities import Quality, Wording

_ALL_BUT = re.compile(r"\b(?:everything|anything|all) (?:but|except|apart from)\b")
LONGEST_UNSPACED = 16
"""Letters of the longest name in a script without spaces."""
MOST = 2.0
"""Strongest sign: very very dark is as dark as can be."""

Kind = Literal["tag", "thing", "mention", "mood", "quality", "everyday", "word", "unknown"]


@dataclass(frozen=True, slots=True)
class Part:
    """One or more words of a text that say one thing."""

    text: str
    """As it was understood: clean, a misspelt word as it was meant."""
    kind: Kind
    things: tuple[int, ...] = ()
    """Things that it may name, the likeliest first."""
    tags: tuple[int, ...] = ()
    """Tags that are called so."""
    quality: Quality | None = None
    sign: float = 1.0
    """Below 0 where it is to be away, above 1 where there is to be much of it."""
    gone: bool = False
    """Whether a "no" or "without" was on its way to it, through its qualities."""
    ends: bool = False
    """Whether a preposition follows: what comes behind it says only where or with what."""
    written: str = ""
    """The performer's own spelling; empty where that is the same."""


class Reader:
    """Reads texts as one corpus hears them."""

    def __init__(
        self,
        known: Knowledge,
        wording: Wording,
        *,
        tags: Mapping[str, tuple[int, ...]],
        is_word: Callable[[str], bool],
        mend: Callable[[str], str | None],
    ) -> None:
        """tags: key of a tag's name -> the tags of that name. is_word: whether a word is English, whatever it means.
        mend: the word that one which nobody knows was meant to be; None where that is open."""
        self._known = known
        self._wording = wording
        self._tags = tags
        self._is_word = is_word
        self._mend = mend

    def read(self, text: str) -> list[Part]:
        """The parts of a text, in its order. Raises TagError for a text that `clean` refuses."""
        words = self._words(_ALL_BUT.sub("except", clean(text)))
        if parts := self._read(words, silent=self._wording.silent):
            return parts
        return [part for part in self._read(words, silent=frozenset()) if part.things or part.tags]  # "noise", "loop"

    def _read(self, words: list[str], *, silent: frozenset[str]) -> list[Part]:
        words = list(words)
        parts: list[Part] = []
        sign, gone, place = 1.0, False, 0  # gone: whether a "no" or "without" waits for the thing that it takes away
        begun = False  # whether it has taken one, to which a list may add more
        while place < len(words):
            part, n = self._longest(words, place, silent)
            place += n
            if part is None:
                word = words[place - n]
                if word in self._wording.prepositions and parts:
                    parts[-1] = replace(parts[-1], ends=True)
                if word in self._wording.endings:
                    sign, gone, begun = 1.0, False, False
                elif word in self._wording.joints and begun:  # "without bells and drums"
                    sign, gone = -1.0, True
                elif (said := self._wording.signs.get(word)) is not None:
                    sign *= said
                    gone |= word in self._wording.denials
                continue
            parts.append(replace(part, sign=max(-MOST, min(MOST, sign)), gone=gone and part.kind != "quality"))
            begun = gone and part.kind != "quality"
            gone &= part.kind == "quality"
            sign = 1.0
        return _taken_away(parts)

    def _longest(self, words: list[str], place: int, silent: frozenset[str]) -> tuple[Part | None, int]:
        """The part that begins at a place, and how many words it takes. A word that is two becomes two."""
        for n in range(min(LONGEST_NAME, len(words) - place), 0, -1):
            several = words[place : place + n]
            name = " ".join(several)
            if self._is_quality_of_tag(name):  # a "dark pad" is no thing of its own where pads are there to be dark
                continue
            if (part := self._named(name, silent) or self._joined(several, silent)) is not None:
                return part, n
        word = words[place]
        if self._is_small(word, silent):
            return None, 1
        if (both := self._parted(word)) is not None:
            words[place : place + 1] = both
            return self._longest(words, place, silent)
        if word.isdigit():
            return None, 1
        if self._known.knows(word) or self._is_word(word):
            return Part(word, "word"), 1
        meant = self._mend(word)
        if meant is None:
            return Part(word, "unknown"), 1
        return replace(self._named(meant, silent) or Part(meant, "word"), written=word), 1

    def _is_quality_of_tag(self, name: str) -> bool:
        """Whether a name is that of a tag with a quality before it, and no tag's own."""
        first, _, rest = name.partition(" ")
        return first in self._wording.qualities and key(rest) in self._tags and key(name) not in self._tags

    def _is_small(self, word: str, silent: frozenset[str]) -> bool:
        return word in silent or word in self._wording.signs or word in self._wording.endings

    def _named(self, name: str, silent: frozenset[str]) -> Part | None:
        form = key(name)
        known = self._known
        tags = self._tags.get(form, ())
        things = known.senses.get(form, ()) if name not in silent else ()
        quality = self._wording.qualities.get(name)
        if tags:
            return Part(name, "tag", things, tags)
        if things and quality is None:
            return Part(name, "mood" if things[0] in known.moods else "thing", things)
        if quality is not None:
            return Part(name, "quality", things, (), quality)
        if form in known.everyday:
            return Part(name, "everyday")
        if self._is_small(name, silent):
            return None
        if things := known.foreign.get(form, ()):
            return Part(name, "mood" if things[0] in known.moods else "thing", things)
        several = name.split()
        if len(several) > 1 and any(key(word) in self._tags for word in several):
            return None  # the performer's own words come first
        first = several[0]
        says_how = first in self._wording.qualities or first in self._wording.signs  # "dark bells" are bells
        if not says_how and (things := known.mentions.get(form, ())):
            return Part(name, "mention", things)
        return None

    def _joined(self, words: list[str], silent: frozenset[str]) -> Part | None:
        """A name that is written as one word here: DnB has come as two."""
        name = "".join(words)
        return self._named(name, silent) if len(words) > 1 and singular(name) in self._known.senses else None

    def _parted(self, word: str) -> list[str] | None:
        """Two names that are written as one word: birdsong, windchimes."""
        if len(word) < 7 or self._known.knows(word) or self._is_word(word):
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
            words += [word] if word.isascii() or self._named(word, self._wording.silent) else self._unspaced(word)
        return words

    def _unspaced(self, word: str) -> list[str]:
        found, place = [], 0
        while place < len(word):
            for end in range(min(len(word), place + LONGEST_UNSPACED), place, -1):
                name = word[place:end]
                if self._named(name, self._wording.silent) or name in self._wording.signs:
                    found.append(name)
                    place = end
                    break
            else:
                place += 1
        return found or [word]


def _taken_away(parts: list[Part]) -> list[Part]:
    """Parts as they are meant where a thing with a quality is denied: "bass without dark bells" is bass, and no bells;
    "no noisy guitar", with nothing else to play, is a guitar that is not noisy."""
    named = [part for part in parts if part.kind != "quality"]
    if all(part.gone or part.sign < 0.0 for part in named):
        return parts
    found: list[Part] = []
    for part in parts:
        if part.gone and part.sign > 0.0:
            while found and found[-1].kind == "quality" and found[-1].sign < 0.0:
                found.pop()
            part = replace(part, sign=-1.0)
        found.append(part)
    return found
