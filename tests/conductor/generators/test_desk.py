"""Commands about generators, with a process that is made up: its status is written by the test."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from liveseq.errors import ModelError
from tests.support.desk_stage import Stage
from tests.support.generator_maker import PREFIX, Maker, told


@pytest.fixture
def stage(encoder):
    return Stage(encoder=encoder, generator="generator")


def test_a_job_is_ordered_and_answered_when_it_can_be_played(stage, maker):
    stage.send(f"{PREFIX}/generate", "Drone", 4.0, 7, "id:a")
    order = maker.order()
    assert (order.kind, order.text, order.seconds, order.seed, order.grows) == ("make", "drone", 4.0, 7, False)
    assert order.folder.name == "generator"
    assert order.vector.shape == (4,)
    assert told(stage) == ("working", "generator", "drone", pytest.approx(0.3), 0, 0.0)
    assert stage.answers() == []
    maker.done(n_units=23, name="drone generator 7")
    assert stage.answers() == [(f"{PREFIX}/done", f"{PREFIX}/generate", "id:a", "drone generator 7", 23, 7)]
    assert told(stage) == ("ready", "generator", "", 0.0, 0, 0.0)
    assert maker.order() is None


def test_a_job_for_which_there_is_no_room_fails_and_the_next_is_ordered(stage, maker):
    vocabulary = stage.generators.chosen[1]
    folder, vocabulary.folder = vocabulary.folder, Path("/" + 4096 * "g")
    stage.send(f"{PREFIX}/generate", "drone", 4.0, 7, "id:a")
    assert maker.order() is None
    [(fail, address, code, why, *_)] = stage.answers()
    assert (fail, address, code) == (f"{PREFIX}/fail", f"{PREFIX}/generate", "model_error")
    assert "folder: expected at most 4096 bytes, found 4097" in why
    vocabulary.folder = folder
    stage.send(f"{PREFIX}/generate", "drone", 4.0, 7)
    assert maker.order().folder == folder


def test_a_tempo_is_that_of_the_jobs_after_it_and_of_what_grows(stage, maker):
    tempo = f"{PREFIX}/generator/tempo"
    stage.send(f"{PREFIX}/generate", "drone", 4.0, 7)
    assert stage.ask(tempo, 128.0, "id:a") == [(f"{PREFIX}/done", tempo, "id:a")]
    assert maker.order().tempo == 0.0
    maker.done(n_units=2)
    stage.send(f"{PREFIX}/generate", "drone", 4.0, 7)
    assert maker.order().tempo == 128.0
    maker.done(n_units=2)
    stage.send(f"{PREFIX}/grow", "drone", True)
    assert maker.order().tempo == 128.0
    for wrong in (19.0, -1.0, 301.0):
        [(fail, address, code, _)] = stage.ask(tempo, wrong)
        assert (fail, address, code) == (f"{PREFIX}/fail", tempo, "out_of_range")
    assert stage.ask(tempo) == [(tempo, 128.0)]


def test_without_a_seed_each_job_has_its_own(stage, maker):
    seeds = set()
    for _ in range(3):
        stage.send(f"{PREFIX}/generate", "drone", 1.0)
        seeds.add(maker.obey(name="x").seed)
    assert len(seeds) == 3
    assert {answer[-1] for answer in stage.answers()} == seeds


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("tuba", 1.0), "not_found", "generator does not know 'tuba': it knows: drone, bells"),
        (("drone", 36_000.0), "out_of_range", "seconds: expected 0.5 to 600, found 36000"),
        (("drone", 0.1), "out_of_range", "seconds: expected 0.5 to 600, found 0.1"),
        (("drone", 1.0, -1), "out_of_range", "seed: expected 0 to 2147483647, found -1"),
        (("drone",), "bad_args", "expected s:tag f:seconds [i:seed]; found 1 argument"),
        (("x" * 201, 1.0), "not_found", "expected 1 to 200 characters, found 201"),
    ],
)
def test_what_cannot_be_made_is_refused(stage, maker, arguments, code, message):
    [answer] = stage.ask(f"{PREFIX}/generate", *arguments)
    assert answer[:3] == (f"{PREFIX}/fail", f"{PREFIX}/generate", code)
    assert message in answer[3]
    assert maker.order() is None


def test_so_many_may_wait_and_no_more(stage, maker):
    for _ in range(9):
        stage.send(f"{PREFIX}/generate", "drone", 1.0)
        stage.pass_time(0.2)
    assert told(stage)[4] == 8  # one is under way
    [answer] = stage.ask(f"{PREFIX}/generate", "drone", 1.0)
    assert answer[2:] == ("busy", "8 jobs are waiting for the generator already; wait for a /done")


def test_jobs_are_obeyed_in_their_order_and_a_failure_is_told(stage, maker):
    for seconds in (1.0, 2.0):
        stage.send(f"{PREFIX}/generate", "drone", seconds, "id:b")
    assert maker.obey(code="io_error", error="c: writing failed (No space left on device)").seconds == 1.0
    [fail] = stage.answers()
    assert fail == (
        f"{PREFIX}/fail",
        f"{PREFIX}/generate",
        "io_error",
        "c: writing failed (No space left on device)",
        "id:b",
    )
    assert maker.obey(code="").seconds == 2.0
    assert stage.answers()[0][0] == f"{PREFIX}/done"


def test_a_death_fails_what_was_under_way_and_nothing_else(stage, maker):
    for seconds in (1.0, 2.0):
        stage.send(f"{PREFIX}/generate", "drone", seconds)
    maker.order()
    maker.say(n_units=5)
    maker.die()
    [fail] = stage.answers()
    assert fail[2] == "model_error"
    assert "the generator process has died; 5 units that it had made are in the corpus; a new one is there" in fail[3]
    assert maker.obey().kind == "load"  # warm again
    assert maker.obey(name="x").seconds == 2.0
    assert stage.answers()[0][0] == f"{PREFIX}/done"


def test_everything_can_be_given_up(stage, maker):
    for _ in range(3):
        stage.send(f"{PREFIX}/generate", "drone", 600.0)
    maker.order()
    answers = stage.ask(f"{PREFIX}/generate/cancel")
    assert [answer[2] for answer in answers[:3]] == ["not_ready"] * 3
    assert answers[3] == (f"{PREFIX}/done", f"{PREFIX}/generate/cancel", 3)
    assert maker.obey().kind == "rest"
    assert maker.order() is None
    assert told(stage)[0] == "ready"


def test_the_state_is_told_to_subscribers(stage, maker):
    stage.send(f"{PREFIX}/subscribe", f"{PREFIX}/generator/state", 100.0)
    stage.send(f"{PREFIX}/generate", "drone", 4.0)
    stage.answers()
    maker.order()
    maker.say(progress=0.6)
    stage.pass_time(0.05)
    assert [answer[1:5] for answer in stage.answers()][-1] == (
        "working",
        "generator",
        "drone",
        pytest.approx(0.6),
    )
    maker.state.write_status(dataclasses.replace(maker.status, pid=2**22 + 1, monotonic_ns=0))
    stage.pass_time(0.05)
    assert stage.answers()[-1][1] == "lost"


def test_another_generator_is_used_when_it_is_open(stage, maker):
    stage.send(f"{PREFIX}/grow", "drone", True)
    stage.send(f"{PREFIX}/grow", "bells", True)
    stage.answers()
    maker.order()
    stage.send(f"{PREFIX}/generator", "other")
    stage.prepare()
    stage.send(f"{PREFIX}/generate", "bells", 1.0)  # waits behind it, and was understood before it
    maker.done()
    order = maker.order()
    assert (order.kind, order.folder.name) == ("load", "other")
    assert stage.ask(f"{PREFIX}/generator") == [(f"{PREFIX}/generator", "generator")]
    maker.done()
    assert stage.answers() == [(f"{PREFIX}/done", f"{PREFIX}/generator")]
    assert stage.ask(f"{PREFIX}/generator") == [(f"{PREFIX}/generator", "other")]
    assert stage.ask(f"{PREFIX}/grow") == [(f"{PREFIX}/grow", "drone")]  # it knows no bells
    assert maker.obey().folder.name == "generator"
    assert maker.order().folder.name == "other"
    tags = stage.ask(f"{PREFIX}/generator/tags")
    assert tags == [
        (f"{PREFIX}/generator/tags", "drone"),
        (f"{PREFIX}/generator/tags", "hum"),
        (f"{PREFIX}/generator/tags/end", 2),
    ]


def test_a_model_that_ends_every_process_does_not_keep_another_one_away(stage, maker):
    maker.die()
    stage.ask(f"{PREFIX}/generator", "other", "id:o")
    for _ in range(3):
        assert maker.order().folder.name == "generator"
        maker.die()
    assert maker.obey().folder.name == "other"
    assert ("/liveseq/done", f"{PREFIX}/generator", "id:o") in stage.answers()
    assert stage.performance.values[f"{PREFIX}/generator"] == ("other",)
    maker.die()
    assert maker.obey().folder.name == "other"  # warm again


def test_a_generator_that_does_not_open_leaves_the_old_one(stage, maker):
    stage.send(f"{PREFIX}/generator", "other")
    maker.obey(code="model_error", error="other/model.onnx: cannot be loaded")
    assert stage.answers()[-1][2:] == ("model_error", "other/model.onnx: cannot be loaded")
    assert stage.ask(f"{PREFIX}/generator") == [(f"{PREFIX}/generator", "generator")]


@pytest.mark.parametrize("name", ["text-encoder", "predictor", "../generator", "nothing"])
def test_what_is_no_generator_is_refused_with_those_there_are(stage, maker, name):
    [fail] = stage.ask(f"{PREFIX}/generator", name)
    assert fail[2:] == ("not_found", f"no generator {name!r}; there are: generator, other")


def test_the_generators_there_are(stage, maker):
    stage.answers()
    stage.send(f"{PREFIX}/generator/list")
    stage.prepare()
    assert stage.answers() == [
        (f"{PREFIX}/generator/list", "generator", 48_000, 2, 2),
        (f"{PREFIX}/generator/list", "other", 48_000, 2, 2),
        (f"{PREFIX}/generator/list/end", 2),
    ]


def test_a_generator_that_cannot_be_read_is_named_and_the_others_are_listed(stage, maker, generators):
    broken = generators / "broken"
    broken.mkdir()
    try:
        (broken / "model.yaml").write_text("role: generator\nmodel: [\n")
        stage.ask(f"{PREFIX}/subscribe", f"{PREFIX}/log")
        stage.send(f"{PREFIX}/generator/list")
        stage.prepare()
        stage.pass_time(0.0)
        answers = stage.answers()
    finally:
        shutil.rmtree(broken)
    [warned] = [message[2] for message in answers if message[:2] == (f"{PREFIX}/log", "warning")]
    assert "broken/model.yaml: not YAML" in warned
    listed = [message[1] for message in answers if message[0].startswith(f"{PREFIX}/generator/list")]
    assert listed == ["generator", "other", 2]


def test_without_a_generator_the_rest_goes_on(encoder):
    stage = Stage(encoder=encoder)
    Maker(stage)
    assert told(stage)[:2] == ("none", "")
    for address, *arguments in (("generate", "drone", 1.0), ("grow", "drone", True), ("generator/tags",)):
        [fail] = stage.ask(f"{PREFIX}/{address}", *arguments)
        assert fail[2] == "not_found"
        assert "no generator; choose one by /liveseq/generator s:model; there are: generator, other" in fail[3]
    stage.pass_time(0.1)
    assert stage.orders.read_order().number == 0


def test_the_usual_generator_is_left_out_where_it_does_not_fit(encoder, monkeypatch):
    monkeypatch.setattr("liveseq.conductor.generators.chosen.GENERATOR", "misfit")
    monkeypatch.setattr("liveseq.conductor.generators.chosen.Vocabulary", _misfit)
    assert told(Stage(encoder=encoder, generator="misfit"))[0] == "none"
    with pytest.raises(ModelError, match="another text encoder"):
        Stage(encoder=encoder, generator="other")


def _misfit(folder, encoder):
    raise ModelError(f"{folder}: was taught by another text encoder")
