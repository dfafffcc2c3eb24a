"""Commands about the input: what the listener hears as a seed, as a range, as a take of the corpus.

Everything runs in the event loop; the listener is reached through shared memory, and nothing here waits for it.
"""

import contextlib
import time
from dataclasses import dataclass

from liveseq.conductor.commands import Command, Handler
from liveseq.conductor.corpus_watch import CorpusWatch
from liveseq.conductor.desk import Desk
from liveseq.corpus.source import MAX_TAG_LENGTH
from liveseq.errors import OscError
from liveseq.listener.heard import InputState, InputStatus, Order, step_seconds
from liveseq.osc.checks import layer_argument
from liveseq.osc.packets import PREFIX
from liveseq.performance.seeds import learned_range, prime_arguments, until_silence

DEAD_SECONDS = 0.5
"""Without a word for this long, the listener counts as dead."""
FIRST_STEPS = 12
"""Steps that a layer hears when it begins to listen: about two seconds."""
FLOOR_DB = -120.0


@dataclass(frozen=True)
class _Calibration:
    """A range that is being learned."""

    command: Command
    begin: int
    """First step."""
    end: int
    """One past the last step."""
    generation: int
    """The listener that hears it."""


class InputDesk:
    """One per conductor."""

    def __init__(self, desk: Desk, watch: CorpusWatch, state: InputState | None, *, sample_rate: int) -> None:
        """state: None where no input is configured."""
        self.handlers: dict[str, Handler] = {
            "seed/input": self._seed,
            "query/calibrate": self._calibrate,
            "corpus/record": self._record,
        }
        self._desk = desk
        self._outbox = desk.outbox
        self._watch = watch
        self._state = state
        self._step_seconds = step_seconds(sample_rate)
        self._word = "none"
        self._calibration: _Calibration | None = None
        self._take: tuple[Command, int, int] | None = None  # who waits for it, its order, the listener's generation
        self._heard: dict[int, int] = {}  # layer -> steps heard
        recording = state is not None and state.read_order().record  # a conductor before this one began a take
        desk.performance.values[f"{PREFIX}/corpus/record"] = (recording,)

    def tick(self, now: float) -> None:
        """Announce, and go on with what was begun."""
        status = self._status()
        word = self._state_word(status)
        level = round(status.level_db, 1) if word == "ready" else FLOOR_DB
        self._outbox.value(f"{PREFIX}/input", word, status.device, level)
        if word != self._word:
            self._word = word
            self._outbox.log("info" if word == "ready" else "warning", f"input {word}: {status.device}", now=now)
        self._go_on_calibrating(status, ready=word == "ready", now=now)
        self._go_on_with_take(status, now=now)
        if word == "ready":
            self._let_layers_hear(status)

    def _status(self) -> InputStatus:
        return self._state.read_status() if self._state else InputStatus()

    def _state_word(self, status: InputStatus) -> str:
        if self._state is None:
            return "none"
        age = time.monotonic_ns() - status.monotonic_ns
        return "ready" if status.state == "ready" and age < DEAD_SECONDS * 1e9 else "lost"

    def _must_hear(self) -> tuple[InputState, InputStatus]:
        """The listener's memory and status. Raises OscError where there is nothing to listen to."""
        status = self._status()
        if self._state is None:
            raise OscError("device_error", "no input device; start the server with --input NAME")
        if self._state_word(status) != "ready":
            raise OscError("device_error", f"the input is lost ({status.device}); it is looked for again and again")
        return self._state, status

    # Seeds

    def _seed(self, command: Command, _: float) -> None:
        desk = self._desk
        state, status = self._must_hear()
        layer = layer_argument(command.arguments, 1, n_layers=desk.performance.n_layers)
        n_steps = -(-float(command.arguments[0]) // self._step_seconds)  # type: ignore[arg-type]
        frames = state.frames(status, n_steps=int(n_steps))
        if not len(frames):
            raise OscError("not_ready", "nothing has been heard yet; play first")
        row = desk.performance.table[f"{PREFIX}/layer/{layer}/prime"]
        arguments = prime_arguments(until_silence(frames, origin="the input"))
        desk.prepare(  # in the order of the seeds that are read from files
            command, lambda: arguments, lambda found, at: desk.perform(command, row, found, now=at)
        )

    def _let_layers_hear(self, status: InputStatus) -> None:
        """Prime every layer that listens and plays with what is new."""
        performance = self._desk.performance
        for layer in performance.sequencer.layers:
            if not (layer.listening and layer.playing and performance.playing):
                self._heard.pop(layer.number, None)
                continue
            n_new = min(status.n_steps - self._heard.get(layer.number, -FIRST_STEPS), FIRST_STEPS)
            if n_new <= 0:
                continue
            self._heard[layer.number] = status.n_steps
            assert self._state is not None
            frames = self._state.frames(status, n_steps=n_new)
            with contextlib.suppress(OscError):  # silence, or no sound at all: the layer goes on by itself
                arguments = prime_arguments(until_silence(frames, origin="the input"))
                self._desk.act(performance.table[f"{PREFIX}/layer/{layer.number}/prime"], arguments)

    # Calibration

    def _calibrate(self, command: Command, now: float) -> None:
        seconds = float(command.arguments[0])  # type: ignore[arg-type]
        if not seconds:
            self._learn(command, b"", now)
            return
        _, status = self._must_hear()
        if self._calibration is not None:
            raise OscError("busy", "a range is being learned already")
        end = status.n_steps + max(1, round(seconds / self._step_seconds))
        self._calibration = _Calibration(command, status.n_steps, end, status.generation)

    def _go_on_calibrating(self, status: InputStatus, *, ready: bool, now: float) -> None:
        learning = self._calibration
        if learning is None:
            return
        command = learning.command
        if not ready or status.generation != learning.generation:
            self._calibration = None
            error = OscError("device_error", "the input was lost while its range was learned; the last one stays")
            self._outbox.refuse(command, error, now=now)
        elif status.n_steps >= learning.end:
            self._calibration = None
            assert self._state is not None
            frames = self._state.frames(
                status, n_steps=learning.end - learning.begin, before=status.n_steps - learning.end
            )
            self._desk.attempt(command, lambda: self._learn(command, learned_range(frames), now), now=now)

    def _learn(self, command: Command, blob: bytes, now: float) -> None:
        row = self._desk.performance.table[f"{PREFIX}/query/calibration"]
        self._desk.perform(command, row, (blob,), now=now)

    # Takes

    def _record(self, command: Command, _: float) -> None:
        on = bool(command.arguments[0])
        tag = str(command.arguments[1]).strip() if len(command.arguments) > 1 else ""
        if len(tag) > MAX_TAG_LENGTH:
            raise OscError("bad_args", f"tag: expected at most {MAX_TAG_LENGTH} characters, found {len(tag)}")
        if self._state is None or on:
            self._must_hear()
        if self._take is not None:
            raise OscError("busy", "the last take is still being written; wait for its /done")
        assert self._state is not None
        before = self._state.read_order()
        order = Order(number=before.number + 1, record=on, tag=tag)
        self._state.write_order(order)
        self._desk.performance.values[command.row.address] = (on,)
        self._outbox.clients.set_value(command.row.address, (on,), origin=command.client.source)
        if before.record:
            self._take = (command, order.number, self._status().generation)
        else:
            self._outbox.done(command)

    def _go_on_with_take(self, status: InputStatus, *, now: float) -> None:
        """Tell the sender when the take can be played, or why it never will."""
        if self._take is None:
            return
        command, number, generation = self._take
        if status.generation != generation:
            self._end_take(command, "the listener has died, and the take with it", now=now)
        elif status.done >= number and status.error:
            self._end_take(command, status.error, now=now)
        elif status.done >= number:
            self._take = None
            self._watch.when_played(lambda: self._outbox.done(command, status.take))

    def _end_take(self, command: Command, reason: str, *, now: float) -> None:
        self._take = None
        error = OscError("io_error", reason)
        self._outbox.refuse(command, error, now=now)
