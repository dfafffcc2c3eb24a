"""Tracks of UNAGAN: recordings as mel frames, each frame with its place in the beat.

Frames are computed once and kept in memory (an hour takes 87 MB). Recordings too short for a crop are strung together,
each beginning on a step, so that a folder of single hits becomes rhythm.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from liveseq.dsp.mel import MelFrontEnd
from liveseq.train.sound.beats import find_grid
from liveseq.train.sound.material.reading import Recording
from liveseq.train.sound.unagan.networks import FRAMES_PER_STEP

CHAIN_SECONDS = 90.0
"""Length of the short recordings of a tag, strung together in ever other orders, where it has only such."""
_FADE = 960  # samples
_QUIET = 10.0 ** (-60 / 20)
_TAIL = 10.0 ** (-40 / 20)
"""Level against its peak below which a short recording has ended: hits would wait for the end of each one's tail."""


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
    """Count of frames by the beats in one; 0: no beat."""
    seconds: float
    """Length of its recordings, each counted once."""


@dataclass(frozen=True)
class _Beaten:
    """A recording with its beat."""

    mono: np.ndarray
    position: np.ndarray  # of each sample of the hop grid, beats
    rate: float  # beats per frame, 0: none


def make_tracks(
    recordings: Sequence[Recording], *, tags: Sequence[str], front_end: MelFrontEnd, n_frames: int, seed: int
) -> tuple[Track, ...]:
    """Tracks of recordings. tags: in the order that a track's number counts; n_frames: of the longest crop."""
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
    """The recording up to its last sample above this part of its peak."""
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


def beginnings(tracks: Sequence[Track], n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The beginning of each track, as much of each, n_steps in all at most.

    Returns mel float32 (16 S, n_mels), log10, and clock float32 (S, 2): beats since the start, and 1 where there is a
    beat.
    """
    each = -(-n_steps // len(tracks))
    mels, clocks = [], []
    for track in tracks:
        n = min(each, len(track.mel) // FRAMES_PER_STEP)
        mels.append(track.mel[: n * FRAMES_PER_STEP].astype(np.float32))
        steps = slice(0, n * FRAMES_PER_STEP, FRAMES_PER_STEP)
        clocks.append(np.stack((track.position[steps], track.beating[steps].astype(np.float32)), axis=1))
    return np.concatenate(mels), np.concatenate(clocks)
