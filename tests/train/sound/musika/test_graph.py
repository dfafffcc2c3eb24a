"""The exported step of musika: latents and sound without a seam, at the tag and the tempo asked for."""

import itertools

import pytest
import torch
from torch import Tensor

from liveseq.train.sound.grain import Grain
from liveseq.train.sound.musika.coordinates import N_ANCHORS, clock_of, joined, window_times
from liveseq.train.sound.musika.graph import MusikaGraph
from liveseq.train.sound.musika.level_one import MelLevel
from liveseq.train.sound.musika.networks import N_NOISE
from liveseq.train.sound.musika.settling import Settling
from liveseq.train.sound.musika.tracks import STEP, to_sides
from liveseq.train.sound.streaming import Tape
from liveseq.train.sound.vocoders.vocoder import Vocoder
from tests.train.sound.followed_tempo import follows_tempo
from tests.train.sound.musika.tiny_musika import DEPTH, FRONT_END, TAG, WINDOWS


class Held(Vocoder):
    """Its sound is the frames' means, each held for a hop."""

    def __init__(self):
        super().__init__(FRONT_END, latency=0)

    def forward(self, mel: Tensor, tape=None) -> Tensor:
        return torch.repeat_interleave(mel.mean(dim=1), self.hop_length, dim=-1)


@pytest.fixture
def graph(generator, codec, monkeypatch):
    # What `Held` makes is no sound, but what frames say.
    monkeypatch.setattr("liveseq.train.sound.musika.graph.output_stage", lambda y, n_step, tape: y)
    grain = Grain(FRONT_END.n_mels, z_size=DEPTH, n_frames=codec.ratio)
    grain.scale.fill_(0.1)
    settling = Settling(depth=2 * DEPTH, tag=TAG)
    return MusikaGraph(generator, codec, MelLevel(FRONT_END), grain, settling, Held(), windows=WINDOWS, tag_size=TAG)


def given(graph, n_steps, *, seed=3):
    random = torch.Generator().manual_seed(seed)
    shapes = graph.input_shapes()
    z, tag = (torch.randn(n_steps, *shapes[name], generator=random) for name in ("z", "tag"))
    return torch.randn(graph.birth_size(), generator=random), z, tag[:1].expand(n_steps, -1)


def played(graph, birth, z, tag, tempo=None):
    tempo = torch.zeros(len(z), 1) if tempo is None else tempo
    memory = torch.zeros(graph.state_shapes()["memory"])
    steps = []
    with torch.no_grad():
        for inputs in zip(z, tag, tempo, strict=True):
            audio, memory, birth = graph(*inputs, memory, birth)
            steps.append(audio)
    return torch.cat(steps, dim=-1)


