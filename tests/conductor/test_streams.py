"""The conductor's side of layers that play a generator: what is obeyed, refused, logged. The streamer is here too."""

import itertools
import types

import pytest

from liveseq.conductor.streams import LayerStreams
from liveseq.corpus.units import ANY
from liveseq.engine.events import Play
from liveseq.errors import ModelError, TagError
from liveseq.generation.meaning import Vocabulary
from liveseq.generation.models import Models
from liveseq.offline.replay import turn_of
from liveseq.performance.performance import Performance
from liveseq.runtime.folders import model_folder
from liveseq.runtime.text import TextEncoder
from liveseq.sequencer.settings import Mode
from liveseq.sequencer.streams import KEPT_TURNS
from liveseq.sequencer.timeline import CutLayer, PlayUnit
from liveseq.streaming.maker import LiveStreams
from liveseq.streaming.ring import StreamRings
from liveseq.streaming.source import RingSource
from tests.support.desk_stage import SAMPLE_RATE, Stage
from tests.support.tiny_generator import BROKEN, STEP, make_generator
from tests.support.tiny_set import TAGS, make_set

MODE = "/liveseq/layer/1/mode"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("layers")
    make_set(folder)
    make_generator(folder / "generator", tags=("drone", "bells"))
    make_generator(folder / "louder", level=0.3)
    make_generator(folder / "slower", sample_rate=44_100)
    make_generator(folder / "odd", odd=True)
    make_generator(folder / "led", tempo=True)
    return folder


@pytest.fixture(autouse=True)
def models(folder, monkeypatch):
    monkeypatch.setattr("liveseq.runtime.folders.MODELS", folder)


class Layers(Stage):
    """A desk, and a streamer that is as quick as it is asked."""

    def __init__(self, folder, generator):
        super().__init__(encoder=TextEncoder(folder / "text-encoder"), generator=generator)
        self.rings = StreamRings.local(n_layers=2, sample_rate=SAMPLE_RATE)
        self.layers = LayerStreams(self.desk, RingSource(self.rings), lambda: self.generating.chosen)
        self.desk.answers |= self.layers.answers
        models = Models()
        self.streamer = LiveStreams(
            self.rings, lambda name: models.get(model_folder(name)), clock=lambda: int(self.now * SAMPLE_RATE)
        )

    @property
    def layer(self):
        return self.performance.sequencer.layer(1)

    def make(self):
        """Let the streamer work, and the conductor look: a model is opened, a stream is ordered, it begins."""
        for _ in range(2):
            self.layers.tick(self.now)
            while self.streamer.tick():
                pass
        self.layers.tick(self.now)

    def plan(self, seconds=0.5):
        now = self.act_at(0)
        _, choices = self.performance.plan(now=now, until=now + int(seconds * SAMPLE_RATE))
        self.layers.note_gaps(self.now)
        return [choice.source for choice in choices if choice.layer == 1]

    def wait(self, seconds):
        """While nothing more is made."""
        for _ in range(round(2 * seconds)):
            self.pass_time(0.5)
            self.layers.tick(self.now)
            self.plan()

    def dry(self):
        """Lines of the log: how far each stream was told that ran dry, and with which step it went on."""
        return [(line["count"], line["told"], line["from"]) for line in self.lines if "dry" in line]

    def steps(self):
        return [(line["stream"], line["step"]) for line in self.lines if "stream" in line]


@pytest.fixture
def stage(folder):
    return Layers(folder, "generator")


@pytest.fixture
def streaming(stage):
    """A layer that streams: the corpus here does not know the word, the generator does."""
    stage.ask("/liveseq/layer/1/tag", stage.performance.sequencer.tags[0])
    stage.ask("/liveseq/subscribe", "/liveseq/log")
    stage.ask(MODE, "generate")
    stage.make()
    assert stage.layer.stream is not None
    return stage


def test_words_of_the_corpus_that_mean_nothing_to_the_generator_are_told(streaming):
    [(_, level, text)] = [message for message in streaming.answers() if message[0] == "/liveseq/log"]
    assert level == "warning"
    first = streaming.performance.sequencer.tags[0]
    assert text == f"layer 1: generator generator does not know {first}; it knows: drone, bells"


