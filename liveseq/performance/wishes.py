"""Wishes of a layer's words, told: each quality with what it does to the choice of units. Pure."""

from collections.abc import Iterable

from liveseq.corpus.units import ANY, UnitFilter, UnitTable
from liveseq.sequencer.ranking import Wish
from liveseq.words.qualities import Quality

MOST_SENTENCES = 8
"""Qualities that an answer tells of, so that it fits one datagram."""


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
        part = kept / max(1, sum(map(len, of_tags)))
        names = ", ".join("everything" if tag == ANY else tag for tag in wish.tags)
        much = f"{100 * part:.0f} % of {names}" if part < 1.0 else f"all of {names}"
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
