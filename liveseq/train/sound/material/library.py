"""Library of a sound model: the recordings that it learns from and those that it is measured on, split by file.

Recordings that cannot be used are notes, and the rest goes on; too few of them are refused with what it would take.
Every training of the same recordings and seed holds out the same files.
"""

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

from liveseq.corpus.recordings.tagging import TagsFrom
from liveseq.errors import TrainingError
from liveseq.train.sound.material.cache import Cache
from liveseq.train.sound.material.reading import SHORTEST, Recording, gather

LEAST_SECONDS = 60.0
"""Length of all recordings together, at least; less is learned by heart."""
LEAST_SOUNDING = 5.0
"""Seconds of them above -60 dBFS, at least."""
HELD_OUT = 0.15
"""Share of each tag's files that is held out."""
_SOUNDING = 1e-3  # RMS
_BLOCK = 4800  # samples over which it is taken


@dataclass(frozen=True, kw_only=True)
class Library:
    """Recordings to learn from, and recordings to measure on."""

    train: tuple[Recording, ...]
    held_out: tuple[Recording, ...]
    tags: tuple[str, ...]
    """Sorted. Crops count tags by their place here."""
    sample_rate: int
    """Hz."""
    description: str
    """One line, for a manifest."""
    notes: tuple[str, ...]
    """Sentences on what was left out or changed."""
    fingerprint: str
    """Hash of the recordings and of how they are split."""
    vectors: np.ndarray | None = None
    """Vectors of the tags that a model is told, float32 (n_tags, n); None: by the text encoder in use."""


def read_library(
    sources: Sequence[Path],
    *,
    tags_from: TagsFrom | None = None,
    sample_rate: int,
    seed: int,
    held_out: float = HELD_OUT,
    stereo: bool = False,
    needs_seconds: float = LEAST_SECONDS,
    small_seconds: float | None = None,
    cache: Path | None = None,
) -> Library:
    """Read folders of audio and corpora, convert them to one rate and hold some files of each tag out.

    tags_from: as for `liveseq corpus build`; corpora have tags of their own. sample_rate in Hz. held_out: the share of
    each tag's files; a tag of two files or more has one at least on either side. stereo: mono alone will not do.
    needs_seconds: of recordings, at least; small_seconds: needs of the small preset. cache: folder for converted
    recordings, so that the next run need not convert them. Raises LiveseqError where there is too little to learn from.
    """
    if not sources:
        raise TrainingError("nothing to learn from: give at least one --data")
    notes: list[str] = []
    gathered = gather(sources, Cache(cache, sample_rate=sample_rate), notes, tags_from=tags_from)
    kept, name = gathered.recordings, gathered.name
    _check_enough(kept, name=name, rate=sample_rate, needs=needs_seconds, small=small_seconds, notes=notes)
    _check_stereo(kept, name=name, stereo=stereo, notes=notes)
    train, held = _split(kept, seed=seed, share=held_out, notes=notes)
    return Library(
        train=train,
        held_out=held,
        tags=tuple(sorted({recording.tag for recording in kept})),
        sample_rate=sample_rate,
        description=gathered.description(sample_rate),
        notes=tuple(notes),
        fingerprint=gathered.fingerprint(sample_rate, (*train, *held)),
    )


def with_more(library: Library, sources: Sequence[Path], *, cache: Path | None = None) -> Library:
    """The library with further recordings to learn from: held-out ones stay as they are, and no copy of them comes in.

    sources: corpora, and folders with a folder for each tag. Raises TrainingError where one has another tag.
    """
    rate, notes = library.sample_rate, list[str]()
    more = gather(sources, Cache(cache, sample_rate=rate), notes, tags_from=None)
    _check_enough(more.recordings, name=more.name, rate=rate, needs=LEAST_SECONDS, small=None, notes=notes)
    description = more.description(rate)
    held: dict[bytes, list[Recording]] = {}
    for recording in library.held_out:
        held.setdefault(_tail(recording), []).append(recording)
    further = []
    for recording in more.recordings:
        if any(_ends_with(recording, other) for other in held.get(_tail(recording), ())):
            notes.append(f"left out: {recording.name} is held out")
        else:
            further.append(recording)
    strange = sorted({r.tag for r in further} - set(library.tags))
    if strange:
        raise TrainingError(
            f"{description}: expected tags of the recordings that it adds to, found {', '.join(strange)}; "
            "give it by --data, so that some of each is held out"
        )
    fingerprint = more.fingerprint(rate, more.recordings)
    return dataclasses.replace(
        library,
        train=(*library.train, *further),
        description=f"{library.description}; learned from as well: {description}",
        notes=(*library.notes, *notes),
        fingerprint=hashlib.sha256((library.fingerprint + fingerprint).encode()).hexdigest(),
    )


