"""Where a training runs: the one door to lightning Fabric's devices, for every loop."""

import os
from typing import TYPE_CHECKING

from liveseq.errors import TrainingError

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def is_first() -> bool:
    """On several devices each process runs the same command; one of them talks and writes."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


def launch(*, accelerator: str, devices: int, precision: str) -> "Fabric":
    """The devices that are asked for; with several, this process starts the others, which run the same command.

    Raises TrainingError where they are not there.
    """
    from lightning_fabric import Fabric  # seconds that a command line need not wait for

    try:
        fabric = Fabric(accelerator=accelerator, devices=devices, precision=precision)
        fabric.launch()
    except Exception as error:  # Fabric has no exception of its own for a device that is missing
        told = " ".join(str(error).split())[:200]
        raise TrainingError(f"cannot train on {devices} x {accelerator} in {precision}: {told}") from error
    return fabric
