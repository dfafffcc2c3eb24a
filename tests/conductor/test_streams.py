"""Layers that play a generator: what is obeyed, refused, logged. The streamer is here too."""

import itertools

import numpy as np

from liveseq.corpus.units import ANY
from liveseq.engine.events import Play
from liveseq.errors import ModelError, TagError
from liveseq.generation.meaning import Vocabulary
from liveseq.performance.performance import Performance
from liveseq.runtime.tag_matcher import TagMatch
from liveseq.runtime.text import TextEncoder
from liveseq.sequencer.settings import Mode
from liveseq.sequencer.timeline import CutLayer, PlayUnit
from tests.support.desk_stage import SAMPLE_RATE
from tests.support.streaming_layers import MODE, Layers
from tests.support.tiny_generator import BROKEN, make_generator
from tests.support.tiny_set import TAGS


def test_words_of_the_corpus_that_mean_nothing_to_the_generator_are_told(streaming):
    [(_, level, text)] = [message for message in streaming.answers() if message[0] == "/liveseq/log"]
    assert level == "warning"
    first = streaming.performance.sequencer.tags[0]
    assert text == f"layer 1: generator generator does not know {first}; it knows: drone, bells"


def test_the_corpus_plays_until_the_stream_is_there_and_the_log_tells_when(layers):
    layers.ask("/liveseq/layer/1/tag", "*")
    assert layers.ask(MODE, "generate", "id:a") == [("/liveseq/done", MODE, "id:a")]
    layers.layers.tick(layers.now)
    assert layers.rings.wanted
    assert (layers.layer.coming, layers.steps()) == (None, [])
    assert not any("generator" in source for source in layers.plan())
    layers.streamer.tick()  # its model is open
    layers.layers.tick(layers.now)
    assert (layers.layer.stream, layers.steps()) == (None, [(1, "open")])
    assert not any("generator" in source for source in layers.plan())
    layers.pass_time(0.1)
    layers.desk.records.clear()
    layers.make()
    assert layers.steps() == [(1, "open"), (1, "begin")]
    assert layers.desk.records == [CutLayer(layer=1, start=layers.act_at(0))]
    assert set(layers.plan()) == {"generator generator"}
    assert layers.performance.planned_until > layers.act_at(0)


def test_a_tag_only_the_generator_knows_is_played_by_it(streaming):
    [(fail, _, code, text)] = streaming.ask("/liveseq/layer/1/tag", "nonsense")
    assert (fail, code) == ("/liveseq/fail", "not_found")
    assert "unknown tag 'nonsense'" in text
    n_changes = streaming.layer.stream.order.n_changes
    streaming.plan()
    assert streaming.ask("/liveseq/layer/1/tag", "bells", "id:t")[0][0] == "/liveseq/done"
    assert streaming.layer.stream.order.n_changes == n_changes + 1
    assert streaming.performance.values["/liveseq/layer/1/tag"] == ("bells",)


def test_a_word_that_says_how_it_sounds_is_anything_to_a_generator_and_that_is_said(streaming):
    def told(text):
        answer = streaming.ask("/liveseq/layer/1/tag", text)[0]
        streaming.plan()
        return answer, streaming.layer.stream.order.changes[-1].told.vector

    (_, everything), (answer, vector) = told("*"), told("dark")
    assert answer[2:] == ("*", 1.0, "dark: brightness down, 33 % of everything; a stream does not follow it")
    np.testing.assert_array_equal(vector, everything)


def test_a_generator_that_was_taught_many_tags_plays_them_all(models, tmp_path):
    make_generator(tmp_path / "learned", tags=[" ".join(words) for words in itertools.product(TAGS, repeat=3)])
    stage = Layers(models, str(tmp_path / "learned"))
    stage.ask("/liveseq/layer/1/tag", "*")
    stage.ask(MODE, "generate")
    stage.make()
    assert stage.layer.stream is not None


