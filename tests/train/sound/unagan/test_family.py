"""UNAGAN: the published sizes, the streaming form in steps, its prior, its crops, and a training that learns."""

import dataclasses
import math
import signal

import numpy as np
import pytest
import torch
from torch import nn

from liveseq.dsp.mel import PRESETS as FRONT_ENDS
from liveseq.errors import ModelError, TrainingError
from liveseq.train import checkpoint
from liveseq.train.report import WHOLE_BOUND
from liveseq.train.sound.beats import CLOCK_SIZE, N_TEMPI, Tempi, clock_features, followed, tempi_of
from liveseq.train.sound.export import difference_from_whole
from liveseq.train.sound.families import settings_of
from liveseq.train.sound.library import Library, Recording
from liveseq.train.sound.loop import SoundConfig, TrainingStoppedError
from liveseq.train.sound.saved import load_recipe
from liveseq.train.sound.streaming import CausalConv1d, Tape
from liveseq.train.sound.unagan import family as unagan
from liveseq.train.sound.unagan.codec import Codec
from liveseq.train.sound.unagan.data import MelCrops, make_tracks
from liveseq.train.sound.unagan.generator import BIRTH_SIZE, UnaganGraph
from liveseq.train.sound.unagan.grain import Returned, TagGrain
from liveseq.train.sound.unagan.limits import Limits
from liveseq.train.sound.unagan.nets import Decoder
from liveseq.train.sound.unagan.objectives import Began, Hinge
from liveseq.train.sound.unagan.prior import Prior
from liveseq.train.sound.unagan.published import (
    FlatGenerator,
    PublishedDiscriminator,
    PublishedEncoder,
    PublishedGenerator,
)
from liveseq.train.sound.unagan.published_recipe import PublishedRecipe
from liveseq.train.sound.unagan.recipe import StreamingRecipe
from tests.train.sound.followed_tempo import follows_tempo

RATE = 48_000
FRONT_END = FRONT_ENDS["music48"]
TINY = unagan.PRESETS["small"]["model"] | {
    "widths": [16, 16, 16, 8, 8],
    "n_conditions": 8,
    "prior_width": 16,
    "n_couplings": 2,
    "critic_width": 4,
}


class TinyVocoder(nn.Module):
    """Each frame's samples from that frame and the one before."""

    front_end = FRONT_END
    latency = 0

    def __init__(self):
        super().__init__()
        self.conv = CausalConv1d(FRONT_END.n_mels, FRONT_END.hop_length, 2)

    def forward(self, mel, tape=None):
        return torch.tanh(self.conv(mel, tape)).transpose(1, 2).flatten(1)


def count(net):
    return sum(p.numel() for p in net.parameters())


