"""The output: another device or block size while the music plays, which the supervisor sees to."""

from collections.abc import Callable

from liveseq.conductor.commands import Command, Handler
from liveseq.conductor.desk import Desk
from liveseq.config import BLOCK_SIZES
from liveseq.errors import OscError
from liveseq.osc.packets import PREFIX

ADDRESS = f"{PREFIX}/output"


class OutputDesk:
    """One per conductor."""

    def __init__(self, desk: Desk, ask: Callable[[str, int], None], *, output: str, block_size: int) -> None:
        """ask: tells the supervisor of an output and a block size; `answered` is called when it has seen to that."""
        self.handlers: dict[str, Handler] = {"output": self._change}
        self._desk = desk
        self._ask = ask
        self._pending: Command | None = None
        self._generation = 0  # the engine when it was asked for
        self._is_opened = False
        self._keep(output, block_size)

    def answered(self, reason: str | None, output: str, block_size: int, *, now: float) -> None:
        """The output is opened, by an engine that is about to play; or it could not be for this reason."""
        if reason is None:
            self._keep(output, block_size)
            self._desk.outbox.value(ADDRESS, *self._desk.performance.values[ADDRESS])
        self._is_opened = reason is None
        if reason is not None and self._pending is not None:
            self._desk.outbox.refuse(self._pending, OscError("device_error", reason), now=now)
            self._pending = None

    def tick(self, _: float) -> None:
        """Say that a change is done, as soon as that engine plays."""
        if self._pending is not None and self._is_opened and self._desk.link.status().generation > self._generation:
            self._desk.outbox.done(self._pending)
            self._pending = None

    def _keep(self, output: str, block_size: int) -> None:
        self._desk.performance.values[ADDRESS] = (output, self._desk.link.sample_rate, block_size)

    def _change(self, command: Command, _: float) -> None:
        given = dict(zip(("device", "rate", "block_size"), command.arguments, strict=False))
        device, rate, block_size = str(given["device"]), given.get("rate") or 0, given.get("block_size") or 0
        assert isinstance(rate, int)
        assert isinstance(block_size, int)
        own = self._desk.link.sample_rate
        if rate not in (0, own):
            raise OscError(
                "out_of_range",
                f"rate: expected 0 or {own}, the corpus's; found {rate}; let the device convert, or make a corpus of "
                f"that rate: liveseq corpus build CORPUS --out NEW --sample-rate {rate}",
            )
        if block_size and not BLOCK_SIZES[0] <= block_size <= BLOCK_SIZES[1]:
            limits = f"0, or {BLOCK_SIZES[0]} to {BLOCK_SIZES[1]}"
            raise OscError("out_of_range", f"block_size: expected {limits}, found {block_size}")
        if device.startswith("wav:"):  # nobody writes files here from afar
            raise OscError("denied", "a recording is begun with the server: run_server.py --output wav:PATH")
        if not device:
            raise OscError("bad_args", "device: expected a device's name, default or none; found no letters")
        if self._pending is not None:
            raise OscError("busy", "another change of the output is under way; wait for its /done")
        self._pending, self._is_opened = command, False
        self._generation = self._desk.link.status().generation
        self._ask(device, block_size or self._desk.link.block_size)
