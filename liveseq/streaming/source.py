"""Source of a sequencer's streams: another process, which makes them ahead."""

from liveseq.errors import ModelError
from liveseq.sequencer.streams import Made, StreamOrder, Turn
from liveseq.streaming.layouts import Wish
from liveseq.streaming.maker import MOST_LOAD
from liveseq.streaming.ring import StreamRings


class RingSource:
    """Orders and status in shared memory; the streamer does the rest. Never waits."""

    def __init__(self, rings: StreamRings) -> None:
        self.rings = rings
        self._wishes: dict[int, Wish] = {}  # of each layer, that are not answered yet
        self._n_before = {n: self.new_ident(n) - 1 for n in range(1, len(rings.rings) + 1)}
        self._noted: dict[int, tuple[int, ...]] = {
            n: (n_before + 1,) for n, n_before in self._n_before.items()
        }  # the last turn of each layer

    def is_open(self, number: int, generator: str) -> bool:
        """Whether the model of a stream that layer `number` is to have is open; where it is not, it is opened from now
        on, while what sounds goes on. To be asked until it is. Raises ModelError where it cannot be."""
        ring, wish = self.rings.ring(number), self._wishes.get(number)
        if wish is None or wish.generator != generator:
            wish = Wish(ring.read_wish().number + 1, generator)
            ring.write_wish(wish)
            self._wishes[number] = wish
        answer = ring.read_answer()
        if answer.number != wish.number:
            return False
        del self._wishes[number]
        if answer.trouble:
            raise ModelError(answer.trouble)
        return True

    def withdraw(self, number: int) -> None:
        """Nobody waits for the model any more that layer `number` was to have: it may end every process that opens it,
        and the streams of other layers with it."""
        if self._wishes.pop(number, None) is not None:
            ring = self.rings.ring(number)
            ring.write_wish(Wish(ring.read_wish().number + 1))

    def room(self, number: int, generator: str) -> str | None:
        """Why layer `number` cannot have a stream of this generator, as far as one has been measured."""
        statuses = {n: ring.read_status() for n, ring in enumerate(self.rings.rings, start=1)}
        known = [status.load for status in statuses.values() if status.generator == generator and status.load]
        others = {
            n: status.load
            for n, status in statuses.items()
            if n != number and self.rings.ring(n).read_order().generator
        }  # fmt: skip
        if not known or not others or max(known) + sum(others.values()) <= MOST_LOAD:
            return None
        return (
            f"{generator} takes {max(known):.0%} of a processor and layer {', '.join(map(str, others))} "
            f"{sum(others.values()):.0%} already; expected at most {MOST_LOAD:.0%} in all"
        )

    def new_ident(self, number: int) -> int:
        """A number that no stream of the layer has had."""
        ring = self.rings.ring(number)
        return max(ring.read_order().ident, ring.read_status().ident) + 1

    def count(self, number: int, ident: int) -> int:
        """Number of a layer's stream, counted from 1 since this source is there: as a log names it."""
        return ident - self._n_before[number]

    def turns(self, number: int) -> list[Turn]:
        """Turns of a layer's streams that were not asked for yet."""
        turns = [turn for turn in self.rings.ring(number).read_status().turns if _order_of(turn) > self._noted[number]]
        for turn in turns:
            self._noted[number] = _order_of(turn)
        return turns

    def n_late(self) -> int:
        """Changes of all layers' streams that were heard later than they were meant, since the rings are there."""
        return sum(ring.read_status().n_late for ring in self.rings.rings)

    def order(self, number: int, order: StreamOrder) -> None:
        """Want this of a layer's stream."""
        self.rings.ring(number).write_order(order)

    def made(self, number: int, ident: int) -> Made | None:
        """The steps that there are of a stream; None before there are any."""
        status = self.rings.ring(number).read_status()
        return status.made if status.ident == ident else None

    def trouble(self, number: int, ident: int) -> str:
        """Why there is no more of a stream; empty where there is."""
        status = self.rings.ring(number).read_status()
        return status.trouble if status.ident == ident else ""


def _order_of(turn: Turn) -> tuple[int, ...]:
    return turn.ident, turn.change, turn.after, turn.begin
