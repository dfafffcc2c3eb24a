"""The input: what is played into the machine, kept until it is read.

The callback only copies a block into a ring: it runs in the audio thread of a process that computes as well. PortAudio
can do even that by itself (a stream without a callback), but on JACK that damages the heap (seen with 19.6).
"""

import traceback
from typing import Any

import numpy as np

from liveseq.engine.devices import default_index, find_device, input_devices, sounddevice
from liveseq.errors import DeviceError

BLOCK = 1024
"""Samples per callback, where the device lets us choose: the fewer the wake-ups, the fewer can be late."""
RING_SECONDS = 4.0
"""Seconds that the reader may fall behind before samples are lost."""


class DeviceInput:
    """One or two channels of a device, read by one thread."""

    def __init__(self, name: str, *, sample_rate: int) -> None:
        """Raises DeviceError where there is no such device, or it cannot be opened."""
        library = sounddevice()
        device = find_device(name, input_devices(), default=default_index("input"), direction="input")
        self.text = device.label
        self.n_lost = 0
        """Samples that found the ring full."""
        self.fault: str | None = None
        """Traceback of a bug that showed in the audio thread."""
        n_channels = min(2, device.n_channels)
        self._ring = np.zeros((int(RING_SECONDS * sample_rate), n_channels), dtype=np.float32)
        self._n_written = self._n_read = 0
        try:
            self._stream = library.InputStream(
                device=device.index,
                samplerate=sample_rate,
                blocksize=BLOCK,
                channels=n_channels,
                dtype="float32",
                latency="high",
                callback=self._callback,
            )
        except library.PortAudioError as error:
            raise DeviceError(
                f"{device.label}: cannot be opened for input at {sample_rate} Hz: {error.args[0]}"
            ) from None

    def start(self) -> None:
        """Begin to record. Raises DeviceError where the device does not; then it is closed."""
        try:
            self._stream.start()
        except sounddevice().PortAudioError as error:
            self.close()
            raise DeviceError(f"{self.text}: does not start: {error.args[0]}") from None

    def close(self) -> None:
        """Stop recording."""
        self._stream.close(ignore_errors=True)

    def read(self) -> np.ndarray:
        """Samples that have come since the last call, float32 (n_samples, n_channels). Never waits."""
        end = self._n_written
        place = np.arange(self._n_read, end) % len(self._ring)
        self._n_read = end
        return self._ring[place]

    def _callback(self, indata: np.ndarray, frames: int, _: Any, __: Any) -> None:
        # Audio thread. An exception here would end the callbacks without a word: it is kept for the reader.
        try:
            if self._n_written + frames - self._n_read > len(self._ring):
                self.n_lost += frames
                return
            place = self._n_written % len(self._ring)
            n_first = min(frames, len(self._ring) - place)
            self._ring[place : place + n_first] = indata[:n_first]
            self._ring[: frames - n_first] = indata[n_first:]
            self._n_written += frames
        except Exception:
            self.fault = traceback.format_exc()
