"""What the generator process is to do next, as the conductor keeps it."""

from dataclasses import dataclass

from liveseq.conductor.commands import Command
from liveseq.generation.meaning import Meaning, Vocabulary
from liveseq.generation.orders import GeneratorOrder


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be ordered, or is. meaning None: open the model, no more. command None: nobody waits for it."""

    vocabulary: Vocabulary
    meaning: Meaning | None = None
    seconds: float = 0.0
    seed: int = 0
    tempo: float = 0.0
    """Beats per minute; 0: the model's own."""
    grows: bool = False
    command: Command | None = None

    def order(self, number: int) -> GeneratorOrder:
        """The same in shared memory."""
        if self.meaning is None:
            return GeneratorOrder(number=number, kind="load", folder=self.vocabulary.folder.absolute())
        return GeneratorOrder(
            number=number,
            kind="make",
            seconds=self.seconds,
            grows=self.grows,
            seed=self.seed,
            tempo=self.tempo,
            folder=self.vocabulary.folder.absolute(),
            text=self.meaning.text,
            main=self.meaning.main,
            vector=self.meaning.vector,
        )


@dataclass(frozen=True)
class Ordered:
    """The order that is being obeyed. task None: one of a conductor that has died."""

    number: int
    generation: int
    task: Task | None
