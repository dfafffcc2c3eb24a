"""Predictors: models that continue a sequence of unit features.

A step is `samples_per_step` samples of sound, summed up as FEATURE_NAMES on their own scales: z-scoring is the graph's
own business. The graph is deterministic; chance is `sample`'s, outside it, so that a seed repeats on any provider.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.errors import ModelError, ModelSignatureError
from liveseq.runtime.interpreter import Interpreter
from liveseq.runtime.manifest import MANIFEST_NAME, Manifest, Tensor
from liveseq.runtime.session import open_model
from liveseq.runtime.text import TextEncoder
from liveseq.runtime.watch import Watch

State = tuple[np.ndarray, ...]
"""Memory of a predictor. Never written to: a step gives a new one, so a beam may branch from any of them."""

BASIS_NAME = "basis"
"""Name of a fourth output that a graph may have, after logits, means and scales."""
CONDITION_NAMES = ("tag", "phase")
"""Names of the inputs beside "features" that a graph may have."""
N_PHASE = 3
"""Numbers of a condition's phase."""
MOST_LOAD = 1 / 32
"""Most of the duration of a step that it may take to be computed, live: a tag that begins asks for 15 steps."""


@dataclass(frozen=True)
class Mixture:
    """Distribution of the next steps: K courses of F steps each, Gaussian around their means, in raw feature units.

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

    @property
    def is_finite(self) -> bool:
        """Whether something can be drawn from it: every number is one, but that a component may be impossible."""
        parts = (self.means, self.scales) if self.basis is None else (self.means, self.scales, self.basis)
        return bool(np.isfinite(self.logits.max())) and all(bool(np.isfinite(part).all()) for part in parts)

    def weights(self, temperature: float = 1.0) -> np.ndarray:
        """Probability of each component, float64 (K,). Below temperature 1 the likely ones gain."""
        logits = self.logits.astype(np.float64) / temperature
        weights: np.ndarray = np.exp(logits - logits.max())
        weights /= weights.sum()
        return weights

    def mean(self) -> np.ndarray:
        """Expected features, float32 (F, D); flat when fed back, so for measuring, not for playing."""
        expected: np.ndarray = np.einsum("k,fkd->fd", self.weights(), self.means)
        return expected.astype(np.float32)


@dataclass(frozen=True)
class Condition:
    """Knowledge of a predictor beside the features. A model takes what its manifest lists as inputs."""

    tag: np.ndarray | None
    """float32 (E,): vector of the tag, one of those that `Predictor.tag_vectors` gives; None: no tag."""
    phase: np.ndarray
    """float32 (3,): sine and cosine of the place in the beat at which the step that is heard begins, and 1; zeros where
    there is no beat."""


class Predictor(Protocol):
    """A model that continues a sequence, as a sequencer needs it."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the D features, in order."""

    @property
    def samples_per_step(self) -> int:
        """Samples of sound that a step stands for."""

    @property
    def sample_rate(self) -> int:
        """Hz."""

    def tag_vectors(self, vectors: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Vectors of a corpus's tags as the model takes them, float32 (E,), without those that say nothing to it.

        vectors: of the tags by the text encoder, float32 (n_dimensions,).
        """

    def start(self) -> State:
        """Memory of a predictor that has heard nothing yet."""

    def step(self, features: np.ndarray, state: State, condition: Condition) -> tuple[Mixture, State]:
        """Distribution of the steps after one of float32 features (D,), and the memory after it."""


def sample(mixture: Mixture, rng: np.random.Generator, temperature: float = 1.0) -> np.ndarray:
    """Draw the next steps, float32 (F, D).

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

    def __init__(
        self, folder: Path, *, encoder: TextEncoder | None = None, watch: Watch | None = None, name: str = ""
    ) -> None:
        """encoder: the one in use; None: it is told no tag of a corpus. watch: ends what takes too long, by this name;
        None: somebody waits, however long it takes. Raises ModelError, by name, where the folder is not such a model.
        """
        self.manifest, self.session = open_model(folder, role="predictor")
        if watch is not None:
            self.session.look_after(watch, name)
        _check_role(self.manifest, folder / self.manifest.model)
        self._zeros = tuple(np.zeros(s.shape, dtype=s.dtype) for s in self.manifest.states)
        for array in self._zeros:
            array.flags.writeable = False
        self._input_names = tuple(t.name for t in self.manifest.graph_inputs())
        self._conditions = tuple(t.name for t in self.manifest.inputs[1:])
        shapes = {t.name: t.shape for t in self.manifest.outputs}
        self._has_basis = BASIS_NAME in shapes
        self._output_names = (*shapes, *(s.output for s in self.manifest.states))
        self.n_steps = int(shapes["means"][0])
        """F: steps that one answer foretells."""
        tag = next((t for t in self.manifest.inputs if t.name == "tag"), None)
        self.tag_size: int | None = None if tag is None else int(tag.shape[0])
        """E: numbers of a tag's vector; None where the model knows no tag."""
        self._no_tag = np.zeros(self.tag_size or 0, dtype=np.float32)
        self._interpreter = Interpreter(folder, self.manifest, encoder) if encoder and self.tag_size else None
        filler = tuple(np.zeros([int(n) for n in t.shape], dtype=np.float32) for t in self.manifest.inputs)
        self.step_seconds = self.session.warm_up(dict(zip(self._input_names, (*filler, *self._zeros), strict=True)))
        """Time that a step takes at least."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the D features, in order."""
        return self.manifest.features

    @property
    def samples_per_step(self) -> int:
        """Samples of sound that a step stands for."""
        assert self.manifest.samples_per_step is not None
        return self.manifest.samples_per_step

    @property
    def sample_rate(self) -> int:
        """Hz."""
        assert self.manifest.sample_rate is not None
        return self.manifest.sample_rate

    def tag_vectors(self, vectors: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """See `Predictor.tag_vectors`. A while, where the model was trained beside another text encoder."""
        return {} if self._interpreter is None else self._interpreter.of_tags(vectors)

    def start(self) -> State:
        """Memory of a predictor that has heard nothing yet."""
        return self._zeros

    def step(self, features: np.ndarray, state: State, condition: Condition) -> tuple[Mixture, State]:
        """Distribution of the next F steps after one of float32 features (D,), and the memory after it.

        The model takes what it knows of the condition and ignores the rest. Raises ModelError where the graph fails.
        """
        conditions = {"tag": self._no_tag if condition.tag is None else condition.tag, "phase": condition.phase}
        known = (conditions[name] for name in self._conditions)
        feed = dict(zip(self._input_names, (features, *known, *state), strict=True))
        logits, means, scales, *rest = self.session.run(feed, self._output_names)
        basis = rest.pop(0) if self._has_basis else None
        return Mixture(logits, means, scales, basis), tuple(rest)


def load_predictor(
    folder: Path,
    *,
    sample_rate: int,
    hop_length: int,
    encoder: TextEncoder | None = None,
    watch: Watch | None = None,
    name: str = "",
) -> OnnxPredictor:
    """A predictor that speaks of the same features, at the same rate and hop, as the corpus does.

    sample_rate in Hz and hop_length in samples: the corpus's. encoder, watch, name: as for
    OnnxPredictor; where there is a watch, music waits for it. Raises ModelError that names what does not fit, or is too
    slow.
    """
    path = folder / MANIFEST_NAME
    predictor = OnnxPredictor(folder, encoder=encoder, watch=watch, name=name)
    manifest = predictor.manifest
    if manifest.features != FEATURE_NAMES:
        raise ModelError(f"{path}: {_feature_difference(manifest.features)}; train it again on this corpus")
    for name, found, wanted in (
        ("sample_rate", manifest.sample_rate, sample_rate),
        ("hop_length", manifest.hop_length, hop_length),
    ):
        if found != wanted:
            convert = f"liveseq corpus build OLD.corpus --out NEW.corpus --sample-rate {found}"
            advice = f"convert that ({convert}), or train" if name == "sample_rate" else "train"
            raise ModelError(
                f"{path}: {name} is {found}, but the corpus has {wanted}; {advice} a predictor on this corpus"
            )
    most = MOST_LOAD * predictor.samples_per_step / predictor.sample_rate
    if watch is not None and predictor.step_seconds > most:
        raise ModelError(
            f"{path}: a step takes {predictor.step_seconds * 1e3:.0f} ms to compute, expected at most "
            f"{most * 1e3:.1f} (a plan asks for a dozen while the music waits); choose a smaller one"
        )
    return predictor


def _feature_difference(found: tuple[str, ...]) -> str:
    """The first difference from FEATURE_NAMES, by name."""
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
    """Raises ModelSignatureError unless it takes (D,) and conditions, and gives a mixture (K,), (F, K, D), (F, K, D).

    A basis (D, D) may come behind.
    """
    d = len(manifest.features)
    inputs = {t.name: t for t in manifest.inputs}
    tag = inputs.get("tag")
    tag_shape = (tag.shape[0],) if tag is not None and len(tag.shape) == 1 and isinstance(tag.shape[0], int) else None
    wanted_inputs = {"features": (d,), "tag": tag_shape, "phase": (N_PHASE,)}
    names = ("features", *(name for name in CONDITION_NAMES if name in inputs))
    if tuple(inputs) != names or any(t.shape != wanted_inputs[t.name] or t.dtype != "float32" for t in manifest.inputs):
        raise ModelSignatureError(
            path,
            expected=f"inputs features float32[{d}], and if it takes them tag float32[E], phase float32[{N_PHASE}]",
            found=_listed(manifest.inputs),
        )
    shapes = {t.name: t.shape for t in manifest.outputs}
    f, k = shapes.get("means", ())[:2] if len(shapes.get("means", ())) == 3 else (0, 0)
    wanted = {"logits": (k,), "means": (f, k, d), "scales": (f, k, d)}
    if BASIS_NAME in shapes:
        wanted[BASIS_NAME] = (d, d)
    if tuple(shapes) != tuple(wanted) or shapes != wanted or not all(isinstance(n, int) and n > 0 for n in (f, k)):
        raise ModelSignatureError(
            path,
            expected=f"outputs logits [K], means [F, K, {d}], scales [F, K, {d}], and if it has one basis [{d}, {d}]",
            found=_listed(manifest.outputs),
        )


def _listed(tensors: tuple[Tensor, ...]) -> str:
    return ", ".join(map(str, tensors)) or "nothing"
