"""The events that the engine holds: what sounds on each layer and what waits, so that another engine can take it up.

Pure. An engine that is told them plays each where it would be by then: to the sample what the one before would have
played.
"""

from collections.abc import Iterable

from liveseq.engine.events import MAX_LAYERS, Panic, Record, Stop
from liveseq.engine.layer import MAX_QUEUED, SILENCE_AFTER
from liveseq.sequencer.timeline import CutLayer, Grain, PlayUnit, StopLayer


class EngineMemory:
    """Follows what is sent. One per conductor."""

    def __init__(self, *, sample_rate: int) -> None:
        self._silence = int(SILENCE_AFTER * sample_rate)
        self._layers: list[list[PlayUnit | Grain | StopLayer]] = [[] for _ in range(MAX_LAYERS)]

    def note(self, records: Iterable[Record], *, clock: int) -> None:
        """These have been sent. clock: sample clock now."""
        for record in records:
            if isinstance(record, Stop | Panic):
                self.forget()
            elif isinstance(record, CutLayer | StopLayer):
                held = self._layers[record.layer - 1]
                held[:] = [one for one in held if one.start < max(record.start, clock)]
                if isinstance(record, StopLayer):
                    self._hold(record, clock)
            elif isinstance(record, PlayUnit | Grain):
                self._hold(record, clock)

    def forget(self) -> None:
        """Nothing is held any more."""
        for held in self._layers:
            held.clear()

    def recall(self, *, clock: int) -> list[Record]:
        """Events for an engine that plays from `clock` on, in the order of their starts on each layer."""
        for held in self._layers:
            self._prune(held, clock)
        return [record for held in self._layers for record in held]

    def _hold(self, record: PlayUnit | Grain | StopLayer, clock: int) -> None:
        held = self._layers[record.layer - 1]
        held.append(record)
        if len(held) > MAX_QUEUED:
            self._prune(held, clock)
            del held[:-MAX_QUEUED]

    def _prune(self, held: list[PlayUnit | Grain | StopLayer], clock: int) -> None:
        """Forget what is over: what came before the line that sounds, and grains before the last one."""
        held.sort(key=lambda one: one.start)
        begun = [one for one in held if one.start <= clock]
        lines = [one for one in begun if not isinstance(one, Grain)]
        grains = [one for one in begun if isinstance(one, Grain) and not (lines and one.start < lines[-1].start)]
        sounding = [one for one in lines[-1:] if not (grains or self._is_silent(one, clock))]
        held[:] = [*sounding, *grains[-1:], *held[len(begun) :]]

    def _is_silent(self, one: PlayUnit | Grain | StopLayer, clock: int) -> bool:
        return isinstance(one, StopLayer) or one.start + one.length + self._silence <= clock
