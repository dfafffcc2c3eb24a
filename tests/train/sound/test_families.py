"""The registry of sound families: each is in it, and each is whole."""

import importlib
from pathlib import Path

import pytest

from liveseq.train import sound
from liveseq.train.sound.config import SoundTrainConfig
from liveseq.train.sound.families import FAMILIES
from liveseq.train.sound.family import Parts

PLACE = Path(sound.__file__).parent


def test_nine_families():
    recurrent = ["recurrent-gan", "recurrent-sample", "recurrent-blocks"]
    assert list(FAMILIES) == ["vocoder", "melgan", "unagan", "musika", "notes", "vae", *recurrent]
    assert {FAMILIES[name].words for name in recurrent} == {
        f"recurrent --model {x}" for x in ("gan", "sample", "blocks")
    }


def test_every_family_module_is_in_the_registry():
    modules = [path.relative_to(PLACE).with_suffix("").parts for path in PLACE.glob("*/**/family.py")]
    families = [importlib.import_module(".".join((sound.__name__, *parts))).FAMILY for parts in modules]
    assert {family.name for family in families} == set(FAMILIES)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_has_its_functions_and_presets(name):
    family = FAMILIES[name]
    assert family.name == name
    parts = family.parts()
    for function in ("build", "step_graph"):
        assert callable(getattr(parts, function)), f"{name} has no {function}"
    assert parts.train is None or callable(parts.train)
    assert {"small", "full"} <= family.presets.keys()
    for preset in family.presets.values():
        assert {"sample_rate", "model", "crops", "train"} <= preset.keys()
        SoundTrainConfig(**preset["train"])


@pytest.mark.parametrize("name", ["build", "step_graph"])
def test_a_family_without_a_function_cannot_be_told_of(name):
    functions = {"build": lambda about, library: None, "step_graph": lambda recipe, open_vocoder: None}
    del functions[name]
    with pytest.raises(TypeError, match=f"missing 1 required keyword-only argument: '{name}'"):
        Parts(**functions)


def test_a_preset_is_a_copy():
    FAMILIES["vocoder"].preset("small")["model"]["net"] = {}
    assert FAMILIES["vocoder"].preset("small")["model"]["net"]
