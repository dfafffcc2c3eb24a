"""Curves of a training: TensorBoard always, Weights & Biases where asked for."""

import contextlib
import importlib.util
import io
import os
import sys
import wave
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import TrainingError

Sound = tuple[str, np.ndarray, int]
"""Name, audio float32 (n_samples, n_channels), sample rate in Hz."""


class Curves:
    """Curves by name, one value per step (an epoch or a batch), and sounds to listen to.

    They are not worth a training: where the disk is full, it goes on without.
    """

    def __init__(self, out: Path, *, step: int, wandb: bool, about: dict[str, Any]) -> None:
        """out: folder of the model; step: the last one that was done before."""
        self._wandb = _start_wandb(out, about) if wandb else None
        self._board: SummaryWriter | None = SummaryWriter(str(out / "tensorboard"), purge_step=step + 1)

    def add(self, values: dict[str, float], *, step: int, sounds: Iterable[Sound] = ()) -> None:
        """Values by name, and sounds with a picture of each."""
        if self._board is None:
            return
        try:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)
            if self._wandb is not None:
                self._wandb.log(values, step=step)
            for name, audio, rate in sounds:
                self._board.add_image(name, picture(audio, sample_rate=rate), step, dataformats="HW")
                self._board.file_writer.add_summary(_summary(name, audio, sample_rate=rate), step)
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Write out the rest."""
        try:
            if self._board is not None:
                self._board.close()
                if self._wandb is not None:
                    self._wandb.finish()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Go on without curves. The writer's thread ends here: it has met the error too, and would raise it later."""
        board, self._board = self._board, None
        if board is not None:
            for close in (board.close, board.file_writer.close):  # where its flush fails, the first leaves the thread
                with contextlib.suppress(OSError):
                    close()
        tqdm.write(f"tensorboard: {error.strerror}; the training goes on without curves", file=sys.stderr)


def picture(audio: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Spectrogram of the mean of the channels, high above low, 80 dB from black to white: uint8 (n_mels, n_frames).

    audio: float32 (n_samples, n_channels); sample_rate in Hz.
    """
    front_end = MelFrontEnd(
        sample_rate=sample_rate, n_fft=2048, hop_length=512, n_mels=128, f_max=sample_rate / 2, padding="causal"
    )
    decades = front_end.log_mel(audio.mean(axis=1)).T[::-1]
    return np.asarray(255 * np.clip((decades - decades.max()) / 4.0 + 1.0, 0.0, 1.0), dtype=np.uint8)


def _summary(name: str, audio: np.ndarray, *, sample_rate: int) -> Summary:
    """Audio of any number of channels for TensorBoard: SummaryWriter.add_audio knows one only."""
    samples = np.round(np.clip(audio, -1.0, 1.0) * 32767).astype("<i2")
    wav = io.BytesIO()
    with wave.open(wav, "wb") as file:
        file.setnchannels(audio.shape[1])
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.tobytes())
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
