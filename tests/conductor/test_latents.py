"""Latents of a layer's stream over OSC: moved, refused, kept for the next stream and the next conductor, replayed."""

import math

import pytest

from liveseq.generation.meaning import Vocabulary
from liveseq.osc.packets import PREFIX
from liveseq.performance.log import arguments_of
from liveseq.performance.streamed import StreamStep
from liveseq.runtime.latent import FREE
from liveseq.runtime.text import TextEncoder
from tests.support.streaming_layers import MODE, Layers

LATENT = f"{PREFIX}/layer/1/latent"


@pytest.fixture
def moving(models):
    """A layer that streams a generator with latents of two numbers."""
    layers = Layers(models, "moving")
    layers.ask(f"{PREFIX}/layer/1/tag", layers.performance.sequencer.tags[0])
    layers.ask(MODE, "generate")
    layers.make()
    assert layers.layer.stream is not None
    return layers


def travel(layers):
    return layers.layer.stream.order.changes[-1].told.travel


def test_a_latent_is_moved_in_the_time_that_was_told_and_let_go_again(moving):
    moving.plan()
    moving.ask(f"{LATENT}/seconds", 4.0)
    assert moving.ask(LATENT, 400, 1.5, "id:a") == [("/liveseq/done", LATENT, "id:a")]
    assert (travel(moving).latent.tolist(), travel(moving).seconds, travel(moving).walk) == ([400.0, 1.5], 4.0, 1.0)
    assert moving.ask(LATENT) == [(LATENT, 400.0, 1.5)]
    moving.ask(f"{LATENT}/walk", 0.0)
    assert (travel(moving).latent.tolist(), travel(moving).walk) == ([400.0, 1.5], 0.0)
    n_changes = moving.layer.stream.order.n_changes
    moving.ask(f"{LATENT}/seconds", 0.0)
    assert moving.layer.stream.order.n_changes == n_changes, "it is for what is told next"
    moving.ask(f"{LATENT}/free", 1)
    assert (travel(moving).latent.size, travel(moving).walk) == (0, 0.0)
    assert moving.ask(LATENT) == [(LATENT,)]


def test_what_is_heard_is_where_the_latent_is(moving):
    moving.ask(LATENT, 400, 0)
    before = moving.layer.stream.made.end
    for _ in range(6):
        moving.pass_time(0.2)
        moving.make()
        moving.plan()
    stream = moving.streamer._live[1]
    assert stream.stream.number > before
    assert (stream.controls.travel.latent == [400, 0]).all()
    assert stream.stream._place.held == 1.0


def test_a_component_is_told_by_its_name_or_its_number(moving):
    assert moving.ask(f"{PREFIX}/generator/components") == [
        (f"{PREFIX}/generator/components", 1, "low"),
        (f"{PREFIX}/generator/components", 2, "high"),
        (f"{PREFIX}/generator/components/end", 2),
    ]
    for name, place in (("high", [400.0, 0.0]), ("1", [0.0, 0.0]), (2, [400.0, 0.0]), ("LOW", [0.0, 0.0])):
        moving.ask(f"{LATENT}/component", name)
        assert travel(moving).latent.tolist() == place
        assert moving.ask(LATENT) == [(LATENT, *place)]
    [(fail, _, code, text)] = moving.ask(f"{LATENT}/component", "hgh")
    assert (fail, code) == ("/liveseq/fail", "not_found")
    assert text.endswith("generator moving has no 'hgh': expected 1 to 2, or a name such as high")


@pytest.mark.parametrize(
    ("sent", "code", "said"),
    [
        ((1.0,), "out_of_range", "latent: expected the 2 of generator moving, found 1; what sounds goes on"),
        ((1.0, 2.0, 3.0), "out_of_range", "latent: expected the 2 of generator moving, found 3; what sounds goes on"),
        ((math.nan, 0.0), "bad_args", "z: expected a number, found nan"),
        ((0.0, math.inf), "bad_args", "z: expected a number, found inf"),
        (("high", 0.0), "bad_args", "z: expected f:z ...; found 'high'"),
        ((b"1234",), "bad_args", "z: expected f:z ...; found a blob of 4 bytes"),
    ],
)
def test_what_is_no_latent_is_refused_and_the_sound_goes_on(moving, sent, code, said):
    moving.ask(LATENT, 5, 6)
    order = moving.layer.stream.order
    assert moving.ask(LATENT, *sent) == [("/liveseq/fail", LATENT, code, said)]
    assert moving.layer.stream.order.n_changes == order.n_changes
    assert moving.ask(LATENT) == [(LATENT, 5.0, 6.0)]
    assert set(moving.plan()) == {"generator moving"}


