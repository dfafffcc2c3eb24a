"""Figures of benchmarks: one JSON file each, with the machine that made them."""

import json
import os
import platform
from pathlib import Path
from typing import Any

from benchmarks.paths import RESULTS


def machine() -> dict[str, str]:
    """The machine, as far as figures depend on it."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0] if names else cpu
    return {
        "cpu": cpu,
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def save(name: str, figures: dict[str, Any]) -> dict[str, Any]:
    """Writes benchmarks/results/NAME.json. Returns the figures with the machine."""
    RESULTS.mkdir(exist_ok=True)
    figures = {"machine": machine(), **figures}
    (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n")
    return figures


def load(name: str) -> dict[str, Any] | None:
    """The last figures of that name, None where it was never run."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None
