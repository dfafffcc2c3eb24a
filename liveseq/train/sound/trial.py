"""Inputs for trial runs of a graph of sound, as a server would give them."""

from collections.abc import Iterator

import numpy as np

from liveseq.runtime.manifest import Manifest
from liveseq.runtime.session import Session
from liveseq.train.stepping import Arrays, first_states, named, run_step


def stream(manifest: Manifest, *, n_steps: int) -> Iterator[Arrays]:
    """Inputs of each step of a stream, of the manifest's shapes (...), under four tags."""
    shapes = {t.name: tuple(int(n) for n in t.shape) for t in manifest.inputs}
    return random_inputs(shapes, n_steps=n_steps, n_tags=4)


def random_inputs(shapes: dict[str, tuple[int, ...]], *, n_steps: int, n_tags: int, seed: int = 0) -> Iterator[Arrays]:
    """Inputs of each step, in the order and of the shapes (...) that are given.

    z is new at each step, and so is a latent, and how much it is held; a tag and a tempo change now and then; a mel is
    music-like in its range (log10 from -5 up) and in that it lasts.
    """
    rng = np.random.default_rng(seed)
    held: dict[str, np.ndarray] = {}
    for number in range(n_steps):
        if "tag" in shapes and number % -(-n_steps // n_tags) == 0:
            tag = rng.standard_normal(shapes["tag"], dtype=np.float32)
            held["tag"] = tag / max(float(np.linalg.norm(tag)), 1e-9)
        if "tempo" in shapes and number % max(1, n_steps // (2 * n_tags)) == 0:
            own = bool(rng.integers(2)) or "tempo" not in held
            held["tempo"] = np.array([0.0 if own else rng.uniform(60.0, 180.0)], dtype=np.float32)
        if "travel" in shapes:
            held["travel"] = rng.uniform(0.0, 1.0, shapes["travel"]).astype(np.float32)
        if "mel" in shapes:
            place = rng.uniform(-4.0, 0.5, (shapes["mel"][0], 1))
            held["mel"] = np.maximum(place + 0.3 * rng.standard_normal(shapes["mel"]), -5.0).astype(np.float32)
        yield [
            held[name] if name in held else rng.standard_normal(shape, dtype=np.float32)
            for name, shape in shapes.items()
        ]


def settled_feed(manifest: Manifest, session: Session) -> dict[str, np.ndarray]:
    """Inputs and states by name, of the manifest's shapes (...), from the middle of a stream.

    For timing: zeros as states are faster or slower than what follows.
    """
    states = first_states(manifest)
    for inputs in stream(manifest, n_steps=8):
        _, states = run_step(manifest, session, inputs, states)
    return named(manifest, inputs, states)
