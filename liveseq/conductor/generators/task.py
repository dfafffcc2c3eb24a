"""One thing that the generator process is to do, as the conductor keeps it."""

from dataclasses import dataclass

from liveseq.conductor.commands import Command
from liveseq.generation.meaning import Meaning, Vocabulary
from liveseq.generation.orders import GeneratorOrder


@dataclass(frozen=True, kw_only=True)
class Task:
    """A model to be opened, or sound to be made."""

    vocabulary: Vocabulary
    """The model's words, and where it lies."""
    meaning: Meaning | None = None
    """None: open the model, no more."""
    seconds: float = 0.0
    seed: int = 0
    tempo: float = 0.0
    """Beats per minute; 0: the model's own."""
    grows: bool = False
    command: Command | None = None
    """None: nobody waits for it."""

    def order(self, number: int) -> GeneratorOrder:
        """The same in shared memory."""
        folder = self.vocabulary.folder.absolute()
        if self.meaning is None:
            return GeneratorOrder(number=number, kind="load", folder=folder)
        return GeneratorOrder(
            number=number,
            kind="make",
            seconds=self.seconds,
            grows=self.grows,
            seed=self.seed,
            tempo=self.tempo,
            folder=folder,
            text=self.meaning.text,
            main=self.meaning.main,
            vector=self.meaning.vector,
        )
