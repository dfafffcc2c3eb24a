"""Tags that grow in the background: whose turn it is, and for how long. Everything runs in the event loop."""

import logging
import random
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from liveseq.conductor.commands import Command, Handler
from liveseq.conductor.desk import Desk
from liveseq.corpus.names import as_tag
from liveseq.errors import OscError
from liveseq.generation.meaning import Meaning
from liveseq.osc.packets import PREFIX, Value
from liveseq.runtime.limits import GROWN_SECONDS

MAX_GROWING = 16
"""Tags."""
MAX_DEATHS = 3
"""Deaths of the generator process, one after the other over the same thing: then that is not tried again."""
_TAGS, _MINUTES = f"{PREFIX}/grow", f"{PREFIX}/grow/minutes"

log = logging.getLogger(__name__)


class Keep(Protocol):
    """Keeps a value, tells who wants it, and writes it into the session."""

    def __call__(self, address: str, value: tuple[Value, ...], *, origin: Command | None = None) -> None: ...


class GrowingTags:
    """One per conductor."""

    def __init__(self, desk: Desk, keep: Keep, understand: Callable[[str], Meaning], *, minutes: float) -> None:
        """understand: raises OscError. minutes: that may grow in a session, to begin with."""
        self.handlers: dict[str, Handler] = {"grow": self._grow, "grow/minutes": self._set_minutes}
        self.full = False
        """Whether as much has grown as may."""
        self._outbox = desk.outbox
        self._keep = keep
        self._understand = understand
        self._tags: dict[str, Meaning] = {}  # by text; the first one's turn comes next
        self._n_deaths = 0
        self._dice = random.Random()
        self._values = desk.performance.values
        self._values[_MINUTES] = (minutes,)

    def __bool__(self) -> bool:
        return bool(self._tags)

    def fresh_seed(self) -> int:
        """A seed where nobody has asked for one."""
        return self._dice.randrange(2**31)

    def go_on(self, session: Mapping[str, Any]) -> None:
        """Let grow what grew under the conductor before this one. session: its values."""
        if minutes := session.get(_MINUTES):
            self._values[_MINUTES] = (float(minutes[0]),)
        for text in session.get(_TAGS, ()):
            try:
                self._tags[str(text)] = self._understand(str(text))
            except OscError as error:
                log.warning("%s does not grow any more: %s", text, error)
        self._values[_TAGS] = tuple(self._tags)

    def understand_again(self, *, now: float) -> None:
        """The generator is another one: what it does not know grows no more."""
        for text in list(self._tags):
            try:
                self._tags[text] = self._understand(text)
            except OscError as error:
                self._end([text], str(error), now=now)

    def next(self, *, grown_seconds: float, now: float) -> tuple[Meaning, float] | None:
        """The tag whose turn it is, and seconds of it; None where nothing grows. grown_seconds: in this session."""
        if not self._tags:
            return None
        minutes = float(self._values[_MINUTES][0])  # type: ignore[arg-type]
        if grown_seconds >= 60.0 * minutes:
            if not self.full:
                self.full = True
                self._outbox.log(
                    "warning", f"growth pauses: {minutes:g} minutes have grown, as {_MINUTES} says", now=now
                )
            return None
        text, meaning = next(iter(self._tags.items()))
        del self._tags[text]  # its next turn comes after the others'
        self._tags[text] = meaning
        return meaning, self._dice.uniform(*GROWN_SECONDS)

    def note_success(self) -> None:
        """A piece is in the corpus."""
        self._n_deaths = 0

    def note_death(self, error: OscError, *, now: float) -> None:
        """The process has died over a piece. What died once may have been unlucky; what dies always is not tried on."""
        self._n_deaths += 1
        if self._n_deaths >= MAX_DEATHS:
            self._end(list(self._tags), str(error), now=now)

    def note_failure(self, text: str, error: OscError, *, now: float) -> None:
        """A model's trouble is that of one tag; the disk's is everybody's."""
        self._end([text] if error.code == "model_error" else list(self._tags), str(error), now=now)

    def _grow(self, command: Command, _: float) -> None:
        text, on = str(command.arguments[0]), bool(command.arguments[1])
        known = as_tag(text)
        if on:
            meaning = self._understand(text)
            if meaning.text not in self._tags and len(self._tags) >= MAX_GROWING:
                raise OscError("busy", f"{MAX_GROWING} tags grow already; end one: {_TAGS} s:tag F")
            self._tags[meaning.text] = meaning
        elif known == "*":
            self._tags.clear()
        elif self._tags.pop(known, None) is None:
            raise OscError("not_found", f"{text[:64]!r} does not grow; what grows: {', '.join(self._tags) or '-'}")
        self._n_deaths = 0
        self._keep(_TAGS, tuple(self._tags), origin=command)
        self._outbox.done(command)

    def _set_minutes(self, command: Command, _: float) -> None:
        self.full = False
        self._keep(_MINUTES, command.arguments, origin=command)
        if command.ident:
            self._outbox.done(command)

    def _end(self, texts: list[str], reason: str, *, now: float) -> None:
        for text in texts:
            self._tags.pop(text, None)
        self._keep(_TAGS, tuple(self._tags))
        self._outbox.log("warning", f"{', '.join(texts)} does not grow any more: {reason}", now=now)
