"""Training musika: takes and crops with their beat, what its networks begin with, and a run to a whole model."""

import dataclasses
import signal

import numpy as np
import pytest
import torch

from liveseq.errors import ModelError, TrainingError
from liveseq.train import checkpoint
from liveseq.train.report import WHOLE_BOUND
from liveseq.train.sound.export import difference_from_whole
from liveseq.train.sound.grain import Grain, needed
from liveseq.train.sound.library import Library, Recording
from liveseq.train.sound.loop import SoundConfig, TrainingStoppedError, train_sound
from liveseq.train.sound.musika import PRESETS, build, step_graph, train, training
from liveseq.train.sound.musika.coordinates import N_CLOCK, clock_of
from liveseq.train.sound.musika.graining import learn_grain
from liveseq.train.sound.musika.latents import GanConfig, LatentGan
from liveseq.train.sound.musika.level_one import LevelRecipe, MelLevel, PointwiseLevel
from liveseq.train.sound.musika.networks import Critic
from liveseq.train.sound.musika.pool import (
    STEP,
    FrameCrops,
    LatentCrops,
    Take,
    audio_takes,
    latent_takes,
    to_sides,
    varied,
)
from liveseq.train.sound.saved import load_recipe
from liveseq.train.sound.tags import tag_table
from tests.train.sound.musika.tiny_musika import DEPTH, FRONT_END, RATE, TAG, WINDOWS


def test_sides_come_back_from_middle_and_difference(codec):
    frames = np.random.default_rng(0).standard_normal((2, 6, 64)).astype(np.float16)
    with torch.no_grad():
        (take,) = latent_takes([Take(tag=0, values=frames)], codec.encode)
        wanted = codec.encode(torch.from_numpy(frames.astype(np.float32)))
    torch.testing.assert_close(to_sides(torch.from_numpy(take.values)[None]), wanted, atol=1e-5, rtol=1e-4)


def test_short_recordings_of_a_tag_are_strung_together_on_the_grid_of_steps():
    click = np.ones((100, 2), dtype=np.float32)
    long = np.zeros((4 * RATE, 2), dtype=np.float32)
    recordings = [Recording(name="a", tag="hit", audio=click), Recording(name="b", tag="pad", audio=long)]
    takes = audio_takes(recordings, tags=("hit", "pad"), seconds=3.0, sample_rate=RATE, seed=1)
    assert {take.tag for take in takes} == {0, 1}
    hits = [take for take in takes if take.tag == 0]
    assert sum(take.values.shape[1] for take in hits) / RATE == pytest.approx(60, abs=3)
    starts = np.flatnonzero(np.diff(hits[0].values[0], prepend=0.0) > 0.5)
    assert set(starts % (2 * STEP)) == {0}


def test_batches_are_a_function_of_seed_number_and_rank():
    takes = [
        Take(tag=k, values=np.random.default_rng(k).standard_normal((2, 6, 40)).astype(np.float16)) for k in (0, 1)
    ]
    crops = FrameCrops(takes, length=16, batch_size=5, seed=1, gain=0.3)
    assert torch.equal(crops.batch(3)[0], crops.batch(3)[0])
    assert not torch.equal(crops.batch(3)[0], crops.batch(3, rank=1)[0])
    latents = [Take(tag=0, values=np.ones((8, 40), dtype=np.float32))]
    batch, tags, clocks = LatentCrops(latents, length=16, batch_size=32, seed=1, overlap=4).batch(0)
    assert clocks.shape == (32, 20, 2)
    assert not clocks.any()
    assert set(batch[:, :4].unique().tolist()) == {1.0}, "the middle stays"
    assert set(batch[:, 4:].unique().tolist()) == {-1.0, 1.0}, "sides are swapped"
    assert set(tags.tolist()) == {0}


def clicks(n_beats, *, period, first=0):
    """Noise that dies away on each beat, (n, 2)."""
    y = np.zeros((first + n_beats * period, 2), dtype=np.float32)
    burst = np.random.default_rng(0).standard_normal((2000, 1)) * np.exp(-np.arange(2000) / 300)[:, None]
    for start in range(first, len(y) - 2000, period):
        y[start : start + 2000] += 0.5 * burst
    return y


