"""Arguments of a listener, apart from what it needs: the supervisor imports this, and no audio code."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ListenerArguments:
    """Everything that a listener is started with."""

    state: str
    """Name of the shared memory: `InputState.name`."""
    corpus: Path
    """Takes go there."""
    sample_rate: int
    """Hz, the corpus's."""
    device: str
    """A name, or default."""
