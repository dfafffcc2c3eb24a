"""Devices of a training: the one door to lightning Fabric, for every loop."""

import os
from typing import TYPE_CHECKING

from liveseq.errors import TrainingError, one_line

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def is_first() -> bool:
    """Whether this is the process that talks and writes: on several devices each runs the same command."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


def launch(*, accelerator: str, devices: int, precision: str) -> "Fabric":
    """Fabric on so many devices; with several, this process starts the others, which run the same command.

    Raises TrainingError where they are not there.
    """
    from lightning_fabric import Fabric  # seconds that a command line need not wait for

    try:
        fabric = Fabric(accelerator=accelerator, devices=devices, precision=precision)
        fabric.launch()
    except Exception as error:  # Fabric has no exception of its own for a device that is missing
        raise TrainingError(f"cannot train on {devices} x {accelerator} in {precision}: {one_line(error)}") from error
    return fabric
