"""The words of the layers: how much may be said, what it means to corpus and generator, what is kept of it.

Pure, as the performance is that it belongs to.
"""

import contextlib
from collections.abc import Mapping, MutableSequence

from liveseq.corpus.units import ANY
from liveseq.errors import OscError, TagError
from liveseq.osc.packets import PREFIX
from liveseq.performance.filters import Filters
from liveseq.performance.instrument import Instrument
from liveseq.performance.outcome import Outcome
from liveseq.performance.streamed import Streamed, Words
from liveseq.performance.values import Values
from liveseq.performance.wishes import sentences
from liveseq.sequencer.ranking import Wish
from liveseq.sequencer.settings import Mode

MAX_TAGS = 16
"""Tags that a layer can blend."""
MAX_TAG_BYTES = 1000
"""Bytes of all tags of a layer, so that they fit one datagram."""


class Speech:
    """The words of every layer. One per performance."""

    def __init__(
        self,
        instrument: Instrument,
        streamed: Streamed,
        filters: Filters,
        *,
        spoken: MutableSequence[dict[str, float]],
        values: Values,
    ) -> None:
        """spoken: words of each layer with their weights; they are changed here and read elsewhere."""
        self._instrument = instrument
        self._sequencer = instrument.sequencer
        self._streamed = streamed
        self._filters = filters
        self._spoken = spoken
        self._values = values

    def spoken(self, layer: int) -> dict[str, float]:
        """The performer's words on a layer, with their weights."""
        return self._spoken[layer - 1]

    def say(self, layer: int, spoken: Words, *, at: int, outcome: Outcome, newest: str = "") -> None:
        """Give a layer its tags: the performer's words, with their weights. Raises OscError; then nothing changes."""
        audible = {tag: weight for tag, weight in spoken.items() if weight > 0.0}
        _check_amount(audible, layer=layer)
        try:
            weights, wishes = self._meaning(layer, audible)
            vector = self._streamed.vector(layer, audible)
        except TagError as error:
            raise OscError("not_found", str(error)) from None
        allowed = self._filters.narrowed(layer, wishes)
        if allowed is not None and not self._sequencer.leaves(allowed, weights):
            raise OscError(
                "not_found",
                f"the filter of layer {layer} leaves nothing of {', '.join(weights)}; what sounds goes on; "
                f"see {PREFIX}/query/filter/clear",
            )
        streams = self._sequencer.layer(layer).settings.mode is Mode.GENERATE
        asked = sentences(wishes, allowed, self._sequencer.units, streams=streams)
        self._streamed.retag(layer, vector, at=at)
        outcome.records += self._sequencer.set_tags(layer, weights, at=at)
        self._filters.wish(layer, wishes, allowed)
        self.keep(layer, audible, outcome, newest=newest if newest in audible else next(reversed(audible)))
        outcome.reply = (*(item for pair in weights.items() for item in pair), *asked)

    def repeat(self, layer: int, spoken: Words, *, at: int, outcome: Outcome, newest: str = "") -> None:
        """Say words again that were understood before the corpus changed: those that still are; where none is,
        everything."""
        known = {}
        for text, weight in spoken.items():
            with contextlib.suppress(TagError):
                self._meaning(layer, {text: weight})
                known[text] = weight
        try:
            self.say(layer, known or {ANY: 1.0}, at=at, outcome=outcome, newest=newest)
        except OscError:  # the filter leaves nothing of them
            self._filters.drop(layer)
            self.say(layer, known or {ANY: 1.0}, at=at, outcome=outcome, newest=newest)

    def keep(self, layer: int, spoken: dict[str, float], outcome: Outcome, *, newest: str) -> None:
        """Let these be a layer's words, whatever it plays."""
        self._spoken[layer - 1] = spoken
        pairs = tuple(item for pair in spoken.items() for item in pair)
        for base in (f"{PREFIX}/layer/{layer}", *([PREFIX] if layer == 1 else [])):
            self._values.keep(f"{base}/tag", (newest,), outcome)
            self._values.keep(f"{base}/tags", pairs, outcome)

    def _meaning(self, layer: int, spoken: Words) -> tuple[dict[str, float], list[Wish]]:
        """Tags of the corpus with their weights, and how each text wants its own to sound; what only a layer's
        generator knows is anything here."""
        weights: dict[str, float] = {}
        wishes = []
        for text, weight in spoken.items():
            try:
                found = self._instrument.match(text)
            except TagError:
                if not self._streamed.knows(layer, text):
                    raise
                found = self._instrument.match(ANY)
            for tag, share in found.weights.items():
                weights[tag] = weights.get(tag, 0.0) + weight * share
            wishes.append(Wish(tuple(found.weights), found.qualities))
        return weights, wishes


def _check_amount(audible: Mapping[str, float], *, layer: int) -> None:
    if not audible:
        raise OscError("out_of_range", f"no tag would be left on layer {layer}; send {PREFIX}/layer/{layer}/stop")
    if len(audible) > MAX_TAGS:
        raise OscError("out_of_range", f"tags: expected at most {MAX_TAGS} on a layer, found {len(audible)}")
    n_bytes = sum(len(tag.encode()) for tag in audible)
    if n_bytes > MAX_TAG_BYTES:
        raise OscError("out_of_range", f"tags: expected {MAX_TAG_BYTES} bytes in all, found {n_bytes}; say it shorter")
