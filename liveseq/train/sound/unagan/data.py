"""What UNAGAN learns from: recordings as mel frames, each frame with its place in the beat.

Frames are made once and kept in memory (an hour takes 87 MB). Recordings too short for a crop are strung together,
each beginning on a step, so that a folder of single hits becomes rhythm. A batch is a function of seed, number and
rank.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from liveseq.dsp.mel import FLOOR, MelFrontEnd
from liveseq.errors import TrainingError
from liveseq.train.sound.beats import FASTEST, find_grid
from liveseq.train.sound.library import Recording
from liveseq.train.sound.unagan.nets import FRAMES_PER_STEP

CHAIN_SECONDS = 90.0
"""Of short recordings in ever other orders, for each tag that has only such."""
GAIN_DB = 3.0
ON_THE_BEAT = 0.6
"""Share of the crops that begin with a beat, as every stream does."""
SPLICED = 0.25
"""Share of the crops that change to another tag on the way, as a performer does."""
STRETCHED = 0.5
"""Share of the crops of what has a beat that are faster or slower than it was."""
BALANCE = 0.5
"""How often a tag comes, as a power of its seconds: 0 all alike, 1 by their length."""
_FADE = 960
_QUIET = 10.0 ** (-60 / 20)
_TAIL = 10.0 ** (-40 / 20)
"""Of its peak, below which a short recording has ended: a stream of hits would wait for the end of each one's tail."""
_FLOOR = float(np.log10(FLOOR))


@dataclass(frozen=True, kw_only=True)
class Track:
    """Mel frames of one tag."""

    tag: int
    mel: np.ndarray
    """float16 (n_frames, n_mels), log10 of magnitudes."""
    position: np.ndarray
    """float32 (n_frames,), beats since the first one of the recording."""
    beating: np.ndarray
    """bool (n_frames,): whether it has a beat."""
    beats: np.ndarray
    """int64 (n,): frames on which a beat falls."""
    rates: dict[float, float]
    """Beats per frame, and how many frames have them."""
    seconds: float
    """Of recordings that it was made of, each counted once."""


@dataclass(frozen=True)
class _Beaten:
    mono: np.ndarray
    position: np.ndarray  # of each sample of the hop grid, beats
    rate: float  # beats per frame, 0: none


