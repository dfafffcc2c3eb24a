"""Description of a source from its samples: all else that a corpus keeps of it. Pure."""

from dataclasses import dataclass

import numpy as np

from liveseq.corpus.segmentation import beats, fixed, onsets
from liveseq.corpus.source import NewSource, Provenance
from liveseq.dsp.beats import Beats, find_attacks, find_beats
from liveseq.dsp.descriptors import describe


@dataclass(frozen=True, kw_only=True)
class CorpusSettings:
    """The corpus that a source is for, as far as its description depends on it."""

    sample_rate: int
    """Hz."""
    hop_length: int
    """Samples from one frame to the next."""
    segmentation: str
    """One of segmentation.METHODS."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """Frames, units and beat of a source; fields as in NewSource."""

    frames: np.ndarray
    bounds: np.ndarray
    onsets: np.ndarray
    beats: Beats | None


def describe_source(audio: np.ndarray, settings: CorpusSettings) -> Description:
    """Describe and cut a source.

    audio: float32 (n_samples, 2), finite, at least one sample. Raises SignalError where that is not so.
    """
    mono = audio.mean(axis=1, dtype=np.float32)
    frames = describe(mono, sample_rate=settings.sample_rate, hop_length=settings.hop_length)
    grid = find_beats(mono, sample_rate=settings.sample_rate)
    bounds = segment(mono, settings, grid=grid)
    return Description(
        frames=frames, bounds=bounds, onsets=unit_onsets(mono, bounds, sample_rate=settings.sample_rate), beats=grid
    )


def segment(mono: np.ndarray, settings: CorpusSettings, *, grid: Beats | None) -> np.ndarray:
    """Unit bounds of a signal by the corpus's segmentation: int64 (n_units + 1,), in samples.

    mono: float32 (n_samples,); grid: its steady beat, or None.
    """
    if settings.segmentation == "onsets":
        return onsets(mono, sample_rate=settings.sample_rate, hop_length=settings.hop_length)
    if settings.segmentation == "beats" and grid is not None:
        return beats(len(mono), grid=grid, sample_rate=settings.sample_rate)
    return fixed(len(mono), hop_length=settings.hop_length)


def unit_onsets(mono: np.ndarray, bounds: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Samples from each unit's start to its strongest attack, int32 (n_units,); -1 where it has none.

    mono: float32 (n_samples,); bounds: int64 (n_units + 1,); sample_rate in Hz.
    """
    places, strengths = find_attacks(mono, sample_rate=sample_rate)
    order = np.argsort(strengths, kind="stable")  # the strongest is written last
    places = places[order]
    units = np.searchsorted(bounds, places, side="right") - 1
    found = np.full(len(bounds) - 1, -1, dtype=np.int32)
    found[units] = places - bounds[units]
    return found


def new_source(
    audio: np.ndarray, description: Description, *, name: str, tags: tuple[str, ...], provenance: Provenance
) -> NewSource:
    """A source with its description, to be added. audio: float32 (n_samples, 2) at the corpus's rate."""
    return NewSource(
        name=name,
        audio=audio,
        frames=description.frames,
        bounds=description.bounds,
        onsets=description.onsets,
        beats=description.beats,
        tags=tags,
        provenance=provenance,
    )
