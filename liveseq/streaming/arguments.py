"""Arguments of a streamer, apart from what it needs: the supervisor imports this, and no model code."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class StreamerArguments:
    """Everything that a streamer is started with."""

    rings: str
    """Name of the shared memory that streams are played from: `StreamRings.name`."""
    engine: str
    """Name of the engine's, whose clock says what is needed when: `EngineState.name`."""
    sample_rate: int
    """Hz."""
    n_layers: int
    provider: str
    """On which models are to run: cpu, cuda or tensorrt."""
