"""Seeds from sound files, and predictors by name: read beside the music, they act when they are ready."""

from pathlib import Path
from typing import Any

from liveseq.conductor.commands import Command, Handler
from liveseq.conductor.desk import Desk
from liveseq.osc.checks import layer_argument
from liveseq.osc.packets import PREFIX
from liveseq.performance.knobs import check_model_name
from liveseq.performance.seeds import prime_arguments, read_seed


class Preparation:
    """One per conductor."""

    def __init__(self, desk: Desk, *, seeds: Path) -> None:
        """seeds: folder from which /liveseq/seed/file may read."""
        self.handlers: dict[str, Handler] = {"seed/file": self._seed, "predict/model": self._model}
        self._desk = desk
        self._seeds = seeds

    def _seed(self, command: Command, _: float) -> None:
        desk, units = self._desk, self._desk.performance.sequencer.units
        layer = layer_argument(command.arguments, 1, n_layers=desk.performance.n_layers)
        row = desk.performance.table[f"{PREFIX}/layer/{layer}/prime"]
        name = str(command.arguments[0])
        notes: list[str] = []

        def read() -> Any:
            rate, hop_length = units.sample_rate, units.hop_length
            return prime_arguments(read_seed(self._seeds, name, sample_rate=rate, hop_length=hop_length, notes=notes))

        def prime(arguments: Any, now: float) -> None:
            for note in notes:
                desk.outbox.log("warning", note, now=now)
            desk.perform(command, row, arguments, now=now)

        desk.prepare(command, read, prime)

    def _model(self, command: Command, _: float) -> None:
        performance, name = self._desk.performance, str(command.arguments[0])
        known = name in performance.sequencer.predictors
        if not known:
            check_model_name(name)
        is_ready = known and name not in performance.instrument.given_up()

        def use(predictor: Any, now: float) -> None:
            performance.use_predictor(name, predictor)
            self._desk.perform(command, command.row, command.arguments, now=now)

        self._desk.prepare(command, lambda: None if is_ready else performance.instrument.load_predictor(name), use)
