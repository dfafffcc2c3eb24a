"""Wishes of a layer's words, told: each quality with what it does to the choice of units. Pure."""

from collections.abc import Iterable
from functools import lru_cache

from liveseq.corpus.units import ANY, UnitFilter, UnitTable
from liveseq.runtime.tag_matcher import TagMatch
from liveseq.sequencer.ranking import Wish
from liveseq.words.plain import clean, stem
from liveseq.words.qualities import Quality

MOST_SENTENCES = 8
"""Qualities that an answer tells of, so that it fits one datagram."""


def is_of_all(match: TagMatch, tags: tuple[str, ...]) -> bool:
    """Whether a text only says how it is to sound, which may be any of the tags. A word that a tag is called by names
    that."""
    if not match.qualities or any(part.kind != "quality" for part in match.read):
        return match.known and not match.weights
    return not any(stem(word) in _stems(tags) for part in match.read for word in part.text.split())


@lru_cache(maxsize=4)
def _stems(tags: tuple[str, ...]) -> frozenset[str]:
    """Stems of the words of all tags."""
    return frozenset(stem(word) for tag in tags for word in clean(tag).split())


def sentences(
    wishes: Iterable[Wish], allowed: UnitFilter | None, units: UnitTable, *, streams: bool
) -> tuple[str, ...]:
    """A text per quality, such as "very dark: brightness down, 17 % of bells".

    allowed: the units that the layer chooses from. streams: whether it plays a generator, which knows no qualities.
    """
    found: list[str] = []
    for wish in (one for one in wishes if one.qualities):
        of_tags = [units.tag_units[tag] for tag in wish.tags]
        kept = sum(len(members) if allowed is None else int(allowed.mask[members].sum()) for members in of_tags)
        part = kept / sum(map(len, of_tags))
        names = ", ".join("everything" if tag == ANY else tag for tag in wish.tags)
        much = (
            f"{100 * part:.0f} % of {names}" if part < 1.0 else f"all of {names}: there is too little, or it is alike"
        )
        tail = "; a stream does not follow it" if streams else ""
        found += [
            f"{_named(quality, amount)}: {_moved(quality, amount)}, {much}{tail}"
            for quality, amount in wish.qualities.items()
        ]
    return tuple(found[:MOST_SENTENCES])


def _named(quality: Quality, amount: float) -> str:
    """The quality as it was meant: "dark", "a bit dark", "much less dark"."""
    strength = abs(amount)
    degree = (
        "very " if strength > 1.2 and amount > 0 else "much " if strength > 1.2 else "a bit " if strength < 0.9 else ""
    )
    return f"{degree}{'less ' if amount < 0 else ''}{quality.name}"


def _moved(quality: Quality, amount: float) -> str:
    return ", ".join(f"{name} {'up' if sign * amount > 0 else 'down'}" for name, sign in quality.directions)