def test_the_corpus_plays_until_the_stream_is_there_and_the_log_tells_when(stage):
    stage.ask("/liveseq/layer/1/tag", "*")
    assert stage.ask(MODE, "generate", "id:a") == [("/liveseq/done", MODE, "id:a")]
    stage.layers.tick(stage.now)
    assert stage.rings.wanted
    assert (stage.layer.coming, stage.steps()) == (None, [])
    assert not any("generator" in source for source in stage.plan())
    stage.streamer.tick()  # its model is open
    stage.layers.tick(stage.now)
    assert (stage.layer.stream, stage.steps()) == (None, [(1, "open")])
    assert not any("generator" in source for source in stage.plan())
    stage.pass_time(0.1)
    stage.desk.records.clear()
    stage.make()
    assert stage.steps() == [(1, "open"), (1, "begin")]
    assert stage.desk.records == [CutLayer(layer=1, start=stage.act_at(0))]
    assert set(stage.plan()) == {"generator generator"}
    assert stage.performance.planned_until > stage.act_at(0)


def test_a_tag_only_the_generator_knows_is_played_by_it(streaming):
    [(fail, _, code, text)] = streaming.ask("/liveseq/layer/1/tag", "nonsense")
    assert (fail, code) == ("/liveseq/fail", "not_found")
    assert "unknown tag 'nonsense'" in text
    n_changes = streaming.layer.stream.order.n_changes
    streaming.plan()
    assert streaming.ask("/liveseq/layer/1/tag", "bells", "id:t")[0][0] == "/liveseq/done"
    assert streaming.layer.stream.order.n_changes == n_changes + 1
    assert streaming.performance.values["/liveseq/layer/1/tag"] == ("bells",)


def test_a_generator_that_was_taught_many_tags_plays_them_all(folder, tmp_path):
    make_generator(tmp_path / "learned", tags=[" ".join(words) for words in itertools.product(TAGS, repeat=3)])
    stage = Layers(folder, str(tmp_path / "learned"))
    stage.ask("/liveseq/layer/1/tag", "*")
    stage.ask(MODE, "generate")
    stage.make()
    assert stage.layer.stream is not None


def test_tags_that_mean_nothing_leave_the_layer_to_the_corpus(stage, monkeypatch):
    def refuse(*_):
        raise TagError("generator generator does not know '808'")

    stage.ask("/liveseq/layer/1/tag", "*")
    stage.ask("/liveseq/subscribe", "/liveseq/log")
    monkeypatch.setattr("liveseq.performance.streamed.vector_of", refuse)
    stage.ask(MODE, "generate")
    stage.make()
    assert stage.answers()[-1][2] == "layer 1: generator generator does not know '808'; it plays the corpus"
    assert "generator generator" not in stage.plan()


@pytest.mark.parametrize("late", [False, True])
def test_the_log_tells_in_which_step_a_change_was_obeyed(streaming, late):
    streaming.plan()
    begin = streaming.layer.stream.order.origin
    streaming.ask("/liveseq/layer/1/tag", "bells")
    asked = streaming.layer.stream.order.changes[-1].sample
    streaming.pass_time(0.4 if late else 0.05)
    streaming.make()
    reached = streaming.act_at(0) - begin
    [line] = [line for line in streaming.lines if "turn" in line]
    assert (line["turn"], line["count"], line["change"], line["after"]) == (1, 1, 2, 1)
    assert (line["at"], line["planned"]) == (streaming.act_at(0), streaming.performance.planned_until)
    sample = line["step"] * STEP + line["place"]
    assert sample >= reached > asked if late else sample == asked
    assert streaming.desk.n_late_changes == late
    told = turn_of(line)
    assert (told.ident, told.step, told.begin, told.made) == (1, line["step"], line["begin"], line["made"])
    streaming.make()
    streaming.make()
    assert sum("turn" in line for line in streaming.lines) == 1


def test_late_changes_are_counted_though_nobody_has_looked_for_long(streaming):
    n_changes = KEPT_TURNS + 4
    for turn in range(n_changes):
        streaming.plan(0.6)
        streaming.ask("/liveseq/layer/1/tag", "drone" if turn % 2 else "bells")
        streaming.pass_time(0.3)
        while streaming.streamer.tick():
            pass
    streaming.layers.tick(streaming.now)
    assert streaming.desk.n_late_changes == n_changes
    assert sum("turn" in line for line in streaming.lines) == KEPT_TURNS


def test_a_new_conductor_counts_from_nothing(streaming):
    streaming.plan(0.6)
    streaming.ask("/liveseq/layer/1/tag", "bells")
    streaming.pass_time(0.4)
    streaming.make()
    assert streaming.desk.n_late_changes == 1
    successor = LayerStreams(streaming.desk, RingSource(streaming.rings), lambda: streaming.generating.chosen)
    successor.tick(streaming.now)
    assert streaming.desk.n_late_changes == 0


