"""Corpus audio as the audio thread reads it: mapped files whose pages are in memory before they sound.

Opened and read by the engine's main thread at start and by one helper thread afterwards; the audio thread only indexes
the arrays and leaves notes in a deque. A corpus that fits is read through and locked; of a larger one the helper reads
what is about to sound.
"""

import contextlib
import ctypes
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from io import FileIO
from pathlib import Path

import numpy as np
import psutil

from liveseq.corpus.held import HeldFile
from liveseq.dsp.interpolation import N_TAPS
from liveseq.errors import CorpusError
from liveseq.sequencer.timeline import Grain, PlayUnit

MEMORY_SHARE = 0.5
"""Share of the memory available at start: a corpus up to this size is kept in it."""
AHEAD_SECONDS = 4.0
"""Seconds that are read ahead of a voice, where the corpus is larger than memory."""
POLL_SECONDS = 0.01
LOOK_SECONDS = 1.0
"""Between two looks for audio that is not there."""
_CHUNK = 1 << 20
_SAMPLE_BYTES = 8  # stereo float32
_OWN_REFERENCES = next(sys.getrefcount(one) for one in [object()])  # of a list, and of a loop that counts them

Reading = Callable[[], list[tuple[int, int, bool]]]
"""Shard, position in it, and whether backwards."""


def shard_file(folder: Path, number: int) -> Path:
    """File of a shard in the corpus's audio folder."""
    return folder / f"{number:04d}.f32"


