"""Predictors: given the unit features just heard, how the next ones may be.

A step is `samples_per_step` samples of sound, summed up as FEATURE_NAMES in their own units: z-scoring is the graph's
own business. The graph is deterministic; chance is `sample`'s, outside it, so that a seed repeats on any provider.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.errors import ModelError, ModelSignatureError
from liveseq.runtime.manifest import MANIFEST_NAME, Manifest
from liveseq.runtime.session import open_model

State = tuple[np.ndarray, ...]
"""What a predictor remembers. Never written to: a step gives a new one, so a beam may branch from any of them."""

MIXTURE_NAMES = ("logits", "means", "scales")
BASIS_NAME = "basis"
"""A fourth output that a graph may have."""
CONDITION_NAMES = ("tag", "phase")
"""Inputs beside "features" that a graph may have."""


@dataclass(frozen=True)
class Mixture:
    """Distribution of what comes next: K courses of F steps each, Gaussian around their means, in raw feature units.

    One component is one whole course, so that a draw hangs together over its F steps.
    """

    logits: np.ndarray
    """float32 (K,): log weights; only their differences matter."""
    means: np.ndarray
    """float32 (F, K, D)."""
    scales: np.ndarray
    """float32 (F, K, D): standard deviations along the rows of `basis`, > 0."""
    basis: np.ndarray | None = None
    """float32 (D, D): a deviation z (D,) moves the features by z @ basis; None: each feature by its own."""

    @property
    def n_steps(self) -> int:
        """F."""
        return int(self.means.shape[0])

    def weights(self, temperature: float = 1.0) -> np.ndarray:
        """float64 (K,), sum 1. Below temperature 1 the likely components gain."""
        logits = self.logits.astype(np.float64) / temperature
        weights: np.ndarray = np.exp(logits - logits.max())
        weights /= weights.sum()
        return weights

    def mean(self) -> np.ndarray:
        """float32 (F, D): what is expected; flat when fed back, so for measuring, not for playing."""
        expected: np.ndarray = np.einsum("k,fkd->fd", self.weights(), self.means)
        return expected.astype(np.float32)


@dataclass(frozen=True)
class Condition:
    """What a predictor may know beside the features. A model takes what its manifest lists as inputs."""

    tag: np.ndarray
    """float32 (E,): the text encoder's unit vector of the tag; zeros where there is none."""
    phase: np.ndarray
    """float32 (3,): sine and cosine of the place in the beat at which the step that is heard begins, and 1; zeros where
    there is no beat."""


class Predictor(Protocol):
    """What a sequencer needs of a model."""

    @property
    def feature_names(self) -> tuple[str, ...]: ...

    @property
    def samples_per_step(self) -> int: ...

    @property
    def sample_rate(self) -> int: ...

    def start(self) -> State: ...

    def step(self, features: np.ndarray, state: State, condition: Condition) -> tuple[Mixture, State]: ...


def sample(mixture: Mixture, rng: np.random.Generator, temperature: float = 1.0) -> np.ndarray:
    """Draw what comes next, float32 (F, D).

    Temperature 0 takes the means of the likeliest component and draws nothing; 1 is the distribution as learned.
    Between and above, log weights are divided by the temperature and variances multiplied by it (Ha & Eck 2017).
    """
    if temperature <= 0.0:
        return np.array(mixture.means[:, int(np.argmax(mixture.logits))], dtype=np.float32)
    component = int(np.argmax(mixture.logits / temperature + rng.gumbel(size=mixture.logits.shape)))
    means, scales = mixture.means[:, component], mixture.scales[:, component]  # (F, D)
    deviation = scales * (np.sqrt(temperature) * rng.standard_normal(means.shape))
    if mixture.basis is not None:
        deviation = deviation @ mixture.basis
    return np.asarray(means + deviation, dtype=np.float32)


