"""A graph of sound run as a server would run it: a stream of inputs, and the states that go round."""

from collections.abc import Iterator

import numpy as np

from liveseq.runtime.manifest import Manifest
from liveseq.runtime.session import Session

Inputs = list[np.ndarray]
States = list[np.ndarray]


def start(manifest: Manifest) -> States:
    """Of a new stream."""
    rng = np.random.default_rng(0)
    return [
        rng.standard_normal(s.shape).astype(s.dtype) if s.start == "normal" else np.zeros(s.shape, dtype=s.dtype)
        for s in manifest.states
    ]


def run(manifest: Manifest, session: Session, inputs: Inputs, states: States) -> tuple[np.ndarray, States]:
    """Sound of one step, and the states after it."""
    feed = _named(manifest, inputs, states)
    audio, *after = session.run(feed, [manifest.outputs[0].name, *(s.output for s in manifest.states)])
    return audio, after


def feed_of(manifest: Manifest, session: Session) -> dict[str, np.ndarray]:
    """What goes in in the middle of a stream: zeros as states are faster or slower than what follows."""
    states = start(manifest)
    for inputs in stream(manifest, n_steps=8):
        _, states = run(manifest, session, inputs, states)
    return _named(manifest, inputs, states)


def goes_on(manifest: Manifest, first: Session, second: Session, *, n_steps: int = 20) -> bool:
    """Whether a state that is saved in one session goes on in the other bit for bit, as it does in the first."""
    states, told = start(manifest), list(stream(manifest, n_steps=n_steps))
    for inputs in told[: n_steps // 2]:
        _, states = run(manifest, first, inputs, states)
    restored = [np.frombuffer(s.tobytes(), dtype=s.dtype).reshape(s.shape) for s in states]
    for inputs in told[n_steps // 2 :]:
        one, states = run(manifest, first, inputs, states)
        two, restored = run(manifest, second, inputs, restored)
        if any(a.tobytes() != b.tobytes() for a, b in zip((one, *states), (two, *restored), strict=True)):
            return False
    return True


def stream(manifest: Manifest, *, n_steps: int) -> Iterator[Inputs]:
    """Inputs of each step, under four tags."""
    shapes = {t.name: tuple(int(n) for n in t.shape) for t in manifest.inputs}
    return random_inputs(shapes, n_steps=n_steps, n_tags=4)


def random_inputs(shapes: dict[str, tuple[int, ...]], *, n_steps: int, n_tags: int, seed: int = 0) -> Iterator[Inputs]:
    """Inputs of each step as a server would give them: new z, a tag and a tempo that change now and then, a mel that is

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
        if "mel" in shapes:
            place = rng.uniform(-4.0, 0.5, (shapes["mel"][0], 1))
            held["mel"] = np.maximum(place + 0.3 * rng.standard_normal(shapes["mel"]), -5.0).astype(np.float32)
        yield [
            held[name] if name in held else rng.standard_normal(shape, dtype=np.float32)
            for name, shape in shapes.items()
        ]


def _named(manifest: Manifest, inputs: Inputs, states: States) -> dict[str, np.ndarray]:
    feed = {t.name: value for t, value in zip(manifest.inputs, inputs, strict=True)}
    return feed | {s.input: value for s, value in zip(manifest.states, states, strict=True)}
