"""A folder of recordings compared with a corpus: new, changed, moved and gone ones.

A recording is its bytes (SHA-256), not its name: the same file in two places is one source with the tags of both, and a
renamed one is not added again. While size and time of a file are what they were, it is not even read.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from liveseq.corpus.analyse import Addition, FromFile
from liveseq.corpus.names import composed, printable
from liveseq.corpus.recordings.tagging import TagsFrom, origin_of_tags, tags_of
from liveseq.corpus.recordings.walk import Walk, skipped_words
from liveseq.corpus.source import Provenance, Source
from liveseq.corpus.store import Corpus
from liveseq.errors import CorpusError


@dataclass(frozen=True)
class Recording:
    """A sound file in a folder."""

    path: Path
    name: str
    """Path from the folder on, with "/", printable and composed."""
    n_bytes: int
    modified_ns: int


class Folder:
    """The recordings of a folder."""

    def __init__(self, root: Path, *, tags_from: TagsFrom | None) -> None:
        """Raises CorpusError if there is no recording in it."""
        self.root = Path(os.path.abspath(root))
        if not self.root.is_dir():
            found = "a file" if self.root.exists() else "nothing"
            raise CorpusError(f"{root}: expected a folder of recordings, found {found}; check the path")
        walk = Walk(self.root)
        self.skipped = walk.skipped
        """Count of what is no sound file that can be read, by kind."""
        self.complaints = walk.complaints
        """One sentence for everything in it that cannot be used."""
        recordings = [_recording(path, status, root=self.root) for path, status in walk.files]
        self.recordings = sorted(recordings, key=lambda recording: (recording.name, recording.path))
        if not self.recordings:
            reasons = "; ".join([*self.complaints[:1], *([skipped_words(self.skipped)] if self.skipped else [])])
            found = f"none ({reasons})" if reasons else "none"
            kinds = "wav, flac, mp3, ogg, aiff, caf ..."
            raise CorpusError(f"{root}: expected sound files ({kinds}), found {found}; give a folder of recordings")
        self.tags_origin = origin_of_tags([recording.name for recording in self.recordings], tags_from=tags_from)
        """Place that the tags are taken from, in words."""
        self.tags, useless = tags_of([recording.name for recording in self.recordings], tags_from=tags_from)
        self.complaints += useless

    @property
    def n_bytes(self) -> int:
        """Size of all recordings together."""
        return sum(recording.n_bytes for recording in self.recordings)


def _recording(path: Path, status: os.stat_result, *, root: Path) -> Recording:
    name = composed(printable(path.relative_to(root)))
    return Recording(path, name, status.st_size, status.st_mtime_ns)


class Comparison:
    """Comparison of a folder with a corpus, for one build."""

    def __init__(self, folder: Folder, corpus: Corpus) -> None:
        self._folder = folder
        self._corpus = corpus
        files = [source for source in corpus.sources() if source.provenance.sha256]
        self._by_path = {source.provenance.path: source for source in files}
        self._by_sha256 = {source.provenance.sha256: source for source in files}
        self._tags: dict[str, dict[str, None]] = {}  # by SHA-256: those that this folder gives, an ordered set
        self.n_known = 0
        self.lost: dict[str, tuple[str, ...]] = {}
        """Tags that sources in their old places had, and that this folder does not give them; filled by `finish`."""
        self._moved: set[int] = set()  # sources

    def additions(self, *, skip: Callable[[int], None]) -> Iterator[Addition]:
        """Recordings that are to be added. skip: called with the bytes of each that need not be."""
        for recording in self._folder.recordings:
            there = self._by_path.get(printable(recording.path))
            try:
                sha256 = _unchanged(there, recording) or _sha256(recording.path)
            except OSError as error:
                self._folder.complaints.append(f"{recording.name}: cannot be read ({error.strerror})")
                skip(recording.n_bytes)
                continue
            is_new = sha256 not in self._by_sha256 and sha256 not in self._tags
            self._tags.setdefault(sha256, {}).update(dict.fromkeys(self._folder.tags[recording.name]))
            if is_new:
                yield self._addition(recording, sha256, replaces=there)
            else:
                self._know(recording, sha256)
                skip(recording.n_bytes)

    def finish(self) -> tuple[list[str], list[str]]:
        """Bring the tags of the corpus up to date with the folder's.

        Returns the names of the sources whose file is gone from the folder, and of those, known before, that have other
        tags now.
        """
        missing, retagged = [], []
        for source in self._corpus.sources():
            inside = self._is_inside(source)
            wanted = self._tags.get(source.provenance.sha256 or "")
            if wanted is None:
                missing += [source.name] * inside
                continue
            tags = tuple(wanted) if inside else (*source.tags, *wanted)  # elsewhere it has tags of its own
            if set(tags) != set(source.tags):
                self._corpus.set_tags(source.id, tags)
                gone = tuple(tag for tag in source.tags if tag not in tags)
                if gone and source.id not in self._moved:
                    self.lost[source.name] = gone
                retagged += [source.name] * (source.provenance.sha256 in self._by_sha256)
        return missing, retagged

    def _addition(self, recording: Recording, sha256: str, *, replaces: Source | None) -> Addition:
        provenance = Provenance(
            kind="file",
            path=printable(recording.path),
            sha256=sha256,
            n_bytes=recording.n_bytes,
            modified_ns=recording.modified_ns,
        )
        return Addition(
            origin=FromFile(recording.path),
            name=recording.name,
            tags=self._folder.tags[recording.name],
            provenance=provenance,
            replaces=replaces.id if replaces else None,
            size=recording.n_bytes,
        )

    def _know(self, recording: Recording, sha256: str) -> None:
        self.n_known += 1
        source = self._by_sha256.get(sha256)
        if source is None:
            return  # twice in this folder, and on its way
        before, path = source.provenance, printable(recording.path)
        now = (path, recording.n_bytes, recording.modified_ns)
        moved = before.path != path and not (before.path and Path(before.path).exists())
        if moved:
            self._moved.add(source.id)
        if moved or (before.path == path and now != (before.path, before.n_bytes, before.modified_ns)):
            self._corpus.set_file(source.id, path=path, n_bytes=recording.n_bytes, modified_ns=recording.modified_ns)

    def _is_inside(self, source: Source) -> bool:
        path = source.provenance.path
        root = composed(printable(self._folder.root))
        return path is not None and Path(composed(path)).is_relative_to(root)


def _unchanged(there: Source | None, recording: Recording) -> str | None:
    """SHA-256 of the recording if its file is as it was when it was added."""
    if there is None:
        return None
    before = there.provenance
    same = (before.n_bytes, before.modified_ns) == (recording.n_bytes, recording.modified_ns)
    return before.sha256 if same else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
