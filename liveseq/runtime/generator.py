"""Generators of sound as a server runs them: an ONNX step, its states, and streams that can be taken back.

A stream is a function of its seed and of the tags, tempi and travels of its steps: the random numbers of step k are
those of (seed, k), so that a stream that was taken back, or that goes on in another process, sounds the same. From one
thread at a time.
"""

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from liveseq.errors import ModelError
from liveseq.runtime.latent import FREE, LATENT, MOST_NUMBERS, START, TRAVEL, Place, Travel, components
from liveseq.runtime.manifest import Manifest, StateTensor
from liveseq.runtime.session import Session, open_model

KEPT_STEPS = 16
"""States that a stream keeps, to be taken back to, where nothing else is said."""
_BIRTH = 1 << 62  # the place of a stream's first numbers among the seeds of its steps

States = tuple[np.ndarray, ...]
"""Memory of a stream from one step to the next: arrays by the manifest's state tensors."""


class Generator(Protocol):
    """A model that makes sound, as a server needs it."""

    sample_rate: int
    """Hz."""
    samples_per_step: int
    tags: tuple[str, ...]
    """Tags that it was taught; empty: any, or none."""
    tag_size: int
    """Numbers of a tag's vector; 0: it takes no tag."""

    def start(self, seed: int) -> States:
        """States of a new stream."""

    def step(
        self,
        number: int,
        *,
        seed: int,
        tag: np.ndarray | None,
        states: States,
        tempo: float = 0.0,
        place: Place = START,
    ) -> tuple[np.ndarray, States]:
        """Sound of one step, float32 (samples_per_step, 2), and the states after it.

        tag: float32 (tag_size,); None: zeros. tempo: beats per minute from this step on, 0: its own; a model that knows
        no tempo, or no latent, goes on as it was. Raises ModelError where the graph fails.
        """


class OnnxGenerator:
    """A model folder whose role is generator, ours or foreign.

    It may take z, tag, tempo, latent and travel, and gives audio.
    """

    def __init__(self, folder: Path, *, provider: str = "cpu", allow_cpu: bool = False) -> None:
        """Raises ModelError, by name, where the folder is not such a model."""
        manifest, session = open_model(folder, role="generator", provider=provider, allow_cpu=allow_cpu)
        self.manifest: Manifest = manifest
        self.session: Session = session
        self.folder = folder
        self.sample_rate = manifest.sample_rate or 0
        self.samples_per_step = manifest.samples_per_step or 0
        self.tags = manifest.tags
        self._shapes = {t.name: tuple(int(n) for n in t.shape) for t in manifest.inputs}
        self._check()
        self.tag_size = self._shapes["tag"][0] if "tag" in self._shapes else 0
        """Numbers of a tag's vector; 0: it takes no tag."""
        self.follows_tempo = "tempo" in self._shapes
        """Whether a tempo that is asked for is heard."""
        self.latent_size = self._shapes.get(LATENT, (0,))[0]
        """Numbers of a latent that it can be held at; 0: it takes none."""
        states = self.start(0)
        for _ in range(3):
            _, states = self.step(0, seed=0, tag=None, states=states)

    def start(self, seed: int) -> States:
        """States of a new stream."""
        rng = np.random.default_rng((seed, _BIRTH))
        return tuple(_first(state, rng) for state in self.manifest.states)

    def step(
        self,
        number: int,
        *,
        seed: int,
        tag: np.ndarray | None,
        states: States,
        tempo: float = 0.0,
        place: Place = START,
    ) -> tuple[np.ndarray, States]:
        """Sound of one step, float32 (samples_per_step, 2), and the states after it.

        tag: float32 (tag_size,); None: zeros. tempo: beats per minute, 0: the model's own; ignored where it does not
        follow one (`follows_tempo`), as the place is where it takes none. Raises ModelError where the graph fails.
        """
        feed = {state.input: value for state, value in zip(self.manifest.states, states, strict=True)}
        if "z" in self._shapes:
            feed["z"] = np.random.default_rng((seed, number)).standard_normal(self._shapes["z"], dtype=np.float32)
        if self.tag_size:
            feed["tag"] = np.zeros(self.tag_size, dtype=np.float32) if tag is None else tag
        if self.follows_tempo:
            feed["tempo"] = np.array([tempo], dtype=np.float32)
        if self.latent_size:
            feed |= place.inputs(self.latent_size)
        names = [self.manifest.outputs[0].name, *(state.output for state in self.manifest.states)]
        audio, *after = self.session.run(feed, names)
        stereo = np.broadcast_to(audio.T, (self.samples_per_step, 2))
        return np.ascontiguousarray(stereo), tuple(after)

    def _check(self) -> None:
        where = f"{self.folder}/model.yaml"
        for name in self._shapes.keys() - {"z", "tag", "tempo", LATENT, TRAVEL}:
            raise ModelError(
                f"{where}: input {name}: a generator takes z, tag, tempo, latent and travel only; make it a state, or "
                "leave it out"
            )
        for tensor in self.manifest.inputs:
            n = {"tempo": 1, TRAVEL: 2}.get(tensor.name)
            if n is not None and (tuple(tensor.shape) != (n,) or tensor.dtype != "float32"):
                raise ModelError(f"{where}: expected {tensor.name} float32[{n}], found {tensor}")
            fits = len(tensor.shape) == 1 and tensor.shape[0] in range(1, MOST_NUMBERS + 1)
            if tensor.name == LATENT and (not fits or tensor.dtype != "float32"):
                raise ModelError(f"{where}: expected latent float32[n], n up to {MOST_NUMBERS}, found {tensor}")
        if (LATENT in self._shapes) != (TRAVEL in self._shapes):
            raise ModelError(f"{where}: expected both inputs latent and travel, or neither; see docs/models.md")
        components(self.manifest, self.folder)
        audio = self.manifest.outputs
        expected = f"one output audio [1 or 2, {self.samples_per_step}] float32 (samples_per_step)"
        fits = len(audio) == 1 and audio[0].dtype == "float32" and len(audio[0].shape) == 2
        if not fits or audio[0].shape[0] not in (1, 2) or audio[0].shape[1] != self.samples_per_step:
            raise ModelError(f"{where}: expected {expected}, found {', '.join(map(str, audio)) or 'none'}")
        if self.tags and "tag" not in self._shapes:
            raise ModelError(f"{where}: lists tags, but has no input tag; leave tags out")


