"""Limits of what may be asked of a generator. Apart, so that the parameter table needs no model code."""

import math

SECONDS = (0.5, 600.0)
"""Shortest and longest job."""
PIECE_SECONDS = 20.0
"""Longest piece: a longer job is cut into equal ones."""
GROWN_SECONDS = (8.0, 16.0)
"""Shortest and longest piece that grows by itself."""
MAX_MINUTES = 600.0
"""Most minutes of growth in a session: 13.8 GB at 48 kHz."""
TEMPO = (20.0, 300.0)
"""Lowest and highest tempo that a generator may be asked for, in beats per minute."""
HEARD_SECONDS = 10.0
"""Seconds of a recording that a generator listens to before it goes on."""


def n_pieces(seconds: float) -> int:
    """Number of pieces that so much sound is cut into, live and beforehand."""
    return max(1, math.ceil(seconds / PIECE_SECONDS))
