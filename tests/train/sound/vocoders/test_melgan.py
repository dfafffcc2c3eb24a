"""MelGAN: the published network to the weight, its files, its steps; the filter bank; both trainings."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import ModelError, TrainingError
from liveseq.runtime.vocoder import OnnxVocoder
from liveseq.train import report as reports
from liveseq.train.sound import export, families
from liveseq.train.sound.export import difference_from_whole, export_graph
from liveseq.train.sound.saved import load_recipe
from liveseq.train.sound.vocoders import importing, melgan
from liveseq.train.sound.vocoders.graph import VocoderStep
from liveseq.train.sound.vocoders.melgan_layout import layout, read_checkpoint, settings
from liveseq.train.sound.vocoders.melgan_nets import MelGan, MelGanConfig, Windowed, plain, reach
from liveseq.train.sound.vocoders.multiband import MultiBand, MultiBandConfig
from liveseq.train.sound.vocoders.pqmf import Pqmf

MEL = MelFrontEnd(sample_rate=16_000, n_fft=1024, hop_length=256, n_mels=80, f_max=8000.0, padding="reflect")
TINY = MelGanConfig(base=2)
BANDS = MelFrontEnd(sample_rate=16_000, n_fft=512, hop_length=128, n_mels=20, f_max=8000.0)
ABOUT = {"family": "melgan", "training": {"data": "none", "licence": "MIT", "command": "none"}}


def n_parameters(net: torch.nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(reports, "BENCHMARK_RUNS", 100)
    monkeypatch.setattr(reports, "BENCHMARK_ROUNDS", 2)
    monkeypatch.setattr(export, "PARITY_STEPS", 40)


def theirs(config: MelGanConfig, **more: torch.Tensor) -> dict[str, torch.Tensor]:
    """As their training saves it."""
    torch.manual_seed(1)
    ours = MelGan(config).state_dict()
    return {name: ours[own] for name, own in layout(config).items()} | more


def test_sizes_are_the_published_ones():
    assert n_parameters(plain(MelGan(MelGanConfig()))) == 4_260_257
    assert n_parameters(plain(MelGan(MelGanConfig(recurrent=True)))) - 4_260_257 == 3_151_872
    assert n_parameters(melgan.Judges()) == pytest.approx(16.92e6, rel=1e-3)
    names = layout(MelGanConfig())
    assert len(names) == 3 * (1 + 4 + 12 * 3 + 1)
    for name in ("model.1.weight_g", "model.3.weight_v", "model.4.block.2.bias", "model.21.shortcut.bias"):
        assert name in names
    assert names["model.24.weight_g"] == "last.parametrizations.weight.original0"
    assert "model.4.weight_v" in layout(MelGanConfig(recurrent=True))
    assert "model.3.rec.weight_hh_l0_reverse" in layout(MelGanConfig(recurrent=True))


def test_a_frame_more_than_its_reach_is_not_heard_and_one_less_is():
    torch.manual_seed(0)
    net = MelGan(TINY).double()
    mel = torch.randn(1, 80, 32, dtype=torch.float64, requires_grad=True)
    heard = set()
    for sample in (0, 128, 255):
        (gradient,) = torch.autograd.grad(net(mel)[0, 16 * 256 + sample], mel)
        heard |= set((gradient.abs().sum(dim=(0, 1)).nonzero().flatten() - 16).tolist())
    assert reach(TINY) == max(-min(heard), max(heard)) == 6


@pytest.mark.parametrize("n", [1, 5, 32])
def test_steps_of_the_published_net_equal_the_whole(n):
    torch.manual_seed(0)
    step = VocoderStep(Windowed(plain(MelGan(TINY)), MEL))
    step.n_frames = n
    assert step.look_ahead == 6 * 256
    difference = difference_from_whole(step.eval(), n_steps=-(-40 // n))
    assert difference is not None
    assert difference < 1e-5


@torch.no_grad()
def test_windows_say_what_the_network_says_late():
    torch.manual_seed(0)
    vocoder = Windowed(MelGan(TINY), MEL).eval()
    mel = torch.randn(1, 80, 40) - 2
    late, edge = vocoder.latency, 8 * 256
    torch.testing.assert_close(vocoder(mel)[:, late + edge :], vocoder.net(mel)[:, edge:-late], rtol=0, atol=1e-6)


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


def test_the_bank_gives_back_what_it_took_apart():
    bank = Pqmf()
    y = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 8000)).astype(np.float32))
    bands = bank.analysis(y)
    assert bands.shape == (2, 4, 2000)
    back = bank.synthesis(bands)
    wanted, error = y[:, : -bank.delay], back[:, bank.delay :] - y[:, : -bank.delay]
    assert 10 * torch.log10(wanted.square().mean() / error.square().mean()) > 60.0


def test_bands_are_bands():
    """A tone of 2.5 kHz at 16 kHz lies in the second of four, and 60 dB below it elsewhere but next door."""
    y = torch.sin(2 * np.pi * 2500 / 16_000 * torch.arange(16_000))[None]
    power = Pqmf().analysis(y)[0, :, 100:].square().mean(dim=1)
    level = 10 * torch.log10(power / power.max())
    assert level.argmax() == 1
    assert level[3] < -60


def test_multi_band_steps_equal_the_whole_and_a_bad_product_is_named():
    torch.manual_seed(0)
    step = VocoderStep(plain(MultiBand(BANDS, MultiBandConfig(width=16, ratios=(4, 4, 2), latency=512))))
    step.n_frames = 3
    difference = difference_from_whole(step.eval(), n_steps=6)
    assert difference is not None
    assert difference < 1e-5
    with pytest.raises(ModelError, match=r"expected a product of 32 \(hop_length / 4\), found 64"):
        MultiBand(BANDS, MultiBandConfig(width=16, ratios=(4, 4, 4)))


def test_the_frames_tell_how_loud_each_band_is():
    """White noise: the level that is told is the level of its bands, and one latency before it is told of nothing."""
    torch.manual_seed(0)
    net = MultiBand(BANDS, MultiBandConfig(width=16, ratios=(4, 4, 2), latency=512))
    y = np.zeros(32_000, dtype=np.float32)
    y[16_000:] = 0.1 * np.random.default_rng(0).standard_normal(16_000)
    with torch.no_grad():
        level = net._level(torch.from_numpy(BANDS.log_mel(y)).T[None], None)[0]
        wanted = net.bank.analysis(torch.from_numpy(y)[None])[0, :, -2000:].square().mean(dim=1).sqrt()
    np.testing.assert_allclose(
        level[:, -2000:].mean(dim=1), wanted, rtol=0.25
    )  # the mean of a noise's bins is 0.89 rms
    begins = int((level[1] > 0.5 * level[1, -1]).nonzero()[0]) * 4 - net.latency
    assert abs(begins - 16_000) < BANDS.hop_length
    with pytest.raises(ModelError, match=r"latency: expected n_fft / 2 and some hops \(256, 384 ...\), found 500"):
        MultiBand(BANDS, MultiBandConfig(width=16, ratios=(4, 4, 2), latency=500))


def test_multi_band_is_exported(tmp_path):
    torch.manual_seed(0)
    recipe = melgan.build({"model": multiband_settings()})
    report = export_graph(melgan.step_graph(recipe), tmp_path, ABOUT)
    assert report.failures == []
    assert OnnxVocoder(tmp_path).look_ahead == 512


def multiband_settings() -> dict[str, object]:
    return {
        "net": "multiband",
        "front_end": BANDS.as_dict(),
        "sizes": {"width": 16, "ratios": [4, 4, 2], "latency": 512},
        "judge": {"base": 4, "most": 16},
        "judge_from": 0.5,
        "learning_rate": 2e-3,
    }


def tones(n: int, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    t = torch.arange(n) / 16_000
    one = 0.4 * torch.sin(2 * np.pi * torch.tensor([220.0, 330.0, 440.0, 550.0])[:batch, None] * t)
    return one[:, None].expand(-1, 2, -1).contiguous(), torch.zeros(batch, dtype=torch.long)


def test_the_small_training_learns_and_then_is_judged():
    torch.manual_seed(0)
    recipe = melgan.build({"model": multiband_settings()})
    fabric = Fabric(accelerator="cpu", devices=1)
    recipe.set_up(fabric)
    batch = tones(8192)
    before = recipe.score([batch])["score"]
    losses = [recipe.train_step(fabric, batch, number) for number in range(30)]
    assert set(losses[0]) == {"spectral", "mel"}
    assert losses[-1]["mel"] < 0.85 * losses[0]["mel"]
    assert recipe.score([batch])["score"] < before
    assert [name for name, _, _ in recipe.listen()] == ["made", "real"]
    recipe.progress = 0.6
    judged = recipe.train_step(fabric, batch, 30)
    assert set(judged) == {"spectral", "mel", "judges", "matching", "fooling"}


def test_the_published_training_has_no_spectral_loss_and_both_sides_move():
    torch.manual_seed(0)
    model = melgan.PRESETS["full"]["model"]
    model = model | {"sizes": model["sizes"] | {"base": 2}, "judge": {"base": 4, "most": 16}}
    recipe = melgan.build({"model": model})
    fabric = Fabric(accelerator="cpu", devices=1)
    recipe.set_up(fabric)
    sides = (recipe.generator, recipe.judges)
    before = [[p.detach().clone() for p in side.parameters()] for side in sides]
    losses = recipe.train_step(fabric, tones(8192), 0)
    assert set(losses) == {"judges", "matching", "fooling"}
    assert float(losses["judges"].detach()) == pytest.approx(6.0, abs=1.0)  # 2 for each scale that cannot tell yet
    for side, old in zip(sides, before, strict=True):
        moved = [not torch.equal(a, b) for a, b in zip(side.parameters(), old, strict=True)]
        assert np.mean(moved) > 0.9  # the verdict's bias does not: real and made pull at it alike
    assert recipe.averaged() == ()


@pytest.mark.parametrize("net", ["multiband", "published"])
def test_fewer_digits_in_the_networks_are_all_digits_in_bank_and_losses(net):
    torch.manual_seed(0)
    model = melgan.PRESETS["full"]["model"]
    small = model | {"sizes": model["sizes"] | {"base": 2}, "judge": {"base": 4, "most": 16}}
    recipe = melgan.build({"model": multiband_settings() | {"judge_from": 0.0} if net == "multiband" else small})
    full = {name: float(loss) for name, loss in one_step(copy.deepcopy(recipe), "32-true").items()}
    losses = one_step(recipe, "bf16-mixed")
    assert losses.keys() == full.keys()
    for name, loss in losses.items():
        assert loss.dtype == torch.float32
        # rounding errors are the noise that log mels hear between tones
        assert float(loss) == pytest.approx(full[name], rel=0.15), name


def one_step(recipe: melgan.MelGanRecipe, precision: str) -> dict[str, torch.Tensor]:
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    recipe.set_up(fabric)
    losses = recipe.train_step(fabric, tones(8192), 0)
    return {name: torch.as_tensor(loss).detach() for name, loss in losses.items()}


def test_weights_of_the_published_losses():
    real = [[torch.zeros(1, 4, 8)] * 6 + [torch.full((1, 1, 8), 0.5)]] * 3
    made = [[torch.ones(1, 4, 8)] * 6 + [torch.full((1, 1, 8), -2.0)]] * 3
    assert float(melgan.matching(real, made)) == pytest.approx(6 * 0.8)
    assert float(melgan.hinge_of_judges(real, made)) == pytest.approx(3 * 0.5)
    assert float(melgan.hinge_of_generator(made)) == pytest.approx(3 * 2.0)


@pytest.mark.parametrize("preset", melgan.PRESETS)
def test_presets_are_what_their_networks_take(preset):
    found = families.settings_of("melgan", preset)
    net = melgan.network(found["model"])
    assert net.sample_rate == found["sample_rate"]
    assert 8192 % net.hop_length == 0
    assert found["crops"]["n_samples"] % net.hop_length == 0


def test_an_unknown_net_is_refused():
    with pytest.raises(TrainingError, match="net: expected multiband or published, found 'other'"):
        melgan.network({"net": "other", "front_end": MEL.as_dict(), "sizes": {}})


def test_importing_needs_no_torch_to_be_read():
    assert "torch" not in Path(importing.__file__).read_text().replace("torch is imported", "")
