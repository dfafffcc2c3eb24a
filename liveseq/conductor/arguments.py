"""Arguments of a conductor, apart from what it needs: the supervisor imports this, and no model code."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ConductorArguments:
    """Everything that a conductor is started with, beside its socket and its pipes."""

    corpus: Path
    predictor: str
    generator: str
    provider: str
    """On which generators are to run: for the log."""
    state: str
    """Name of the engine's shared memory: `EngineState.name`."""
    orders: str
    """Name of the generator process's: `GeneratorState.name`."""
    rings: str
    """Name of the one that streams are played from: `StreamRings.name`."""
    grow_minutes: float
    state_dir: Path
    """Folder of the log and of the session snapshot."""
    sample_rate: int
    """Hz."""
    output: str
    """The engine's, as EngineArguments has it."""
    block_size: int
    """Samples."""
    n_layers: int
    seed: int
    look_ahead: float
    """Seconds."""
    seeds: Path
    """Folder that /liveseq/seed/file may read from."""
    input: str | None = None
    """Name of the listener's shared memory: `InputState.name`; None where no input is configured."""
    allow: tuple[str, ...] = ()
    """Other hosts that may send and be sent to, as OscConfig has them."""
    resume: bool = False
    """Go on from the session snapshot: another conductor has died."""
    play: str | None = None
    """Tag to start with; "" = the first of the corpus."""
