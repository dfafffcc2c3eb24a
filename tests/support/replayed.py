"""A log played again as a whole: for sessions of seconds."""

from liveseq.offline.player import Take
from liveseq.offline.replay import Outline, replay


def replayed(instrument, header, entries):
    """Its take. entries: gone through twice."""
    rate = instrument.corpus.sample_rate
    return Take.of(replay(instrument, header, entries, Outline.of(entries, sample_rate=rate)), sample_rate=rate)
