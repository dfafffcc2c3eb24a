"""What the commands of training read from their command lines."""

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path


def command_line() -> str:
    """As typed, without where this machine keeps things, and without --resume: what was stopped ends the same."""
    words = [Path(w).name if Path(w).is_absolute() else w for w in sys.argv[1:] if w != "--resume"]
    return shlex.join(["liveseq", *words])


def at_least(low: int) -> Callable[[str], int]:
    """A whole number from `low` on."""

    def whole_number(text: str) -> int:
        value = int(text)
        if value < low:
            raise argparse.ArgumentTypeError(f"must be at least {low}, got {value}")
        return value

    return whole_number


def share(text: str) -> float:
    """0 or more and below 1."""
    value = float(text)
    if not 0.0 <= value < 1.0:
        raise argparse.ArgumentTypeError(f"must be 0 or more and below 1, got {text}")
    return value
