"""model.yaml: read back as written, and every lie refused by name."""

import re
from pathlib import Path

import pytest
import yaml

from liveseq.errors import ModelError
from liveseq.runtime.folders import model_folder
from liveseq.runtime.manifest import Manifest


def edit(folder: Path, change) -> None:
    path = folder / "model.yaml"
    data = yaml.safe_load(path.read_text())
    change(data)
    path.write_text(yaml.safe_dump(data))


def test_a_saved_manifest_loads_as_it_was(make_model):
    folder = make_model(metrics={"one_step": {"lstm": 0.4}}, settings={"hidden": 8}, tags=("drone",))
    manifest = Manifest.load(folder, role="predictor")
    assert manifest.metrics == {"one_step": {"lstm": 0.4}}
    assert manifest.tags == ("drone",)
    assert manifest.states[0].shape == (1,)
    manifest.save(folder)
    assert Manifest.load(folder) == manifest


def test_a_damaged_file_is_refused(make_model):
    folder = make_model()
    data = bytearray((folder / "step.onnx").read_bytes())
    data[40] ^= 1
    (folder / "step.onnx").write_bytes(data)
    with pytest.raises(ModelError, match=r"step\.onnx: expected SHA-256 .* export it again"):
        Manifest.load(folder)


def test_a_missing_file_and_a_missing_folder_are_named(make_model, tmp_path):
    folder = make_model()
    (folder / "step.onnx").unlink()
    with pytest.raises(ModelError, match=r"step\.onnx: listed in model\.yaml, but not there"):
        Manifest.load(folder)
    there = rf"nowhere: no such model folder; there are: {folder.name}; restore a shipped one with git, or train"
    with pytest.raises(ModelError, match=there):
        Manifest.load(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"model\.yaml: no such file; run export_onnx\.py"):
        Manifest.load(tmp_path)


def test_in_the_place_of_a_missing_one_those_are_named_that_would_do(make_model, tmp_path):
    there = make_model()
    with pytest.raises(ModelError, match=rf"no such model folder; there are: {there.name}; restore"):
        Manifest.load(there.with_name("nowhere"), role="predictor")
    with pytest.raises(ModelError, match=r"no such model folder; there is no generator in .*; restore"):
        Manifest.load(there.with_name("nowhere"), role="generator")


def test_a_wheel_which_has_no_models_says_where_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr("liveseq.runtime.folders.MODELS", tmp_path / "site-packages" / "models")
    with pytest.raises(ModelError, match=r"predictor: no such .*; models come with a clone .*\(pip install -e \.\)"):
        Manifest.load(model_folder("predictor"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(sampel_rate=48_000), "unknown key 'sampel_rate'; did you mean 'sample_rate'?"),
        (lambda d: d["states"][0].update(shap=[1]), "unknown key 'states[0].shap'; did you mean 'shape'?"),
        (lambda d: d.pop("family"), "key 'family' is missing"),
        (lambda d: d.update(sample_rate="48k"), "sample_rate must be int or NoneType, found str '48k'"),
        (lambda d: d.update(latency_samples=True), "latency_samples must be int, found bool"),
        (lambda d: d.update(features="mfcc0"), "features must be list, found str 'mfcc0'"),
        (lambda d: d.update(files=["step.onnx"]), "files must be mapping, found list"),
        (
            lambda d: d.update(role="drummer"),
            "role must be one of predictor, text-encoder, generator, vocoder, found 'drummer'",
        ),
        (lambda d: d.update(format=99), "format 99, but this liveseq reads 1"),
        (lambda d: d.update(model="other.onnx"), "model is other.onnx, which is not among its files"),
        (lambda d: d.update(hop_length=-1), "hop_length must be at least 1, found -1"),
        (lambda d: d.pop("samples_per_step"), "a predictor needs hop_length, samples_per_step and features"),
        (lambda d: d["files"].update({"../secret": "00"}), "'../secret' leaves the model's folder"),
        (lambda d: d["files"].update({"/etc/hostname": "00"}), "'/etc/hostname' leaves the model's folder"),
    ],
)
def test_a_mistake_in_the_manifest_is_named(make_model, change, message):
    folder = make_model()
    edit(folder, change)
    with pytest.raises(ModelError, match=re.escape(message)):
        Manifest.load(folder)


def test_a_link_out_of_the_folder_is_refused(make_model, tmp_path):
    folder = make_model()
    outside = tmp_path / "outside.bin"
    outside.write_bytes(b"x")
    (folder / "inside.bin").symlink_to(outside)
    edit(folder, lambda d: d["files"].update({"inside.bin": "00"}))
    with pytest.raises(ModelError, match="leaves the model's folder"):
        Manifest.load(folder)


@pytest.mark.parametrize("text", ["{role: [", "- a\n- b\n", "", "\x00", "[" * 50_000])
def test_what_is_no_mapping_is_refused_in_one_line(make_model, text):
    folder = make_model()
    (folder / "model.yaml").write_text(text)
    with pytest.raises(ModelError, match=r"model\.yaml: (not YAML|the manifest must be a mapping)") as caught:
        Manifest.load(folder)
    assert "\n" not in str(caught.value)


def test_the_role_that_is_needed_is_said(make_model):
    with pytest.raises(ModelError, match="role is predictor, but a generator is needed"):
        Manifest.load(make_model(), role="generator")
