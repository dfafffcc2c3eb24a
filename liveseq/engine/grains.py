"""A cloud: grains of a layer, each with an envelope of its own, all read in one go.

Pure numpy. Everything is a function of the absolute sample clock, never of the block, so that a rendering is the same
for every block size, bit for bit.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from liveseq.dsp.interpolation import Excerpt, interpolate, kernel
from liveseq.engine.ramps import FadeOut, Scratch
from liveseq.sequencer.timeline import Grain, GrainShape

MAX_GRAINS = 16
"""Grains of a layer that sound at once. One more fades the oldest out."""
MAX_DROPPED = 4
"""Grains that may fade out for that reason at once; over it the new one is refused."""
DROP_SECONDS = 0.005
"""Fade of a grain that gives way; also the least time for which a grain counts as sounding, however short it is."""
_DECAY = 1e-3  # -60 dB: what an exponential release has come down to when it ends


def _sine(done: np.ndarray) -> np.ndarray:
    rise: np.ndarray = np.square(np.sin(np.pi / 2 * done))
    return rise


def _line(done: np.ndarray) -> np.ndarray:
    return done


def _decay(done: np.ndarray) -> np.ndarray:
    fall: np.ndarray = (np.power(_DECAY, 1.0 - done) - _DECAY) / (1.0 - _DECAY)
    return fall


Curve = Callable[[np.ndarray], np.ndarray]
_CURVES: dict[GrainShape, tuple[Curve, Curve]] = {
    GrainShape.HANN: (_sine, _sine),
    GrainShape.TRAPEZOID: (_line, _line),
    GrainShape.EXPONENTIAL: (_sine, _decay),
}
"""Attack and release: level, 0 to 1, where so much of the way up is done."""


class GrainVoice:
    """One grain that sounds."""

    __slots__ = ("_fade_out", "channels", "dropped", "end", "event", "excerpt", "origin", "start")

    def __init__(self, audio: np.ndarray, event: Grain, *, clock: int) -> None:
        """audio: float32 (n_samples, 2), the whole shard; it is read, never copied."""
        self.event = event
        self.start = clock
        self.end = clock + event.length
        self.dropped = False
        """Whether it gives way to another one."""
        mirror = len(audio)
        self.origin = mirror - 1 - event.position if event.reverse else event.position
        self.excerpt = (
            Excerpt(audio[::-1], mirror - event.source_end, mirror - event.source_start, kernel(event.ratio))
            if event.reverse
            else Excerpt(audio, event.source_start, event.source_end, kernel(event.ratio))
        )
        angle = (event.pan + 1.0) * np.pi / 4
        self.channels = event.gain * np.sqrt(2.0) * np.array([np.cos(angle), np.sin(angle)])
        """Gain of each channel."""
        self._fade_out: FadeOut | None = None

    @property
    def exact(self) -> bool:
        """Whether it stands on whole samples: what it reads is copied, not interpolated."""
        return self.event.ratio == 1.0

    def fade_out(self, clock: int, *, length: int) -> None:
        """Be silent from `clock + length` on; never later than it would be anyway."""
        self._fade_out = FadeOut(clock, length=length, after=self._fade_out)
        self.end = min(self.end, self._fade_out.end)

    def faded(self, levels: np.ndarray, clock: int, *, scratch: Scratch) -> np.ndarray:
        """Levels (n, 2) from `clock` on, less what it is faded out."""
        if self._fade_out is None:
            return levels
        return levels * self._fade_out.block(clock, len(levels), scratch=scratch).astype(np.float32)


class Cloud:
    """The grains of one layer that sound."""

    def __init__(self, *, sample_rate: int) -> None:
        self.grains: tuple[GrainVoice, ...] = ()
        """Oldest first; replaced, never changed, since other threads look at it."""
        self._drop = int(DROP_SECONDS * sample_rate)

    def start(self, audio: np.ndarray, event: Grain, *, clock: int) -> bool:
        """Begin a grain at `clock`. Returns False where another grain has had to give way, or this one is refused."""
        sounding = [grain for grain in self.grains if max(grain.end, grain.start + self._drop) > clock]
        n_dropped = sum(grain.dropped for grain in sounding)
        full = len(sounding) - n_dropped >= MAX_GRAINS
        if full and n_dropped >= MAX_DROPPED:
            return False
        if full:
            oldest = next(grain for grain in sounding if not grain.dropped)
            oldest.dropped = True
            oldest.fade_out(clock, length=self._drop)
        self.grains = (*self.grains, GrainVoice(audio, event, clock=clock))
        return not full

    def fade_out(self, clock: int, *, length: int) -> None:
        """Fade out all that sounds."""
        for grain in self.grains:
            grain.fade_out(clock, length=length)

    def clear(self) -> None:
        """Silence all at once."""
        self.grains = ()

    def add_to(self, out: np.ndarray, clock: int, *, scratch: Scratch) -> None:
        """Add the samples from `clock` on. out: float32 (n_samples, 2)."""
        n = len(out)
        alive = [grain for grain in self.grains if grain.start < clock + n and grain.end > clock]
        pitched = [grain for grain in alive if not grain.exact]
        sounds = {id(grain): sound for grain, sound in _read(pitched, clock, n, scratch=scratch)}
        levels = _levels(alive, clock, n, scratch=scratch)
        for grain, level in zip(alive, levels, strict=True):  # in this order, so that the sum is always the same
            begin, stop = max(grain.start - clock, 0), min(grain.end - clock, n)
            if grain.exact:
                first = grain.origin + clock + begin - grain.start
                sound = grain.excerpt.audio[first : first + stop - begin]
            else:
                sound = sounds[id(grain)][begin:stop]
            out[begin:stop] += sound * grain.faded(level[begin:stop], clock + begin, scratch=scratch)
        self.grains = tuple(grain for grain in self.grains if max(grain.end, grain.start + self._drop) > clock + n)


def _read(
    grains: Sequence[GrainVoice], clock: int, n: int, *, scratch: Scratch
) -> Iterator[tuple[GrainVoice, np.ndarray]]:
    """Samples that grains read from `clock` on, as far as they sound then: float32 (n, 2) each."""
    for n_taps in sorted({grain.excerpt.kernel.n_taps for grain in grains}):
        alike = [grain for grain in grains if grain.excerpt.kernel.n_taps == n_taps]
        into = np.array([clock - grain.start for grain in alike], dtype=np.float64)
        ratios = np.array([grain.event.ratio for grain in alike])
        offsets = (into[:, np.newaxis] + scratch.steps[:n, 0]) * ratios[:, np.newaxis]
        excerpts = [grain.excerpt for grain in alike]
        yield from zip(
            alike, interpolate(excerpts, origins=[grain.origin for grain in alike], offsets=offsets), strict=True
        )


def _levels(grains: Sequence[GrainVoice], clock: int, n: int, *, scratch: Scratch) -> np.ndarray:
    """Envelope and gain of each channel, for n samples from `clock` on: float32 (n_grains, n, 2)."""
    edges: dict[tuple[bool, Curve], list[tuple[int, int, float]]] = {}
    for row, grain in enumerate(grains):
        event, into = grain.event, clock - grain.start
        rise, fall = _CURVES[event.shape]
        if event.attack and into < event.attack:
            edges.setdefault((True, rise), []).append((row, into, 1.0 / event.attack))
        if event.release and into + n > event.length - event.release:
            edges.setdefault((False, fall), []).append((row, into - event.length, -1.0 / event.release))
    levels = np.ones((len(grains), n))
    for (_, curve), ends in edges.items():
        rows, begins, slopes = zip(*ends, strict=True)
        done = (np.array(begins)[:, np.newaxis] + (scratch.steps[:n, 0] + 0.5)) * np.array(slopes)[:, np.newaxis]
        levels[list(rows)] *= curve(np.clip(done, 0.0, 1.0))
    channels = np.array([grain.channels for grain in grains]).reshape(-1, 1, 2)
    scaled: np.ndarray = (levels[:, :, np.newaxis] * channels).astype(np.float32)
    return scaled