def test_a_tag_only_the_corpus_knows_is_refused_while_a_generator_plays(streaming):
    [_, second, *_] = streaming.performance.sequencer.tags
    [(fail, _, code, text)] = streaming.ask("/liveseq/layer/1/tag", second)
    assert (fail, code) == ("/liveseq/fail", "not_found")
    assert "generator generator does not know" in text


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


def test_what_is_no_sound_leads_back_to_the_corpus_until_the_layer_is_told_something(folder):
    stage = Layers(folder, "odd")
    stage.performance.instrument.match = lambda _: types.SimpleNamespace(weights={ANY: 1.0})
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
    assert (streaming.desk.n_dried_up, streaming.dry()) == (1, [(1, told, None)])
    streaming.pass_time(1.0)
    sources = set(streaming.plan())
    assert sources
    assert "generator generator" not in sources
    streaming.ask(MODE, "generate")
    streaming.make()
    assert streaming.steps()[-1] == (1, "begin")


def test_a_stream_goes_on_until_the_model_of_the_next_one_is_open(folder, streaming):
    streaming.plan()
    opened = []
    open_generator = streaming.streamer._open
    streaming.streamer._open = lambda name: open_generator(name) if name in opened else None
    other = Vocabulary(folder / "louder", TextEncoder(folder / "text-encoder"))
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


def test_a_model_that_cannot_be_opened_is_told_and_the_corpus_plays(stage):
    def refuse(name):
        raise ModelError(f"{name}: cannot be loaded")

    stage.streamer._open = refuse
    stage.ask("/liveseq/layer/1/tag", "*")
    stage.ask("/liveseq/subscribe", "/liveseq/log")
    stage.ask(MODE, "generate")
    stage.make()
    assert stage.answers()[-1][2] == "layer 1: generator: cannot be loaded; it plays the corpus"
    assert stage.steps() == [(1, "lose")]
    stage.make()
    assert stage.steps() == [(1, "lose")]


def test_a_model_that_is_never_open_is_not_waited_for_for_ever(stage):
    open_generator = stage.streamer._open
    stage.streamer._open = lambda name: None  # as where it ends every streamer
    stage.ask("/liveseq/layer/1/tag", "*")
    stage.ask(MODE, "generate")
    for turn in range(32):
        if turn == 10:
            stage.ask("/liveseq/subscribe", "/liveseq/log")  # lasts 30 s
        stage.make()
        assert stage.rings.wanted == (stage.steps() == [])
        stage.pass_time(1.0)
    told = "layer 1: generator is not open after 30 s; see the server's terminal; it plays the corpus"
    assert [message[2] for message in stage.answers() if message[0] == "/liveseq/log"] == [told]
    assert stage.steps() == [(1, "lose")]
    stage.streamer._open = open_generator
    stage.ask("/liveseq/layer/1/tag", "*")
    stage.make()
    assert stage.steps()[1:] == [(1, "open"), (1, "begin")]


def test_a_model_is_not_opened_for_a_layer_that_has_left_the_mode(stage):
    stage.streamer._open = lambda name: None
    stage.ask("/liveseq/layer/1/tag", "*")
    stage.ask(MODE, "generate")
    stage.make()
    assert stage.rings.wanted
    stage.ask(MODE, "cloud")
    stage.make()
    assert not stage.rings.wanted


def test_another_generator_is_tried_where_one_was_lost(folder):
    stage, encoder = Layers(folder, "odd"), TextEncoder(folder / "text-encoder")
    chosen = [("odd", Vocabulary(folder / "odd", encoder))]
    stage.layers._generator = lambda: chosen[-1]
    open_generator = stage.streamer._open
    stage.streamer._open = lambda name: open_generator(name if name == "generator" else "nothing")
    stage.ask("/liveseq/layer/1/tag", "*")
    stage.performance.apply(stage.performance.table[MODE], ("generate",), at=0)
    stage.make()
    stage.make()
    assert stage.steps() == [(1, "lose")]
    chosen.append(("generator", Vocabulary(folder / "generator", encoder)))
    stage.make()
    assert stage.steps()[1:] == [(1, "open"), (1, "begin")]


def test_a_stream_that_is_late_is_waited_for(streaming):
    streaming.plan()
    streaming.wait(9.0)
    streaming.make()
    assert streaming.steps()[-1] == (1, "begin")
    assert set(streaming.plan()) == {"generator generator"}


def test_a_stream_that_runs_dry_is_counted_once_each_time(streaming):
    ends = []
    for n_dry in (1, 2):
        streaming.plan(60.0)  # all that there is
        ends.append(streaming.layer.stream.told)
        assert streaming.desk.n_dried_up == n_dry - 1
        streaming.wait(4.0)
        assert streaming.desk.n_dried_up == n_dry
        streaming.make()
        streaming.plan()
    assert streaming.dry() == [(1, end, end) for end in ends]


