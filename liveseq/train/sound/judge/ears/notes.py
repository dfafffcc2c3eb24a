"""Notes of a take, heard by basic-pitch (Bittner et al. 2022, "A Lightweight Instrument-Agnostic Model").

The network gives for each of 88 piano keys and 86 frames a second how likely a note sounds there, and how likely one
begins. A frame is clear where some key's likelihood is above 0.5: music that blurs has few.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liveseq.dsp.files import resample
from liveseq.runtime.session import Session, open_session

GRAPH = Path(__file__).with_name("basic-pitch.onnx")
WHEEL = "basic-pitch==0.4.0"
"""Package that holds it."""
SAMPLE_RATE = 22_050
"""Hz, of the sound that the network hears."""
HOP_LENGTH = 256
"""Samples between two frames."""
FRAMES_PER_SECOND = SAMPLE_RATE / HOP_LENGTH
LOWEST_HZ = 27.5
"""Pitch of key 0, the lowest of a piano."""
N_KEYS = 88
CLEAR = 0.5
"""Likelihood above which a note, or its beginning, is clear: basic-pitch's own threshold of onsets."""
_SOON = 6  # frames (70 ms) within which a note that began must be clear
_WINDOW = 2 * SAMPLE_RATE - HOP_LENGTH  # samples that the graph takes at once
_OVERLAP = 30  # frames: half of them are left out on each side of a window
_STEP = _WINDOW - _OVERLAP * HOP_LENGTH
_INPUT = "serving_default_input_2:0"
_NOTE, _ONSET = "StatefulPartitionedCall:1", "StatefulPartitionedCall:2"


@dataclass(frozen=True)
class PianoRoll:
    """Likelihoods of notes and of their beginnings, each float32 (n_frames, 88) in 0 to 1."""

    notes: np.ndarray
    onsets: np.ndarray

    def clear_share(self) -> float:
        """Share of the frames in which some note is clear; NaN for a take without frames."""
        return float((self.notes.max(axis=1) > CLEAR).mean()) if len(self.notes) else float("nan")

    def onsets_per_second(self) -> float:
        """Clear beginnings of clear notes: noise has none. Keys that begin together count once."""
        if len(self.onsets) < 3:
            return 0.0
        middle = self.onsets[1:-1]
        peaks = (middle > CLEAR) & (middle >= self.onsets[:-2]) & (middle > self.onsets[2:])
        sounds = self.notes[1:-1] > CLEAR
        for late in range(1, _SOON):
            sounds[:-late] |= self.notes[1 + late : -1] > CLEAR
        struck = np.flatnonzero((peaks & sounds).any(axis=1))
        n_apart = 1 + int((np.diff(struck) > 2).sum()) if len(struck) else 0  # within 35 ms: one stroke
        return n_apart * FRAMES_PER_SECOND / len(self.onsets)


class NoteEar:
    """Hears notes. One thread at a time."""

    def __init__(self) -> None:
        """Raises ModelError where the graph is missing or cannot be run."""
        self._session: Session = open_session(GRAPH)

    def hear(self, audio: np.ndarray, *, sample_rate: int) -> PianoRoll:
        """Piano roll of a take. audio: float32 (n_samples, n_channels), sample_rate in Hz."""
        mono = resample(audio.mean(axis=1), sample_rate=sample_rate, to_rate=SAMPLE_RATE)
        n_frames = len(mono) // HOP_LENGTH
        padded = np.concatenate((np.zeros(_OVERLAP // 2 * HOP_LENGTH, dtype=np.float32), mono))
        parts = [self._window(padded[at : at + _WINDOW]) for at in range(0, len(padded), _STEP)]
        notes, onsets = (np.concatenate(kind)[:n_frames] for kind in zip(*parts, strict=True))
        return PianoRoll(notes=notes, onsets=onsets)

    def _window(self, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        part = np.pad(part, (0, _WINDOW - len(part))).astype(np.float32)
        note, onset = self._session.run({_INPUT: part[None, :, None]}, (_NOTE, _ONSET))
        half = _OVERLAP // 2
        return note[0, half:-half], onset[0, half:-half]
