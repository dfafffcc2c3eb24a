"""Plain words: a text without what makes no difference to its meaning. Pure."""

import re
import unicodedata
from functools import lru_cache

from liveseq.errors import TagError

MAX_CHARACTERS = 200
"""Characters of the longest text: what is longer is no tag."""
MOST_WORDS = 40
"""Words that are read of it."""
_IRREGULAR = {
    "children": "child",
    "people": "person",
    "men": "man",
    "women": "woman",
    "feet": "foot",
    "teeth": "tooth",
    "geese": "goose",
    "mice": "mouse",
    "oxen": "ox",
    "voices": "voice",
    "leaves": "leaf",
    "loaves": "loaf",
    "knives": "knife",
    "wales": "wales",
    "lives": "life",
    "shoes": "shoe",
    "gas": "gas",
    "bus": "bus",
    "lens": "lens",
    "gus": "gus",
    "yes": "yes",
    "this": "this",
    "is": "is",
    "was": "was",
    "has": "has",
    "as": "as",
    "us": "us",
    "its": "its",
}
_CLEAN = re.compile("[a-z]+(?: [a-z]+)*")


def clean(text: str) -> str:
    """Lower-case words of letters and digits with single spaces between.

    Accents go, "&" becomes "n", an upper-case letter inside a word and a digit begin a new word. Raises TagError for a
    text that is too long or holds control characters.

    >>> clean("Deep_Bass-01"), clean("Drum & Bass"), clean("ChillWave")
    ('deep bass 01', 'drum n bass', 'chill wave')
    """
    if _CLEAN.fullmatch(text) and len(text) <= MAX_CHARACTERS:
        return text
    text = unicodedata.normalize("NFC", text)  # where a Mac has parted accents from their letters
    if len(text) > MAX_CHARACTERS:
        raise TagError(f"tag of {len(text)} characters: expected at most {MAX_CHARACTERS}; send a few words")
    bad = [c for c in text if unicodedata.category(c) in ("Cc", "Cs") and not c.isspace()]
    if bad:
        raise TagError(f"tag {text!r}: holds the control character {bad[0]!r}; send plain text")
    text = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])", " ", text.strip())
    text = unicodedata.normalize("NFKD", text.replace("&", " n "))[
        : 2 * MAX_CHARACTERS
    ].casefold()  # one sign may be many
    text = _without_accents(text).replace("œ", "oe").replace("ł", "l").replace("ø", "o")
    text = re.sub(r"(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])", " ", text)
    return " ".join(re.findall(r"[^\W_]+", text)[:MOST_WORDS])


def _without_accents(text: str) -> str:
    """Letters without their marks; the marks of Japanese letters make others of them, and stay. text: as NFKD."""
    kept = []
    for c in text:
        if not unicodedata.combining(c) or c in "\u3099\u309a":
            kept.append(c)
    return unicodedata.normalize("NFC", "".join(kept))


@lru_cache(maxsize=1 << 16)
def singular(word: str) -> str:
    """The singular of an English word, as far as its ending tells.

    >>> [singular(word) for word in ("bells", "brass", "wolves", "cherries", "brushes", "bass", "children")]
    ['bell', 'brass', 'wolf', 'cherry', 'brush', 'bass', 'child']
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")) or not word.isascii():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("lves"):
        return word[:-3] + "f"
    if word.endswith(("ches", "shes", "xes", "sses", "zzes")):
        return word[:-2]
    return word[:-1]


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """The beginning that forms of an English word have in common; what is short stays.

    >>> [stem(word) for word in ("hooting", "hoots", "crackling", "crackle", "dripped", "bass")]
    ['hoot', 'hoot', 'crackl', 'crackl', 'drip', 'bass']
    """
    word = singular(word)
    for ending, least in (("ing", 4), ("ed", 4), ("er", 5), ("ly", 5), ("y", 5), ("e", 4)):
        if word.endswith(ending) and len(word) - len(ending) >= least:
            word = word[: -len(ending)]
            break
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "sl":
        word = word[:-1]
    return word
