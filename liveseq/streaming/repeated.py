"""A stream that is rendered. In a replay every change is obeyed as it was when it was played live, late or not.

Between two turns as many steps are made as there were live, no more: where the reader came to steps that were to be
made again, it finds them here as they were there.
"""

from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np

from liveseq.sequencer.streams import Change, StreamOrder, Turn
from liveseq.streaming.layouts import StreamStatus
from liveseq.streaming.live import LiveStream


@dataclass
class RepeatedStream(LiveStream):
    """The stream of one layer. A change after the last turn of the log is obeyed on time; without a log, each is."""

    to_come: deque[Turn] = field(default_factory=deque)
    """Turns that it has not taken yet."""

    def obey(self, order: StreamOrder) -> None:
        """Note what is wanted now, but for changes that were never obeyed."""
        super().obey(replace(order, changes=tuple(one for one in order.changes if not self._was_passed_over(one))))

    def status(self) -> StreamStatus:
        """The state of the stream: every step that is in the ring buffer counts."""
        status = super().status()
        assert status.made is not None
        return replace(status, made=replace(status.made, end=self.written))

    def urgency(self) -> float:
        """Before a turn no more steps are made than there were live."""
        if not self.to_come:
            return super().urgency()
        if self._is_due() or (self._is_known() and self.stream.number < self.to_come[0].made):
            return -1.0
        return super().urgency() if self.stream.number < self.to_come[0].made else np.inf

    def work(self) -> None:
        """Make the next step, obey a change, or take the next turn of the log."""
        if not (self._is_known() and self.stream.number >= self.to_come[0].made):
            super().work()
            return
        turn = self.to_come.popleft()
        if turn.after != turn.change:
            while (change := self.pending.popleft()).number != turn.change:
                pass  # obeyed before anything was made, without a turn
            old = self.controls
            self.obeyed, self.controls = change.number, self._controls_of(change)
            if turn.place is None:
                self.stream.back_to(turn.begin)
                return
            self._take_back(change, old, turn.begin, replaces=bool(turn.replaces))
        steps = [self._next(self.controls) for _ in range(turn.begin, turn.step + 1)]
        assert turn.place is not None
        self._lay(steps[turn.step - turn.begin :], turn.step, turn.place)

    def _is_due(self) -> bool:
        return self.stream.number >= self.to_come[0].made if self._is_known() else super()._is_due()

    def _is_known(self) -> bool:
        """Whether the change of the next turn is: it is obeyed as soon as there is as much as there was then."""
        if not self.to_come:
            return False
        turn = self.to_come[0]
        return turn.change in ([self.obeyed] if turn.after == turn.change else [one.number for one in self.pending])

    def _was_passed_over(self, change: Change) -> bool:
        return any(turn.after < change.number < turn.change for turn in self.to_come)
