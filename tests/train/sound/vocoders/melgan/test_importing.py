"""Published checkpoints: imported as they sound, refused where they are something else, never run."""

from pathlib import Path

import numpy as np
import pytest
import torch

from liveseq.errors import ModelError
from liveseq.runtime.vocoder import OnnxVocoder
from liveseq.train.sound.saved import load_recipe
from liveseq.train.sound.vocoders.melgan import importing
from liveseq.train.sound.vocoders.melgan.layout import layout, read_checkpoint, settings
from liveseq.train.sound.vocoders.melgan.networks import MelGan, MelGanConfig
from tests.train.sound.vocoders.melgan.tiny_melgan import MEL, TINY


def theirs(config: MelGanConfig, **more: torch.Tensor) -> dict[str, torch.Tensor]:
    """As their training saves it."""
    torch.manual_seed(1)
    ours = MelGan(config).state_dict()
    return {name: ours[own] for name, own in layout(config).items()} | more


def test_tensors_have_the_published_names():
    names = layout(MelGanConfig())
    assert len(names) == 3 * (1 + 4 + 12 * 3 + 1)
    for name in ("model.1.weight_g", "model.3.weight_v", "model.4.block.2.bias", "model.21.shortcut.bias"):
        assert name in names
    assert names["model.24.weight_g"] == "last.parametrizations.weight.original0"
    assert "model.4.weight_v" in layout(MelGanConfig(recurrent=True))
    assert "model.3.rec.weight_hh_l0_reverse" in layout(MelGanConfig(recurrent=True))


def test_a_published_checkpoint_becomes_a_model_that_sounds_the_same(tmp_path, capsys):
    path = tmp_path / "netG.pt"
    torch.save({f"module.{name}": tensor for name, tensor in theirs(TINY).items()}, path)
    from liveseq.cli import main

    assert main(["import-melgan", str(path), "--out", str(tmp_path / "mine"), "--sample-rate", "16000"]) == 0
    assert "mine" in capsys.readouterr().out
    vocoder = OnnxVocoder(tmp_path / "mine")
    assert vocoder.front_end == MEL
    mel = np.random.default_rng(0).uniform(-4, 0, (70, 80)).astype(np.float32)
    sound = vocoder.sound(mel)
    assert sound.shape == (70 * 256,)
    with torch.no_grad():
        whole = read_checkpoint(path).eval()(torch.from_numpy(mel).T[None])[0].numpy()
    edge = 8 * 256
    np.testing.assert_allclose(sound[edge:-edge], whole[edge:-edge], rtol=0, atol=1e-5)
    recipe, _ = load_recipe(tmp_path / "mine")  # a training could go on
    assert recipe.generator.net.config == TINY
    assert main(["import-melgan", str(path), "--out", str(tmp_path / "mine"), "--sample-rate", "16000"]) == 2
    assert "holds a model already" in capsys.readouterr().err


def test_sizes_and_the_recurrent_layer_are_found_in_the_file(tmp_path):
    config = MelGanConfig(n_mels=12, base=3, ratios=(4, 2, 3), n_residuals=2, recurrent=True)
    for of_2019 in (True, False):
        torch.save(theirs(config), tmp_path / "netG.pt", _use_new_zipfile_serialization=not of_2019)
        assert read_checkpoint(tmp_path / "netG.pt").config == config
    with pytest.raises(ModelError, match=r"expected MelGAN's mel frames \(80 bands, hop 256\), found 12 bands, hop 24"):
        settings(config, sample_rate=22_050)


class Program:
    """What a pickle can be: something that runs."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("never",)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (Program(), "expected tensors alone"),
        ([1, 2], "expected a state dict"),
        ({"model.disc_0.model.layer_0.1.weight_g": torch.zeros(1)}, "a discriminator .* cannot be imported"),
        ({k: v for k, v in theirs(TINY).items() if k != "model.24.bias"}, r"expected tensor model\.24\.bias \[1\]"),
        (theirs(TINY) | {"model.24.bias": torch.zeros(2)}, r"model\.24\.bias: expected shape \[1\], found \[2\]"),
        (theirs(TINY, extra=torch.zeros(1)), "and no more, found extra too"),
    ],
)
def test_other_files_are_refused_and_never_run(tmp_path, capsys, content, told):
    torch.save(content, tmp_path / "netG.pt")
    with pytest.raises(ModelError, match=told):
        read_checkpoint(tmp_path / "netG.pt")
    assert capsys.readouterr().out == ""


def test_a_file_that_is_not_there_or_damaged_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no such file; give the netG"):
        read_checkpoint(tmp_path / "netG.pt")
    (tmp_path / "netG.pt").write_bytes(b"not a file of torch")
    with pytest.raises(ModelError, match="expected tensors alone"):
        read_checkpoint(tmp_path / "netG.pt")
    torch.save(theirs(TINY), tmp_path / "netG.pt")
    whole = (tmp_path / "netG.pt").read_bytes()
    (tmp_path / "netG.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="expected tensors alone"):
        read_checkpoint(tmp_path / "netG.pt")


def test_importing_needs_no_torch_to_be_read():
    assert "torch" not in Path(importing.__file__).read_text().replace("torch is imported", "")
