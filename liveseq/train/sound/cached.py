"""Recordings converted to one rate, once: they lie in one mapped file beside the run, and the next run begins at once.

A cache is for exactly these files at these sizes and times; when one changes, all are read again.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from liveseq.corpus import folder
from liveseq.corpus.source import Source
from liveseq.corpus.store import Corpus
from liveseq.dsp.files import load_audio, resample
from liveseq.errors import LiveseqError, TrainingError

_AT_ONCE = 16  # recordings that may wait in memory to be written


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A recording, and how to tell that it is still the same."""

    name: str
    path: Path
    source_id: int | None = None
    """Of a corpus; None: path is a sound file."""
    mark: str
    """Another one when the recording changes."""

    @staticmethod
    def file(recording: folder.Recording) -> "Wanted":
        mark = f"{os.path.abspath(recording.path)} {recording.n_bytes} {recording.modified_ns}"
        return Wanted(name=recording.name, path=recording.path, mark=mark)

    @staticmethod
    def source(corpus: Path, source: Source) -> "Wanted":
        mark = f"{os.path.abspath(corpus)} {source.id} {source.n_samples} {source.provenance.sha256}"
        return Wanted(name=source.name, path=corpus, source_id=source.id, mark=mark)

    def load(self, sample_rate: int) -> tuple[np.ndarray, int]:
        """float32 (n_samples, 2), and the rate in Hz that it had."""
        if self.source_id is None:
            return load_audio(self.path, sample_rate=sample_rate), _rate(self.path)
        with Corpus.open(self.path) as corpus:
            audio, rate = corpus.audio(self.source_id), corpus.sample_rate
        return resample(audio, sample_rate=rate, to_rate=sample_rate), rate


@dataclass(kw_only=True)
class Found:
    """What was read."""

    audio: dict[str, np.ndarray] = field(default_factory=dict)
    """By name, float32 (n_samples, 2)."""
    rates: Counter[int] = field(default_factory=Counter)
    """Recordings by the rate in Hz that they had."""
    refused: list[str] = field(default_factory=list)
    """A sentence for each that cannot be used."""


class Cache:
    """A folder of mapped audio at one rate."""

    def __init__(self, path: Path | None, *, sample_rate: int) -> None:
        """path: None: nothing is kept, and what is read stays in memory."""
        self._path = path
        self.sample_rate = sample_rate
        self._used: set[str] = set()

    def read(self, wanted: Sequence[Wanted]) -> Found:
        """Everything that can be read, in the order in which it is wanted."""
        if self._path is None:
            found = Found()
            for name, audio in self._load(wanted, found):
                found.audio[name] = audio
            return found
        key = hashlib.sha256("\n".join([str(self.sample_rate), *(w.mark for w in wanted)]).encode()).hexdigest()[:16]
        self._used |= {f"{key}.f32", f"{key}.json"}
        known = self._known(self._path, key)
        if known is None:
            self._write(self._path, key, wanted)
            known = self._known(self._path, key)
        assert known is not None, "it was written just now"
        return known

    def tidy(self) -> None:
        """Remove what was kept of recordings as they were before."""
        if self._path is not None and self._path.is_dir():
            for path in self._path.iterdir():
                if path.suffix in (".f32", ".json") and path.name not in self._used:
                    path.unlink(missing_ok=True)

    def _known(self, path: Path, key: str) -> Found | None:
        """As it was written, or None."""
        samples = path / f"{key}.f32"
        try:
            told = json.loads((path / f"{key}.json").read_text(encoding="utf-8"))
            if samples.stat().st_size != told["n_bytes"]:
                return None
            rates = Counter({int(rate): n for rate, n in told["rates"].items()})
            found = Found(rates=rates, refused=list(told["refused"]))
            if told["n_bytes"]:
                whole = np.memmap(samples, dtype="<f4", mode="r").reshape(-1, 2)
                found.audio = {name: whole[start : start + n] for name, start, n in told["audio"]}
        except (OSError, ValueError, KeyError, TypeError):
            return None  # not there, or not ours: it is made again
        return found

    def _write(self, path: Path, key: str, wanted: Sequence[Wanted]) -> None:
        """The samples first, and what they are once they are whole."""
        parts = [path / f".{key}.{os.getpid()}.{kind}.part" for kind in ("f32", "json")]
        found, places, start = Found(), [], 0
        try:
            path.mkdir(parents=True, exist_ok=True)
            with parts[0].open("wb") as out:
                for name, audio in self._load(wanted, found):
                    out.write(np.ascontiguousarray(audio, dtype="<f4").data)
                    places.append((name, start, len(audio)))
                    start += len(audio)
            about = {"n_bytes": 8 * start, "audio": places, "rates": found.rates, "refused": found.refused}
            parts[1].write_text(json.dumps(about), encoding="utf-8")
            os.replace(parts[0], path / f"{key}.f32")
            os.replace(parts[1], path / f"{key}.json")
        except OSError as error:
            raise TrainingError(
                f"{path}: the converted recordings cannot be kept there ({error.strerror}); make room, or choose "
                "another --out"
            ) from error
        finally:
            for part in parts:
                with suppress(OSError):
                    part.unlink()

    def _load(self, wanted: Sequence[Wanted], found: Found) -> Iterator[tuple[str, np.ndarray]]:
        """Name and audio of each that can be read; rates and refusals are counted into `found`."""
        with (
            ThreadPoolExecutor(os.cpu_count()) as pool,
            tqdm(total=len(wanted), desc="reading", unit="file", leave=False, disable=None) as bar,
        ):
            for begin in range(0, len(wanted), _AT_ONCE):
                some = wanted[begin : begin + _AT_ONCE]
                for one, loaded in zip(some, pool.map(self._try, some), strict=True):
                    bar.update()
                    if isinstance(loaded, str):
                        found.refused.append(loaded)
                        continue
                    audio, rate = loaded
                    found.rates[rate] += 1
                    yield one.name, audio

    def _try(self, wanted: Wanted) -> tuple[np.ndarray, int] | str:
        try:
            return wanted.load(self.sample_rate)
        except LiveseqError as error:
            return str(error)


def _rate(path: Path) -> int:
    return int(soundfile.info(os.fsencode(path) if os.name == "posix" else path).samplerate)
