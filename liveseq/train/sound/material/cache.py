"""Cache of recordings converted to one rate: one mapped file beside the run, so that the next run begins at once.

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
from tqdm import tqdm

from liveseq.corpus.recordings import folder
from liveseq.corpus.source import Source
from liveseq.corpus.store import Corpus
from liveseq.dsp.files import load_audio, rate_of, resample
from liveseq.errors import LiveseqError, TrainingError

_AT_ONCE = 16  # recordings that may wait in memory to be written


@dataclass(frozen=True, kw_only=True)
class Original:
    """A recording as it lies in a file or a corpus, and how to find out that it is still the same."""

    name: str
    path: Path
    source_id: int | None = None
    """Number of the source, where path is a corpus; None: path is a sound file."""
    mark: str
    """Text that is another one when the recording changes."""

    @staticmethod
    def file(recording: folder.Recording) -> "Original":
        """A sound file of a folder."""
        # With its name, which is another one when a folder further up or down is given.
        mark = f"{recording.name} {os.path.abspath(recording.path)} {recording.n_bytes} {recording.modified_ns}"
        return Original(name=recording.name, path=recording.path, mark=mark)

    @staticmethod
    def source(corpus: Path, source: Source) -> "Original":
        """A source of a corpus."""
        mark = f"{os.path.abspath(corpus)} {source.id} {source.n_samples} {source.provenance.sha256}"
        return Original(name=source.name, path=corpus, source_id=source.id, mark=mark)

    def load(self, sample_rate: int, *, notes: list[str]) -> tuple[np.ndarray, int]:
        """Audio at this rate in Hz, float32 (n_samples, 2), and the rate that it had. Raises LiveseqError.

        notes: as in `load_audio`.
        """
        if self.source_id is None:
            return load_audio(self.path, sample_rate=sample_rate, notes=notes), rate_of(self.path)
        with Corpus.open(self.path) as corpus:
            audio, rate = corpus.audio(self.source_id), corpus.sample_rate
        return resample(audio, sample_rate=rate, to_rate=sample_rate), rate


@dataclass(kw_only=True)
class Converted:
    """Recordings at one rate."""

    audio: dict[str, np.ndarray] = field(default_factory=dict)
    """Audio by name, float32 (n_samples, 2)."""
    rates: Counter[int] = field(default_factory=Counter)
    """Count of recordings by the rate in Hz that they had."""
    refused: list[str] = field(default_factory=list)
    """Sentences on those that cannot be used."""
    notes: list[str] = field(default_factory=list)
    """Sentences on what was wrong with others and could be helped."""


class Cache:
    """A folder of mapped audio at one rate."""

    def __init__(self, path: Path | None, *, sample_rate: int) -> None:
        """path: the folder; None: nothing is kept, and recordings stay in memory. sample_rate in Hz."""
        self._path = path
        self.sample_rate = sample_rate
        self._used: set[str] = set()

    def read(self, originals: Sequence[Original]) -> Converted:
        """Every original that can be read, converted, in their order."""
        if self._path is None:
            converted = Converted()
            for name, audio in self._load(originals, converted):
                converted.audio[name] = audio
            return converted
        key = hashlib.sha256("\n".join([str(self.sample_rate), *(w.mark for w in originals)]).encode()).hexdigest()[:16]
        self._used |= {f"{key}.f32", f"{key}.json"}
        known = self._known(self._path, key)
        if known is None:
            self._write(self._path, key, originals)
            known = self._known(self._path, key)
        assert known is not None, "it was written just now"
        return known

    def tidy(self) -> None:
        """Remove the files of recordings as they were before."""
        if self._path is not None and self._path.is_dir():
            for path in self._path.iterdir():
                if path.suffix in (".f32", ".json") and path.name not in self._used:
                    path.unlink(missing_ok=True)

    def _known(self, path: Path, key: str) -> Converted | None:
        """Recordings of a key as they were written, or None."""
        samples = path / f"{key}.f32"
        try:
            about = json.loads((path / f"{key}.json").read_text(encoding="utf-8"))
            if samples.stat().st_size != about["n_bytes"]:
                return None
            rates = Counter({int(rate): n for rate, n in about["rates"].items()})
            converted = Converted(rates=rates, refused=list(about["refused"]), notes=list(about["notes"]))
            if about["n_bytes"]:
                whole = np.memmap(samples, dtype="<f4", mode="r").reshape(-1, 2)
                converted.audio = {name: whole[start : start + n] for name, start, n in about["audio"]}
        except (OSError, ValueError, KeyError, TypeError):
            return None  # not there, or not ours: it is made again
        return converted

    def _write(self, path: Path, key: str, originals: Sequence[Original]) -> None:
        """Write the samples first, and their list once they are whole."""
        parts = [path / f".{key}.{os.getpid()}.{kind}.part" for kind in ("f32", "json")]
        converted, places, start = Converted(), [], 0
        try:
            path.mkdir(parents=True, exist_ok=True)
            with parts[0].open("wb") as out:
                for name, audio in self._load(originals, converted):
                    out.write(np.ascontiguousarray(audio, dtype="<f4").data)
                    places.append((name, start, len(audio)))
                    start += len(audio)
            sentences = {"refused": converted.refused, "notes": converted.notes}
            about = {"n_bytes": 8 * start, "audio": places, "rates": converted.rates, **sentences}
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

    def _load(self, originals: Sequence[Original], converted: Converted) -> Iterator[tuple[str, np.ndarray]]:
        """Name and audio (n_samples, 2) of each that can be read; rates and refusals go into `converted`."""
        with (
            ThreadPoolExecutor(os.cpu_count()) as pool,
            tqdm(total=len(originals), desc="reading", unit="file", leave=False, disable=None) as bar,
        ):
            for begin in range(0, len(originals), _AT_ONCE):
                some = originals[begin : begin + _AT_ONCE]
                for one, loaded in zip(some, pool.map(self._try, some), strict=True):
                    bar.update()
                    if isinstance(loaded, str):
                        converted.refused.append(loaded)
                        continue
                    audio, rate, notes = loaded
                    converted.notes += notes
                    converted.rates[rate] += 1
                    yield one.name, audio

    def _try(self, original: Original) -> tuple[np.ndarray, int, list[str]] | str:
        notes: list[str] = []
        try:
            return *original.load(self.sample_rate, notes=notes), notes
        except LiveseqError as error:
            return str(error)
