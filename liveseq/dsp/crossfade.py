"""Curve along which one sound gives way to another. Pure numpy.

Of two sounds of power 1 and correlation r, faded with gains a (in) and b (out), the sum has power a^2 + b^2 + 2 a b r.
With a = sin(angle) and b = cos(angle) that is 1 + r sin(2 angle): 1 for sounds that have nothing in common, but 2, a
bump of 3 dB, in the middle of a fade between sounds that are alike. Divided by the root of it, both gains keep the
power of the sum at 1 for any r: equal power at r = 0, equal gain (a + b = 1) at r = 1.
"""

import numpy as np


def fade_angle(done: np.ndarray) -> np.ndarray:
    """Angle in [0, pi/2] of a crossfade: its sine fades in, its cosine fades out.

    done: share of the fade that is over, in [0, 1]: float32 or float64 (...), any shape; so is the angle. The powers
    add up to 1 at every moment. The angle eases in and out, so that no end of a fade has a corner: under a low tone,
    whose own curvature is small, the corner of a plain quarter wave is a click.
    """
    angle: np.ndarray = np.pi / 2 * np.square(np.sin(np.pi / 2 * done))
    return angle


def fade_in(done: np.ndarray, *, correlation: float = 0.0) -> np.ndarray:
    """Linear gain of the sound that comes.

    done: share of the fade that is over, in [0, 1]: float32 or float64 (...), any shape; so is the gain. correlation:
    of the two sounds, 0 to 1.

    >>> half = np.array(0.5)
    >>> round(float(fade_in(half) ** 2 + fade_out(half) ** 2), 6)  # equal power
    1.0
    >>> round(float(fade_in(half, correlation=1.0) + fade_out(half, correlation=1.0)), 6)  # equal gain
    1.0
    """
    angle = fade_angle(done)
    return _evened(np.sin(angle), angle, correlation)


def fade_out(done: np.ndarray, *, correlation: float = 0.0) -> np.ndarray:
    """Linear gain of the sound that goes, of the dtype and shape of `done` (...); see `fade_in`."""
    angle = fade_angle(done)
    return _evened(np.cos(angle), angle, correlation)


def _evened(gain: np.ndarray, angle: np.ndarray, correlation: float) -> np.ndarray:
    """The gain that keeps the power of the sum of two correlated sounds."""
    if correlation:
        gain = gain / np.sqrt(1.0 + correlation * np.sin(2.0 * angle))
    return gain
