"""How much may be asked of a generator. Apart, so that the table of messages needs no model code."""

import math

SECONDS = (0.5, 600.0)
"""Of one job."""
PIECE_SECONDS = 20.0
"""A longer job is cut into equal pieces that are no longer than this."""
GROWN_SECONDS = (8.0, 16.0)
"""Of a piece that grows: shortest and longest."""
MAX_MINUTES = 600.0
"""Of growth in a session: 13.8 GB at 48 kHz."""
TEMPO = (20.0, 300.0)
"""Beats per minute that a generator may be asked for."""


def n_pieces(seconds: float) -> int:
    """Into how many pieces so much sound is cut, live and beforehand."""
    return max(1, math.ceil(seconds / PIECE_SECONDS))
