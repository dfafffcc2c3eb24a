"""Notes of how streams went, in the log: a replay does the same. And counts of what came too late.

Where a stream changed over to another tag, how far one that ran dry had come and when it went on: that depends on the
streamer, and no replay could know it otherwise. Everything runs in the event loop.
"""

from dataclasses import asdict

from liveseq.conductor.desk import Desk
from liveseq.streaming.source import RingSource


class StreamLog:
    """One per conductor."""

    def __init__(self, desk: Desk, source: RingSource) -> None:
        self.n_late_changes = 0
        """Changes of streams that were heard later than they were meant."""
        self.n_dried_up = 0
        """Times that a stream has run dry, whether it went on or not."""
        self._desk = desk
        self._source = source
        self._sequencer = desk.performance.sequencer
        self._n_late_before = source.n_late()  # of a conductor that has died
        self._dry: dict[int, tuple[int, int]] = {}  # layers whose streams have run dry: ident, and steps known then

    def look(self, number: int, *, now: float) -> None:
        """Note how a layer's stream has changed over, and whether it has run dry."""
        self._note_turns(number)
        self._note_dry(number, now=now)

    def count_late(self) -> None:
        """Count the changes that came late, as the streamer counts them."""
        self.n_late_changes = self._source.n_late() - self._n_late_before

    def note_gaps(self, now: float) -> None:
        """After every plan: note the streams that go on after they had run dry."""
        for gap in self._desk.performance.streamed.take_gaps():
            if gap.told:  # an engine that knew nothing of the stream, being new, is no fault of the streamer
                self._count_dry(gap.layer, gap.ident, gap.told, now=now)
            self._dry.pop(gap.layer, None)
            self._note_gap(gap.start, gap.layer, gap.ident, gap.told, step=gap.step)

    def end(self) -> None:
        """Note the streams that are dry now: they never go on."""
        for number in list(self._dry):
            self._leave_dry(number)

    def sounds(self, number: int) -> bool:
        """Whether a stream of the layer does."""
        layer = self._sequencer.layer(number)
        return self._desk.performance.playing and layer.playing and layer.stream is not None

    def _note_turns(self, number: int) -> None:
        for turn in self._source.turns(number):
            fields = asdict(turn)
            count = self._source.count(number, fields.pop("ident"))
            at = self._desk.link.act_at(0.0)
            self._desk.note(at, self._desk.performance.planned_until, {"turn": number, "count": count, **fields})

    def _note_dry(self, number: int, *, now: float) -> None:
        """Count a stream that has run dry, once; one that never goes on is noted, too."""
        line = self._sequencer.layer(number).stream
        if (dry := self._dry.get(number)) is not None:
            if line is None or line.order.ident != dry[0]:
                self._leave_dry(number)
            elif line.told != dry[1]:  # a new engine knows nothing of it
                del self._dry[number]
        streamed, clock = self._desk.performance.streamed, self._desk.link.clock()
        if line is not None and self.sounds(number) and streamed.is_dry(number, now=clock):
            self._count_dry(number, line.order.ident, line.told, now=now)

    def _count_dry(self, number: int, ident: int, n_known: int, *, now: float) -> None:
        if self._dry.get(number) == (ident, n_known):
            return
        self._dry[number] = ident, n_known
        self.n_dried_up += 1
        text = f"layer {number}: its stream has run dry; nothing more was made in time"
        self._desk.outbox.log("warning", text, now=now)

    def _leave_dry(self, number: int) -> None:
        self._note_gap(self._desk.link.clock(), number, *self._dry.pop(number))

    def _note_gap(self, at: int, number: int, ident: int, n_known: int, *, step: int | None = None) -> None:
        """n_known: steps that the engine knew of. step: with which the stream went on; None where it never did."""
        count = self._source.count(number, ident)
        entry = {"dry": number, "count": count, "told": n_known, "from": step}
        self._desk.note(at, self._desk.performance.planned_until, entry)
