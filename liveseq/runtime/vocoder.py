"""Vocoders as ONNX: mel frames in, sound out, in steps of fixed length. From one thread at a time."""

from pathlib import Path

import numpy as np

from liveseq.dsp.mel import FLOOR, MelFrontEnd
from liveseq.errors import ModelError
from liveseq.runtime.session import open_model


class OnnxVocoder:
    """A model folder whose role is vocoder. One input mel, one output audio, states."""

    def __init__(self, folder: Path, *, provider: str = "cpu", allow_cpu: bool = False) -> None:
        """Raises ModelError, by name, where the folder is not such a model."""
        self.manifest, self.session = open_model(folder, role="vocoder", provider=provider, allow_cpu=allow_cpu)
        where = f"{folder}/model.yaml"
        told = self.manifest.settings.get("front_end")
        if not isinstance(told, dict):
            raise ModelError(f"{where}: settings: expected front_end, the mel frames that it takes, found none")
        self.front_end = MelFrontEnd.from_dict(told, where=where)
        self.n_samples = self.manifest.samples_per_step or 0
        self.n_frames = self.n_samples // self.front_end.hop_length
        self.look_ahead = self.manifest.latency_samples - self.n_samples
        """Samples by which sound comes later than its frames."""
        expected = (self.n_frames, self.front_end.n_mels)
        found = [t.shape for t in self.manifest.inputs if t.name == "mel"]
        if found != [expected]:
            raise ModelError(f"{where}: expected one input mel {list(expected)}, found {found or 'none'}")

    def sound(self, mel: np.ndarray) -> np.ndarray:
        """float32 (n_frames, n_mels) -> (n_frames * hop_length,), with its delay taken off: sample 0 is frame 0's."""
        wanted = len(mel) * self.front_end.hop_length
        n_steps = -(-(wanted + self.look_ahead) // self.n_samples)
        padded = np.full((n_steps * self.n_frames, self.front_end.n_mels), np.log10(FLOOR), dtype=np.float32)
        padded[: len(mel)] = mel
        states = {s.input: np.zeros(s.shape, dtype=s.dtype) for s in self.manifest.states}
        names = [self.manifest.outputs[0].name, *(s.output for s in self.manifest.states)]
        pieces = []
        for frames in padded.reshape(n_steps, self.n_frames, -1):
            audio, *after = self.session.run({"mel": frames, **states}, names)
            states = dict(zip(states, after, strict=True))
            pieces.append(audio[0])
        return np.asarray(np.concatenate(pieces)[self.look_ahead : self.look_ahead + wanted])