class OnnxPredictor:
    """A predictor out of a model folder. One thread at a time."""

    def __init__(self, folder: Path, *, provider: str = "cpu", allow_cpu: bool = False) -> None:
        self.manifest, self.session = open_model(folder, role="predictor", provider=provider, allow_cpu=allow_cpu)
        _check_role(self.manifest, folder / self.manifest.model)
        self._zeros = tuple(np.zeros(s.shape, dtype=s.dtype) for s in self.manifest.states)
        for array in self._zeros:
            array.flags.writeable = False
        self._input_names = tuple(t.name for t in self.manifest.graph_inputs())
        self._output_names = (*MIXTURE_NAMES, *(s.output for s in self.manifest.states))
        features = np.zeros(len(self.feature_names), dtype=np.float32)
        self.session.warm_up(dict(zip(self._input_names, (features, *self._zeros), strict=True)))

    @property
    def feature_names(self) -> tuple[str, ...]:
        return self.manifest.features

    @property
    def samples_per_step(self) -> int:
        assert self.manifest.samples_per_step is not None
        return self.manifest.samples_per_step

    @property
    def sample_rate(self) -> int:
        assert self.manifest.sample_rate is not None
        return self.manifest.sample_rate

    def start(self) -> State:
        """Nothing heard yet."""
        return self._zeros

    def step(self, features: np.ndarray, state: State) -> tuple[Mixture, State]:
        """Hear one step, features float32 (D,); tell how the next may be."""
        feed = dict(zip(self._input_names, (features, *state), strict=True))
        logits, means, scales, *new_state = self.session.run(feed, self._output_names)
        return Mixture(logits, means, scales), tuple(new_state)


def load_predictor(folder: Path, *, sample_rate: int, hop_length: int, provider: str = "cpu") -> OnnxPredictor:
    """A predictor that speaks of the same features, at the same rate and hop, as the corpus does."""
    path = folder / MANIFEST_NAME
    predictor = OnnxPredictor(folder, provider=provider)
    manifest = predictor.manifest
    if manifest.features != FEATURE_NAMES:
        raise ModelError(f"{path}: {_feature_difference(manifest.features)}; train it again on this corpus")
    for name, found, wanted in (
        ("sample_rate", manifest.sample_rate, sample_rate),
        ("hop_length", manifest.hop_length, hop_length),
    ):
        if found != wanted:
            raise ModelError(f"{path}: {name} is {found}, but the corpus has {wanted}; train it again on this corpus")
    return predictor


def _feature_difference(found: tuple[str, ...]) -> str:
    """The first thing that differs, by name."""
    missing = [name for name in FEATURE_NAMES if name not in found]
    unknown = [name for name in found if name not in FEATURE_NAMES]
    if missing or unknown:
        parts = [f"lacks features {', '.join(missing[:4])}"] if missing else []
        parts += [f"has unknown features {', '.join(unknown[:4])}"] if unknown else []
        return " and ".join(parts)
    index = next((i for i, pair in enumerate(zip(found, FEATURE_NAMES, strict=False)) if pair[0] != pair[1]), None)
    if index is None:
        return f"has {len(found)} features, expected {len(FEATURE_NAMES)}"
    return f"feature {index} is {found[index]}, expected {FEATURE_NAMES[index]}"


def _check_role(manifest: Manifest, path: Path) -> None:
    """One input (D,), and a mixture (K,), (K, D), (K, D) out."""
    n_features = len(manifest.features)
    wanted = f"one float32 input of shape [{n_features}] and outputs {', '.join(MIXTURE_NAMES)}"
    shapes = {t.name: t.shape for t in manifest.outputs}
    if len(manifest.inputs) != 1 or manifest.inputs[0].shape != (n_features,):
        raise ModelSignatureError(path, expected=wanted, found=", ".join(map(str, manifest.inputs)))
    n_components = shapes.get("logits", (0,))[0]
    pair = (n_components, n_features)
    if shapes != {"logits": (n_components,), "means": pair, "scales": pair}:
        raise ModelSignatureError(path, expected=wanted, found=", ".join(map(str, manifest.outputs)))
