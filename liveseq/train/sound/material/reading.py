"""Reads the recordings of folders and corpora at one sample rate; each that cannot be used is one line of the notes."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liveseq.corpus.recordings.folder import Folder
from liveseq.corpus.recordings.tagging import TagsFrom
from liveseq.corpus.recordings.walk import skipped_words
from liveseq.corpus.schema import DATABASE
from liveseq.corpus.source import Source
from liveseq.corpus.store import Corpus
from liveseq.errors import CorpusError, TrainingError
from liveseq.train.recordings import each_once
from liveseq.train.sound.material.cache import Cache, Original

SHORTEST = 1024
"""Samples of a recording, at least."""
UNTAGGED = "sound"
"""Tag of a recording that has none."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One recording, or a part of one."""

    name: str
    tag: str
    audio: np.ndarray
    """float32 (n_samples, 2), mapped where it comes from a file."""


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """Recordings of some folders and corpora, each once."""

    name: str
    """Names of the folders and corpora."""
    recordings: list[Recording]
    digests: list[str]
    """SHA-256 of the audio of each."""

    def description(self, sample_rate: int) -> str:
        """One line, for a manifest."""
        minutes = sum(len(r.audio) for r in self.recordings) / sample_rate / 60
        n_tags = len({r.tag for r in self.recordings})
        return f"{self.name}: {len(self.recordings)} recordings, {minutes:.1f} minutes, {n_tags} tags"

    def fingerprint(self, sample_rate: int, recordings: Sequence[Recording]) -> str:
        """SHA-256 of the recordings in an order that says how they are split, and of their audio."""
        listed = "".join(f"{r.name}\0{r.tag}\0{len(r.audio)}\0" for r in recordings)
        return hashlib.sha256(f"{sample_rate}\0{listed}{''.join(self.digests)}".encode()).hexdigest()


def gather(sources: Sequence[Path], cache: Cache, notes: list[str], *, tags_from: TagsFrom | None) -> Gathered:
    """Read folders of audio and corpora at the cache's rate.

    tags_from: as for `liveseq corpus build`; corpora have tags of their own. Appends to the notes.
    """
    recordings: list[Recording] = []
    for path in sources:
        if (path / DATABASE).is_file():
            recordings += _from_corpus(path, cache, notes)
        else:
            recordings += _from_folder(path, cache, notes, tags_from=tags_from)
    cache.tidy()
    kept = each_once(
        recordings,
        contents=lambda recording: recording.audio,
        is_long_enough=lambda recording: len(recording.audio) >= SHORTEST,
        least=f"{SHORTEST} samples",
        notes=notes,
    )
    name = ", ".join(path.name for path in sources)
    return Gathered(name=name, recordings=list(kept.values()), digests=list(kept))


def _from_folder(path: Path, cache: Cache, notes: list[str], *, tags_from: TagsFrom | None) -> list[Recording]:
    try:
        folder = Folder(path, tags_from=tags_from)
    except CorpusError as error:
        raise TrainingError(str(error)) from error
    notes += [f"left out: {complaint}" for complaint in folder.complaints]
    if folder.skipped:
        notes.append(f"left out of {path.name}: {skipped_words(folder.skipped)}")
    originals = [Original.file(recording) for recording in folder.recordings]
    # The folder next to a file says most about it; a table and a prefix name what matters first.
    place = -1 if tags_from == "folder" or tags_from is None else 0
    tags = {name: found[place] if found else UNTAGGED for name, found in folder.tags.items()}
    return _converted(originals, cache, notes, tags=tags)


def _from_corpus(path: Path, cache: Cache, notes: list[str]) -> list[Recording]:
    with Corpus.open(path) as corpus:
        sources = corpus.sources()
        rate = corpus.sample_rate
        shards = [corpus.shard_path(number) for number in range(1 + max((s.shard for s in sources), default=-1))]
    generated = [source for source in sources if source.provenance.kind == "generator"]
    if generated:
        notes.append(f"left out: {len(generated)} sources of {path.name} that a model made")
    sources = [source for source in sources if source.provenance.kind != "generator"]
    if rate == cache.sample_rate:
        return list(_mapped(sources, shards))
    tags = {source.name: _tag(source) for source in sources}
    return _converted([Original.source(path, source) for source in sources], cache, notes, tags=tags)


def _mapped(sources: Sequence[Source], shards: Sequence[Path]) -> Iterator[Recording]:
    """Recordings as they lie in the corpus; each shard is mapped once, since each map holds a file open."""
    maps = {n: np.memmap(shards[n], dtype="<f4", mode="r").reshape(-1, 2) for n in {s.shard for s in sources}}
    for source in sources:
        audio = maps[source.shard][source.start : source.start + source.n_samples]
        yield Recording(name=source.name, tag=_tag(source), audio=audio)


def _tag(source: Source) -> str:
    return source.tags[0] if source.tags else UNTAGGED


def _converted(
    originals: Sequence[Original], cache: Cache, notes: list[str], *, tags: dict[str, str]
) -> list[Recording]:
    converted = cache.read(originals)
    notes += [*(f"left out: {reason}" for reason in converted.refused), *converted.notes]
    if len(converted.rates) > 1:
        rates = ", ".join(f"{n} of {rate} Hz" for rate, n in sorted(converted.rates.items()))
        notes.append(f"mixed sample rates ({rates}): all are brought to {cache.sample_rate} Hz")
    return [Recording(name=name, tag=tags[name], audio=audio) for name, audio in converted.audio.items()]