def test_a_stream_is_what_a_critic_was_shown(graph, generator):
    """Two latents at a time out of windows that fade into each other: the joined pair, over an anchor too."""
    birth, z, tag = given(graph, 3 * WINDOWS.anchor_distance // 2)
    style, anchors = birth[:5], birth[5:17].reshape(N_ANCHORS, 3)
    every = [
        *anchors,
        *(z[k, :3] for k in range(WINDOWS.anchor_distance // 2 - 1, len(z), WINDOWS.anchor_distance // 2)),
    ]
    birth[-1] = -1.0  # a number that means some tempo
    generator.tempi.beats_per_step[:] = 0.125  # sums of it are exact: untrained networks make much of what is rounded
    rate, beating = generator.tempi(tag[0], birth[-1])
    assert rate > 0
    memory, state, found = None, birth, []
    with torch.no_grad():
        for own_z, own_tag in zip(z, tag, strict=True):
            tape = Tape(memory)
            latents, state = graph._next(tape, state, own_z, own_tag, torch.zeros(1))
            found.append(latents)
            memory = tape.left()
        found = torch.cat(found, dim=-1)
        line = torch.stack(every)
        first_noise = birth[17:-1].reshape(N_NOISE, -1)[:, WINDOWS.stride : WINDOWS.stride + WINDOWS.length]
        later = z[:, 3 : 3 + 2 * N_NOISE].reshape(-1, N_NOISE, 2).permute(1, 0, 2).flatten(1)
        noise = torch.cat((first_noise, later), dim=1)
        n_windows = found.shape[-1] // WINDOWS.stride
        made = []
        for number in range(n_windows):
            times = window_times(torch.tensor(float(number * WINDOWS.stride)), WINDOWS) / WINDOWS.anchor_distance + 1
            weights = torch.relu(1 - (times[:, None] - torch.arange(len(line))).abs())
            own = noise[None, :, number * WINDOWS.stride :][..., : WINDOWS.length]
            beats = rate * (number * WINDOWS.stride + torch.arange(float(WINDOWS.length)))[None]
            clock = clock_of(beats, beating.expand(beats.shape))
            made.append(generator((weights @ line).T[None], style[None], own, tag[:1], clock))
    half = WINDOWS.overlap // 2
    for number, (first, second) in enumerate(itertools.pairwise(made)):
        at = number * WINDOWS.stride + half
        pair = joined(first, second, WINDOWS.overlap)[..., half:-half]  # its ends belong to other pairs
        n = pair.shape[-1] - WINDOWS.overlap
        torch.testing.assert_close(found[..., at + half : at + half + n], pair[..., :n], atol=1e-5, rtol=1e-4)


def test_steps_are_the_whole(graph):
    birth, z, tag = given(graph, 20)
    tempo = torch.tensor([0.0, 128.0, 0.0, 90.0]).repeat_interleave(5)[:, None]
    with torch.no_grad():
        graph.settling.hold.bias += 0.2
        graph.settling.level.bias += 0.1
        whole = graph.whole(birth, z, tag, tempo)
    assert whole.shape == (2, 20 * STEP)
    torch.testing.assert_close(played(graph, birth, z, tag, tempo), whole, atol=1e-5, rtol=0)


def test_an_exported_stream_follows_the_tempo_that_is_asked_for_from_the_next_step_on(graph, tmp_path):
    birth, z, tag = given(graph, 8)
    tempo = torch.tensor([0.0, 0.0, 128.0, 128.0, 128.0, 100.0, 0.0, 0.0])[:, None]
    follows_tempo(graph, tmp_path, birth, z, tag, tempo, own=float(2 * graph.generator.tempi(tag[0], birth[-1])[0]))
    one, other = played(graph, birth, z, tag), played(graph, birth, z, tag, tempo)
    assert torch.equal(one[:, : 2 * STEP], other[:, : 2 * STEP])
    assert (one - other)[:, 2 * STEP : 3 * STEP].abs().max() > 1e-4


def test_a_changed_tag_is_heard_at_once_and_the_place_goes_on(graph):
    birth, z, one = given(graph, 12)
    other = -one
    with torch.no_grad():
        memory = torch.zeros(graph.state_shapes()["memory"])
        memory[:2] = torch.tensor([10.0, 1.7])
        before, after = (graph._next(Tape(memory), birth, z[0], tag[0], torch.zeros(1))[0] for tag in (one, other))
    assert (before - after).abs().max() > 1e-3
    changed = torch.cat((one[:6], other[6:]))
    first, second = played(graph, birth, z, one), played(graph, birth, z, changed)
    assert torch.equal(first[:, : 6 * STEP], second[:, : 6 * STEP])
    assert (first - second)[:, 6 * STEP : 7 * STEP].abs().max() > 1e-4


def test_what_is_mono_in_latents_is_mono_in_sound(graph, codec):
    latents = torch.cat((torch.randn(1, DEPTH, 2), torch.zeros(1, DEPTH, 2)), dim=1)
    left, right = to_sides(latents)
    assert torch.equal(left, right)


def test_a_stream_is_no_louder_than_the_tag_ever_is(graph):
    birth, z, tag = given(graph, 4)
    with torch.no_grad():
        graph.generator.mean.bias += 30.0
        for ceiling in (-1.0, -5.0):
            graph.generator.ceiling.weight.zero_()
            graph.generator.ceiling.bias.fill_(ceiling)
            audio = graph.whole(birth, z, tag, torch.zeros(4, 1))  # the mean of six log bands here
            loudest = float(0.5 * (ceiling - (6.0 * graph.level.shares).log10()).mean())  # where each has a sixth
            assert loudest - 1.0 < float(audio.max()) <= loudest + 1e-4


def test_a_tag_is_as_loud_as_its_recordings_are(graph):
    birth, z, tag = given(graph, 4)
    with torch.no_grad():
        graph.generator.ceiling.bias += 100.0
        graph.codec.mean -= 2.0  # where frames are not too full
        before = graph.whole(birth, z, tag, torch.zeros(4, 1))
        graph.settling.level.bias.fill_(0.25)
        after = graph.whole(birth, z, tag, torch.zeros(4, 1))
    assert float((after - before).median()) == pytest.approx(0.25, abs=0.01), "the mean of log bands is heard here"
