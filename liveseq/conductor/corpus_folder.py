"""The folder of a corpus that is being played: it may change, be damaged, vanish and come back. Any one thread."""

from liveseq.corpus.append import reason
from liveseq.corpus.own_words.reading import Stamp, stamp_of
from liveseq.corpus.own_words.sheet import NAME
from liveseq.corpus.schema import DATABASE, DatabaseError
from liveseq.corpus.store import Corpus
from liveseq.errors import CorpusError

Identity = tuple[int, tuple[bytes, bytes, bytes]]
"""Id and digests of a source."""


class CorpusFolder:
    """Looked at again and again, by path: a folder that is back is another one."""

    def __init__(self, played: Corpus, *, words: Stamp = None) -> None:
        """played: the corpus as it is played now. words: stamp of its file of the performer's words."""
        self._path = played.path
        self._played = played
        self._origin: list[Identity] | None = None  # of what is played, once it is known
        self._moment = played.moment()
        self._open: Corpus | None = None
        self._file = (0, 0)  # device and number of the database's file
        self._seen = 0  # its version
        self._words = words
        self._version = 0

    def version(self) -> int:
        """A number that is another one after the corpus there has changed; 0 as long as it is what was played first.

        Raises CorpusError where it cannot be read now, or is another corpus.
        """
        try:
            found = (self._path / DATABASE).stat()
            if self._open is None or self._file != (found.st_dev, found.st_ino):
                self._reopen()
                self._file = (found.st_dev, found.st_ino)
            assert self._open is not None
            version = self._open.version()
            if version != self._seen:
                self._seen, self._moment = version, self._open.moment()
                self._version += 1
            words = stamp_of(self._path / NAME)
            if words != self._words:
                self._words = words
                self._version += 1
        except (OSError, DatabaseError, CorpusError) as error:
            self._close()
            raise error if isinstance(error, CorpusError) else CorpusError(f"{self._path}: {reason(error)}") from error
        return self._version

    def _reopen(self) -> None:
        self._close()
        self._open = Corpus.open(self._path)
        if self._origin is None:
            self._origin = _identity(self._played)
        if _identity(self._open)[: len(self._origin)] != self._origin:
            raise CorpusError(f"{self._path}: another corpus lies there now")
        self._seen, moment = self._open.version(), self._open.moment()
        if moment.last < self._moment.last or not {*self._moment.retired} <= {*moment.retired}:
            raise CorpusError(f"{self._path}: the corpus lies there as it was before; what has come since is missing")
        self._version += moment != self._moment
        self._moment = moment

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


def _identity(corpus: Corpus) -> list[Identity]:
    """Every source that there ever was: those of before stay as a corpus grows."""
    return [(one.id, corpus.digests(one.id)) for one in corpus.sources(retired=True)]
