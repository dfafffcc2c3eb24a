"""From a mel spectrogram to sound: a trained vocoder as ONNX, or phases found without one. One thread at a time."""

from pathlib import Path

import numpy as np

from liveseq.dsp.mel import FLOOR, MelFrontEnd
from liveseq.dsp.rtisi import Rtisi, mel_to_magnitude
from liveseq.errors import ModelError
from liveseq.runtime.session import open_model


class RtisiVocoder:
    """Vocoder for any mel spectrogram, without a model: non-negative least squares and RTISI-LA."""

    def __init__(self, front_end: MelFrontEnd, *, look_ahead: int = 3, n_iterations: int = 4) -> None:
        self.front_end = front_end
        self._look_ahead, self._n_iterations = look_ahead, n_iterations

    def sound(self, mel: np.ndarray) -> np.ndarray:
        """Signal of a mel spectrogram; it begins where frame 0 does.

        mel: float32 (n_frames, n_mels), log10 of magnitude. Returns float32 (n_frames * hop_length,).
        """
        end = self.front_end
        inverse = Rtisi(
            n_fft=end.n_fft, hop_length=end.hop_length, look_ahead=self._look_ahead, n_iterations=self._n_iterations
        )
        before = end.n_fft - end.hop_length  # samples of frame 0 that lie before the recording
        before = before if end.padding == "causal" else before // 2
        n_after = -(-(before + inverse.latency) // end.hop_length)
        silence = np.full((n_after, end.n_mels), np.log10(FLOOR), dtype=np.float32)
        y = inverse.step(mel_to_magnitude(np.concatenate((mel, silence)), end))
        start = before + inverse.latency
        return np.asarray(y[start : start + len(mel) * end.hop_length])


class OnnxVocoder:
    """Vocoder out of a model folder of this role: one input mel, one output audio, states."""

    def __init__(self, folder: Path, *, provider: str = "cpu", allow_cpu: bool = False) -> None:
        """Raises ModelError, by name, where the folder is not such a model."""
        self.manifest, self.session = open_model(folder, role="vocoder", provider=provider, allow_cpu=allow_cpu)
        where = f"{folder}/model.yaml"
        front_end = self.manifest.settings.get("front_end")
        if not isinstance(front_end, dict):
            raise ModelError(f"{where}: settings: expected front_end, the mel frames that it takes, found none")
        self.front_end = MelFrontEnd.from_dict(front_end, where=where)
        self.n_samples = self.manifest.samples_per_step or 0
        self.n_frames = self.n_samples // self.front_end.hop_length
        self.look_ahead = self.manifest.latency_samples - self.n_samples
        """Samples by which sound comes later than its frames."""
        expected = (self.n_frames, self.front_end.n_mels)
        found = [t.shape for t in self.manifest.inputs if t.name == "mel"]
        if found != [expected]:
            raise ModelError(f"{where}: expected one input mel {list(expected)}, found {found or 'none'}")

    def sound(self, mel: np.ndarray) -> np.ndarray:
        """Signal of a mel spectrogram, as `RtisiVocoder.sound`: the delay of the graph is taken off.

        mel: float32 (n_frames, n_mels), log10 of magnitude. Returns float32 (n_frames * hop_length,). Raises ModelError
        where the graph fails.
        """
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