def test_tags_that_mean_nothing_leave_the_layer_to_the_corpus(layers, monkeypatch):
    def refuse(*_):
        raise TagError("generator generator does not know '808'")

    layers.ask("/liveseq/layer/1/tag", "*")
    layers.ask("/liveseq/subscribe", "/liveseq/log")
    monkeypatch.setattr("liveseq.performance.streamed.vector_of", refuse)
    layers.ask(MODE, "generate")
    layers.make()
    assert layers.answers()[-1][2] == "layer 1: generator generator does not know '808'; it plays the corpus"
    assert "generator generator" not in layers.plan()


def test_a_tag_only_the_corpus_knows_is_refused_while_a_generator_plays(streaming):
    [_, second, *_] = streaming.performance.sequencer.tags
    [(fail, _, code, text)] = streaming.ask("/liveseq/layer/1/tag", second)
    assert (fail, code) == ("/liveseq/fail", "not_found")
    assert "generator generator does not know" in text


def test_a_generator_is_told_the_performers_own_words_as_what_they_stand_for(streaming):
    [_, own, *_] = streaming.performance.sequencer.tags
    streaming.performance.instrument.said[own] = "bells"
    assert streaming.ask("/liveseq/layer/1/tag", own)[0][0] == "/liveseq/done"
    assert streaming.performance.spoken(1) == {own: 1.0}
    del streaming.performance.instrument.said[own]
    assert streaming.ask("/liveseq/layer/1/tag", own)[0][0] == "/liveseq/fail"


def test_another_seed_begins_another_stream_while_the_first_plays_on(streaming):
    streaming.plan()
    streaming.ask("/liveseq/layer/1/seed", 9)
    assert streaming.layer.coming.order.seed == 9
    assert streaming.layer.stream.order.seed == 1
    streaming.make()
    assert streaming.layer.stream.order.seed == 9
    assert streaming.steps()[-1] == (1, "begin")


def test_stop_keeps_the_next_one_ready_and_play_begins_with_it_at_once(streaming):
    streaming.plan()
    streaming.ask("/liveseq/stop")
    streaming.pass_time(1.0)
    streaming.make()
    assert streaming.layer.stream is None
    assert streaming.layer.coming is not None
    streaming.desk.records.clear()
    streaming.ask("/liveseq/play")
    streaming.make()
    assert isinstance(streaming.desk.records[0], Play)
    assert set(streaming.plan()) == {"generator generator"}


