"""Places of latents: the way there is a line, told again it goes on, and it can be taken back."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from liveseq.errors import ModelError
from liveseq.runtime.generator import OnnxGenerator, Stream
from liveseq.runtime.latent import FREE, START, Travel, components, without_latent
from liveseq.runtime.manifest import Manifest
from tests.support.tiny_generator import make_generator
from tests.support.tiny_set import make_set

HERE, THERE = np.array([4.0, 0.0], np.float32), np.array([0.0, 8.0], np.float32)


def go(place, travel, n_steps, *, seconds=0.5):
    places = []
    for _ in range(n_steps):
        place = place.after(travel, seconds)
        places.append(place)
    return places


def test_what_was_told_nothing_goes_its_own_way_as_it_was_taught():
    [*_, place] = go(START, FREE, 3)
    inputs = place.inputs(2)
    assert inputs["latent"].tolist() == [0.0, 0.0]
    assert inputs["travel"].tolist() == [0.0, 1.0]


def test_from_its_own_way_it_is_held_more_and_more_and_comes_back_in_a_line():
    held = go(START, Travel(HERE, 2.0), 5)
    assert [one.held for one in held] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert all((one.latent == HERE).all() for one in held)
    back = go(held[-1], without_latent(Travel(HERE, 1.0)), 3)
    assert [one.held for one in back] == [0.5, 0.0, 0.0]


def test_from_place_to_place_it_goes_in_a_line_and_a_new_tag_does_not_begin_it_anew():
    [there] = go(START, Travel(HERE), 1)
    way = go(there, Travel(THERE, 2.0), 2)
    way += go(way[-1], Travel(THERE.copy(), 2.0, walk=0.0), 3)  # told again with another walk
    assert [one.latent.tolist() for one in way] == [[3, 2], [2, 4], [1, 6], [0, 8], [0, 8]]
    assert [one.inputs(2)["travel"].tolist() for one in way] == [[1, 1], [1, 1], [1, 0], [1, 0], [1, 0]]


@pytest.fixture
def folder(tmp_path):
    make_set(tmp_path)
    return make_generator(tmp_path / "moving", latent=2, settings={"components": {"low": [0, 0], "high": [400, 0]}})


def hertz(audio):
    spectrum = np.abs(np.fft.rfft(audio[:, 0] * np.hanning(len(audio)), n=48_000))
    return int(spectrum.argmax())


def test_a_stream_is_where_its_latent_is_and_can_be_taken_back(folder):
    stream, tag = Stream(OnnxGenerator(folder), seed=1), np.eye(4, dtype=np.float32)[1]
    own = hertz(stream.next(tag))
    travel = Travel(np.array([400.0, 0.0], np.float32), seconds=4 * 8192 / 48_000)
    first = [stream.next(tag, 0.0, travel) for _ in range(4)]
    assert [hertz(one) - own for one in first] == pytest.approx([100.0, 200.0, 300.0, 400.0], abs=4.0)
    assert stream.back_to(2) == 2
    for one, again in zip(first[1:], [stream.next(tag, 0.0, travel) for _ in range(3)], strict=True):
        np.testing.assert_array_equal(one, again)
    assert hertz(stream.next(tag, 0.0, FREE)) == pytest.approx(own, abs=2.0)


def test_components_have_their_places(folder):
    places = components(Manifest.load(folder), folder)
    assert {name: place.tolist() for name, place in places.items()} == {"low": [0, 0], "high": [400, 0]}


@pytest.mark.parametrize(
    "written", [{"low": [0.0]}, {"low": [0.0, float("nan")]}, {"low": "here"}, ["low"], {"low": 3}]
)
def test_components_that_are_no_places_are_refused(folder, written):
    manifest = dataclasses.replace(Manifest.load(folder), settings={"components": written})
    with pytest.raises(ModelError, match=r"m/model.yaml: settings: components: expected names with 2 numbers each"):
        components(manifest, Path("m"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda inputs: [one for one in inputs if one.name != "travel"], "expected both inputs latent and travel"),
        (
            lambda inputs: [dataclasses.replace(one, shape=(3,)) if one.name == "travel" else one for one in inputs],
            r"expected travel float32\[2\], found travel float32\[3\]",
        ),
        (
            lambda inputs: [dataclasses.replace(one, shape=(300,)) if one.name == "latent" else one for one in inputs],
            r"expected latent float32\[n\], n up to 256, found latent float32\[300\]",
        ),
    ],
)
def test_a_model_with_half_of_it_or_too_many_numbers_is_refused(folder, change, message, monkeypatch):
    generator = OnnxGenerator(folder)
    manifest = dataclasses.replace(generator.manifest, inputs=tuple(change(generator.manifest.inputs)))
    monkeypatch.setattr(generator, "manifest", manifest)
    monkeypatch.setattr(generator, "_shapes", {one.name: tuple(one.shape) for one in manifest.inputs})
    with pytest.raises(ModelError, match=message):
        generator._check()
