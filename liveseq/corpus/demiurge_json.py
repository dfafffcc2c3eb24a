"""Demiurge's descriptor database, written and read.

One JSON object of columns: `_id` (path of the sound file, once per frame), `_sample` (first sample of the frame, a
multiple of 1024), and the 39 MFCC in lexicographic order (mfcc0, mfcc1, mfcc10, mfcc11 ... mfcc9), which is the channel
order of its networks. Whatever has "_" in its name is metadata there: our other descriptors therefore stay out.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import TextIO

import numpy as np

from liveseq.corpus.describing import CorpusSettings, describe_source, new_source
from liveseq.corpus.names import as_spelt, composed, printable
from liveseq.corpus.recordings.tagging import TagsFrom, tags_of
from liveseq.corpus.source import Provenance, Source
from liveseq.corpus.store import Corpus, NewSource
from liveseq.dsp.descriptors import HOP_LENGTH, MFCC_NAMES
from liveseq.dsp.files import load_audio
from liveseq.dsp.saving import save_audio
from liveseq.errors import AudioFileError, CorpusError

COLUMNS: tuple[str, ...] = tuple(sorted(MFCC_NAMES))
"""Demiurge's channel order."""
DATABASE_NAME = "AUDIOS_database.json"
SAMPLE_RATE = 44_100
"""Rate in Hz that `_sample` counts at where Demiurge itself wrote the file."""


def export_demiurge(corpus: Corpus, folder: Path) -> Path:
    """Write folder/AUDIOS_database.json and folder/audio/*.wav (24 bit). Returns the path of the JSON file.

    `_id` is the path of the wav file from the folder on; `_sample` counts at the corpus's rate, as they do.
    Memory stays flat: the columns are written as they are read. Raises CorpusError where the folder cannot be written.
    """
    audio = folder / "audio"
    try:
        audio.mkdir(parents=True, exist_ok=True)
        sources = corpus.sources()
        names = [_wav_name(source) for source in sources]
        for source, name in zip(sources, names, strict=True):
            save_audio(folder / name, corpus.audio(source.id), sample_rate=corpus.sample_rate, subtype="PCM_24")
        part = folder / f".{DATABASE_NAME}.part"
        with part.open("w", encoding="utf-8") as file:
            _write_columns(file, corpus, sources, names)
        return part.replace(folder / DATABASE_NAME)
    except OSError as error:
        raise CorpusError(f"{folder}: the export cannot be written ({error.strerror}); give another folder") from error


def _wav_name(source: Source) -> str:
    """Name of a source's wav file, distinct by its stem too: Demiurge's skip list knows only stems."""
    stem = re.sub(r"[^\w\-]+", "_", str(PurePosixPath(source.name).with_suffix("")))[:80]
    return f"audio/{source.id:05d}_{stem}.wav"


def _write_columns(file: TextIO, corpus: Corpus, sources: list[Source], names: list[str]) -> None:
    counts = [source.n_frames for source in sources]
    ids = (json.dumps(name) for name, n in zip(names, counts, strict=True) for _ in range(n))
    offsets = (str(frame * corpus.hop_length) for n in counts for frame in range(n))
    file.write("{\n")
    _write_column(file, "_id", ids)
    for name in ("_sample", *COLUMNS):
        file.write(",\n")
        values = offsets if name == "_sample" else _values(corpus, sources, MFCC_NAMES.index(name))
        _write_column(file, name, values)
    file.write("\n}\n")


def _values(corpus: Corpus, sources: list[Source], column: int) -> Iterator[str]:
    for source in sources:
        for value in corpus.frames(source.id)[:, column]:
            yield str(value)  # the shortest text that reads back as the same float32


def _write_column(file: TextIO, name: str, values: Iterable[str]) -> None:
    file.write(f"  {json.dumps(name)}: [")
    for i, value in enumerate(values):
        file.write(f"{', ' if i else ''}{value}")
    file.write("]")


def import_demiurge(
    path: Path,
    out: Path,
    *,
    audio: Path | None = None,
    sample_rate: int = SAMPLE_RATE,
    tags_from: TagsFrom | None = None,
) -> tuple[list[str], list[str], list[str]]:
    """Make a corpus whose frames are the file's.

    Returns the names of its sources, one sentence for each that was left out, and one for what could be helped.
    audio: folder that holds the sound files that `_id` names; None: the JSON's own. A path of another machine is found
    by its end. sample_rate: the one that `_sample` counts at, in Hz; the corpus has it too. The four descriptors that
    Demiurge does not have are computed from the audio. Raises CorpusError if the file is no such database.
    """
    root = (audio or path.parent).resolve()
    recordings = read_recordings(path)
    found, refused = _find_all(recordings, root)
    tags, useless = tags_of(list(found), tags_from=tags_from)
    refused += useless
    _check_rate(found, root, sample_rate)
    added, notes = [], list[str]()
    with Corpus.create(out, sample_rate=sample_rate) as corpus:
        for name, mfcc in found.items():
            try:
                source = _new_source(name, mfcc, root=root, sample_rate=sample_rate, tags=tags[name], notes=notes)
            except (AudioFileError, CorpusError) as error:
                refused.append(str(error))
            else:
                corpus.add(source)
                added.append(source.name)
    return added, refused, notes


