"""The default vocoder: steps equal the whole, clocks go on where they should, and it learns."""

import math

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from liveseq.dsp import mel
from liveseq.dsp.mel import MelFrontEnd
from liveseq.dsp.spectral import mel_filterbank
from liveseq.errors import TrainingError
from liveseq.train import checkpoint
from liveseq.train.sound.streaming import Tape
from liveseq.train.sound.vocoders import clocks, vocos_training
from liveseq.train.sound.vocoders.vocoder import Vocoder, load_vocoder
from liveseq.train.sound.vocoders.vocos import VocosVocoder
from liveseq.train.sound.vocoders.vocos_family import PRESETS, build, step_graph

SMALL = MelFrontEnd(sample_rate=16_000, n_fft=512, hop_length=128, n_mels=40, f_max=8000.0)
NET = {"width": 16, "n_blocks": 2, "expansion": 2, "clock_bins": 96, "clock_width": 16, "look_ahead": 2}
MODEL = {
    "front_end": SMALL.as_dict(),
    "net": NET,
    "learning_rate": 5e-3,
    "judge": {"width": 4, "period_width": 1},
    "judge_from": 0.5,
}


@pytest.fixture
def vocoder():
    torch.manual_seed(0)
    net = VocosVocoder(SMALL, **NET).eval()
    torch.nn.init.normal_(net.partials.net[-1].weight, std=0.3)  # untrained, it would leave all clocks at their centre
    return net


def tones(*hertz, n_samples=16_384, sample_rate=16_000):
    time = torch.arange(n_samples) / sample_rate
    return torch.stack([0.3 * torch.sin(2 * math.pi * f * time) for f in hertz])


@torch.no_grad()
@pytest.mark.parametrize("n_frames", [1, 4, 16])
def test_steps_equal_the_whole(vocoder, n_frames):
    frames = torch.randn(1, 40, 48).cumsum(dim=-1).clamp(-5, 0.5)
    whole = vocoder(frames)
    tape = Tape()
    vocoder(frames[..., :n_frames], tape)
    memory, steps = torch.zeros_like(tape.left()), []
    for at in range(0, 48, n_frames):
        tape = Tape(memory)
        steps.append(vocoder(frames[..., at : at + n_frames], tape))
        memory = tape.left()
    np.testing.assert_allclose(torch.cat(steps, dim=-1), whole, atol=1e-5)


@torch.no_grad()
def test_mel_frames_become_as_many_hops_of_sound(vocoder):
    assert vocoder(torch.zeros(3, 40, 7)).shape == (3, 7 * 128)
    assert vocoder.latency == 512 - 128 + 2 * 128


@torch.no_grad()
def test_silence_stays_silent(vocoder):
    assert vocoder(torch.full((1, 40, 32), -5.0)).abs().max() < 1e-3


@torch.no_grad()
def test_true_magnitudes_and_clocks_give_a_steady_tone_back_at_its_own_pitch(vocoder):
    """Frames that are all alike: without clocks the sound would have the period of a hop (125 Hz here)."""
    y = tones(467.0)
    spectrum = vocoder.spectrum(y)
    n_frames = spectrum.shape[1]
    off = 2 * math.pi * 128 * (467.0 / 16_000 - torch.arange(96) / 512)  # from a bin's centre, by a hop
    clock = torch.stack((off.cos(), off.sin())).expand(1, n_frames, -1, -1)
    level = spectrum.square().sum(dim=2).clamp(min=1e-8).log() / 2
    free = torch.zeros(1, n_frames, 2, 257)
    trust = torch.full((1, n_frames, 96), 1e4)
    made = vocoder.sound((level, free), (torch.zeros(1, n_frames, 96), trust, clock))[0, 8192:]
    peak = torch.fft.rfft(made * torch.hann_window(8192)).abs().argmax() * 16_000 / 8192
    assert float(peak) == pytest.approx(467.0, abs=2.0)
    level_of = made.unfold(0, 512, 128).square().mean(dim=-1).sqrt()
    assert float(level_of.min() / level_of.max()) > 0.95, "beats: bins of one partial went out of step"


@torch.no_grad()
def test_a_spectrum_with_its_own_phases_is_the_recording_again(vocoder):
    y = torch.randn(1, 4096, generator=torch.Generator().manual_seed(1)) * 0.1
    spectrum = vocoder.spectrum(y)
    level = spectrum.square().sum(dim=2).sqrt().log()
    parts = torch.zeros(1, 32, 96), torch.zeros(1, 32, 96), vocoder.partials(torch.zeros(1, 40, 34))[2]
    made = vocoder.sound((level, 1e5 * clocks.unit(spectrum)), parts)
    np.testing.assert_allclose(made[:, 384:], y[:, :-384], atol=1e-4)