def _tail(recording: Recording) -> bytes:
    """Samples that copies have in common, even of a recording whose end alone is held out."""
    return recording.audio[-SHORTEST:].tobytes()


def _ends_with(recording: Recording, other: Recording) -> bool:
    n = len(other.audio)
    return n <= len(recording.audio) and np.array_equal(recording.audio[-n:], other.audio)


def _check_enough(
    kept: Sequence[Recording], *, name: str, rate: int, needs: float, small: float | None, notes: Sequence[str]
) -> None:
    seconds = sum(len(recording.audio) for recording in kept) / rate
    sounding = sum(_sounding(recording.audio) for recording in kept) / rate
    found = f"{seconds:.0f} s in {len(kept)} recordings"
    refused = f" ({sum('left out' in note for note in notes)} notes; the first: {notes[0]})" if notes else ""
    if seconds < needs:
        fits = small is not None and small <= seconds
        instead = f"add recordings, or take --preset small, which needs {small:.0f} s" if fits else "add recordings"
        raise TrainingError(f"{name}: expected at least {needs:.0f} s to learn from, found {found}{refused}; {instead}")
    if sounding < LEAST_SOUNDING:
        raise TrainingError(
            f"{name}: expected at least {LEAST_SOUNDING:.0f} s that sound (above -60 dBFS), found {sounding:.1f} s in "
            f"{found}{refused}; record louder, or add recordings"
        )


def _sounding(audio: np.ndarray) -> int:
    """Samples in blocks that are no silence."""
    if len(audio) < _BLOCK:
        return len(audio) * bool(np.sqrt(np.mean(np.square(audio))) > _SOUNDING)
    blocks = audio[: len(audio) // _BLOCK * _BLOCK].reshape(-1, _BLOCK * 2)
    return _BLOCK * int((np.sqrt(np.mean(np.square(blocks), axis=1)) > _SOUNDING).sum())


def _check_stereo(kept: Sequence[Recording], *, name: str, stereo: bool, notes: list[str]) -> None:
    if not stereo:
        return
    n_mono = sum(bool(np.array_equal(r.audio[:, 0], r.audio[:, 1])) for r in kept)
    if n_mono == len(kept):
        raise TrainingError(
            f"{name}: expected stereo recordings, found {n_mono}, all mono; a stereo model would learn mono: "
            "add stereo recordings, or train unagan"
        )
    if n_mono:
        notes.append(f"{n_mono} of {len(kept)} recordings are mono: both sides of a stereo model hear the same of them")


def _split(
    kept: Sequence[Recording], *, seed: int, share: float, notes: list[str]
) -> tuple[tuple[Recording, ...], tuple[Recording, ...]]:
    """Train and held-out. Where every tag is a single file, the end of each is held out instead."""
    groups: dict[str, list[Recording]] = {}
    for recording in kept:
        groups.setdefault(recording.tag, []).append(recording)
    train: list[Recording] = []
    held: list[Recording] = []
    for tag, recordings in groups.items():
        order = np.random.default_rng((seed, crc32(tag.encode()))).permutation(len(recordings))
        n_held = min(len(recordings) - 1, max(1, round(share * len(recordings))))
        held += [recordings[i] for i in sorted(order[:n_held])]
        train += [recordings[i] for i in sorted(order[n_held:])]
    if held:
        return tuple(train), tuple(held)
    notes.append(f"no tag has two recordings: the last {100 * share:.0f} % of each are held out instead of whole files")
    ends = [int((1.0 - share) * len(recording.audio)) for recording in train]
    pairs = list(zip(train, ends, strict=True))
    return (
        tuple(Recording(name=r.name, tag=r.tag, audio=r.audio[:end]) for r, end in pairs),
        tuple(Recording(name=f"{r.name} (end)", tag=r.tag, audio=r.audio[end:]) for r, end in pairs),
    )
