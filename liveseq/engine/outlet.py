"""The way out of an engine: the output that is wanted, or the clock that stands in for it while it is missing.

Main thread only. What is opened is silent until it is started; then the renderer is called in the output's own thread.
"""

import contextlib
import logging

from liveseq.engine.devices import look_again, sounddevice
from liveseq.engine.output import Output, open_output
from liveseq.engine.realtime import prefer_threads
from liveseq.engine.renderer import Renderer
from liveseq.errors import DeviceError

log = logging.getLogger(__name__)


class Outlet:
    """One per engine."""

    def __init__(self, output: str, renderer: Renderer, *, sample_rate: int, block_size: int) -> None:
        """output, block_size: see EngineArguments."""
        self.block_size = block_size
        self.missing: str | None = None
        """Reason why there is no sound; None where there is."""
        self._name = output
        self._renderer = renderer
        self._rate = sample_rate
        self._output: Output | None = None
        self._is_old = False  # whether devices may have come and gone since they were listed

    @property
    def output(self) -> Output:
        """The output that is open."""
        assert self._output is not None
        return self._output

    @property
    def text(self) -> str:
        """Device or file that the sound goes to, or why it goes nowhere."""
        return self.missing or self.output.warning or self.output.text

    @property
    def may_come(self) -> bool:
        """Whether what is missing may be there later: a device."""
        return self.missing is not None and not self._name.startswith("wav:")

    def stand_by(self) -> None:
        """Be about to open a device, perhaps hours later: the devices are listed, and JACK has a client of ours, which
        has no port. A device that one process has to itself is held by nobody but the engine that plays."""
        if self._is_device:
            with contextlib.suppress(DeviceError):  # no PortAudio: that is said when a device is opened
                sounddevice()
        self._is_old = True

    def open_other(self, name: str, block_size: int) -> None:
        """Open this output, and stay with it. Raises DeviceError where that cannot be; then nothing has changed."""
        before = self._name, self.block_size
        self._name, self.block_size = name, block_size
        try:
            self._output = self._open_device() if self._is_device else self._open(name)
        except DeviceError:
            self._name, self.block_size = before
            self.stand_by()
            raise

    def open(self) -> None:
        """Open what is wanted where that was not done yet, or the clock instead."""
        if self._output is not None:
            return
        try:
            self._output = self._open_anew() if self._is_old and self._is_device else self._open(self._name)
        except DeviceError as error:
            self.missing = str(error)
            again = "; the device is looked for again and again" if self.may_come else ""
            log.warning("no sound: %s%s", error, again)
            self._output = self._open("none")

    def start(self) -> None:
        """Let it ask for blocks."""
        self._renderer.latency = self.output.latency + self._renderer.mixer.latency / self._rate
        self._renderer.joining = True
        self.output.start()
        prefer_threads()

    def try_again(self) -> bool:
        """Look for the device that was missing, and change over to it when it is there. Never to another one."""
        try:
            output = self._open_device()
        except DeviceError:
            return False
        self.output.close()
        self._output, self.missing = output, None
        self.start()
        return True

    @property
    def _is_device(self) -> bool:
        return self._name != "none" and not self._name.startswith("wav:")

    def _open(self, name: str) -> Output:
        return open_output(name, self._renderer.render, sample_rate=self._rate, block_size=self.block_size)

    def _open_anew(self) -> Output:
        """By a list of devices that may be old: that is quicker than another one."""
        try:
            return self._open(self._name)
        except DeviceError:
            return self._open_device()

    def _open_device(self) -> Output:
        look_again()
        return self._open(self._name)