def clicks(seconds, *, period, seed=0):
    """A click every `period` samples over a quiet hum, (n, 2)."""
    y = 0.01 * np.sin(np.arange(int(seconds * RATE)) * 0.03).astype(np.float32)
    rng = np.random.default_rng(seed)
    for start in range(0, len(y) - 2000, period):
        y[start : start + 2000] += 0.5 * rng.standard_normal(2000) * np.exp(-np.arange(2000) / 300)
    return np.repeat(y[:, None], 2, axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def recordings():
    return (
        Recording(name="a", tag="techno", audio=clicks(6, period=24_576)),
        Recording(name="b", tag="bd", audio=clicks(0.4, period=100_000, seed=1)),
        Recording(name="c", tag="bd", audio=clicks(0.7, period=100_000, seed=2)),
    )


@pytest.fixture(scope="module")
def tracks(recordings):
    return make_tracks(recordings, tags=("bd", "techno"), front_end=FRONT_END, n_frames=128, seed=1)


def recipe():
    torch.manual_seed(0)
    made = StreamingRecipe(TINY, n_tags=2, vocoder=None)
    made.generator.tempi.shares[:] = torch.eye(2, N_TEMPI)
    made.generator.tempi.beats_per_step[0] = 1 / 3
    made.generator.tempi.tags[:, :2] = torch.eye(2)
    return made.eval()


def test_published_sizes():
    assert round(count(PublishedGenerator()) / 1e6, 2) == 24.48
    assert round(count(FlatGenerator()) / 1e6, 2) == 6.86
    assert round(count(PublishedDiscriminator()) / 1e6, 2) == 4.27
    assert round(count(PublishedEncoder()) / 1e6, 2) == 4.18


def test_published_shapes():
    mel = PublishedGenerator(width=16)(torch.zeros(1, 20, 3))
    assert mel.shape == (1, 80, 48)
    assert PublishedDiscriminator(width=16)(mel).shape == mel.shape
    assert PublishedEncoder(width=16)(mel).shape == (1, 20, 3)
    assert FlatGenerator(width=16)(torch.zeros(1, 20, 9)).shape == (1, 80, 9)


def test_two_births_of_the_published_generator_differ():
    net = PublishedGenerator(width=16)
    z = torch.zeros(1, 20, 3)
    assert not torch.equal(net(z), net(z))


def test_decoder_in_steps_is_the_whole():
    torch.manual_seed(0)
    net = Decoder(6, n_conditions=4, widths=(16, 16, 8, 8, 8), n_recurrent=3, n_mels=12)
    for head in net.heads:
        nn.init.normal_(head.weight)
    latent, draft, condition = torch.randn(1, 6, 7), torch.randn(1, 12, 112), torch.randn(1, 4, 7)
    with torch.no_grad():
        whole = net(latent, draft, condition)
        memory, pieces = None, []
        for i in range(7):
            tape = Tape(memory)
            frames = draft[..., 16 * i : 16 * (i + 1)]
            pieces.append(net(latent[..., i : i + 1], frames, condition[..., i : i + 1], tape))
            memory = tape.left()
    torch.testing.assert_close(torch.cat(pieces, dim=-1), whole, atol=1e-4, rtol=0)


def test_an_untrained_decoder_gives_the_draft_but_for_an_offset():
    net = Decoder(6, n_conditions=4, widths=(16, 16, 8, 8, 8), n_recurrent=1, n_mels=12)
    draft = torch.randn(2, 12, 48)
    added = net(torch.randn(2, 6, 3), draft, torch.randn(2, 4, 3)) - draft
    assert added.std(dim=-1).max() < 0.5 * draft.std()


def test_components_of_few_numbers_are_found_and_standard(tracks):
    torch.manual_seed(0)
    codec = Codec(128, z_size=20)
    codec.learn(tracks, seed=1)
    mel = torch.from_numpy(tracks[1].mel[:320].astype(np.float32).T)[None]
    scored = codec.scored(mel)
    latent = codec.encode(scored)
    assert latent.shape == (1, 20, 20)
    assert (codec.draft(latent) - scored).abs().mean() < 0.35 * scored.abs().mean()
    torch.testing.assert_close(codec.unscored(scored), mel, atol=1e-4, rtol=0)
    torch.testing.assert_close(codec.encode(codec.draft(latent)), latent, atol=1e-3, rtol=0)
    assert 0.5 < float(latent.std()) < 2.0


def test_prior_goes_back_to_the_noise_it_came_from():
    torch.manual_seed(0)
    net = Prior(z_size=6, n_conditions=4, width=16, n_couplings=4, birth_size=3, dropout=0.0)
    for coupling in net.couplings:
        nn.init.normal_(coupling.leave.weight, std=0.3)
    context, noise = torch.randn(5, 16), torch.randn(5, 6)
    latent = net.draw(noise, context)
    mean, log_scale = net._affine(context)
    back = (latent - mean) / log_scale.exp()
    volume = -log_scale.sum(-1)
    for coupling in net.couplings:
        back, shrunk = coupling.to_noise(back, context)
        volume = volume + shrunk
    torch.testing.assert_close(back, noise, atol=1e-4, rtol=0)
    told = (0.5 * (noise.square() + math.log(2 * math.pi)).sum(-1) - volume).mean() / 6
    torch.testing.assert_close(net.likelihood(latent[None], context[None]), told, atol=1e-4, rtol=0)


def test_prior_in_steps_knows_what_the_whole_knows():
    torch.manual_seed(0)
    net = Prior(z_size=6, n_conditions=4, width=16, n_couplings=2, birth_size=3, dropout=0.0).eval()
    known, birth, noise = torch.randn(2, 5, CLOCK_SIZE + 4), torch.randn(2, 3), torch.randn(2, 5, 6)
    with torch.no_grad():
        memory, latents, ones = None, [], torch.full((2, 6), 9.0)
        for i in range(5):
            tape = Tape(memory)
            begun = torch.tensor(float(i > 0))
            latents.append(net.step(noise[:, i], known[:, i], birth, begun=begun, within=(-ones, ones), tape=tape))
            memory = tape.left()
        latent = torch.stack(latents, dim=1)
        before = torch.nn.functional.pad(latent[:, :-1], (0, 0, 1, 0))
        again = net.draw(noise, net.contexts(before, known, birth))
    torch.testing.assert_close(again, latent, atol=1e-5, rtol=0)


def test_clock_comes_round_and_is_silent_without_a_beat():
    position = torch.tensor([0.0, 16.0, 4.0])
    features = clock_features(position, torch.tensor([1.0, 1.0, 0.0]))
    torch.testing.assert_close(features[0], features[1], atol=1e-5, rtol=0)
    assert features[2].abs().max() == 0


def test_tempo_is_the_tags_own_and_drawn_by_its_shares():
    net = Tempi(n_tags=2, tag_size=2)
    net.tags[:] = torch.eye(2)
    net.beats_per_step[:2] = torch.tensor([0.5, 0.25])
    net.shares.zero_()
    net.shares[0, :2] = 0.5  # the first tag has both tempi, the second has none
    net.shares[1, -1] = 1.0
    first, second = torch.eye(2)
    assert float(net(first, torch.tensor(-1.0))[0]) == 0.5
    assert float(net(first, torch.tensor(1.0))[0]) == 0.25
    assert [float(x) for x in net(second, torch.tensor(0.3))] == [0.0, 0.0]


def test_steps_of_sound_are_the_whole():
    graph = UnaganGraph(recipe().generator, TinyVocoder(), tag_size=256).eval()
    assert graph.state_shapes()["birth"] == (BIRTH_SIZE,)
    assert difference_from_whole(graph, n_steps=5) <= WHOLE_BOUND


def test_a_stream_is_born_by_its_seed_and_beats_on():
    generator = recipe().generator
    tag = torch.zeros(256)
    tag[0] = 1.0
    with torch.no_grad():
        tape = Tape()
        beat = dict(zip(("rate", "beating"), generator.tempi(tag, torch.tensor(0.0)), strict=True))
        one, clock = generator.stream(tape, torch.zeros(48), tag, torch.zeros(BIRTH_SIZE), **beat)
        other, _ = generator.stream(Tape(), torch.zeros(48), tag, torch.ones(BIRTH_SIZE), **beat)
        _, later = generator.stream(Tape(tape.left()), torch.zeros(48), tag, torch.zeros(BIRTH_SIZE), **beat)
    assert not torch.equal(one, other)
    third = clock_features(torch.tensor(1 / 3), torch.tensor(1.0))
    torch.testing.assert_close(later[0, 0], third)
    assert clock[0, 0, -1] == 1.0


def test_an_exported_stream_follows_the_tempo_that_is_asked_for_even_where_it_had_no_beat(tmp_path):
    graph = UnaganGraph(recipe().generator, TinyVocoder(), tag_size=256).eval()
    random = torch.Generator().manual_seed(0)
    z = torch.randn(6, *graph.input_shapes()["z"], generator=random)
    tempo = torch.tensor([0.0, 0.0, 140.0, 140.0, 100.0, 0.0])[:, None]
    for row in range(2):  # a tag with a beat of 1 / 3 a step, and one without
        tag = torch.eye(256)[row].expand(6, -1)
        own = float(graph.generator.tempi(tag[0], torch.tensor(0.0))[0])
        assert (own > 0) == (row == 0)
        follows_tempo(graph, tmp_path, torch.zeros(BIRTH_SIZE), z, tag, tempo, own=own)


def test_a_tempo_that_is_asked_for_is_a_beat():
    own = {"rate": torch.tensor(0.3), "beating": torch.tensor(0.0)}
    place = {"samples_per_step": 8192, "sample_rate": 48_000}
    rate, beating = followed(torch.tensor([120.0]), **own, **place)
    assert float(rate) == pytest.approx(2.0 * 8192 / 48_000)
    assert float(beating) == 1.0
    assert [float(x) for x in followed(torch.zeros(1), **own, **place)] == [pytest.approx(0.3), 0.0]


def test_tracks_know_the_beat_and_single_hits_are_strung_together(tracks):
    hits, techno = tracks
    assert (hits.tag, techno.tag) == (0, 1)
    assert len(hits.mel) >= 60 * RATE / 512
    np.testing.assert_allclose(np.diff(techno.beats), 48, atol=1)
    assert abs(float(techno.position[0])) < 0.1
    beats, shares = tempi_of(tracks, n_tags=2, n_per_step=16)
    assert beats[0] == pytest.approx(1 / 3, rel=1e-3)
    assert shares[0, -1] == 1.0
    assert shares[1, 0] == 1.0


def test_hits_that_are_strung_together_do_not_wait_for_the_end_of_their_tails():
    audio = 0.5 * np.exp(-np.arange(6 * RATE) / (0.2 * RATE))[:, None].repeat(2, axis=1)  # -60 dB after 1.4 s
    ride = Recording(name="r", tag="ride", audio=audio.astype(np.float32))
    (track,) = make_tracks((ride, ride), tags=("ride",), front_end=FRONT_END, n_frames=1024, seed=1)
    starts = np.flatnonzero(np.diff(track.mel.astype(np.float32).max(axis=1)) > 1.0)
    assert len(starts) > 20
    np.testing.assert_allclose(np.diff(starts) * 512 / RATE, 6 * 8192 / RATE, atol=0.02)  # -40 dB after 0.92 s


def test_crops_are_a_function_of_seed_number_and_rank(tracks):
    crops = MelCrops(tracks, n_steps=8, batch_size=4, seed=1)
    mel, tags, clock = crops.batch(3)
    assert (mel.shape, tags.shape, clock.shape) == ((4, 128, 128), (4, 8), (4, 8, 2))
    assert torch.equal(mel, MelCrops(tracks, n_steps=8, batch_size=4, seed=1).batch(3)[0])
    assert not torch.equal(mel, crops.batch(3, rank=1)[0])
    assert float(mel.min()) >= -5.0


def test_crops_of_what_has_a_beat_come_at_other_tempi_with_a_clock_that_is_right(tracks):
    techno = dataclasses.replace(tracks[1], mel=np.repeat(tracks[1].position[:, None], 128, axis=1))  # tells its place
    mel, _, clock = MelCrops([techno], n_steps=8, batch_size=64, seed=1).batch(0)
    position, rates = clock[..., 0], torch.diff(clock[..., 0], dim=1)
    whole = (rates - rates.mean(dim=1, keepdim=True)).abs().amax(dim=1) < 0.02  # neither gone round nor spliced
    told = mel[whole, 0, ::16]
    gains = (told - position[whole]).mean(dim=1, keepdim=True)
    torch.testing.assert_close(told, position[whole] + gains, atol=1e-3, rtol=0)
    mean = rates[whole].mean(dim=1) * 3  # 1 / 3 of a beat in a step as it was
    assert 0.78 < float(mean.min()) < 0.87
    assert 1.15 < float(mean.max()) < 1.28
    assert 0.3 < float(((mean - 1.0).abs() < 1e-3).float().mean()) < 0.7
    plain = MelCrops([techno], n_steps=8, batch_size=64, seed=1, augment=False).batch(0)[2]
    rates = torch.diff(plain[..., 0], dim=1)
    assert float((rates[(rates > 0).all(dim=1)] * 3 - 1.0).abs().max()) < 1e-3


def test_nothing_to_cut_is_refused():
    with pytest.raises(TrainingError, match="give more --data"):
        MelCrops((), n_steps=8, batch_size=4, seed=1)


def test_hinge_tells_apart_and_began_balances():
    torch.manual_seed(0)
    real, made, condition = torch.ones(2, 16, 32), -torch.ones(2, 16, 32), torch.randn(2, 5, 2)
    hinge = Hinge(16, width=4, n_conditions=5)
    optimizer = torch.optim.Adam(hinge.parameters(), lr=1e-2)
    for _ in range(10):
        optimizer.zero_grad()
        loss = hinge.critic_loss(real, made, condition, condition)
        loss.backward()
        optimizer.step()
    assert loss < 1.0
    unreal, unlike = hinge.generator_loss(real, real, condition, condition)
    assert unlike.abs() < 0.05
    assert unreal < 0
    began = Began(16, width=8, n_conditions=5)
    began.critic_loss(3 * real, 0 * made, condition, condition)
    assert 0.0 < float(began.balance) <= 1.0


@pytest.mark.parametrize("name", ["small", "full", "hc", "h", "nh"])
def test_presets_are_whole(name):
    preset = settings_of("unagan", name)
    SoundConfig(**preset["train"])
    assert preset["model"]["front_end"] in FRONT_ENDS
    assert FRONT_ENDS[preset["model"]["front_end"]].sample_rate == preset["sample_rate"]


def test_published_variants_cannot_stream():
    with pytest.raises(ModelError, match="cannot stream"):
        unagan.step_graph(PublishedRecipe(unagan.PRESETS["nh"]["model"] | {"critic_width": 16}))


def test_without_a_vocoder_there_is_no_sound():
    with pytest.raises(ModelError, match="--vocoder"):
        unagan.step_graph(recipe())


def _about(model, crops):
    return {"family": "unagan", "model": model, "crops": crops, "tags": ["bd", "techno"], "fingerprint": "x"}


def _library(recordings):
    return Library(
        train=recordings,
        held_out=recordings[:1],
        tags=("bd", "techno"),
        sample_rate=RATE,
        description="clicks",
        notes=(),
        fingerprint="x",
    )


@pytest.mark.parametrize("objective", ["hinge", "began"])
def test_a_training_learns(recordings, tmp_path, objective):
    about = _about(TINY | {"objective": objective}, {"n_steps": 8, "batch_size": 2})
    config = SoundConfig(steps=24, save_every=12, n_held_out=1, accelerator="cpu")
    metrics = unagan.train(_library(recordings), tmp_path, about, config=config, resume=False, wandb=False)
    assert metrics["mel"] < 0.5  # 0.8 is what the mean of each band would have
    assert metrics["batches"] == 24
    kept, _ = checkpoint.load_tensors(tmp_path / checkpoint.CHECKPOINT)
    assert float(kept["generator.grain.scale"]) > 0.0, "the grain is learned when the decoder is"
    assert (tmp_path / "checkpoint.safetensors").is_file()


def _ends_at_batch_5(monkeypatch, how):
    learn = StreamingRecipe.train_step

    def ended(self, fabric, batch, number):
        if number == 5:
            how()
        return learn(self, fabric, batch, number)

    monkeypatch.setattr(StreamingRecipe, "train_step", ended)
    config = SoundConfig(steps=24, save_every=4, n_held_out=1, accelerator="cpu")
    return _about(TINY, {"n_steps": 8, "batch_size": 2}) | {"vocoder": "models/vocoder"}, config


def test_what_was_killed_is_no_dull_quiet_model_but_refused_until_it_has_gone_on(recordings, tmp_path, monkeypatch):
    def kill():
        raise KeyboardInterrupt

    about, config = _ends_at_batch_5(monkeypatch, kill)
    with pytest.raises(KeyboardInterrupt):
        unagan.train(_library(recordings), tmp_path, about, config=config, resume=False, wandb=False)
    with pytest.raises(ModelError, match=r"where grain and loudness are learned; go on .* --resume --steps 1"):
        unagan.step_graph(load_recipe(tmp_path)[0])
    last = dataclasses.replace(config, steps=1)
    metrics = unagan.train(_library(recordings), tmp_path, about, config=last, resume=True, wandb=False)
    assert metrics["batches"] == 4
    assert unagan.step_graph(load_recipe(tmp_path)[0]).generator.grain.scale > 0.0
    assert checkpoint.load_yaml(tmp_path / checkpoint.CONFIG)["train"]["steps"] == 24, "it can go on all the same"


def test_what_was_stopped_plays_as_far_as_it_came(recordings, tmp_path, monkeypatch):
    about, config = _ends_at_batch_5(monkeypatch, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(TrainingStoppedError, match="go on with --resume"):
        unagan.train(_library(recordings), tmp_path, about, config=config, resume=False, wandb=False)
    assert unagan.step_graph(load_recipe(tmp_path)[0]).generator.grain.scale > 0.0


@pytest.mark.parametrize("variant", ["hc", "nh"])
def test_a_published_variant_takes_a_step(recordings, tmp_path, variant):
    small = unagan.PRESETS[variant]["model"] | {"critic_width": 16}
    library = Library(
        train=recordings[:1],
        held_out=recordings[:1],
        tags=("techno",),
        sample_rate=44_100,
        description="clicks",
        notes=(),
        fingerprint="x",
    )
    about = _about(small, {"n_steps": 16, "batch_size": 2}) | {"tags": ["techno"]}
    config = SoundConfig(steps=2, save_every=2, n_held_out=1, accelerator="cpu")
    metrics = unagan.train(library, tmp_path, about, config=config, resume=False, wandb=False)
    assert metrics["score"] > 0


def test_grain_moves_as_much_as_what_did_not_come_back_and_streams(tracks):
    codec, grain = Codec(128, z_size=6), TagGrain(128, z_size=6, n_tags=2)
    codec.learn(tracks, seed=1)
    torch.manual_seed(0)
    mel = codec.scored(torch.from_numpy(tracks[1].mel[:512].astype(np.float32).T)[None])
    latent = codec.encode(mel)
    back, width = codec.draft(latent), codec.deviation[:, None]
    grain.learn([Returned(tag=1, latent=latent, mel=mel, back=back)], width=width, seed=2)
    noise = torch.randn(1, 32, grain.size)
    near = torch.eye(2)[1].expand(1, 32, 2)
    moved = grain(latent, noise, near)
    places = (torch.arange(128) + 0.5) / 128
    waves = torch.stack([torch.cos(torch.pi * order * places) for order in range(4, 13)])
    steps = [((waves @ (x[0] * width)).diff(dim=-1) ** 2).mean() for x in (mel, back, moved)]
    assert steps[0] > 1.05 * steps[1], "there is nothing to add"
    assert 0.8 < float((steps[1] + steps[2]) / steps[0]) < 1.2
    tape = Tape()
    first = grain(latent[:, :5], noise[:, :5], near[:, :5], tape)
    second = grain(latent[:, 5:], noise[:, 5:], near[:, 5:], Tape(tape.left()))
    torch.testing.assert_close(torch.cat((first, second), dim=-1), moved, atol=1e-5, rtol=0)


def test_nothing_is_louder_or_stranger_than_the_recordings_of_its_tag(tracks):
    codec, limits = Codec(128, z_size=6), Limits(n_tags=2, z_size=6, n_mels=128)
    codec.learn(tracks, seed=1)
    limits.learn(codec, tracks)
    near = torch.eye(2)[None, 1:]  # (1, 1, 2): techno
    least, largest = limits.latents(near)
    assert (least < largest).all()
    assert float(limits.levelled(torch.full((1, 128, 16), 9.0), near).max()) <= float(tracks[1].mel.max())
    quiet = torch.full((1, 128, 16), -4.9)
    assert torch.equal(limits.levelled(quiet, near), quiet)
    limits.learn_gain(1, real=quiet + 0.3, drawn=quiet)
    torch.testing.assert_close(limits.levelled(quiet, near), quiet + 0.3)
    limits.learn_gain(1, real=quiet + 3.0, drawn=quiet)
    assert float(limits.gains[1]) == 0.5, "no noise is made loud"
