"""Arguments of a generator process, apart from what it needs: the supervisor imports this, and no model code."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class GeneratorArguments:
    """Everything that a generator process is started with."""

    state: str
    """Name of the shared memory: `GeneratorState.name`."""
    corpus: Path
    """The sound that is made goes there."""
    sample_rate: int
    """Hz, the corpus's."""
    provider: str
    """On which models are to run: cpu, cuda or tensorrt."""
