"""Sentences at the end of a training: how near a generator came, and how to find out whether it is worth playing."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from liveseq.runtime.folders import MODELS
from liveseq.train import checkpoint

APART = {"musika": "distance"} | dict.fromkeys(("unagan", "notes", "vae", "recurrent-gan", "recurrent-blocks"), "apart")
"""Name of the metric by which a playable generator is apart from held-out recordings, by its family."""
FAR = 3.0
"""Distance in units of the shipped one's, beyond which a generator is not worth playing.

Musikas that were taught an hour by minutes of recordings came to 1.5 and 2.0; one that was stopped after two minutes
had 5.5.
"""
FEW = 0.25
"""Share of the shipped one's batches that is hardly a training yet.

UNAGAN is as near at its first score (1.1 times) as ever, and no model.
"""


def draws(family: str, metrics: dict[str, Any]) -> bool:
    """Whether it is a generator that streams; a vocoder or a published variant is none."""
    return family == "recurrent-sample" or APART.get(family) in metrics


def verdict_on(family: str, metrics: dict[str, Any], *, begun: bool) -> str | None:
    """Verdict on a training in a sentence; None without a metric for it, or without a shipped model to compare with.

    begun: it began from a trained model, so that few batches say nothing against it.
    """
    path, name = MODELS / family / checkpoint.METRICS, APART.get(family)
    if name not in metrics or not path.is_file():
        return None
    shipped = checkpoint.load_yaml(path)
    if not shipped.get(name, 0.0) > 0.0:
        return None
    times, batches = metrics[name] / shipped[name], metrics["batches"]
    if not begun and batches < FEW * shipped["batches"]:
        verdict = "hardly trained yet: go on with --resume and more --minutes or --steps"
    elif times > FAR:
        verdict = "not worth playing yet: go on with --resume and more --minutes or --steps, or give it more recordings"
    else:
        verdict = "worth a listen; whether it is worth playing no training measures"
    return (
        f"verdict on recordings that it never heard: what it draws is {max(times, 0.0):.1f} times as far from them as "
        f"the shipped {family} from its own, after {batches} batches ({shipped['batches']}): {verdict}"
    )


def next_steps(
    family: str, metrics: dict[str, Any], *, model: str, tags: Sequence[str], data: Sequence[Path] | None
) -> str:
    """Commands to go on with, in a line.

    model: its name or path; data: folders of recordings; None: their tags stand elsewhere.
    """
    export = f"next: python export_onnx.py {shlex.quote(model)}"
    if not draws(family, metrics):
        return export
    listen = shlex.join(["liveseq", "generate", "try.wav", "--model", model, "--tag", tags[0], "--seconds", "20"])
    paths = shlex.join(map(str, data)) if data else "CORPUS"
    judge = f"python -m benchmarks.models.generators --models {shlex.quote(model)} --data {paths} --trial judged.txt"
    return f"{export}, then listen ({listen}), and have it judged beside real sound ({judge})"