def test_partials_learn_the_frequency_between_two_bins():
    """A tone's place between the centres of bins is told by the levels of the bands around it."""
    torch.manual_seed(0)
    filters = mel_filterbank(sample_rate=16_000, n_fft=512, n_mels=40, f_max=8000.0)
    net = clocks.Partials(filters, n_bins=32, width=16)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    bins = torch.arange(512.0)
    for _ in range(60):
        place = 4 + 20 * torch.rand(64)  # in bins
        lobe = torch.exp(-0.5 * (bins[:257] - place[:, None]).square() / 0.6)
        near = (lobe @ torch.from_numpy(filters.copy()).T + 1e-5).log10()[..., None].expand(-1, -1, 3)
        clock = net(near)[2]
        nearest = place.round().long()
        found = clock[torch.arange(64), 0, :, nearest]
        angle = 2 * math.pi / 4 * (place - nearest)  # a hop is a quarter of a window
        agreement = found[:, 0] * angle.cos() + found[:, 1] * angle.sin()
        optimizer.zero_grad()
        (1 - agreement).mean().backward()
        optimizer.step()
    assert float(agreement.detach().mean()) > 0.985  # 0.94 where it stays at the centre


def test_random_phases_do_not_repeat_and_are_the_same_in_steps():
    like = torch.zeros(1, 100, 1)
    whole = clocks.random_phases(257, like, None)[0]
    np.testing.assert_allclose(whole.square().sum(dim=1), 1.0, atol=1e-5)
    flat = whole.transpose(1, 2).flatten(1)
    correlation = (flat[1:] @ flat[1:].T / 257).fill_diagonal_(0.0)
    assert float(correlation.abs().max()) < 0.35
    tape = Tape(torch.tensor([40.0]))
    np.testing.assert_allclose(clocks.random_phases(257, like[:, :60], tape)[0], whole[40:], atol=1e-5)


def test_surprise_is_least_where_trust_is_right():
    trust = torch.tensor([0.01, 1.0, 10.0, 100.0])
    sure, unsure = clocks.surprise(trust, trust), clocks.surprise(0.0 * trust, trust)
    assert sure.argmin() == 3
    assert unsure.argmin() == 0


def test_it_learns_and_its_discriminators_come_last(monkeypatch):
    monkeypatch.setattr(vocos_training, "WARM_UP", 5)
    torch.manual_seed(0)
    about = {"model": MODEL}
    recipe = build(about, None)
    fabric = Fabric(accelerator="cpu", devices=1)
    recipe.set_up(fabric)
    audio = tones(*np.linspace(200, 2000, 4), n_samples=4096)[:, None].expand(-1, 2, -1)
    first = recipe.train_step(fabric, (audio,), 0)
    for number in range(1, 25):
        last = recipe.train_step(fabric, (audio,), number)
    assert float(last["mel"].detach()) < 0.9 * float(first["mel"].detach())
    assert set(last) == {"mel", "spectral", "level", "partials"}
    recipe.progress = 0.6
    judged = recipe.train_step(fabric, (audio,), 25)
    assert float(judged["judges"].detach()) == pytest.approx(2.0, abs=1.0)
    assert all(math.isfinite(float(loss.detach())) for loss in judged.values())
    scores = recipe.eval().score([(audio,)])
    assert set(scores) == {"spectral", "mel"}
    assert [name for name, _, _ in recipe.listen()] == ["made", "real"]


@torch.no_grad()
def test_a_recording_is_rendered_in_time(vocoder):
    frames = np.full((24, 40), -5.0, dtype=np.float32)
    frames[12] = 0.0
    made = vocoder.render(frames)
    assert made.shape == (24 * 128,)
    first, end = np.flatnonzero(np.abs(made) > 0.01 * np.abs(made).max())[[0, -1]]
    assert first >= 9 * 128 - 1, "frame 12 hears four hops, the last of them the thirteenth"
    assert end < 13 * 128


def saved(folder, *, family="vocoder"):
    recipe = build({"model": MODEL}, None)
    folder.mkdir()
    checkpoint.save_yaml(folder / checkpoint.CONFIG, {"family": family, "model": MODEL})
    tensors = {f"vocoder.{name}": tensor for name, tensor in recipe.vocoder.state_dict().items()}
    checkpoint.save_tensors(folder / checkpoint.CHECKPOINT, tensors, about={})
    return recipe


@torch.no_grad()
def test_a_trained_one_is_loaded_as_it_was(tmp_path):
    own = saved(tmp_path / "v").vocoder.eval()
    found = load_vocoder(tmp_path / "v")
    assert isinstance(found, Vocoder)
    assert found.front_end == SMALL
    frames = torch.randn(1, 40, 8)
    np.testing.assert_array_equal(found(frames), own(frames))


def test_what_does_not_fit_is_told(tmp_path):
    saved(tmp_path / "v")
    config = checkpoint.load_yaml(tmp_path / "v" / checkpoint.CONFIG)
    config["model"]["net"]["width"] = 24
    checkpoint.save_yaml(tmp_path / "v" / checkpoint.CONFIG, config)
    with pytest.raises(TrainingError, match="does not fit"):
        load_vocoder(tmp_path / "v")


@torch.no_grad()
def test_a_step_of_the_shipped_size_takes_16_frames():
    recipe = build({"model": PRESETS["small"]["model"]}, None)
    graph = step_graph(recipe.eval())
    assert graph.input_shapes() == {"mel": (16, 128)}
    assert recipe.vocoder.front_end == mel.PRESETS["music48"]
    n_bytes = 4 * sum(p.numel() for p in recipe.vocoder.parameters())
    assert n_bytes < 9e6, "10 MB are for the graph with its constants"
