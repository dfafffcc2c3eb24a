"""Crops of tracks: mel frames with tags and clocks. A batch is a function of seed, number and rank."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from liveseq.dsp.mel import FLOOR
from liveseq.errors import TrainingError
from liveseq.train.sound.beats import FASTEST
from liveseq.train.sound.frames.tracks import Track

GAIN_DB = 3.0
"""Largest change of level, either way."""
ON_THE_BEAT = 0.6
"""Share of the crops that begin with a beat, as every stream does."""
SPLICED = 0.25
"""Share of the crops that change to another tag on the way, as a performer does."""
STRETCHED = 0.5
"""Share of the crops with a beat that are faster or slower than the recording was."""
BALANCE = 0.5
"""Exponent of a tag's seconds in how often it comes: 0 all alike, 1 by their length."""
DECAYED = 1.75
"""log10 of the loudest band's level below the loudest of a track, 35 dB, at which its last sound is over."""
BEATS_OF_A_BAR = 4
_FLOOR = float(np.log10(FLOOR))


class MelCrops:
    """Endless batches of mel frames."""

    def __init__(
        self,
        tracks: Sequence[Track],
        *,
        n_steps: int,
        per_step: int,
        batch_size: int,
        seed: int,
        augment: bool = True,
        spliced: float = SPLICED,
    ) -> None:
        """n_steps: of a crop, each of per_step frames. Each track of a tag comes by its length. spliced: share of the
        crops that change to another tag on the way, where augment.

        Raises TrainingError without tracks.
        """
        if not tracks:
            raise TrainingError("no recordings to cut; give more --data")
        self.n_steps = n_steps
        self.batch_size = batch_size
        self._n_frames = n_steps * per_step
        self._per_step = per_step
        self._seed = seed
        self._augment = augment
        self._spliced = spliced
        self._tracks: dict[int, list[Track]] = {}
        for track in tracks:
            self._tracks.setdefault(track.tag, []).append(going_round(track))
        self._present = sorted(self._tracks)
        weights = np.array([sum(t.seconds for t in self._tracks[tag]) for tag in self._present]) ** BALANCE
        self._chance = weights / weights.sum()

    def batch(self, number: int, *, rank: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mel float32 (B, n_bands, per_step * S), log10; tags int64 (B, S) and clocks float32 (B, S, 2) of each step.

        A clock is the beats since the start, and 1 where there is a beat.
        """
        rng = np.random.default_rng((self._seed, number, rank))
        crops = [self._crop(rng) for _ in range(self.batch_size)]
        mel, tags, clock = (np.stack(parts) for parts in zip(*crops, strict=True))
        if self._augment:
            gains = rng.uniform(-GAIN_DB, GAIN_DB, (len(mel), 1, 1)).astype(np.float32) / 20.0
            mel = np.maximum(mel + gains, np.float32(_FLOOR))
        return torch.from_numpy(mel.transpose(0, 2, 1).copy()), torch.from_numpy(tags), torch.from_numpy(clock)

    def _crop(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        first, second = self._cut(rng), self._cut(rng)
        if not self._augment or rng.random() >= self._spliced:
            return first
        at = int(rng.integers(4, self.n_steps - 3)) if self.n_steps > 7 else self.n_steps
        mel = np.concatenate((first[0][: at * self._per_step], second[0][at * self._per_step :]))
        return mel, *(np.concatenate((a[:at], b[at:])) for a, b in zip(first[1:], second[1:], strict=True))

    def _cut(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        tracks = self._tracks[int(rng.choice(self._present, p=self._chance))]
        lengths = np.array([len(track.mel) for track in tracks], dtype=np.float64)
        track = tracks[rng.choice(len(tracks), p=lengths / lengths.sum())]
        stretched = self._augment and len(track.beats) > 0 and rng.random() < STRETCHED
        faster = FASTEST ** rng.uniform(-1.0, 1.0) if stretched else 1.0
        # Frames come twice, or are left out: means of two of them would be smoother than sound is.
        frames = (np.arange(self._n_frames) * faster + 0.5).astype(np.int64)
        places = (self._start(track, rng) + frames) % len(track.mel)
        steps = places[:: self._per_step]
        clock = np.stack((track.position[steps], track.beating[steps].astype(np.float32)), axis=1)
        return track.mel[places].astype(np.float32), np.full(self.n_steps, track.tag, np.int64), clock

    def _start(self, track: Track, rng: np.random.Generator) -> int:
        if len(track.beats) and rng.random() < ON_THE_BEAT:
            return int(rng.choice(track.beats))
        start = int(rng.integers(len(track.mel)))
        return start if rng.random() < 1.0 - ON_THE_BEAT else start - start % self._per_step


def going_round(track: Track) -> Track:
    """The track without its last decay, on to the end of a bar: what comes after it is its beginning.

    A stream has no end. Where recordings end in silence, and nothing comes after it, whoever learns from them falls
    silent for ever.
    """
    loudest = track.mel.max(axis=1).astype(np.float32)
    n = int(np.flatnonzero(loudest > loudest.max() - DECAYED)[-1]) + 1
    if n < len(track.mel) and track.beating[n]:
        bars = track.beats[(np.floor(track.position[track.beats] + 1e-3) % BEATS_OF_A_BAR == 0) & (track.beats >= n)]
        n = int(bars[0]) if len(bars) else n
    if n == len(track.mel):
        return track
    return replace(
        track,
        mel=track.mel[:n],
        position=track.position[:n],
        beating=track.beating[:n],
        beats=track.beats[track.beats < n],
    )
