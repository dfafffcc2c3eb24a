"""Names of the tags of a corpus: which tag a text names, and whether a word can be a synonym. Pure."""

import difflib
from collections.abc import Mapping, Sequence
from functools import lru_cache

from liveseq.corpus.names import as_tag
from liveseq.errors import TagError
from liveseq.words.knowledge import LONGEST_NAME, key
from liveseq.words.plain import clean

MOST_STEPS = 16
"""Synonyms of synonyms on the way to a tag."""


@lru_cache(maxsize=4)
def tag_names(tags: tuple[str, ...]) -> "TagNames":
    """Names of these tags; those of the corpora that are played are remembered."""
    return TagNames(tags)


class TagNames:
    """Looks tags up by name. One per corpus and moment."""

    def __init__(self, tags: Sequence[str]) -> None:
        self.tags = tags
        self._ways = [(same, self._by(same)) for same in (as_tag, clean, key)]

    def find(self, text: str) -> str | None:
        """The tag of this name: as it is spelt, or else as it sounds. Raises TagError for a text that is none."""
        if not clean(text):
            return self._ways[0][1].get(as_tag(text))  # signs alone
        return next((found[same(text)] for same, found in self._ways if same(text) in found), None)

    def owns(self, word: str) -> bool:
        """Whether a word is a tag's own name."""
        return key(word) in self._ways[-1][1]

    def synonym(self, word: str, tag: str, synonyms: Mapping[str, str]) -> tuple[str, str]:
        """A word, clean, and the tag that it is to be a name of; no tag: it is to be none any more.

        tag: a tag's name or a synonym. synonyms: what others stand for, by key. Raises TagError where that cannot be
        meant.
        """
        name = clean(word)
        if not name:
            raise TagError(f"synonym {word!r}: holds no letter and no digit; take a word that can be said")
        if len(name.split()) > LONGEST_NAME:
            raise TagError(f"synonym {word!r}: expected at most {LONGEST_NAME} words, found {len(name.split())}")
        if self.owns(word):
            raise TagError(f"synonym {word!r}: is a tag's own name, and that tag is played; take another word")
        return name, self._end(word, tag, synonyms) if tag.strip() else ""

    def missing(self, text: str) -> str:
        """A sentence on a tag that is none."""
        near = difflib.get_close_matches(as_tag(text), self.tags, n=1, cutoff=0.5)
        some = ", ".join(self.tags[:8]) + (", ..." if len(self.tags) > 8 else "")
        return f"no tag {text[:40]!r} here; {f'did you mean {near[0]!r}?' if near else f'tags are {some}'}"

    def _by(self, same: object) -> dict[str, str]:
        found: dict[str, str] = {}
        for tag in self.tags:
            found.setdefault(same(tag), tag)  # type: ignore[operator]
        return found

    def _end(self, word: str, tag: str, synonyms: Mapping[str, str]) -> str:
        """The tag at which a way over other synonyms ends. Raises TagError."""
        seen = {key(word): word}
        for _ in range(MOST_STEPS):
            if (found := self.find(tag)) is not None:
                return found
            if key(tag) in seen:
                way = " > ".join([*seen.values(), tag])
                raise TagError(f"synonym {word!r}: goes in a circle ({way}); let one of them be a tag")
            if key(tag) not in synonyms:
                raise TagError(f"synonym {word!r}: points nowhere, {self.missing(tag)}")
            seen[key(tag)] = tag
            tag = synonyms[key(tag)]
        raise TagError(f"synonym {word!r}: goes over more than {MOST_STEPS} others; name the tag itself")