def map_shard(path: Path, *, n_samples: int) -> np.ndarray:
    """The first samples of an audio file, float32 (n, 2): fewer than n_samples where it is too short.

    Raises CorpusError where there is none.
    """
    try:
        n_found = min(n_samples, path.stat().st_size // _SAMPLE_BYTES)
        if not n_found:
            raise CorpusError(f"{path}: empty")
        # A plain view: slicing np.memmap itself costs a Python call each time.
        return np.asarray(np.memmap(path, dtype=np.float32, mode="r", shape=(n_found, 2)))
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


class Shards:
    """The audio files of one corpus. `arrays` holds what is mapped, by number."""

    def __init__(
        self,
        folder: Path,
        sizes: Iterable[tuple[int, int]],
        *,
        sample_rate: int,
        held: Mapping[Path, HeldFile] | None = None,
    ) -> None:
        """sizes: (number, n_samples) of each shard. One that cannot be mapped is left out, and looked for again.

        held: files that are open, by their paths.
        """
        self.arrays: dict[int, np.ndarray] = {}
        self.missing: dict[int, int] = {}
        """Samples of the shards that are not there, or not whole. Read by any thread."""
        self._folder = folder
        self._held = held or {}
        self._ahead = int(AHEAD_SECONDS * sample_rate)
        self._old: list[np.ndarray] = []
        """Replaced by longer ones, and perhaps still read by a voice. Who lets go of a map last waits for milliseconds
        while it is undone, and that must not be the audio thread."""
        self._files: dict[int, FileIO] = {}
        self._notes: deque[tuple[int, int, int]] = deque(maxlen=1024)  # shard, first sample, number of samples
        self._added: deque[tuple[int, int]] = deque()
        self._room = int(MEMORY_SHARE * psutil.virtual_memory().available)
        for number, n_samples in sizes:
            self.map(number, n_samples)

    @property
    def resident(self) -> bool:
        """Whether all of it is in memory."""
        return sum(array.nbytes for array in self.arrays.values()) <= self._room

    def expect(self, event: PlayUnit | Grain) -> None:
        """Audio thread: this is about to sound. A grain is no longer than it says; a unit may go on."""
        n_samples = int(event.length * event.ratio) if isinstance(event, Grain) else self._ahead
        self._note(event.shard, event.position, event.reverse, n_samples)

    def _note(self, number: int, position: int, reverse: bool, n_samples: int) -> None:
        first = max(0, position - n_samples) if reverse else position
        self._notes.append((number, first, n_samples + N_TAPS))

    def added(self, number: int, n_samples: int) -> None:
        """Audio thread: this shard is new, or has grown."""
        self._added.append((number, n_samples))

    def start(self, set_shard: Callable[[int, np.ndarray], None], reading: Reading) -> None:
        """Begin to serve notes in a helper thread. reading: says where in which shard everything reads that sounds."""
        threading.Thread(target=self._serve, args=(set_shard, reading), name="shards", daemon=True).start()

    def _serve(self, set_shard: Callable[[int, np.ndarray], None], reading: Reading) -> None:
        pause = threading.Event()
        turns, look_at = 0, 0.0
        while not pause.wait(POLL_SECONDS if not self.resident else 10 * POLL_SECONDS):
            if self.missing and time.monotonic() >= look_at:
                look_at = time.monotonic() + LOOK_SECONDS
                self._added.extend(list(self.missing.items()))
            while self._added:
                number, n_samples = self._added.popleft()
                if self.map(number, n_samples):
                    set_shard(number, self.arrays[number])
            self._old = [array for array in self._old if sys.getrefcount(array) > _OWN_REFERENCES]
            if self.resident:
                self._notes.clear()
                continue
            turns += 1
            if turns % 100 == 0:  # voices that play on beyond what was read for their event
                for number, position, reverse in reading():
                    self._note(number, position, reverse, self._ahead)
            while self._notes:
                self._read(*self._notes.popleft())

    def forget_old(self) -> None:
        """Let go of what was mapped before the files grew; nothing plays yet."""
        self._old.clear()

    def map(self, number: int, n_samples: int) -> bool:
        """Have this much of a shard in `arrays`. Whether there is something new."""
        old = self.arrays.get(number)
        known = 0 if old is None else len(old)
        if known == n_samples:
            return False
        path, array = self._longest(number, n_samples=n_samples)
        if len(array) < n_samples:
            self.missing[number] = n_samples
        else:
            self.missing.pop(number, None)
        if len(array) <= known:
            return False
        if old is not None:
            self._old.append(old)
        self.arrays[number] = array
        if number in self._files:
            self._files[number].close()
        self._files[number] = FileIO(path)
        if self.resident:
            self._read(number, known, len(array) - known)
            lock(array)
        return True

    def _longest(self, number: int, *, n_samples: int) -> tuple[Path, np.ndarray]:
        """A shard by its open file; where that has not all of it, by its path, if there is more."""
        path = file = shard_file(self._folder, number)
        array = np.empty((0, 2), dtype=np.float32)
        for one in (self._held[file].path, file) if file in self._held else (file,):
            with contextlib.suppress(CorpusError):
                found = map_shard(one, n_samples=n_samples)
                if len(found) > len(array):
                    path, array = one, found
            if len(array) == n_samples:
                break
        return path, array

    def _read(self, number: int, position: int, n_samples: int) -> None:
        """Bring samples into memory by reading the file: that waits for the disk without holding the interpreter."""
        file = self._files.get(number)
        if file is None:
            return
        buffer = bytearray(_CHUNK)
        left = n_samples * _SAMPLE_BYTES
        with contextlib.suppress(OSError):  # its disk has gone: what is in memory plays on
            file.seek(position * _SAMPLE_BYTES)
            while left > 0 and (n_read := file.readinto(buffer)):
                left -= n_read


def lock(array: np.ndarray) -> None:
    """Pin pages in memory and into the process's page table, where the system allows it; it is not needed elsewhere."""
    if sys.platform == "win32":
        return
    mlock = ctypes.CDLL(None).mlock
    for begin in range(0, array.nbytes, 4 * _CHUNK):  # in pieces: each holds up the process's page faults
        mlock(ctypes.c_void_p(array.ctypes.data + begin), ctypes.c_size_t(min(4 * _CHUNK, array.nbytes - begin)))
