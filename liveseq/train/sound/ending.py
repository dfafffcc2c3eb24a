"""What is said at the end of a generator's training: how near it came, and what tells whether it is worth playing."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from liveseq.runtime.folders import MODELS
from liveseq.train import checkpoint

APART = {"musika": "distance", "unagan": "apart"}
"""Of the metrics of each generator that can be played: how far what it draws is from held-out recordings."""
FAR = 3.0
"""Times as far as the shipped one from its own. Musikas that were taught an hour by minutes of recordings came to 1.5
and 2.0; one that was stopped after two minutes had 5.5."""
FEW = 0.25
"""Of the batches of the shipped one: UNAGAN is as near at its first score (1.1 times) as ever, and no model yet."""


def verdict(family: str, metrics: dict[str, Any]) -> str | None:
    """In a sentence. None where nothing was measured that bears on it, or there is no shipped one to compare with."""
    path, name = MODELS / family / checkpoint.METRICS, APART.get(family)
    if name not in metrics or not path.is_file():
        return None
    shipped = checkpoint.load_yaml(path)
    if not shipped.get(name, 0.0) > 0.0:
        return None
    times, batches = metrics[name] / shipped[name], metrics["batches"]
    if batches < FEW * shipped["batches"]:
        told = "hardly trained yet: go on with --resume and more --minutes or --steps"
    elif times > FAR:
        told = "not worth playing yet: go on with --resume and more --minutes or --steps, or give it more recordings"
    else:
        told = "worth a listen; whether it is worth playing no training measures"
    return (
        f"verdict on recordings that it never heard: what it draws is {max(times, 0.0):.1f} times as far from them as "
        f"the shipped {family} from its own, after {batches} batches ({shipped['batches']}): {told}"
    )


def next_steps(
    family: str, metrics: dict[str, Any], *, model: str, tags: Sequence[str], data: Sequence[Path] | None
) -> str:
    """In a line. model: as commands know it. data: recordings; None: their tags stand elsewhere."""
    export = f"next: python export_onnx.py {shlex.quote(model)}"
    if APART.get(family) not in metrics:  # a vocoder, or a published variant, which does not stream
        return export
    listen = shlex.join(["liveseq", "generate", "try.wav", "--model", model, "--tag", tags[0], "--seconds", "20"])
    paths = shlex.join(map(str, data)) if data else "CORPUS"
    judge = f"python -m benchmarks.models.generators --models {shlex.quote(model)} --data {paths} --trial judged.txt"
    return f"{export}, then listen ({listen}), and have it judged beside real sound ({judge})"