def _find_all(recordings: dict[str, np.ndarray], root: Path) -> tuple[dict[str, np.ndarray], list[str]]:
    """Frames by path from root on, and one sentence per `_id` that is not there."""
    found, missing = {}, []
    for name, mfcc in recordings.items():
        file = _find(name, root)
        if file is None:
            missing.append(f"{name}: not found under {root}; give the folder of the sound files: --audio FOLDER")
        else:
            found[file.relative_to(root).as_posix()] = mfcc
    return found, missing


def _find(name: str, root: Path) -> Path | None:
    """The sound file of an `_id`: the longest end of it that exists under root, and nothing outside."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    for first in range(len(parts)):
        found = as_spelt(root / Path(*parts[first:])).resolve()
        if found.is_relative_to(root) and found.is_file():
            return found
    return None


def _check_rate(recordings: dict[str, np.ndarray], root: Path, sample_rate: int) -> None:
    """Try the rate on the longest recording: a wrong one would spoil all, but show only in the long ones."""
    name = max(recordings, key=lambda name: len(recordings[name]), default=None)
    if name is not None:
        try:
            _load(name, recordings[name], root=root, sample_rate=sample_rate, notes=[])
        except AudioFileError:
            return  # it is left out, with its reason, like every other


def _load(name: str, mfcc: np.ndarray, *, root: Path, sample_rate: int, notes: list[str]) -> np.ndarray:
    y = load_audio(root / name, sample_rate=sample_rate, notes=notes)
    n_frames = 1 + len(y) // HOP_LENGTH
    if n_frames != len(mfcc):
        found = f"{root / name} has {n_frames} at {sample_rate} Hz"
        hint = "give the rate that _sample counts in (--sample-rate), or the sound file that was described"
        raise CorpusError(f"{name}: expected {len(mfcc)} frames, as in the JSON, found {found}; {hint}")
    return y


def _new_source(
    name: str, mfcc: np.ndarray, *, root: Path, sample_rate: int, tags: tuple[str, ...], notes: list[str]
) -> NewSource:
    y = _load(name, mfcc, root=root, sample_rate=sample_rate, notes=notes)
    settings = CorpusSettings(sample_rate=sample_rate, hop_length=HOP_LENGTH, segmentation="fixed")
    description = describe_source(y, settings)
    description.frames[:, : len(MFCC_NAMES)] = mfcc
    provenance = Provenance(kind="file", path=printable(root / name))
    return new_source(y, description, name=composed(printable(Path(name))), tags=tags, provenance=provenance)


def read_recordings(path: Path) -> dict[str, np.ndarray]:
    """MFCC frames by `_id`: float32 (n_frames, 39), columns MFCC_NAMES. Raises CorpusError for another file."""
    columns = _read_columns(path)
    mfcc = np.stack([columns[name] for name in MFCC_NAMES], axis=1).astype(np.float32)
    if not np.isfinite(mfcc).all():
        raise CorpusError(f"{path}: frame {int(np.argmin(np.isfinite(mfcc).all(axis=1)))} has NaN or infinity")
    ids, offsets = columns["_id"], columns["_sample"]
    recordings = {}
    for name in dict.fromkeys(ids.tolist()):
        rows = np.flatnonzero(ids == name)
        if not np.array_equal(offsets[rows], np.arange(len(rows)) * HOP_LENGTH):
            raise CorpusError(f"{path}: {name}: expected _sample 0, {HOP_LENGTH}, {2 * HOP_LENGTH} ... without a gap")
        recordings[name] = mfcc[rows]
    return recordings


def _read_columns(path: Path) -> dict[str, np.ndarray]:
    kinds = {"_id": "U", "_sample": "i"}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        wanted = ("_id", "_sample", *MFCC_NAMES)
        missing = [name for name in wanted if name not in content] if isinstance(content, dict) else list(wanted)
        if missing:
            raise CorpusError(f"{path}: expected columns _id, _sample, mfcc0 ... mfcc38, found no {missing[0]}")
        columns = {name: np.array(content[name]) for name in wanted}
    except (OSError, ValueError, RecursionError) as error:
        raise CorpusError(f"{path}: no Demiurge database ({error})") from error
    for name, column in columns.items():
        good = column.dtype.kind in kinds.get(name, "fi") and column.ndim == 1 and len(column) == len(columns["_id"])
        if not good or len(column) == 0:
            wanted_kind = {"U": "text", "i": "whole numbers"}.get(kinds.get(name, ""), "numbers")
            raise CorpusError(
                f"{path}: column {name}: expected {wanted_kind}, as many as in _id, found {column.dtype} {column.shape}"
            )
    return columns
