"""Where the curves of a training go: TensorBoard always, Weights & Biases where asked for."""

import importlib.util
import io
import os
import wave
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import SummaryWriter

from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import TrainingError


class Scalars:
    """Curves by name, one value per epoch."""

    def __init__(self, out: Path, *, epoch: int, wandb: bool, about: dict[str, Any]) -> None:
        self._wandb = _start_wandb(out, about) if wandb else None
        self._board = SummaryWriter(str(out / "tensorboard"), purge_step=epoch + 1)

    def add(self, values: dict[str, float], *, epoch: int) -> None:
        for name, value in values.items():
            self._board.add_scalar(name, value, epoch)
        if self._wandb is not None:
            self._wandb.log(values, step=epoch)

    def add_sound(self, name: str, audio: np.ndarray, *, sample_rate: int, epoch: int) -> None:
        """Something to listen to, and a picture of it. audio: float32 (n_samples, n_channels); sample_rate in Hz."""
        self._board.add_image(name, picture(audio, sample_rate=sample_rate), epoch, dataformats="HW")
        self._board.file_writer.add_summary(_heard(name, audio, sample_rate=sample_rate), epoch)

    def close(self) -> None:
        self._board.close()
        if self._wandb is not None:
            self._wandb.finish()


def picture(audio: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Spectrogram of the mean of the channels, high above low, 80 dB from black to white: uint8 (n_mels, n_frames)."""
    front_end = MelFrontEnd(
        sample_rate=sample_rate, n_fft=2048, hop_length=512, n_mels=128, f_max=sample_rate / 2, padding="causal"
    )
    decades = front_end.log_mel(audio.mean(axis=1)).T[::-1]
    return np.asarray(255 * np.clip((decades - decades.max()) / 4.0 + 1.0, 0.0, 1.0), dtype=np.uint8)


def _heard(name: str, audio: np.ndarray, *, sample_rate: int) -> Summary:
    """SummaryWriter.add_audio knows one channel only."""
    whole = np.round(np.clip(audio, -1.0, 1.0) * 32767).astype("<i2")
    wav = io.BytesIO()
    with wave.open(wav, "wb") as file:
        file.setnchannels(audio.shape[1])
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(whole.tobytes())
    sound = Summary.Audio(
        sample_rate=sample_rate,
        num_channels=audio.shape[1],
        length_frames=len(audio),
        encoded_audio_string=wav.getvalue(),
        content_type="audio/wav",
    )
    return Summary(value=[Summary.Value(tag=name, audio=sound)])


def require_wandb() -> None:
    """Raises TrainingError where it is not installed: before anything is trained or written."""
    if importlib.util.find_spec("wandb") is None:
        raise TrainingError("--wandb needs wandb; run: pip install wandb, or leave --wandb away")


def _start_wandb(out: Path, about: dict[str, Any]) -> Any:
    """A run kept in the model's folder. Nothing leaves the machine unless WANDB_MODE says online."""
    import wandb

    mode = os.environ.get("WANDB_MODE", "offline")
    return wandb.init(project="liveseq", name=out.name, dir=str(out), mode=mode, config=about)