def test_crops_know_where_the_beat_is_wherever_and_however_they_are_cut(codec):
    period = 22_000
    recording = Recording(name="a", tag="techno", audio=clicks(16, period=period, first=3000))
    (take,) = audio_takes([recording], tags=("techno",), seconds=3.0, sample_rate=RATE, seed=1)
    n = len(recording.audio) // 4096 * 8
    counted = np.broadcast_to(np.arange(n, dtype=np.float16), (2, 6, n))  # every frame tells where it comes from
    made = list(varied([dataclasses.replace(take, values=counted)], ratio=8, seed=1))
    assert [each.stretched for each in made] == [False, False, True, True]
    with torch.no_grad():
        takes = latent_takes(made, codec.encode)
    for frames, each in zip(made, takes, strict=True):
        first = frames.values[0, 0, ::8].astype(np.float64)
        wanted = (512 * first - 3000) / period
        off = (each.clock()[:, 0] - wanted + 8.0) % 16.0 - 8.0
        assert np.abs(off).max() < 0.04, "a frame may be left out or come twice: 512 samples of 22,000"
        assert each.clock()[:, 1].all()
    assert takes[0].rates.keys() == takes[1].rates.keys()
    (rate,) = (rate for rate in takes[0].rates if rate)
    assert rate == pytest.approx(4096 / period, rel=1e-3)
    crops = LatentCrops(takes, length=16, batch_size=64, seed=1, overlap=4)
    _, _, clocks = crops.batch(0)
    assert clocks[..., 1].all()
    steps = torch.diff(clocks[..., 0].double(), dim=1) % 16.0
    assert float((steps - steps[:, :1]).abs().max()) < 1e-4, "one tempo, beyond both ends of a crop too"
    assert 0.8 * rate <= float(steps.min()) < float(steps.max()) <= 1.25 * rate


def test_short_recordings_that_have_a_beat_keep_it_where_they_are_strung():
    loop = clicks(5, period=20_000)
    hit = np.ones((100, 2), dtype=np.float32)
    recordings = [Recording(name=name, tag="loop", audio=audio) for name, audio in (("a", loop), ("b", hit))]
    take = audio_takes(recordings, tags=("loop",), seconds=5.0, sample_rate=RATE, seed=1)[0]
    n = take.values.shape[-1] // 4096
    clock = dataclasses.replace(take, values=np.zeros((8, n), dtype=np.float32)).clock()
    starts = {beat.start for beat in take.beats}
    assert starts
    assert all(start % STEP == 0 for start in starts)
    hits = np.flatnonzero(take.values[0, ::4096] == 1.0)
    assert len(hits)
    assert not clock[hits, 1].any()
    for start in starts:
        first = int(start) // 4096
        assert clock[first, 1] == 1.0
        assert min(clock[first, 0], 16.0 - clock[first, 0]) < 0.05


def test_takes_shorter_than_a_crop_are_refused():
    with pytest.raises(TrainingError, match="expected takes of at least 64"):
        LatentCrops([Take(tag=0, values=np.ones((8, 40), dtype=np.float32))], length=64, batch_size=2, seed=1)


def test_a_generator_begins_with_the_colour_of_each_tag(generator):
    vectors = torch.nn.functional.normalize(torch.randn(3, TAG), dim=1)
    latents = [torch.randn(2 * DEPTH, 4000) * (1 + k) + 5.0 * k for k in range(3)]
    clock = clock_of(torch.arange(4000.0)[None] / 7.3, torch.ones(1, 4000))[0]
    pulse = torch.randn(2 * DEPTH, N_CLOCK)
    pulse[:, -1] = 0.0  # what is always there is the mean's
    latents[2] += pulse @ clock
    generator.begin_from(vectors, latents, [clock] * 3)
    with torch.no_grad():
        means, spreads = generator.mean(vectors), generator.spread(vectors).exp()
        pulses = generator.pulse(vectors).reshape(3, 2 * DEPTH, N_CLOCK)
    assert float((pulses[2] - pulse).abs().mean()) < 0.15
    assert float(pulses[0].abs().mean()) < 0.1
    for k in range(3):
        assert float(means[k].mean()) == pytest.approx(5.0 * k, abs=0.3)
        assert float(spreads[k].mean()) == pytest.approx(1.0 + k, rel=0.1)


