"""Arguments of a conductor, apart from what it needs: the supervisor imports this, and no model code."""

from dataclasses import dataclass
from pathlib import Path

from liveseq.corpus.held import HeldCorpus


@dataclass(frozen=True, kw_only=True)
class ConductorArguments:
    """Everything that a conductor is started with, beside its socket and its pipes."""

    corpus: HeldCorpus
    """As it was when the supervisor opened it last."""
    session: str
    """Name of the shared memory of the newest session: `SessionMemory.name`."""
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
    """Go on from the newest session: another conductor has died."""
    take_up: bool = False
    """Go on from the last session in the state folder, where there is no newer one: the server has died."""
    given_up: tuple[str, ...] = ()
    """Predictors over which a conductor has hung."""
    play: str | None = None
    """Tag to start with, where there is nothing to go on from; "" = the first of the corpus."""
