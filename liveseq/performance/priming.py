"""Primings, which a plan is to continue: descriptor frames from a message, a place in the corpus. Pure."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from liveseq.corpus.names import composed
from liveseq.corpus.units import FEATURE_NAMES, UnitTable
from liveseq.dsp.descriptors import BASE_NAMES, DESCRIPTOR_NAMES, MFCC_NAMES, N_MFCC, base_descriptors
from liveseq.errors import OscError
from liveseq.osc.packets import Value
from liveseq.sequencer.selection import Scaling

HOPS_PER_STEP = 8
"""Frames that a predictor hears as one step."""
GREATEST = 1e6
"""Greatest value of any descriptor, in its own unit."""
N_NEAR = 8
"""Units that tell what 13 MFCC do not."""
MOST_UNITS = 4096
"""Units that they are looked for among, about: a message is read in the event loop, and may hold a hundred frames."""


def step_features(arguments: Sequence[Value], units: UnitTable) -> np.ndarray:
    """A message's frames as predictor steps: raw features, float32 (n_steps, n_features), n_steps >= 1.

    arguments: columns, and a blob of float32, big-endian, one row per frame. Frames beyond a whole step at the front
    are left out, so that the last step ends with the last frame. Raises OscError, by what is wrong.
    """
    columns, blob = int(arguments[0]), arguments[1]  # type: ignore[arg-type]
    assert isinstance(blob, bytes)
    if columns not in (len(MFCC_NAMES), len(DESCRIPTOR_NAMES)):
        raise OscError("out_of_range", f"columns: expected 39 or 43, found {columns}")
    if not blob or len(blob) % (4 * columns):
        raise OscError("bad_args", f"descriptors: expected rows of {columns} float32, found {len(blob)} bytes")
    frames = np.frombuffer(blob, dtype=">f4").astype(np.float32).reshape(-1, columns)
    if not np.isfinite(frames).all():
        row, column = np.argwhere(~np.isfinite(frames))[0]
        raise OscError("bad_args", f"descriptors: {DESCRIPTOR_NAMES[column]} of frame {row} is no finite number")
    if (np.abs(frames) > GREATEST).any():
        row, column = np.argwhere(np.abs(frames) > GREATEST)[0]
        found = f"{DESCRIPTOR_NAMES[column]} of frame {row} is {frames[row, column]:g}"
        raise OscError("out_of_range", f"descriptors: {found}, expected at most {GREATEST:g}")
    if len(frames) < HOPS_PER_STEP:
        raise OscError("bad_args", f"descriptors: expected at least {HOPS_PER_STEP} frames, found {len(frames)}")
    known = base_descriptors(frames) if columns == len(DESCRIPTOR_NAMES) else _completed(frames[:, :N_MFCC], units)
    return pooled(known)


def pooled(frames: np.ndarray) -> np.ndarray:
    """Mean and spread of every eight frames, the last ones whole: (n_frames, 17) -> float32 (n_frames // 8, 34)."""
    n_steps = len(frames) // HOPS_PER_STEP
    steps = frames[len(frames) - n_steps * HOPS_PER_STEP :].reshape(n_steps, HOPS_PER_STEP, frames.shape[1])
    return np.concatenate([steps.mean(axis=1), steps.std(axis=1)], axis=1).astype(np.float32)


def _completed(mfcc: np.ndarray, units: UnitTable) -> np.ndarray:
    """MFCC with the loudness, centroid, flatness and pitch that such have in the corpus: (n, 13) -> float32 (n, 17)."""
    some = units.features[:: max(1, units.n_units // MOST_UNITS)]
    known = some[:, :N_MFCC]
    spread = known.std(axis=0) + 1e-6
    out = np.empty((len(mfcc), len(BASE_NAMES)), dtype=np.float32)
    out[:, :N_MFCC] = mfcc
    for row in out:
        off = np.square((known - row[:N_MFCC]) / spread).sum(axis=1)
        near = np.argpartition(off, min(N_NEAR, len(off)) - 1)[:N_NEAR]
        row[N_MFCC:] = some[near, N_MFCC : len(BASE_NAMES)].mean(axis=0)
    return out


def find_unit(units: UnitTable, source: str, *, seconds: float) -> int:
    """The unit that sounds at this time of a recording. Raises OscError where there is none, naming what is near."""
    names = units.source_names
    source = composed(source)
    if source not in names:
        near = difflib.get_close_matches(source[:200], names, n=3, cutoff=0.4)
        hint = f"did you mean {', '.join(near)}?" if near else "see liveseq corpus info --sources"
        raise OscError("not_found", f"no recording {source[:64]!r} in the corpus; {hint}")
    sounding = np.zeros(units.n_units, dtype=bool)
    for members in units.tag_units.values():
        sounding[members] = True
    found = np.flatnonzero((units.source == names.index(source)) & sounding)
    if not len(found):
        raise OscError("not_found", f"{source[:64]!r} is silent, or was taken out of the corpus")
    begins = (units.position[found] - units.source_start[found]) / units.sample_rate
    end = begins[-1] + units.length[found[-1]] / units.sample_rate
    if seconds > end:
        raise OscError("out_of_range", f"seconds: {source[:64]!r} sounds until {end:.1f} s, found {seconds:g}")
    return int(found[max(0, int(np.searchsorted(begins, seconds, side="right")) - 1)])


@dataclass(frozen=True)
class Calibration:
    """Maps the range of an input onto that of the corpus, as CataRT's Calibrate does."""

    scale: np.ndarray
    """float32 (n_features,)"""
    offset: np.ndarray
    """float32 (n_features,)"""

    @classmethod
    def of(cls, blob: bytes, scaling: Scaling) -> "Calibration | None":
        """The calibration by a range: mean and spread of the input's steps, float32 big-endian; None where it is empty.
        Raises OscError."""
        if not blob:
            return None
        n = len(FEATURE_NAMES)
        if len(blob) != 8 * n:
            raise OscError("bad_args", f"range: expected {8 * n} bytes (mean and spread of {n}), found {len(blob)}")
        mean, spread = np.frombuffer(blob, dtype=">f4").astype(np.float32).reshape(2, n)
        if not (np.isfinite(mean).all() and np.isfinite(spread).all() and (spread >= 0).all()):
            raise OscError("bad_args", "range: expected finite means and spreads of at least 0")
        # What hardly moves in the input is moved onto the corpus, not blown up to its range.
        scale = np.clip(scaling.std / np.maximum(spread, 1e-6), 0.25, 4.0).astype(np.float32)
        return cls(scale=scale, offset=(scaling.mean - scale * mean).astype(np.float32))

    def apply(self, features: np.ndarray) -> np.ndarray:
        """Steps of the input on the range of the corpus: raw features, float32 (n_steps, n_features), both."""
        mapped: np.ndarray = (features * self.scale + self.offset).astype(np.float32)
        return mapped
