"""Knobs of a layer, as messages turn them: settings, weights, models. Pure."""

import dataclasses
from collections.abc import Sequence

from liveseq.dsp.descriptors import N_MFCC
from liveseq.errors import OscError
from liveseq.osc.packets import Value
from liveseq.runtime.folders import predictor_names
from liveseq.sequencer.settings import WEIGHT_NAMES, Settings, Steering

KNOBS = {
    "predict/temperature": "predict_temperature",
    "predict/horizon": "horizon",
    "query/k": "k",
    "query/radius": "radius",
    "query/temperature": "query_temperature",
    "query/stickiness": "stickiness",
    "query/taboo/count": "taboo_count",
    "query/taboo/seconds": "taboo_seconds",
    "query/pitchmatch": "pitch_match",
    "query/loudmatch": "loudness_match",
    "grain/crossfade_ms": "crossfade_ms",
    "grain/align_ms": "align_ms",
    "grain/length_ms": "grain_ms",
    "grain/density": "grain_density",
    "grain/spread": "grain_spread",
    "grain/shape": "grain_shape",
    "grain/attack_ms": "attack_ms",
    "grain/release_ms": "release_ms",
    "grain/reverse_prob": "reverse",
    "grain/trigger_prob": "trigger",
} | {f"steer/{field.name}": field.name for field in dataclasses.fields(Steering)}
"""Path -> name in sequencer.settings, for Settings.turn."""

LEAST_WEIGHT = 1e-3
"""Least weight of the descriptor that counts most: they count in proportion, and below this nothing does."""


def set_knob(settings: Settings, path: str, value: Value) -> None:
    """Turn one knob of a layer. value: checked."""
    settings.turn(KNOBS[path], value)


def merged_weights(weights: Sequence[float], arguments: Sequence[Value]) -> tuple[float, ...]:
    """Weights by WEIGHT_NAMES with those that are named changed. Raises OscError where none would be left."""
    changed = dict(zip(WEIGHT_NAMES, weights, strict=True))
    for name, weight in zip(arguments[::2], arguments[1::2], strict=True):
        names = WEIGHT_NAMES[:N_MFCC] if name == "timbre" else (str(name),)
        changed |= dict.fromkeys(names, float(weight))  # type: ignore[arg-type]
    if max(weight for name, weight in changed.items() if name != "spread") < LEAST_WEIGHT:
        raise OscError(
            "out_of_range", "weights: at least one descriptor must count, found 0 for all; the last ones stay"
        )
    return tuple(changed.values())


def check_model_name(name: str) -> str:
    """A model of models/, by its name alone: no path comes in from the network. Raises OscError, naming those."""
    names = predictor_names()
    if name not in names:
        raise OscError("not_found", f"no predictor {name[:64]!r}; there are: {', '.join(names)}")
    return name