def test_the_grain_moves_bands_as_much_as_what_the_autoencoder_leaves_out(codec):
    torch.manual_seed(5)
    frames = (
        torch.randn(2, 6, 1600).cumsum(dim=-1) * 0.05
        + torch.randn(2, 6, 1600) * torch.tensor([0.02, 0.3])[:, None, None]
    )
    takes = [Take(tag=number, values=np.stack((f, f)).astype(np.float16)) for number, f in enumerate(frames.numpy())]
    codec.begin_from(torch.cat([f.unfold(-1, 8, 8).transpose(0, 1) for f in frames]))
    grain = Grain(6, z_size=DEPTH, n_frames=codec.ratio)
    learn_grain(grain, takes, codec=codec, level=MelLevel(FRONT_END), seed=1)
    with torch.no_grad():
        latents = codec.encode(torch.from_numpy(takes[1].values).float())
        noise = torch.randn(2, latents.shape[-1], grain.size)
        moved = grain.noise(latents.transpose(1, 2), noise, torch.ones(2, latents.shape[-1]))
        found = codec.decode(latents)
        moved *= needed(frames[1:].expand(2, -1, -1), found, moved)
    missing = frames[1].diff().square().mean() - found[0].diff().square().mean()
    assert 0.4 < float(moved[0].diff().square().mean() / missing) < 1.7
    assert moved[0].std() > 3 * 0.02


def small_gan(generator, codec):
    torch.manual_seed(2)
    return LatentGan(
        generator,
        Critic(base=2, length=2 * WINDOWS.stride, depth=2 * DEPTH, tag=TAG, clock=N_CLOCK),
        codec=codec,
        level=MelLevel(FRONT_END),
        windows=WINDOWS,
        config=GanConfig(r1_step=0.25, noise=0.1),
        vectors=torch.nn.functional.normalize(torch.randn(3, TAG), dim=1),
    )


def test_r1_fades_while_the_critic_is_unsure(generator, codec):
    from lightning_fabric import Fabric

    fabric = Fabric(accelerator="cpu", devices=1)
    recipe = small_gan(generator.train(), codec.requires_grad_(False))
    recipe.set_up(fabric)
    clocks = torch.rand(4, 2 * WINDOWS.stride + WINDOWS.overlap, 2)
    batch = torch.randn(4, 2 * DEPTH, 2 * WINDOWS.stride), torch.tensor([0, 1, 2, 0]), clocks
    for number in range(3):
        told = recipe.train_step(fabric, batch, number)
    assert float(told["critic"]) > 0
    assert float(told["r1"]) == pytest.approx(2.5)
    assert np.isfinite(recipe.score([batch])["distance"])


TINY = {
    "sample_rate": RATE,
    "model": {
        "front_end": dataclasses.asdict(FRONT_END),
        "level": None,
        "depth": 4,
        "widths": [8, 8, 8, 8],
        "base": 2,
        "windows": {"length": 16, "overlap": 4, "per_anchor": 3},
        "gan": {"noise": 0.1},
    },
    "crops": {"frames": {"length": 16, "batch_size": 2}, "latents": {"batch_size": 2}},
}


def library():
    rng = np.random.default_rng(0)
    recordings = tuple(
        Recording(name=f"{tag} {k}", tag=tag, audio=0.1 * rng.standard_normal((int(3.2 * RATE), 2)).astype(np.float32))
        for tag in ("drone", "techno")
        for k in range(2)
    )
    return Library(
        train=recordings[::2],
        held_out=recordings[1::2],
        tags=("drone", "techno"),
        sample_rate=RATE,
        description="noise",
        notes=(),
        fingerprint="f",
    )


def about(**model):
    return {
        "family": "musika",
        "preset": "small",
        **TINY,
        "model": TINY["model"] | model,
        "tags": ["drone", "techno"],
        "vocoder": "models/vocoder",
        "training": {"data": "noise", "licence": "none", "command": "none"},
        "fingerprint": "f",
    }


