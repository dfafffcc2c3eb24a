"""Filters: which units a layer may choose from, by messages and by the qualities in its words. Pure."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from liveseq.corpus.names import as_tag, composed
from liveseq.corpus.units import ANY, FEATURE_NAMES, UnitFilter, UnitTable
from liveseq.errors import OscError
from liveseq.osc.packets import PREFIX, Value
from liveseq.performance.values import Values
from liveseq.sequencer.ranking import Wish
from liveseq.sequencer.sequencer import Sequencer

FILTER_PARTS = ("tags", "sources", "range")
"""Parts of query/filter/."""


@dataclass(frozen=True)
class Filter:
    """A choice of units. Empty parts let everything through."""

    tags: tuple[str, ...] = ()
    """A unit has one of these, too."""
    sources: tuple[str, ...] = ()
    """The recording's name contains one of these."""
    without: tuple[str, ...] = ()
    """It contains none of these."""
    ranges: tuple[tuple[str, float, float], ...] = ()
    """Base descriptor, lowest and highest mean."""

    def changed(self, part: str, arguments: Sequence[Value]) -> "Filter":
        """This filter after a message to query/filter/<part>. Raises OscError where a range is none."""
        if part == "range":
            name, low, high = str(arguments[0]), float(arguments[1]), float(arguments[2])  # type: ignore[arg-type]
            if low > high:
                raise OscError("out_of_range", f"{name}: expected low <= high, found {low:g} and {high:g}")
            others = tuple(one for one in self.ranges if one[0] != name)
            return dataclasses.replace(self, ranges=(*others, (name, low, high)))
        pairs = list(zip(arguments[::2], arguments[1::2], strict=True))
        wanted = tuple(str(text) for text, on in pairs if on)
        if part == "tags":
            return dataclasses.replace(self, tags=wanted)
        return dataclasses.replace(self, sources=wanted, without=tuple(str(text) for text, on in pairs if not on))

    def units(self, units: UnitTable) -> UnitFilter | None:
        """Units that it lets through; None for all. Raises OscError where a tag does not exist."""
        if self == Filter():
            return None
        mask = np.ones(units.n_units, dtype=bool)
        if self.tags:
            unknown = [tag for tag in self.tags if as_tag(tag) not in units.tag_units]
            if unknown:
                raise OscError("not_found", f"no tag {unknown[0][:64]!r} here; a filter takes the corpus's own")
            members = np.zeros(units.n_units, dtype=bool)
            for tag in self.tags:
                members[units.tag_units[as_tag(tag)]] = True
            mask &= members
        if self.sources or self.without:
            fits = [
                (not self.sources or any(composed(text) in name for text in self.sources))
                and not any(composed(text) in name for text in self.without)
                for name in units.source_names
            ]
            mask &= np.array(fits, dtype=bool)[units.source]
        for name, low, high in self.ranges:
            values = units.features[:, FEATURE_NAMES.index(f"{name}_mean")]
            mask &= (values >= low) & (values <= high)
        return UnitFilter(mask)


class Filters:
    """The filters of every layer of a sequencer."""

    def __init__(self, sequencer: Sequencer, values: Values) -> None:
        """values: lose what does not fit any more."""
        self._sequencer = sequencer
        self._values = values
        self._of = [Filter()] * len(sequencer.layers)
        self._wishes: list[Sequence[Wish]] = [()] * len(sequencer.layers)

    def snapshot(self) -> list[dict[str, Any]]:
        """The filter of each layer, as JSON can hold it."""
        return [dataclasses.asdict(one) for one in self._of]

    def change(self, layers: Sequence[int], part: str, arguments: Sequence[Value]) -> None:
        """Obey a message to query/filter/<part>. Raises OscError, also where nothing would be left; then all stay."""
        changed = {layer: self._of[layer - 1].changed(part, arguments) for layer in layers}
        masks = {layer: self._allowed(one, self._wishes[layer - 1]) for layer, one in changed.items()}
        for layer, allowed in masks.items():
            tags = self._sequencer.layer(layer).weights or {ANY: 1.0}
            if allowed is not None and not self._sequencer.leaves(allowed, tags):
                raise OscError(
                    "not_found",
                    f"this filter leaves nothing of {', '.join(tags)} on layer {layer} ({int(allowed.mask.sum())} "
                    f"units of other tags); the last one stays; see {PREFIX}/query/filter/clear",
                )
        for layer, allowed in masks.items():
            self._sequencer.set_filter(layer, allowed)
            self._of[layer - 1] = changed[layer]

    def clear(self, layers: Iterable[int]) -> None:
        """Take away the filters of these layers."""
        for layer in layers:
            self._of[layer - 1] = Filter()
            self._sequencer.set_filter(layer, self._allowed(Filter(), self._wishes[layer - 1]))

    def drop(self, layer: int) -> None:
        """Take away the layer's filter, and its values."""
        self.clear([layer])
        for part in FILTER_PARTS:
            self._values[f"{PREFIX}/layer/{layer}/query/filter/{part}"] = ()

    def narrowed(self, layer: int, wishes: Sequence[Wish]) -> UnitFilter | None:
        """Units that the layer's filter would leave under these wishes; None for all."""
        return self._allowed(self._of[layer - 1], wishes)

    def wish(self, layer: int, wishes: Sequence[Wish], allowed: UnitFilter | None) -> None:
        """Let a layer's words want this, as they have its tags by now. allowed: what `narrowed` gave for it."""
        before, self._wishes[layer - 1] = self._wishes[layer - 1], wishes
        if any(wish.qualities for wish in (*before, *wishes)):  # what has not changed keeps what was made ready for it
            self._sequencer.set_filter(layer, allowed)

    def restore(self, layer: int, parts: Mapping[str, Any]) -> None:
        """Set a filter of a snapshot; where it does not fit any more, the layer has none."""
        self._put(layer, Filter(**{name: tuple(map(_tuple, part)) for name, part in parts.items()}))

    def renew(self, layer: int) -> None:
        """Apply a layer's filter and wishes to the changed corpus; where the filter does not fit any more, it is
        dropped."""
        self._put(layer, self._of[layer - 1])

    def _put(self, layer: int, one: Filter) -> None:
        try:
            fits = self._sequencer.set_filter(layer, self._allowed(one, self._wishes[layer - 1]))
        except OscError:  # its tag is gone
            fits = False
        if fits:
            self._of[layer - 1] = one
        else:
            self.drop(layer)

    def _allowed(self, one: Filter, wishes: Sequence[Wish]) -> UnitFilter | None:
        """The best of what a filter leaves, by the wishes."""
        return self._sequencer.reading.ranking.narrowed(one.units(self._sequencer.units), wishes)


def _tuple(value: Any) -> Any:
    """A list of JSON as the tuple that it was."""
    return tuple(value) if isinstance(value, list) else value
