"""The performer's words: what they mean is told, and those that were said are written beside the corpus.

A synonym holds as soon as it is said. It is written in a thread of its own, since a disk may hang, and again and again
until that succeeds.
"""

from liveseq.conductor.commands import Command, Handler
from liveseq.conductor.desk import Desk
from liveseq.conductor.worker import Worker
from liveseq.corpus.append import reason
from liveseq.corpus.own_words.sheet import NAME
from liveseq.corpus.own_words.writing import save_synonyms
from liveseq.errors import OscError, TagError
from liveseq.words.knowledge import key

RETRY_SECONDS = 5.0
"""Between two attempts to write."""


class WordDesk:
    """One per conductor."""

    def __init__(self, desk: Desk) -> None:
        self.handlers: dict[str, Handler] = {"tag/means": self._tell}
        self.writes = Worker()
        """The write that is under way."""
        self._desk = desk
        self._problem = ""
        self._write_at = 0.0

    def problems(self) -> list[str]:
        """A sentence where synonyms cannot be written."""
        waiting = self._waiting()
        if not self._problem or not waiting:
            return []
        return [f"{self._problem}; what was said holds for this set alone, until it can be written"]

    def tick(self, now: float) -> None:
        """Write what was said."""
        self.writes.settle(now=now)
        waiting = self._waiting()
        if not waiting or self.writes or now < self._write_at:
            return
        instrument = self._desk.performance.instrument
        folder = instrument.corpus.path

        def keep(_: None, __: float) -> None:
            instrument.written = {**instrument.written, **{key(word): tag for word, tag in waiting.items()}}
            self._problem = ""

        def refuse(error: Exception, now: float) -> None:
            why = f"cannot be written ({reason(error)})" if isinstance(error, OSError) else str(error)
            self._problem = f"{folder / NAME}: {why}"
            self._write_at = now + RETRY_SECONDS

        self.writes.submit("words", lambda: save_synonyms(folder, waiting), act=keep, refuse=refuse)

    def _waiting(self) -> dict[str, str]:
        """Synonyms that are to be written."""
        return self._desk.performance.instrument.waiting()

    def _tell(self, command: Command, _: float) -> None:
        text, address, reply = str(command.arguments[0]), command.row.address, self._desk.outbox.reply
        try:
            found = self._desk.performance.instrument.explain(text)
        except TagError as error:
            raise OscError("bad_args", str(error)) from None
        for quality, amount, why in found.qualities:
            reply(command, f"{address}/quality", text, quality, amount, why)
        nearest = found.near[0][0] if found.near else ""
        tags = found.tags or [(nearest, 0.0, found.nothing)]
        reply(command, address, text, *(item for tag in tags for item in tag))