def test_a_killed_training_goes_on_where_it_was(tmp_path):
    config = SoundConfig(steps=4, save_every=2, n_held_out=1, accelerator="cpu")
    half = dataclasses.replace(config, steps=2)
    train(library(), tmp_path, about(), config=half, resume=False, wandb=False)
    for place in (tmp_path, tmp_path / "autoencoder"):
        (place / checkpoint.METRICS).unlink()
    metrics = train(library(), tmp_path, about(), config=config, resume=True, wandb=False)
    assert metrics["batches"] == metrics["autoencoder"]["batches"] == 4
    recipe, told = load_recipe(tmp_path)
    assert isinstance(recipe, LatentGan)
    assert told["tags"] == ["drone", "techno"]
    assert float(recipe.settling.offset.bias.detach().abs().sum()) > 0.0, "what is learned last is kept too"
    assert float(recipe.settling.grain.bias.detach()) > 0.0
    with torch.no_grad():
        highest = 10.0 * recipe.generator.ceiling(tag_table(told["tags"]))
    assert highest.flatten().tolist() == pytest.approx([-16.5, -16.5], abs=2.0), "LUFS of the noise"


def test_a_stopped_training_is_settled_as_far_as_it_came(tmp_path, monkeypatch):
    learn = LatentGan.train_step

    def stopped(self, fabric, batch, number):
        if number == 2:
            signal.raise_signal(signal.SIGINT)
        return learn(self, fabric, batch, number)

    monkeypatch.setattr(LatentGan, "train_step", stopped)
    config = SoundConfig(steps=4, save_every=2, n_held_out=1, accelerator="cpu")
    with pytest.raises(TrainingStoppedError, match="stopped at batch 3"):
        train(library(), tmp_path, about(), config=config, resume=False, wandb=False)
    assert load_recipe(tmp_path)[0].settling.offset.bias.any()
    last = dataclasses.replace(config, steps=1)
    assert train(library(), tmp_path, about(), config=last, resume=True, wandb=False)["batches"] == 3
    assert checkpoint.load_yaml(tmp_path / checkpoint.CONFIG)["train"]["steps"] == 4


def with_level_1():
    net = {"width": 8, "n_blocks": 1, "expansion": 2, "clock_bins": 32, "clock_width": 8, "look_ahead": 2}
    end = dataclasses.asdict(FRONT_END) | {"n_mels": 24}
    vocoder = {
        "front_end": end,
        "net": net,
        "learning_rate": 1e-3,
        "judge": {"width": 2, "period_width": 2},
        "judge_from": 0.5,
    }
    told = about(front_end=end, level={"depth": 6, "width": 16}, vocoder=vocoder)
    told["crops"] = TINY["crops"] | {"audio": {"n_samples": 12_288, "batch_size": 2, "balance": "seconds"}}
    return told


@pytest.mark.parametrize("asked", [None, "32"])
def test_stages_before_the_last_learn_in_fewer_digits_unless_all_are_asked_for(tmp_path, monkeypatch, asked):
    seen = {}

    def spied(recipe, *given, config, **settings):
        seen[type(recipe).__name__] = config.precision
        return train_sound(recipe, *given, config=config, **settings)

    monkeypatch.setattr(training, "train_sound", spied)
    config = SoundConfig(steps=1, save_every=1, n_held_out=1, accelerator="cpu", precision=asked)
    train(library(), tmp_path, about(), config=config, resume=False, wandb=False)
    assert seen == {"Autoencoder": asked or "bf16-mixed", "LatentGan": asked}


def test_no_preset_asks_for_fewer_digits_since_the_last_stage_needs_them_all():
    assert [SoundConfig(**preset["train"]).precision for preset in PRESETS.values()] == [None, None]