def test_a_generator_without_latents_says_so_and_sounds_on(streaming):
    for address, sent in ((LATENT, 1.0), (f"{LATENT}/component", "bells"), (f"{PREFIX}/generator/components", 1)):
        [(fail, _, code, text)] = streaming.ask(address, sent)
        assert (fail, code) == ("/liveseq/fail", "model_error")
        assert "generator generator has no latents to move" in text
    assert streaming.layer.stream.order.changes[-1].told.travel.is_like(FREE)
    assert set(streaming.plan()) == {"generator generator"}


def test_a_latent_is_there_before_the_stream_is_and_stays_for_the_next_one(models):
    layers = Layers(models, "moving")
    assert layers.ask(LATENT, 1.0)[0][2] == "out_of_range", "of the generator that is chosen"
    assert layers.ask(f"{LATENT}/component", "high")[0][2] == "not_ready"
    layers.ask(LATENT, 7, 8)
    layers.ask(f"{PREFIX}/layer/1/tag", layers.performance.sequencer.tags[0])
    layers.ask(MODE, "generate")
    layers.make()
    assert travel(layers).latent.tolist() == [7.0, 8.0]
    layers.ask(f"{PREFIX}/layer/1/seed", 9)
    layers.make()
    assert (layers.layer.stream.order.seed, travel(layers).latent.tolist()) == (9, [7.0, 8.0])
    snapshot = layers.performance.snapshot()
    later = Layers(models, "moving")
    later.performance.restore(snapshot, at=0)
    assert later.performance.streamed.travel(1).latent.tolist() == [7.0, 8.0]


def test_a_generator_with_other_latents_goes_its_own_way_and_that_is_told(moving, models):
    moving.ask("/liveseq/subscribe", "/liveseq/log")
    moving.ask(LATENT, 7, 8)
    moving.ask(f"{LATENT}/walk", 0.5)
    other = Vocabulary(models / "louder", TextEncoder(models / "text-encoder"))
    moving.layers._generator = lambda: ("louder", other)
    moving.make()
    told = moving.layer.streams.newest.order.changes[-1].told.travel
    assert (told.latent.size, told.walk) == (0, 0.5)
    said = [text for address, *_, text in moving.answers() if address == "/liveseq/log"]
    expected = "layer 1: generator louder has latents of 0 numbers, and goes its own way instead of to the 2 that it"
    assert any(text.startswith(expected) for text in said)


def test_a_log_repeats_what_latents_were_told(moving, models):
    moving.plan()
    for address, sent in (("latent/seconds", (2.0,)), ("latent", (30.0, 1.0)), ("latent/walk", (0.5,))):
        moving.ask(f"{PREFIX}/layer/1/{address}", *sent)
    moving.ask(f"{LATENT}/component", "high")
    entries = [entry for entry in moving.entries if "/latent" in entry.get("address", "")]
    assert [entry["address"].rpartition("layer/1/")[2] for entry in entries] == [
        "latent/seconds",
        "latent",
        "latent/walk",
        "latent/component",
    ]
    again = Layers(models, "moving").performance
    again.streamed.learn("moving", moving.performance.streamed.vocabulary(1))
    again.stream(1, StreamStep.OPEN, at=0, generator="moving")
    for entry in entries:
        again.apply(again.table[entry["address"]], arguments_of(entry), at=entry["at"])
    told = again.streamed.travel(1)
    assert (told.latent.tolist(), told.seconds, told.walk) == ([400.0, 0.0], 2.0, 0.5)
    assert told.is_like(moving.performance.streamed.travel(1))