@dataclass(frozen=True)
class _Mark:
    """A step that a stream can be taken back to."""

    number: int
    states: States
    place: Place


class Stream:
    """Endless sound of one seed. Steps can be taken back, to be made again under another tag."""

    def __init__(
        self, generator: Generator, *, seed: int, n_kept: int = KEPT_STEPS, states: States | None = None
    ) -> None:
        """states: that it begins with, of a recording that was heard; None: those of the seed."""
        self.generator = generator
        self.seed = seed
        self.number = 0
        """Number of the step that comes next."""
        self._states = generator.start(seed) if states is None else states
        self._place = START
        self._seconds = generator.samples_per_step / generator.sample_rate
        self._marks: deque[_Mark] = deque(maxlen=n_kept)

    def next(self, tag: np.ndarray | None, tempo: float = 0.0, travel: Travel = FREE) -> np.ndarray:
        """Sound of the next step, float32 (samples_per_step, 2), finite and within -1 and 1.

        tag: float32 (tag_size,); None: zeros. tempo: beats per minute that it follows from here on, 0: its own; a model
        that knows no tempo ignores it, and one without latents the travel. Raises ModelError where the model fails or
        makes NaN or infinity.
        """
        self._marks.append(_Mark(self.number, self._states, self._place))
        self._place = self._place.after(travel, self._seconds)
        audio, self._states = self.generator.step(
            self.number, seed=self.seed, tag=tag, states=self._states, tempo=tempo, place=self._place
        )
        self.number += 1
        if not np.isfinite(audio).all():
            raise ModelError(
                f"step {self.number - 1} of seed {self.seed} is no sound (NaN or infinity); train it again"
            )
        return np.clip(audio, -1.0, 1.0, out=audio)

    def back_to(self, number: int) -> int:
        """Go back to before step `number`, or as near to it as is remembered. Returns the step that is next."""
        while self._marks and self.number > number:
            mark = self._marks.pop()
            self.number, self._states, self._place = mark.number, mark.states, mark.place
        return self.number


def _first(state: StateTensor, rng: np.random.Generator) -> np.ndarray:
    if state.start == "normal":
        return rng.standard_normal(state.shape).astype(state.dtype)
    return np.zeros(state.shape, dtype=state.dtype)