def test_what_goes_on_has_all_its_minutes_counts_its_nans_and_learns_from_the_same(tmp_path):
    config = SoundConfig(steps=1, save_every=1, n_held_out=1, accelerator="cpu", minutes=10.0)
    train(library(), tmp_path, about(), config=config, resume=False, wandb=False)
    path = tmp_path / checkpoint.CONFIG
    told = checkpoint.load_yaml(path)
    assert told["train"]["minutes"] == 10.0, "not the share of the last stage: it would shrink each time"
    checkpoint.save_yaml(path, told | {"stumbles": 2})
    train(library(), tmp_path, about(), config=config, resume=True, wandb=False)
    assert checkpoint.load_yaml(path)["stumbles"] == 2
    with pytest.raises(TrainingError, match="began on other recordings"):
        train(library(), tmp_path, about() | {"fingerprint": "g"}, config=config, resume=True, wandb=False)
    assert checkpoint.load_yaml(path)["fingerprint"] == "f"


def test_with_a_level_1_of_its_own_a_training_makes_all_that_a_stream_needs(tmp_path):
    config = SoundConfig(steps=1, save_every=1, n_held_out=1, accelerator="cpu")
    metrics = train(library(), tmp_path, with_level_1(), config=config, resume=False, wandb=False)
    assert {"vocoder", "level", "autoencoder"} <= metrics.keys()
    graph = step_graph(load_recipe(tmp_path)[0])
    assert graph.look_ahead == 2560
    assert difference_from_whole(graph, n_steps=2) <= WHOLE_BOUND


@pytest.mark.parametrize("own_level", [False, True])
def test_what_learned_on_another_device_is_not_asked_for_latents_and_grain(tmp_path, monkeypatch, own_level):
    """On `meta`, which refuses to work with tensors of the CPU, stays what `train_sound` leaves on a graphics card."""

    def leaves_it_there(recipe, *given, **settings):
        metrics = train_sound(recipe, *given, **settings)
        recipe.to("meta")
        return metrics

    monkeypatch.setattr(training, "train_sound", leaves_it_there)
    config = SoundConfig(steps=1, save_every=1, n_held_out=1, accelerator="cpu")
    told = with_level_1() if own_level else about()
    train(library(), tmp_path, told, config=config, resume=False, wandb=False)
    recipe, _ = load_recipe(tmp_path)
    assert float(recipe.grain.scale) > 0.0
    kept, _ = checkpoint.load_tensors(tmp_path / "autoencoder" / checkpoint.CHECKPOINT)
    for name, tensor in checkpoint.unprefixed(kept, "codec.").items():
        assert torch.equal(recipe.codec.state_dict()[name], tensor), name


def test_a_learned_level_1_sees_one_frame_at_a_time_and_learns():
    from lightning_fabric import Fabric

    torch.manual_seed(0)
    level = PointwiseLevel(FRONT_END, depth=4, width=8)
    y = torch.randn(2, 8 * 512)
    other = y.clone()
    other[:, 4 * 512 :] = 0.0
    frames, changed = level.encode(y), level.encode(other)
    assert frames.shape == (2, 4, 8)
    torch.testing.assert_close(frames[..., :4], changed[..., :4])
    np.testing.assert_allclose(level.frames(y.numpy()), frames.detach().numpy(), atol=1e-6)
    recipe = LevelRecipe(level)
    recipe.set_up(Fabric(accelerator="cpu", devices=1))
    batch = torch.stack((y, y), dim=1), torch.zeros(2, dtype=torch.int64)
    fabric = Fabric(accelerator="cpu", devices=1)
    losses = [float(recipe.train_step(fabric, batch, 1000)["bands"]) for _ in range(20)]
    assert losses[-1] < 0.95 * losses[0]
    assert recipe.score([batch])["score"] < losses[-1]


def test_every_preset_builds():
    for name, preset in PRESETS.items():
        with torch.device("meta"):
            recipe = build({"tags": ["a"], "model": preset["model"], "vocoder": "v"}, None)
        assert {"generator", "codec"} <= recipe.networks().keys(), name


def test_what_was_stopped_is_refused_until_it_has_come_to_its_end():
    recipe = build(about(), library())
    with pytest.raises(ModelError, match=r"where grain and loudness are learned; go on .* --resume --steps 1"):
        step_graph(recipe)
    recipe.settling.offset.bias.data.fill_(0.1)
    recipe.generator.ceiling.bias.data.fill_(1.2)  # of an older program, in another unit
    with pytest.raises(ModelError, match="--resume --steps 1"):
        step_graph(recipe)
