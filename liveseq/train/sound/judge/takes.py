"""Takes to judge: real ones out of recordings, others out of a generator, as much of each tag as of the other."""

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np

from liveseq.runtime.generator import Generator, Stream

FADE_SECONDS = 0.02


class TaggedAudio(Protocol):
    """Recording with a tag."""

    tag: str
    audio: np.ndarray
    """float32 (n_samples, 2)."""


def real_takes(recordings: Iterable[TaggedAudio], *, seconds: float, sample_rate: int) -> dict[str, np.ndarray]:
    """Recordings of each tag one after the other, none twice, up to `seconds`: float32 (n_samples, 2)."""
    by_tag: dict[str, list[np.ndarray]] = {}
    for recording in recordings:
        by_tag.setdefault(recording.tag, []).append(recording.audio)
    n = int(seconds * sample_rate)
    return {tag: _share(parts, n, fade=int(FADE_SECONDS * sample_rate)) for tag, parts in sorted(by_tag.items())}


def _share(parts: list[np.ndarray], n: int, *, fade: int) -> np.ndarray:
    """The same time of each part, from its beginning, with faded ends; less where there is no more."""
    left, pieces = n, []
    for number, part in enumerate(sorted(parts, key=len)):  # the short ones leave more to the long ones
        piece = part[: left // (len(parts) - number)].copy()
        ramp = np.linspace(0.0, 1.0, min(fade, len(piece) // 2), dtype=np.float32)[:, None]
        piece[: len(ramp)] *= ramp
        piece[len(piece) - len(ramp) :] *= ramp[::-1]
        pieces.append(piece)
        left -= len(piece)
    return np.concatenate(pieces)


def common(first: Mapping[str, np.ndarray], *others: Mapping[str, np.ndarray], shortest: int) -> list[str]:
    """Tags that have at least `shortest` samples in all of these takes, (n_samples, n_channels) each."""
    return [tag for tag in first if all(tag in takes and len(takes[tag]) >= shortest for takes in (first, *others))]


def generated_takes(
    generator: Generator, vectors: Mapping[str, np.ndarray], lengths: Mapping[str, int], *, seed: int, late: int = 0
) -> dict[str, np.ndarray]:
    """Takes of so many samples, float32 (n_samples, n_channels), each from a stream of its own.

    vectors: of the tags, float32 (n_dimensions,). late: samples by which the generator's sound comes late; they are
    left out, as where it fills a corpus.
    """
    takes = {}
    for number, (tag, n) in enumerate(lengths.items()):
        stream = Stream(generator, seed=seed + number)
        n_steps = -(-(n + late) // generator.samples_per_step)
        takes[tag] = np.concatenate([stream.next(vectors.get(tag)) for _ in range(n_steps)])[late : late + n]
    return takes