def test_another_engine_is_told_of_the_stream_that_sounds(streaming):
    streaming.plan()
    streaming.make()
    streaming.pass_time(0.4)
    before, origin = streaming.layer.stream.order.ident, streaming.layer.stream.order.origin
    at = streaming.act_at(0)
    records = streaming.performance.resume(at=at)
    assert records[-1] == CutLayer(layer=1, start=at)
    events, _ = streaming.performance.plan(now=at, until=at + 1)
    [event] = [event for event in events if isinstance(event, PlayUnit) and event.layer == 1]
    assert (event.start, event.unit) == (at, (at - origin) // 8192)
    assert event.position % 8192 == (at - origin) % 8192
    streaming.make()
    assert streaming.steps()[-1] == (1, "begin")  # it is the same one still
    assert streaming.layer.stream.order.ident == before


def test_another_mode_leaves_the_stream(streaming):
    streaming.plan()
    streaming.ask(MODE, "cloud")
    streaming.make()
    assert not streaming.rings.wanted
    assert "generator generator" not in streaming.plan()
    assert streaming.layer.settings.mode is Mode.CLOUD


def test_what_is_no_sound_leads_back_to_the_corpus_until_the_layer_is_told_something(models):
    stage = Layers(models, "odd")
    stage.performance.instrument.match = lambda _: TagMatch(weights={ANY: 1.0}, best=[], known=True)
    stage.ask("/liveseq/layer/1/tag", "drone")
    stage.ask("/liveseq/subscribe", "/liveseq/log")
    stage.ask(MODE, "generate")
    stage.make()
    assert stage.layer.stream is not None
    stage.plan()
    stage.ask("/liveseq/layer/1/tag", BROKEN)
    stage.pass_time(0.2)
    stage.make()
    assert stage.steps()[-1] == (1, "lose")
    [(_, level, text)] = [message for message in stage.answers() if message[0] == "/liveseq/log"]
    assert level == "error"
    assert "is no sound (NaN or infinity); train it again; it plays the corpus" in text
    assert "generator odd" not in stage.plan()
    stage.make()
    assert stage.steps()[-1] == (1, "lose")
    stage.ask("/liveseq/layer/1/tag", "drone")
    stage.make()
    assert stage.steps()[-1] == (1, "begin")


def test_a_stream_of_which_nothing_comes_any_more_leads_back_to_the_corpus(streaming):
    streaming.plan(60.0)  # all that there is
    streaming.answers()
    told = streaming.layer.stream.told
    streaming.wait(20.0)
    assert [message[1:] for message in streaming.answers() if message[0] == "/liveseq/log"] == [
        ("warning", "layer 1: its stream has run dry; nothing more was made in time"),
        ("error", "layer 1: nothing has come of generator for 10 s; it plays the corpus"),
    ]
    assert streaming.steps()[-1] == (1, "lose")
    assert (streaming.layers.log.n_dried_up, streaming.dry()) == (1, [(1, told, None)])
    streaming.pass_time(1.0)
    sources = set(streaming.plan())
    assert sources
    assert "generator generator" not in sources
    streaming.ask(MODE, "generate")
    streaming.make()
    assert streaming.steps()[-1] == (1, "begin")


def test_a_stream_goes_on_until_the_model_of_the_next_one_is_open(models, streaming):
    streaming.plan()
    opened = []
    open_generator = streaming.streamer._open
    streaming.streamer._open = lambda name: open_generator(name) if name in opened else None
    other = Vocabulary(models / "louder", TextEncoder(models / "text-encoder"))
    streaming.layers._generator = lambda: ("louder", other)
    for _ in range(10):  # longer than anything was ahead
        streaming.pass_time(0.5)
        streaming.make()
        assert set(streaming.plan()) == {"generator generator"}
    assert streaming.steps()[-1] == (1, "begin")
    opened.append("louder")
    streaming.make()
    assert streaming.steps()[-2:] == [(1, "open"), (1, "begin")]
    assert set(streaming.plan()) == {"generator louder"}


def test_a_model_that_cannot_be_opened_is_told_and_the_corpus_plays(layers):
    def refuse(name):
        raise ModelError(f"{name}: cannot be loaded")

    layers.streamer._open = refuse
    layers.ask("/liveseq/layer/1/tag", "*")
    layers.ask("/liveseq/subscribe", "/liveseq/log")
    layers.ask(MODE, "generate")
    layers.make()
    assert layers.answers()[-1][2] == "layer 1: generator: cannot be loaded; it plays the corpus"
    assert layers.steps() == [(1, "lose")]
    layers.make()
    assert layers.steps() == [(1, "lose")]


def test_a_model_that_is_never_open_is_not_waited_for_for_ever(layers):
    open_generator = layers.streamer._open
    layers.streamer._open = lambda name: None  # as where it ends every streamer
    layers.ask("/liveseq/layer/1/tag", "*")
    layers.ask(MODE, "generate")
    for turn in range(32):
        if turn == 10:
            layers.ask("/liveseq/subscribe", "/liveseq/log")  # lasts 30 s
        layers.make()
        assert layers.rings.wanted == (layers.steps() == [])
        layers.pass_time(1.0)
    told = "layer 1: generator is not open after 30 s; see the server's terminal; it plays the corpus"
    assert [message[2] for message in layers.answers() if message[0] == "/liveseq/log"] == [told]
    assert layers.steps() == [(1, "lose")]
    layers.streamer._open = open_generator
    layers.ask("/liveseq/layer/1/tag", "*")
    layers.make()
    assert layers.steps()[1:] == [(1, "open"), (1, "begin")]


def test_a_model_is_not_opened_for_a_layer_that_has_left_the_mode(layers):
    layers.streamer._open = lambda name: None
    layers.ask("/liveseq/layer/1/tag", "*")
    layers.ask(MODE, "generate")
    layers.make()
    assert layers.rings.wanted
    layers.ask(MODE, "cloud")
    layers.make()
    assert not layers.rings.wanted


def test_another_generator_is_tried_where_one_was_lost(models):
    stage, encoder = Layers(models, "odd"), TextEncoder(models / "text-encoder")
    chosen = [("odd", Vocabulary(models / "odd", encoder))]
    stage.layers._generator = lambda: chosen[-1]
    open_generator = stage.streamer._open
    stage.streamer._open = lambda name: open_generator(name if name == "generator" else "nothing")
    stage.ask("/liveseq/layer/1/tag", "*")
    stage.performance.apply(stage.performance.table[MODE], ("generate",), at=0)
    stage.make()
    stage.make()
    assert stage.steps() == [(1, "lose")]
    chosen.append(("generator", Vocabulary(models / "generator", encoder)))
    stage.make()
    assert stage.steps()[1:] == [(1, "open"), (1, "begin")]


def test_a_stream_that_is_late_is_waited_for(streaming):
    streaming.plan()
    streaming.wait(9.0)
    streaming.make()
    assert streaming.steps()[-1] == (1, "begin")
    assert set(streaming.plan()) == {"generator generator"}


def test_a_mode_without_a_generator_is_refused(models):
    stage = Layers(models, None)
    stage.ask("/liveseq/layer/1/tag", "*")
    [(fail, address, code, text)] = stage.ask("/liveseq/mode", "generate")
    assert (fail, address, code) == ("/liveseq/fail", "/liveseq/mode", "not_found")
    expected = (
        "no generator; choose one by /liveseq/generator s:model; there are: generator, led, louder, moving, odd, slower"
    )
    assert text == expected
    assert stage.layer.settings.mode is Mode.CONTINUOUS


def test_a_generator_of_another_rate_streams(models):
    stage = Layers(models, "slower")
    stage.ask("/liveseq/layer/1/tag", "*")
    stage.ask(MODE, "generate")
    stage.make()
    assert set(stage.plan()) == {"generator slower"}


def test_what_the_machine_cannot_make_is_refused(streaming):
    [line] = streaming.streamer._live.values()
    line.step_seconds = 0.7 * 8192 / SAMPLE_RATE
    streaming.streamer._write_status(line, streaming.rings.ring(1))
    streaming.ask("/liveseq/layer/2/tag", "*")
    [(fail, _, code, text)] = streaming.ask("/liveseq/layer/2/mode", "generate")
    assert (fail, code) == ("/liveseq/fail", "busy")
    assert text.startswith("layer 2: generator takes 70% of a processor and layer 1 70% already")


def test_a_tempo_goes_to_every_stream_and_is_in_log_and_session(models):
    stage = Layers(models, "led")
    tempo = "/liveseq/generator/tempo"
    stage.ask("/liveseq/layer/1/tag", stage.performance.sequencer.tags[0])
    stage.ask(MODE, "generate")
    stage.make()
    stage.ask(tempo, 128.0)
    assert stage.layer.stream.order.changes[-1].told.tempo == 128.0
    assert [line["arguments"] for line in stage.entries if line.get("address") == tempo] == [(128.0,)]
    stage.ask("/liveseq/layer/1/seed", 5)  # another stream
    assert stage.layer.coming.order.changes[-1].told.tempo == 128.0
    later = Layers(models, "led")
    later.performance.restore(stage.performance.snapshot(), at=0)
    later.performance.resume(at=0)
    later.make()
    assert later.layer.stream.order.changes[0].told.tempo == 128.0


def test_a_restored_session_streams_again(streaming, models):
    streaming.ask("/liveseq/layer/1/tag", "bells")  # which the corpus does not know
    snapshot = streaming.performance.snapshot()
    later = Layers(models, "generator")
    assert isinstance(later.performance, Performance)
    later.performance.restore(snapshot, at=0)
    later.performance.resume(at=0)
    later.make()
    assert later.layer.stream is not None
    assert set(later.plan()) == {"generator generator"}
    assert later.performance.spoken(1) == {"bells": 1.0}
