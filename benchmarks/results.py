"""Where figures are kept: one JSON file per benchmark, with the machine that made them."""

import json
import os
import platform
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"


def machine() -> dict[str, str]:
    """What the figures depend on."""
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


def save(name: str, figures: dict[str, Any]) -> None:
    """Write benchmarks/results/NAME.json."""
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps({"machine": machine(), **figures}, indent=2)
    (FOLDER / f"{name}.json").write_text(text + "\n")


def load(name: str) -> dict[str, Any] | None:
    """The last figures of that name, None where it was never run."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None
