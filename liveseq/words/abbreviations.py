"""Abbreviations: names of folders that are letters of a word (bd, sn, hh, perc), and the word that is meant. Pure."""

from collections import Counter
from collections.abc import Iterable

from liveseq.words.knowledge import Knowledge, key
from liveseq.words.plain import clean

LONGEST = 4
"""Letters."""
_MEANT = {"vox": "vocals", "voc": "vocals", "vx": "vocals", "atm": "atmosphere", "fx": "sound effect"}
"""Meant by a folder of recordings, whatever else the letters stand for."""


def abbreviated(tags: Iterable[str], known: Knowledge) -> dict[str, str]:
    """Tags that abbreviate the name of a thing -> the commonest name of that thing.

    The letters stand, in order, in another name of it, from its first letter on, and are no word of their own.

    >>> from liveseq.words.knowledge import knowledge
    >>> abbreviated(["bd", "hh", "vox", "kick", "dub"], knowledge())
    {'bd': 'kick drum', 'hh': 'hi hat', 'vox': 'vocals'}
    """
    spoken = {word for thing in known.things for text in thing.related for word in text.split()}
    found = {tag: _meant(clean(tag), known, spoken) for tag in tags}
    once = Counter(found.values())  # two folders are hardly the same
    return {tag: name for tag, name in found.items() if name and once[name] == 1}


def _meant(letters: str, known: Knowledge, spoken: set[str]) -> str:
    if letters in _MEANT:
        return _MEANT[letters]
    things = known.senses.get(letters, ())
    if not 2 <= len(letters) <= LONGEST or " " in letters or letters in spoken or len(things) != 1:
        return ""
    first, *others = [name for name in known.things[things[0]].names if not any(map(str.isdigit, name))]
    longer = [name for name in (first, *others) if len(name.replace(" ", "")) > len(letters)]
    is_word = key(first) == letters or any(letters in key(name).split() for name in longer)
    return "" if is_word or not any(_stands_in(letters, name) for name in longer) else first


def _stands_in(letters: str, name: str) -> bool:
    rest = iter(name)
    return letters[0] == name[0] and all(letter in rest for letter in letters)
