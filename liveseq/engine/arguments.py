"""Arguments of an engine, apart from what it needs: the supervisor imports this, and no audio code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from liveseq.corpus.held import HeldFile


@dataclass(frozen=True, kw_only=True)
class EngineArguments:
    """Everything that an engine is started with, beside its pipe."""

    state: str
    """Name of the shared memory: `EngineState.name`."""
    audio_folder: Path
    """Folder of the corpus's audio files."""
    shards: tuple[tuple[int, int], ...]
    """(number, samples) of each."""
    held: Mapping[Path, HeldFile] = field(default_factory=dict)
    """Those that are open, by their paths: their folder may have gone."""
    sample_rate: int
    """Hz."""
    block_size: int
    """Samples."""
    output: str
    """none, wav:PATH, default, or a device's name."""
    n_layers: int = 2
    rings: str | None = None
    """Name of the shared memory that streams lie in: `StreamRings.name`; None: there are none."""
    ring_places: tuple[tuple[int, int], ...] = ()
    """(bytes from its beginning, samples) of each layer's."""
