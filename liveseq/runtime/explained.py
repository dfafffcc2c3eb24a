"""A text explained: what it would play in a corpus, how it is to sound, and why. No sound changes."""

from dataclasses import dataclass

from liveseq.corpus.units import ANY
from liveseq.runtime.tag_matcher import TagMatcher

NEAR = 0.1
"""Score from which a tag is worth naming to somebody whose word means nothing here."""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Everything that a text says to a corpus, each with a reason in words."""

    tags: list[tuple[str, float, str]]
    """Tags that it means, with their weights, the heaviest first."""
    near: list[tuple[str, float, str]]
    """The nearest others, with their scores, best first."""
    qualities: list[tuple[str, float, str]]
    """Qualities of sound: 1 for more of one, -1 for less, beyond that for much more."""
    nothing: str
    """Reason for which it means no tag; empty where it means any."""


def explain(matcher: TagMatcher, text: str) -> Explanation:
    """Raises TagError for a text that is too long or holds control characters."""
    match, explaining = matcher.match(text), matcher.explaining
    places = {tag: place for place, tag in enumerate(matcher.tags)}

    def why(tag: str) -> str:
        if tag == ANY:
            return "everything that sounds so"
        denied = match.read and not any(part.sign > 0.0 and part.kind != "quality" for part in match.read)
        return "everything else" if denied and tag in match.weights else explaining.why(match.read, places[tag])

    said = {part.quality: part for part in match.read if part.quality in match.qualities}
    near = [(tag, score, why(tag)) for tag, score in match.best if tag not in match.weights and score >= NEAR]
    nothing = ""
    if not match.weights and near:
        tag, score, _ = near[0]
        nothing = (
            f"means no tag here: the nearest is {tag}, with {score:.2f} of the {matcher.threshold:.2f} that it takes"
        )
    elif not match.weights:
        nothing = f"means no tag here: {explaining.nothing(match.read)}"
    return Explanation(
        tags=[(tag, weight, why(tag)) for tag, weight in match.weights.items()],
        near=near,
        qualities=[
            (quality.name, amount, explaining.quality(said[quality])) for quality, amount in match.qualities.items()
        ],
        nothing=nothing,
    )
