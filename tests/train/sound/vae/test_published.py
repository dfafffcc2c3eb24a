"""The spectrogram VAE as it was: its sizes and shapes, its lower bound, its sound, and that it learns."""

import math

import pytest
import torch

from liveseq.errors import TrainingError
from liveseq.train.sound.config import SoundTrainConfig
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.saved import load_recipe
from liveseq.train.sound.vae.family import PRESETS
from liveseq.train.sound.vae.published import PublishedDecoder, PublishedEncoder, pictures, sampled, sound_of
from liveseq.train.sound.vae.published_recipe import PublishedRecipe
from liveseq.train.sound.vae.recipe import build
from liveseq.train.sound.vae.training import train_vae
from tests.train.sound.clicks import RATE
from tests.train.sound.vae.tiny_vae import TAGS

SMALL = {"variant": "original", "size": 64, "z_size": 4, "n_components": 2}


def count(net):
    return sum(p.numel() for p in net.parameters())


def test_published_sizes():
    with torch.device("meta"):
        assert round(count(PublishedEncoder(size=512, z_size=100)) / 1e6, 1) == 86.1
        assert round(count(PublishedDecoder(size=512, z_size=100)) / 1e6, 2) == 2.17
    model = PRESETS["original"]["model"]
    assert (model["size"], model["z_size"], model["n_components"]) == (512, 100, 2)


@torch.no_grad()
def test_a_picture_goes_to_a_distribution_and_back():
    mean, factor = PublishedEncoder(size=64, z_size=4)(torch.rand(3, 1, 64, 64))
    assert mean.shape == (3, 4)
    covariance = factor @ factor.transpose(1, 2)
    assert float(torch.linalg.eigvalsh(covariance).min()) > 0.0
    assert float(covariance[0].tril(-1).abs().max()) > 1e-6, "full, not diagonal"
    z, log_density = sampled(mean, factor, 5)
    expected = torch.distributions.MultivariateNormal(mean, scale_tril=factor).log_prob(z)
    torch.testing.assert_close(log_density, expected, rtol=1e-3, atol=1e-3)
    assert PublishedDecoder(size=64, z_size=4)(mean).shape == (3, 1, 64, 64)


@torch.no_grad()
def test_the_density_of_a_hundred_numbers_is_finite_where_solving_for_them_is_not():
    torch.manual_seed(0)
    factor = torch.randn(1, 100, 100).tril(-1) + 0.7 * torch.eye(100)
    _, log_density = sampled(torch.zeros(1, 100), factor, 50)
    expected = -50.0 * (1.0 + math.log(2.0 * math.pi)) - 100.0 * math.log(0.7)
    assert float(log_density.mean()) == pytest.approx(expected, abs=4.0)


def test_a_tone_is_a_line_and_comes_back_as_pulses():
    tone = torch.sin(torch.arange(64 * 1024) * (2 * math.pi * 20 / 1024))
    picture = pictures(tone.expand(1, 2, -1), size=64)
    assert picture.shape == (1, 1, 64, 64)
    assert set(picture[0, 0, :, 2:-2].argmax(dim=0).tolist()) == {20}
    audio = sound_of(picture)[0].unflatten(0, (-1, 1024))
    assert (audio[2:-2].abs().argmax(dim=1) == 0).all(), "all phases are 0, at the beginning of every window"


@torch.no_grad()
def test_the_bound_is_a_bernoulli_and_three_samples_of_the_divergence():
    torch.manual_seed(0)
    recipe = PublishedRecipe(SMALL).eval()
    audio = 0.1 * torch.randn(2, 2, 70_000)
    nats, kl, found = recipe._terms(None, audio)
    picture = pictures(audio, size=64)
    expected = -torch.distributions.Bernoulli(probs=found, validate_args=False).log_prob(picture).sum(dim=(1, 2, 3))
    torch.testing.assert_close(nats, expected, rtol=1e-3, atol=1e-2)
    assert kl.shape == (2,)
    assert not recipe.prior.logits.requires_grad, "weights of the components are fixed"


def test_the_original_learns_and_is_measured_and_resumed(recordings, tmp_path):
    library = Library(
        train=recordings,
        held_out=recordings[:1],
        tags=TAGS,
        sample_rate=RATE,
        description="clicks",
        notes=(),
        fingerprint="x",
    )
    about = {"family": "vae", "model": SMALL, "crops": {"n_samples": 70_000, "batch_size": 4}}
    about |= {"tags": list(TAGS), "fingerprint": "x"}
    config = SoundTrainConfig(steps=1, save_every=1, n_held_out=1, ema=0.0, accelerator="cpu")
    first = train_vae(library, tmp_path, about, config=config, resume=False, wandb=False)
    more = SoundTrainConfig(steps=16, save_every=8, n_held_out=1, ema=0.0, accelerator="cpu")
    metrics = train_vae(library, tmp_path, about, config=more, resume=True, wandb=False)
    assert metrics["elbo"] > first["elbo"] + 0.2
    assert metrics["batches"] == 16
    assert 0.5 <= metrics["occupancy"] <= 1.0
    recipe, _ = load_recipe(tmp_path)
    assert isinstance(recipe, PublishedRecipe)


def test_a_size_that_cannot_be_halved_six_times_is_refused():
    with pytest.raises(TrainingError, match="size: expected a multiple of 64 up to 512, found 500"):
        build({"model": SMALL | {"size": 500}}, None)