def make_tracks(
    recordings: Sequence[Recording], *, tags: Sequence[str], front_end: MelFrontEnd, n_frames: int, seed: int
) -> tuple[Track, ...]:
    """n_frames: of the longest crop. tags: what a track's number counts."""
    tracks = []
    for number, tag in enumerate(tags):
        own = [_beaten(r.audio, front_end) for r in recordings if r.tag == tag]
        long = [one for one in own if len(one.mono) // front_end.hop_length >= n_frames]
        short = [one for one in own if len(one.mono) // front_end.hop_length < n_frames]
        tracks += [_track(number, [one], front_end) for one in long]
        if short:
            rng = np.random.default_rng((seed, number))
            n_samples = max(CHAIN_SECONDS * front_end.sample_rate, 2 * n_frames * front_end.hop_length)
            share = sum(len(one.mono) for one in short) / sum(len(one.mono) for one in own)
            hits = [_ended(one, _TAIL, front_end) for one in short]
            tracks.append(_track(number, _strung(hits, int(share * n_samples), n_frames, front_end, rng), front_end))
    return tuple(tracks)


def _beaten(audio: np.ndarray, front_end: MelFrontEnd) -> _Beaten:
    """Mono without the silence at its end, and its beat."""
    mono = np.ascontiguousarray(audio.mean(axis=1, dtype=np.float32))
    mono = mono[: _end(mono, _QUIET)]
    grid = find_grid(mono, sample_rate=front_end.sample_rate)
    n_frames = -(-len(mono) // front_end.hop_length)
    if grid is None:
        return _Beaten(mono, np.zeros(n_frames, np.float32), 0.0)
    position = grid.position(np.arange(n_frames) * front_end.hop_length)
    return _Beaten(mono, position.astype(np.float32), front_end.hop_length / grid.period)


def _ended(one: _Beaten, quiet: float, front_end: MelFrontEnd) -> _Beaten:
    """Without what comes after its last sample above this part of its peak."""
    end = _end(one.mono, quiet)
    return _Beaten(one.mono[:end], one.position[: -(-end // front_end.hop_length)], one.rate)


def _end(mono: np.ndarray, quiet: float) -> int:
    loud = np.flatnonzero(np.abs(mono) > quiet * max(float(np.abs(mono).max()), 1e-9))
    return int(loud[-1]) + 1 if len(loud) else len(mono)


def _strung(
    own: Sequence[_Beaten], n_samples: int, n_frames: int, front_end: MelFrontEnd, rng: np.random.Generator
) -> list[_Beaten]:
    """Recordings one after the other, n_samples of them at least, and enough for a crop; none twice in a row."""
    chosen: list[_Beaten] = []
    total, least = 0, max(n_samples, (n_frames + 1) * front_end.hop_length)
    while total < least:
        for i in rng.permutation(len(own)):
            chosen.append(own[i])
            total += len(own[i].mono)
    return chosen


def _track(tag: int, parts: Sequence[_Beaten], front_end: MelFrontEnd) -> Track:
    """One recording, or several, each of which begins on a step."""
    seconds = sum(len(mono) for mono in {id(part): part.mono for part in parts}.values()) / front_end.sample_rate
    hop = front_end.hop_length
    step = hop * FRAMES_PER_STEP
    starts, place = [], 0
    for part in parts:
        starts.append(place)
        place += -(-len(part.mono) // step) * step
    mono = np.zeros(place, dtype=np.float32)
    n = place // hop
    position, beating = np.zeros(n, dtype=np.float32), np.zeros(n, dtype=bool)
    rates: dict[float, float] = {}
    for start, part in zip(starts, parts, strict=True):
        mono[start : start + len(part.mono)] = part.mono
        n_fade = min(_FADE, len(part.mono))
        if len(parts) > 1:
            end = start + len(part.mono)
            mono[end - n_fade : end] *= np.linspace(1.0, 0.0, n_fade, dtype=np.float32)
        frames = slice(start // hop, start // hop + len(part.position))
        position[frames], beating[frames] = part.position, part.rate > 0
        rates[part.rate] = rates.get(part.rate, 0.0) + len(part.position)
    whole = np.floor(position + 1e-3)
    beats = np.flatnonzero(beating[1:] & (whole[1:] > whole[:-1])) + 1
    mel = front_end.log_mel(mono).astype(np.float16)
    return Track(tag=tag, mel=mel, position=position, beating=beating, beats=beats, rates=rates, seconds=seconds)


def some_frames(tracks: Sequence[Track], n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the beginning of each track as much: mel float32 (16 S, n_mels) and clock float32 (S, 2), S steps at most."""
    each = -(-n_steps // len(tracks))
    mels, clocks = [], []
    for track in tracks:
        n = min(each, len(track.mel) // FRAMES_PER_STEP)
        mels.append(track.mel[: n * FRAMES_PER_STEP].astype(np.float32))
        steps = slice(0, n * FRAMES_PER_STEP, FRAMES_PER_STEP)
        clocks.append(np.stack((track.position[steps], track.beating[steps].astype(np.float32)), axis=1))
    return np.concatenate(mels), np.concatenate(clocks)


class MelCrops:
    """Endless batches of mel frames."""

    def __init__(
        self, tracks: Sequence[Track], *, n_steps: int, batch_size: int, seed: int, augment: bool = True
    ) -> None:
        """n_steps of a crop. Of a tag's tracks each comes by its length."""
        if not tracks:
            raise TrainingError("no recordings to cut; give more --data")
        self.n_steps = n_steps
        self.batch_size = batch_size
        self._n_frames = n_steps * FRAMES_PER_STEP
        self._seed = seed
        self._augment = augment
        self._tracks: dict[int, list[Track]] = {}
        for track in tracks:
            self._tracks.setdefault(track.tag, []).append(track)
        self._present = sorted(self._tracks)
        weights = np.array([sum(t.seconds for t in self._tracks[tag]) for tag in self._present]) ** BALANCE
        self._chance = weights / weights.sum()

    def batch(self, number: int, *, rank: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mel float32 (B, n_mels, 16 S), log10; the tag of each step, int64 (B, S); and its clock, float32 (B, S, 2):

        beats since the start, and 1 where there is a beat.
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
        if not self._augment or rng.random() >= SPLICED:
            return first
        at = int(rng.integers(4, self.n_steps - 3)) if self.n_steps > 7 else self.n_steps
        mel = np.concatenate((first[0][: at * FRAMES_PER_STEP], second[0][at * FRAMES_PER_STEP :]))
        return mel, *(np.concatenate((a[:at], b[at:])) for a, b in zip(first[1:], second[1:], strict=True))

    def _cut(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        tracks = self._tracks[int(rng.choice(self._present, p=self._chance))]
        lengths = np.array([len(track.mel) for track in tracks], dtype=np.float64)
        track = tracks[rng.choice(len(tracks), p=lengths / lengths.sum())]
        stretched = self._augment and len(track.beats) > 0 and rng.random() < STRETCHED
        faster = FASTEST ** rng.uniform(-1.0, 1.0) if stretched else 1.0
        # Frames come twice, or are left out: what lies between two of them would be smoother than sound is.
        frames = (np.arange(self._n_frames) * faster + 0.5).astype(np.int64)
        places = (self._start(track, int(frames[-1]) + 1, rng) + frames) % len(track.mel)  # a short one goes round
        steps = places[::FRAMES_PER_STEP]
        clock = np.stack((track.position[steps], track.beating[steps].astype(np.float32)), axis=1)
        return track.mel[places].astype(np.float32), np.full(self.n_steps, track.tag, np.int64), clock

    def _start(self, track: Track, n_frames: int, rng: np.random.Generator) -> int:
        latest = max(0, len(track.mel) - n_frames)
        if len(track.beats) and rng.random() < ON_THE_BEAT:
            beats = track.beats[track.beats <= latest]
            if len(beats):
                return int(rng.choice(beats))
        start = int(rng.integers(latest + 1))
        return start if rng.random() < 1.0 - ON_THE_BEAT else start - start % FRAMES_PER_STEP
