"""The curve along which one sound gives way to another. Pure numpy."""

import numpy as np


def fade_angle(done: np.ndarray) -> np.ndarray:
    """Angle in [0, pi/2] of a crossfade of which `done`, in [0, 1], is over: its sine fades in, its cosine fades out.

    The powers add up to 1 at every moment. The angle eases in and out, so that no end of a fade has a corner: under a
    low tone, whose own curvature is small, the corner of a plain quarter wave is a click.
    """
    angle: np.ndarray = np.pi / 2 * np.square(np.sin(np.pi / 2 * done))
    return angle
