"""Tracks: recordings as mel frames, each frame with its place in the beat.

Frames are computed once and kept (an hour of 128 bands takes 87 MB). Recordings too short for a crop are strung
together, each beginning on a step, so that a folder of single hits becomes rhythm.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from liveseq.dsp.mel import MelFrontEnd
from liveseq.train.sound.beats import find_grid
from liveseq.train.sound.material.reading import Recording

CHAIN_SECONDS = 90.0
"""Length of the short recordings of a tag, strung together in ever other orders, where it has only such."""
_FADE = 960  # samples
_QUIET = 10.0 ** (-60 / 20)
_TAIL = 10.0 ** (-40 / 20)
"""Level against its peak below which a short recording has ended: hits would wait for the end of each one's tail."""


@dataclass(frozen=True, kw_only=True)
class Framing:
    """How sound becomes frames: here the mel frames of its mono mix."""

    front_end: MelFrontEnd
    per_step: int
    """Frames of a step, on one of which each recording begins."""

    def frames(self, audio: np.ndarray) -> np.ndarray:
        """Audio (n_samples, 2) -> log10 of magnitudes, float32 (n_frames, n_bands)."""
        return self.front_end.log_mel(mono_of(audio))


def mono_of(audio: np.ndarray) -> np.ndarray:
    """Audio (n_samples, 2) -> its mean, float32 (n_samples,)."""
    return np.ascontiguousarray(audio.mean(axis=1, dtype=np.float32))


@dataclass(frozen=True, kw_only=True)
class Track:
    """Frames of one tag."""

    tag: int
    mel: np.ndarray
    """float16 (n_frames, n_bands), log10 of magnitudes."""
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

    audio: np.ndarray  # (n_samples, 2)
    position: np.ndarray  # of each sample of the hop grid, beats
    rate: float  # beats per frame, 0: none


def make_tracks(
    recordings: Sequence[Recording], *, tags: Sequence[str], framing: Framing, n_frames: int, seed: int
) -> Iterator[Track]:
    """Tracks of recordings. tags: in the order that a track's number counts; n_frames: of the longest crop."""
    front_end = framing.front_end
    for number, tag in enumerate(tags):
        own = [_beaten(r.audio, front_end) for r in recordings if r.tag == tag]
        for one in own:
            if len(one.audio) // front_end.hop_length >= n_frames:
                yield _track(number, [one], framing)
        short = [one for one in own if len(one.audio) // front_end.hop_length < n_frames]
        if short:
            rng = np.random.default_rng((seed, number))
            n_samples = max(CHAIN_SECONDS * front_end.sample_rate, 2 * n_frames * front_end.hop_length)
            share = sum(len(one.audio) for one in short) / sum(len(one.audio) for one in own)
            hits = [_ended(one, _TAIL, front_end) for one in short]
            yield _track(number, _strung(hits, int(share * n_samples), n_frames, front_end, rng), framing)


def _beaten(audio: np.ndarray, front_end: MelFrontEnd) -> _Beaten:
    """Audio without the silence at its end, and its beat."""
    mono = mono_of(audio)
    mono = mono[: _end(mono, _QUIET)]
    audio = audio[: len(mono)]
    grid = find_grid(mono, sample_rate=front_end.sample_rate)
    n_frames = -(-len(mono) // front_end.hop_length)
    if grid is None:
        return _Beaten(audio, np.zeros(n_frames, np.float32), 0.0)
    position = grid.position(np.arange(n_frames) * front_end.hop_length)
    return _Beaten(audio, position.astype(np.float32), front_end.hop_length / grid.period)


def _ended(one: _Beaten, quiet: float, front_end: MelFrontEnd) -> _Beaten:
    """The recording up to its last sample above this part of its peak."""
    end = _end(mono_of(one.audio), quiet)
    return _Beaten(one.audio[:end], one.position[: -(-end // front_end.hop_length)], one.rate)


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
            total += len(own[i].audio)
    return chosen


def _track(tag: int, parts: Sequence[_Beaten], framing: Framing) -> Track:
    """One recording, or several, each of which begins on a step."""
    hop, rate = framing.front_end.hop_length, framing.front_end.sample_rate
    seconds = sum(len(audio) for audio in {id(part): part.audio for part in parts}.values()) / rate
    step = hop * framing.per_step
    starts, place = [], 0
    for part in parts:
        starts.append(place)
        place += -(-len(part.audio) // step) * step
    audio = np.zeros((place, 2), dtype=np.float32)
    n = place // hop
    position, beating = np.zeros(n, dtype=np.float32), np.zeros(n, dtype=bool)
    rates: dict[float, float] = {}
    for start, part in zip(starts, parts, strict=True):
        end = start + len(part.audio)
        audio[start:end] = part.audio
        n_fade = min(_FADE, len(part.audio))
        if len(parts) > 1:
            audio[end - n_fade : end] *= np.linspace(1.0, 0.0, n_fade, dtype=np.float32)[:, None]
        frames = slice(start // hop, start // hop + len(part.position))
        position[frames], beating[frames] = part.position, part.rate > 0
        rates[part.rate] = rates.get(part.rate, 0.0) + len(part.position)
    return Track(
        tag=tag,
        mel=framing.frames(audio).astype(np.float16),
        position=position,
        beating=beating,
        beats=beats_of(position, beating),
        rates=rates,
        seconds=seconds,
    )


def beats_of(position: np.ndarray, beating: np.ndarray) -> np.ndarray:
    """Frames on which a beat falls, int64 (n,), by the place of each frame in beats, and whether it has a beat."""
    whole = np.floor(position + 1e-3)
    return np.flatnonzero(beating[1:] & (whole[1:] > whole[:-1])) + 1


def beginnings(tracks: Sequence[Track], n_steps: int, *, per_step: int) -> tuple[np.ndarray, np.ndarray]:
    """The beginning of each track, as much of each, n_steps of so many frames in all at most.

    Returns frames float32 (per_step * S, n_bands), log10, and clock float32 (S, 2): beats since the start, and 1 where
    there is a beat.
    """
    each = -(-n_steps // len(tracks))
    mels, clocks = [], []
    for track in tracks:
        n = min(each, len(track.mel) // per_step)
        mels.append(track.mel[: n * per_step].astype(np.float32))
        steps = slice(0, n * per_step, per_step)
        clocks.append(np.stack((track.position[steps], track.beating[steps].astype(np.float32)), axis=1))
    return np.concatenate(mels), np.concatenate(clocks)
