"""Matching of a unit to what was predicted: the level and the speed at which it is played. Pure."""

import numpy as np

from liveseq.corpus.units import UnitTable
from liveseq.sequencer.layers import Layer
from liveseq.sequencer.loudness import matching_gain
from liveseq.sequencer.steering import LOUDNESS, PITCH

MAX_TRANSPOSE = 12.0
"""Semitones."""
UNPITCHED = np.log2(np.sqrt(50.0 * 2000.0))
"""log_f0 of a frame without a pitch, see dsp.descriptors.base_descriptors."""
VOICED_OCTAVES = 0.02
"""Further than this from UNPITCHED, a unit has a pitch."""


class Matching:
    """Level and speed of the units of one corpus. `expected` is what was predicted, before the macros: raw features,
    float32 (n_features,)."""

    def __init__(self, units: UnitTable) -> None:
        self._units = units
        self._gain = matching_gain(units)
        self._tag_gain_db = {
            tag: float(20.0 * np.log10(self._gain[units.source[members]]).mean()) if len(members) else 0.0
            for tag, members in units.tag_units.items()
        }

    def level(self, layer: Layer, unit: int, expected: np.ndarray) -> float:
        """Linear gain of a unit: its recording's, and what brings it to the predicted loudness where that is wanted."""
        units, settings = self._units, layer.settings
        gain = float(self._gain[units.source[unit]])
        reach = max(settings.loudness_match, abs(settings.steering.loudness))
        if not reach:
            return gain
        wanted = float(expected[LOUDNESS]) + settings.steering.loudness + self._tag_gain_db[layer.tag]
        found = float(units.features[unit, LOUDNESS]) + 20.0 * np.log10(gain)
        return gain * float(10.0 ** (np.clip(wanted - found, -reach, reach) / 20.0))

    def ratio(self, layer: Layer, unit: int, expected: np.ndarray) -> float:
        """Speed at which a unit comes to the predicted pitch, or where that is too far to that note in the nearest
        octave, and by the macro from there: 1 = as recorded, 2 = an octave up. It goes no further than the macro asks
        and the range to match allows; a unit without a pitch follows the macro alone.
        """
        settings = layer.settings
        pitch, match = float(np.clip(settings.steering.pitch, -MAX_TRANSPOSE, MAX_TRANSPOSE)), settings.pitch_match
        if not (pitch or match):
            return 1.0
        aim, found = float(expected[PITCH]), float(self._units.features[unit, PITCH])
        off = 0.0
        if min(abs(aim - UNPITCHED), abs(found - UNPITCHED)) >= VOICED_OCTAVES:
            off = 12.0 * (aim - found)
            if abs(off) > match:
                off -= 12.0 * round(off / 12.0)
            if not pitch and abs(off) > match:
                off = 0.0
        low, high = min(pitch, 0.0) - match, max(pitch, 0.0) + match
        return float(2.0 ** (float(np.clip(pitch + off, low, high)) / 12.0))
