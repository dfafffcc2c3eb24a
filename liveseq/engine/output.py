"""The output: the sound device, and what stands in for it.

Every output calls one function for every block, from one thread, and asks nothing else of the engine:
- a device by name and host API, through PortAudio's callback;
- `none`: a software clock, no sound; `wav:PATH`: the same clock into a recording.

Why the callback renders the block itself, in Python: benchmarks/live/latency.py measured the ways; see
docs/performance.md.
"""

import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from liveseq.engine.devices import default_index, find_device, output_devices, sounddevice
from liveseq.engine.realtime import prefer_audio
from liveseq.engine.recording import Recording
from liveseq.errors import DeviceError

Render = Callable[[np.ndarray, int, int], None]
"""Fill a block, float32 (n_samples, 2), given the number of blocks that were missed just before it, and the number that
the output has lost since it began."""

BEHIND_SECONDS = 0.1
"""A software clock that is later than this skips what it missed."""


class Output(Protocol):
    """Something that asks for blocks."""

    text: str
    """Device or file that the sound goes to."""
    sample_rate: float
    latency: float
    """Seconds from a block's delivery to its sound, as far as the device says."""
    fault: str | None
    """Traceback of a bug that showed in the audio thread."""

    @property
    def warning(self) -> str | None:
        """Trouble, while the clock goes on; None where there is none."""

    def start(self) -> None: ...
    def close(self) -> None: ...


def open_output(output: str, render: Render, *, sample_rate: int, block_size: int) -> Output:
    """Open `none`, `wav:PATH`, `default`, or a device by name. Raises DeviceError where that cannot be."""
    if output == "none":
        return ClockOutput(render, sample_rate=sample_rate, block_size=block_size)
    if output.startswith("wav:"):
        recording = Recording(Path(output.removeprefix("wav:")), sample_rate=sample_rate)
        return ClockOutput(render, sample_rate=sample_rate, block_size=block_size, recording=recording)
    return DeviceOutput(output, render, sample_rate=sample_rate, block_size=block_size)


class ClockOutput:
    """Asks for blocks at the pace of the monotonic clock."""

    latency = 0.0

    def __init__(
        self, render: Render, *, sample_rate: int, block_size: int, recording: Recording | None = None
    ) -> None:
        self.sample_rate = float(sample_rate)
        self.fault: str | None = None
        self.text = "none" if recording is None else f"wav:{recording.path}"
        self._render = render
        self._recording = recording
        self._block = np.zeros((block_size, 2), dtype=np.float32)
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)

    @property
    def warning(self) -> str | None:
        return self._recording.problem if self._recording else None

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._ended = True
        self._thread.join(timeout=1.0)
        if self._recording:
            self._recording.close()

    def _run(self) -> None:
        prefer_audio()
        try:
            self._pace()
        except Exception:
            self.fault = traceback.format_exc()

    def _pace(self) -> None:
        period = len(self._block) / self.sample_rate
        due = time.monotonic()
        while not self._ended:
            ahead = due - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
            missed = int(-ahead / period) if ahead < -BEHIND_SECONDS else 0
            due += (missed + 1) * period
            recording = self._recording
            self._render(self._block, missed, recording.n_lost if recording else 0)
            if recording:
                recording.put(self._block)


class DeviceOutput:
    """PortAudio. The callback renders the block itself; `renderer` says what it may do."""

    warning = None

    def __init__(self, name: str, render: Render, *, sample_rate: int, block_size: int) -> None:
        library = sounddevice()
        device = find_device(name, output_devices(), default=default_index("output"))
        self.fault: str | None = None
        self._render = render
        self._first = True
        try:
            self._stream = library.OutputStream(
                device=device.index,
                samplerate=sample_rate,
                blocksize=block_size,
                channels=2,
                dtype="float32",
                latency="low",
                callback=self._callback,
            )
        except library.PortAudioError as error:
            raise DeviceError(
                f"{device.label}: cannot be opened at {sample_rate} Hz, stereo: {error.args[0]}"
            ) from None
        self.text = device.label
        self.sample_rate = float(self._stream.samplerate)
        self.latency = float(self._stream.latency)

    def start(self) -> None:
        self._stream.start()

    def close(self) -> None:
        self._stream.close(ignore_errors=True)

    def _callback(self, outdata: np.ndarray, frames: int, _: Any, status: Any) -> None:
        # Audio thread. An exception here would end the callbacks without a word: it is kept for the main thread.
        try:
            if self._first:
                self._first = False
                prefer_audio()
                status = None  # what happened before the first block was nobody's fault
            self._render(outdata, int(bool(status)), 0)
        except Exception:
            outdata[:] = 0.0
            self.fault = traceback.format_exc()
