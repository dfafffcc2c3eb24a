"""What a conductor is told at start, apart from what it needs: the supervisor imports this, and no model code."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ConductorArguments:
    """All that a conductor is told at start."""

    corpus: Path
    predictor: str
    generator: str
    provider: str
    """What generators are to run on: for the log."""
    state: str
    """Name of the engine's shared memory."""
    orders: str
    """Name of the generator process's."""
    rings: str
    """Name of the one that streams are played from."""
    grow_minutes: float
    state_dir: Path
    sample_rate: int
    block_size: int
    n_layers: int
    seed: int
    look_ahead: float
    """Seconds."""
    seeds: Path
    """Folder that /liveseq/seed/file may read from."""
    input: str | None = None
    """Name of the listener's shared memory; None where no input is configured."""
    allow: tuple[str, ...] = ()
    resume: bool = False
    """Go on from the session snapshot: another conductor has died."""
    play: str | None = None
    """Tag to start with; "" = the first of the corpus."""
