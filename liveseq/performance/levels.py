"""Levels: gain, mute and pan, of everything and of each layer, as records for the engine. Pure."""

from collections.abc import Mapping

from liveseq.engine.events import LayerGain, LayerMute, LayerPan, MasterGain, MasterMute, Record
from liveseq.osc.packets import PREFIX, Value
from liveseq.osc.parameter import SILENCE_DB

LEVELS = ("gain", "mute", "pan")
"""Paths of the parameters that are kept as they are said, globally or for a layer."""


def level_record(path: str, arguments: tuple[Value, ...], *, layer: int | None) -> Record:
    """Record that sets one of LEVELS; layer None: of everything."""
    value = float(arguments[0])  # type: ignore[arg-type]
    if path == "mute":
        return MasterMute(mute=bool(value)) if layer is None else LayerMute(layer=layer, mute=bool(value))
    if path == "pan":
        assert layer is not None
        return LayerPan(layer=layer, pan=value)
    return fade_record(value, seconds=0.0) if layer is None else LayerGain(layer=layer, gain_db=_gain(value))


def fade_record(gain_db: float, *, seconds: float) -> MasterGain:
    """Record that moves the master gain."""
    return MasterGain(gain_db=_gain(gain_db), seconds=seconds)


def all_levels(values: Mapping[str, tuple[Value, ...]], *, n_layers: int) -> list[Record]:
    """Records for an engine that knows nothing. values: of the parameter table, by address."""
    records = [level_record(path, values[f"{PREFIX}/{path}"], layer=None) for path in ("gain", "mute")]
    for layer in range(1, n_layers + 1):
        records += [level_record(path, values[f"{PREFIX}/layer/{layer}/{path}"], layer=layer) for path in LEVELS]
    return records


def _gain(gain_db: float) -> float:
    """dB as the engine takes them: at the lower end it is silence."""
    return gain_db if gain_db > SILENCE_DB else float("-inf")
