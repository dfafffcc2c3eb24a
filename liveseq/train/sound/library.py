"""Recordings that a sound model learns from: folders of audio and corpora, at one rate, split by file.

What cannot be used is one line of the notes, and the rest goes on; what cannot be learned from at all is refused with
what it would take. Every training of the same recordings and seed holds out the same files.
"""

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

from liveseq.corpus.folder import Folder
from liveseq.corpus.schema import DATABASE
from liveseq.corpus.source import Source
from liveseq.corpus.store import Corpus
from liveseq.corpus.tagging import TagsFrom
from liveseq.errors import CorpusError, TrainingError
from liveseq.train.sound.cached import Cache, Wanted

LEAST_SECONDS = 60.0
"""Of recordings; less is learned by heart."""
LEAST_SOUNDING = 5.0
"""Seconds of them above -60 dBFS."""
HELD_OUT = 0.15
"""The share of each tag's files."""
UNTAGGED = "sound"
"""The tag of what has none."""
_SHORTEST = 1024  # samples
_SOUNDING = 1e-3  # RMS
_BLOCK = 4800  # samples over which it is taken


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One recording, or a part of one."""

    name: str
    tag: str
    audio: np.ndarray
    """float32 (n_samples, 2), mapped where it comes from a file."""


@dataclass(frozen=True, kw_only=True)
class Library:
    """What is learned from, and what it is measured on."""

    train: tuple[Recording, ...]
    held_out: tuple[Recording, ...]
    tags: tuple[str, ...]
    """Sorted. Crops count tags by their place here."""
    sample_rate: int
    """Hz."""
    description: str
    """One line, for a manifest."""
    notes: tuple[str, ...]
    """What was left out or changed, a sentence each."""
    fingerprint: str
    """Of the recordings and of how they are split."""


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What there is to learn from, each recording once."""

    kept: list[Recording]
    digests: list[str]
    """SHA-256 of each."""

    def description(self, name: str, sample_rate: int) -> str:
        minutes = sum(len(r.audio) for r in self.kept) / sample_rate / 60
        return f"{name}: {len(self.kept)} recordings, {minutes:.1f} minutes, {len({r.tag for r in self.kept})} tags"

    def fingerprint(self, sample_rate: int, recordings: Sequence[Recording]) -> str:
        """recordings: all that were given, in an order that says how they are split."""
        told = "".join(f"{r.name}\0{r.tag}\0{len(r.audio)}\0" for r in recordings)
        return hashlib.sha256(f"{sample_rate}\0{told}{''.join(self.digests)}".encode()).hexdigest()


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
    needs_seconds: of recordings, at least; small_seconds: what the small preset would do with. cache: folder for what
    had to be converted, so that the next run need not. Raises LiveseqError where there is too little to learn from.
    """
    if not sources:
        raise TrainingError("nothing to learn from: give at least one --data")
    store, notes = Cache(cache, sample_rate=sample_rate), []
    found = _gather(sources, store, notes, tags_from=tags_from)
    name = _name(sources)
    _check_enough(found.kept, name=name, rate=sample_rate, needs=needs_seconds, small=small_seconds, notes=notes)
    _check_stereo(found.kept, name=name, stereo=stereo, notes=notes)
    train, held = _split(found.kept, seed=seed, share=held_out, notes=notes)
    return Library(
        train=train,
        held_out=held,
        tags=tuple(sorted({recording.tag for recording in found.kept})),
        sample_rate=sample_rate,
        description=found.description(name, sample_rate),
        notes=tuple(notes),
        fingerprint=found.fingerprint(sample_rate, (*train, *held)),
    )


def with_more(library: Library, sources: Sequence[Path], *, cache: Path | None = None) -> Library:
    """The same, with further recordings to learn from: what is held out stays what it was, and no copy of it comes in.

    sources: corpora, and folders with a folder for each tag. Raises TrainingError where one has another tag.
    """
    store, notes = Cache(cache, sample_rate=library.sample_rate), list[str]()
    more = _gather(sources, store, notes, tags_from=None)
    name = _name(sources)
    _check_enough(more.kept, name=name, rate=library.sample_rate, needs=LEAST_SECONDS, small=None, notes=notes)
    description = more.description(name, library.sample_rate)
    held: dict[bytes, list[Recording]] = {}
    for recording in library.held_out:
        held.setdefault(_tail(recording), []).append(recording)
    found = []
    for recording in more.kept:
        if any(_ends_with(recording, other) for other in held.get(_tail(recording), ())):
            notes.append(f"left out: {recording.name} is held out")
        else:
            found.append(recording)
    strange = sorted({r.tag for r in found} - set(library.tags))
    if strange:
        raise TrainingError(
            f"{description}: expected tags of the recordings that it adds to, found {', '.join(strange)}; "
            "give it by --data, so that some of each is held out"
        )
    fingerprint = more.fingerprint(library.sample_rate, more.kept)
    return dataclasses.replace(
        library,
        train=(*library.train, *found),
        description=f"{library.description}; learned from as well: {description}",
        notes=(*library.notes, *notes),
        fingerprint=hashlib.sha256((library.fingerprint + fingerprint).encode()).hexdigest(),
    )


def _gather(sources: Sequence[Path], store: Cache, notes: list[str], *, tags_from: TagsFrom | None) -> _Found:
    found: list[Recording] = []
    for path in sources:
        if (path / DATABASE).is_file():
            found += _from_corpus(path, store, notes)
        else:
            found += _from_folder(path, store, notes, tags_from=tags_from)
    store.tidy()
    kept, digests = _usable(found, notes)
    return _Found(kept=kept, digests=digests)


def _name(sources: Sequence[Path]) -> str:
    return ", ".join(path.name for path in sources)


def _tail(recording: Recording) -> bytes:
    """What copies have in common, even of a recording whose end alone is held out."""
    return recording.audio[-_SHORTEST:].tobytes()


def _ends_with(recording: Recording, other: Recording) -> bool:
    n = len(other.audio)
    return n <= len(recording.audio) and np.array_equal(recording.audio[-n:], other.audio)


def _from_folder(path: Path, store: Cache, notes: list[str], *, tags_from: TagsFrom | None) -> list[Recording]:
    try:
        folder = Folder(path, tags_from=tags_from)
    except CorpusError as error:
        raise TrainingError(str(error)) from error
    notes += [f"left out: {complaint}" for complaint in folder.complaints]
    wanted = [Wanted.file(recording) for recording in folder.recordings]
    # The folder next to a file says most about it; a table and a prefix name what matters first.
    place = -1 if tags_from == "folder" or tags_from is None else 0
    tags = {name: found[place] if found else UNTAGGED for name, found in folder.tags.items()}
    return _read(wanted, store, notes, tags=tags)


def _from_corpus(path: Path, store: Cache, notes: list[str]) -> list[Recording]:
    with Corpus.open(path) as corpus:
        sources = corpus.sources()
        rate = corpus.sample_rate
        shards = [corpus.shard_path(number) for number in range(1 + max((s.shard for s in sources), default=-1))]
    own = [source for source in sources if source.provenance.kind == "generator"]
    if own:
        notes.append(f"left out: {len(own)} sources of {path.name} that a model made")
    sources = [source for source in sources if source.provenance.kind != "generator"]
    if rate == store.sample_rate:
        return list(_mapped(sources, shards))
    tags = {source.name: _tag(source) for source in sources}
    return _read([Wanted.source(path, source) for source in sources], store, notes, tags=tags)


def _mapped(sources: Sequence[Source], shards: Sequence[Path]) -> Iterator[Recording]:
    """As it lies in the corpus; each shard is mapped once, since each map holds a file open."""
    maps = {n: np.memmap(shards[n], dtype="<f4", mode="r").reshape(-1, 2) for n in {s.shard for s in sources}}
    for source in sources:
        audio = maps[source.shard][source.start : source.start + source.n_samples]
        yield Recording(name=source.name, tag=_tag(source), audio=audio)


def _tag(source: Source) -> str:
    return source.tags[0] if source.tags else UNTAGGED


def _read(wanted: Sequence[Wanted], store: Cache, notes: list[str], *, tags: dict[str, str]) -> list[Recording]:
    found = store.read(wanted)
    notes += [f"left out: {reason}" for reason in found.refused]
    if len(found.rates) > 1:
        told = ", ".join(f"{n} of {rate} Hz" for rate, n in sorted(found.rates.items()))
        notes.append(f"mixed sample rates ({told}): all are brought to {store.sample_rate} Hz")
    return [Recording(name=name, tag=tags[name], audio=audio) for name, audio in found.audio.items()]


def _usable(found: Sequence[Recording], notes: list[str]) -> tuple[list[Recording], list[str]]:
    """Each only once: a copy of a training file among the held-out ones would flatter us. With their SHA-256."""
    seen: dict[str, str] = {}
    kept = []
    n_short = 0
    for recording in found:
        if len(recording.audio) < _SHORTEST:
            n_short += 1
            continue
        digest = _digest(recording.audio)
        if digest in seen:
            notes.append(f"left out: {recording.name} is a copy of {seen[digest]}")
            continue
        seen[digest] = recording.name
        kept.append(recording)
    if n_short:
        notes.append(f"left out: {n_short} recording{'s' * (n_short > 1)} shorter than {_SHORTEST} samples")
    return kept, list(seen)


def _digest(audio: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(audio).data).hexdigest()


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
