"""Generators that listen: a recording is put into the memory of a stream, as if the stream had played it.

Beside the graph of a step such a model has one that takes a step of a recording, and gives the states after it. Its
input `mel` is frames of the recording, by the front end of the manifest's setting `hearing`; its input `audio` is
samples, behind some of those before.
"""

from typing import Any

import numpy as np

from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import ModelError
from liveseq.runtime.generator import OnnxGenerator, States
from liveseq.runtime.session import open_session

HEARING = "hear.onnx"
_PASSED_ON = ("tag", "tempo")


class Hearing:
    """The part of a generator that listens. From one thread at a time."""

    def __init__(self, generator: OnnxGenerator) -> None:
        """Raises ModelError where this generator listens to nothing."""
        manifest, where = generator.manifest, f"{generator.folder}/model.yaml"
        settings: Any = manifest.settings.get("hearing")
        if not isinstance(settings, dict) or settings.get("graph") not in manifest.files:
            raise ModelError(
                f"{generator.folder.name} listens to no recording; take one that does (liveseq train recurrent), or "
                "leave --seed-file out"
            )
        self.generator = generator
        self.session = open_session(generator.folder / settings["graph"])
        shapes = {tensor.name: tensor.shape for tensor in self.session.inputs}
        states = {state.input for state in manifest.states}
        unknown = shapes.keys() - states - {"audio", "mel", *_PASSED_ON}
        if unknown or ("mel" in shapes) == ("audio" in shapes):
            found = ", ".join(sorted(shapes))
            raise ModelError(f"{self.session.path}: expected mel or audio, tag, tempo and states, found {found}")
        self._inputs = shapes.keys()
        outputs = {state.output: state.input for state in manifest.states}
        if strange := [tensor.name for tensor in self.session.outputs if tensor.name not in outputs]:
            raise ModelError(f"{self.session.path}: expected states that come out, found {', '.join(strange)}")
        self._heard = [outputs[tensor.name] for tensor in self.session.outputs]  # the states that it changes
        self._front_end = MelFrontEnd.from_dict(settings.get("front_end", {}), where=where) if "mel" in shapes else None
        n_audio = 0 if "mel" in shapes else int(shapes["audio"][0])
        self._n_before = max(0, n_audio - generator.samples_per_step)

    def states(self, mono: np.ndarray, *, seed: int, tag: np.ndarray | None, tempo: float = 0.0) -> States:
        """States of a stream that has heard a recording, as far as it has whole steps.

        mono: float32 (n_samples,) at the generator's rate, at least a step long; the rest as of `Generator.step`.
        """
        manifest, n = self.generator.manifest, self.generator.samples_per_step
        states = {s.input: value for s, value in zip(manifest.states, self.generator.start(seed), strict=True)}
        known = {"tempo": np.array([tempo], dtype=np.float32)}
        known["tag"] = np.zeros(self.generator.tag_size, dtype=np.float32) if tag is None else tag
        for heard in self._parts(mono[: len(mono) // n * n]):
            feed = states | {name: known[name] for name in _PASSED_ON if name in self._inputs} | heard
            states |= zip(self._heard, self.session.run({name: feed[name] for name in self._inputs}), strict=True)
        return tuple(states[state.input] for state in manifest.states)

    def _parts(self, mono: np.ndarray) -> list[dict[str, np.ndarray]]:
        """A recording (n_samples,), whole steps of it, as what the graph takes at each."""
        n = self.generator.samples_per_step
        if self._front_end is not None:
            mel = self._front_end.log_mel(mono)
            return [{"mel": part} for part in np.split(mel, len(mono) // n)]
        padded = np.pad(mono, (self._n_before, 0))
        return [{"audio": padded[at : at + self._n_before + n]} for at in range(0, len(mono), n)]