def test_a_stream_that_goes_on_between_two_looks_at_it_is_counted_too(streaming):
    streaming.plan(60.0)
    end = streaming.layer.stream.told
    while streaming.streamer.tick():
        pass
    streaming.pass_time(4.0)
    streaming.plan()
    streaming.layers.tick(streaming.now)
    assert (streaming.desk.n_dried_up, streaming.dry()) == (1, [(1, end, end)])


@pytest.mark.parametrize("act", ["/liveseq/stop", "/liveseq/layer/1/stop", MODE, "/liveseq/layer/1/seed", "the end"])
def test_a_stream_that_is_left_while_it_is_dry_is_in_the_log(streaming, act):
    streaming.plan(60.0)
    end = streaming.layer.stream.told
    streaming.wait(4.0)
    assert streaming.dry() == []
    if act == "the end":
        streaming.layers.end()
    else:
        streaming.ask(act, *{MODE: ("cloud",), "/liveseq/layer/1/seed": (9,)}.get(act, ()))
        streaming.make()
        streaming.layers.tick(streaming.now)
    assert (streaming.desk.n_dried_up, streaming.dry()) == (1, [(1, end, None)])


def test_a_stream_that_is_in_time_or_that_another_engine_knows_nothing_of_has_not_run_dry(streaming):
    for _ in range(20):
        streaming.plan()
        streaming.make()
        streaming.pass_time(0.1)
    streaming.performance.resume(at=streaming.act_at(0))
    streaming.pass_time(4.0)
    streaming.layers.tick(streaming.now)
    assert streaming.plan()
    assert streaming.desk.n_dried_up == 0
    assert [told for _, told, _ in streaming.dry()] == [0]


def test_a_mode_without_a_generator_is_refused(folder):
    stage = Layers(folder, None)
    stage.ask("/liveseq/layer/1/tag", "*")
    [(fail, address, code, text)] = stage.ask("/liveseq/mode", "generate")
    assert (fail, address, code) == ("/liveseq/fail", "/liveseq/mode", "not_found")
    expected = "no generator; choose one by /liveseq/generator s:model; there are: generator, led, louder, odd, slower"
    assert text == expected
    assert stage.layer.settings.mode is Mode.CONTINUOUS


def test_a_generator_of_another_rate_streams(folder):
    stage = Layers(folder, "slower")
    stage.ask("/liveseq/layer/1/tag", "*")
    stage.ask(MODE, "generate")
    stage.make()
    assert set(stage.plan()) == {"generator slower"}


def test_what_the_machine_cannot_make_is_refused(streaming):
    [line] = streaming.streamer._lines.values()
    line.step_seconds = 0.7 * 8192 / SAMPLE_RATE
    streaming.streamer._tell(line, streaming.rings.ring(1))
    streaming.ask("/liveseq/layer/2/tag", "*")
    [(fail, _, code, text)] = streaming.ask("/liveseq/layer/2/mode", "generate")
    assert (fail, code) == ("/liveseq/fail", "busy")
    assert text.startswith("layer 2: generator takes 70% of a processor and layer 1 70% already")


def test_a_tempo_goes_to_every_stream_and_is_in_log_and_session(folder):
    stage = Layers(folder, "led")
    tempo = "/liveseq/generator/tempo"
    stage.ask("/liveseq/layer/1/tag", stage.performance.sequencer.tags[0])
    stage.ask(MODE, "generate")
    stage.make()
    stage.ask(tempo, 128.0)
    assert stage.layer.stream.order.changes[-1].tempo == 128.0
    assert [line["arguments"] for line in stage.lines if line.get("address") == tempo] == [(128.0,)]
    stage.ask("/liveseq/layer/1/seed", 5)  # another stream
    assert stage.layer.coming.order.changes[-1].tempo == 128.0
    later = Layers(folder, "led")
    later.performance.restore(stage.performance.snapshot(), at=0)
    later.performance.resume(at=0)
    later.make()
    assert later.layer.stream.order.changes[0].tempo == 128.0


def test_a_restored_session_streams_again(streaming, folder):
    streaming.ask("/liveseq/layer/1/tag", "bells")  # which the corpus does not know
    snapshot = streaming.performance.snapshot()
    later = Layers(folder, "generator")
    assert isinstance(later.performance, Performance)
    later.performance.restore(snapshot, at=0)
    later.performance.resume(at=0)
    later.make()
    assert later.layer.stream is not None
    assert set(later.plan()) == {"generator generator"}
    assert later.performance.spoken(1) == {"bells": 1.0}
