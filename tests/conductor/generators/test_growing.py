"""Tags that grow in the background, under a process that is made up."""

import dataclasses

import pytest

from tests.support.desk_stage import Stage
from tests.support.generator_maker import PREFIX, Maker, told


@pytest.fixture
def stage(encoder):
    return Stage(encoder=encoder, generator="generator")


def test_tags_grow_in_turns_with_fresh_seeds_until_they_are_told_not_to(stage, maker):
    for tag in ("drone", "Bells "):
        stage.send(f"{PREFIX}/grow", tag, True)
    assert [answer[0] for answer in stage.answers()] == [f"{PREFIX}/done"] * 2
    orders = [maker.obey() for _ in range(4)]
    assert [order.text for order in orders] == ["drone", "bells"] * 2
    assert len({order.seed for order in orders}) == 4
    assert all(order.grows and 8.0 <= order.seconds <= 16.0 for order in orders)
    assert stage.ask(f"{PREFIX}/grow") == [(f"{PREFIX}/grow", "drone", "bells")]
    assert stage.ask(f"{PREFIX}/grow", "Drone", False) == [(f"{PREFIX}/done", f"{PREFIX}/grow")]
    assert [order.text for order in (maker.obey(), maker.obey(), maker.obey())][1:] == ["bells", "bells"]
    stage.send(f"{PREFIX}/grow", "*", False)
    maker.obey()
    assert maker.order() is None
    [fail] = stage.ask(f"{PREFIX}/grow", "drone", False)
    assert fail[2:] == ("not_found", "'drone' does not grow; what grows: -")
    [fail] = stage.ask(f"{PREFIX}/grow", "tuba", True)
    assert fail[2] == "not_found"
    assert stage.n_saved == 4


def test_a_job_goes_before_growth(stage, maker):
    stage.send(f"{PREFIX}/grow", "drone", True)
    maker.order()
    stage.send(f"{PREFIX}/generate", "bells", 1.0)
    maker.done()
    assert maker.order().text == "bells"


def test_growth_hurries_as_long_as_something_waits_behind_it(stage, maker):
    stage.send(f"{PREFIX}/grow", "drone", True)
    order = maker.order()
    assert not order.hurry
    for act, hurry in (("generate", True), ("generate/cancel", False), ("generate", True)):
        stage.send(f"{PREFIX}/{act}", *(("bells", 1.0) if act == "generate" else ()))
        stage.pass_time(0.01)
        assert stage.orders.read_order() == dataclasses.replace(order, hurry=hurry)
    maker.done()
    assert (maker.order().text, stage.orders.read_order().hurry) == ("bells", False)
    maker.done()
    assert not maker.order().hurry


def test_growth_ends_at_its_limit_says_so_and_goes_on_when_it_is_raised(stage, maker):
    stage.send(f"{PREFIX}/subscribe", f"{PREFIX}/log")
    stage.send(f"{PREFIX}/grow/minutes", 0.5)
    stage.send(f"{PREFIX}/grow", "drone", True)
    assert stage.ask(f"{PREFIX}/grow/minutes") == [(f"{PREFIX}/grow/minutes", 0.5)]
    maker.obey(grown_seconds=31.0)
    logs = stage.answers()
    assert maker.order() is None
    assert stage.answers() == []  # it is said once
    assert told(stage)[0] == "full"
    assert told(stage)[5] == pytest.approx(0.52)
    stage.send(f"{PREFIX}/grow/minutes", 1.0)
    assert maker.order().grows
    assert (f"{PREFIX}/log", "warning", "growth pauses: 0.5 minutes have grown, as /liveseq/grow/minutes says") in logs


@pytest.mark.parametrize(("code", "left"), [("model_error", ("bells",)), ("io_error", ())])
def test_what_cannot_grow_is_told_and_grows_no_more(stage, maker, code, left):
    """Of a tag that makes silence the others know nothing; a full disk is everybody's."""
    stage.send(f"{PREFIX}/subscribe", PREFIX)
    for tag in ("drone", "bells"):
        stage.send(f"{PREFIX}/grow", tag, True)
    stage.answers()
    maker.obey(code=code, error="because")
    stage.pass_time(0.1)
    answers = stage.answers()
    assert (f"{PREFIX}/grow", *left) in answers
    [log] = [answer for answer in answers if answer[0] == f"{PREFIX}/log"]
    assert log[2].endswith("does not grow any more: because")


def test_growth_goes_on_after_a_death_but_not_for_ever(stage, maker):
    stage.send(f"{PREFIX}/grow", "drone", True)
    for _ in range(2):
        assert maker.order().grows
        maker.die()
        assert maker.obey().kind == "load"
    assert stage.ask(f"{PREFIX}/grow") == [(f"{PREFIX}/grow", "drone")]
    maker.order()
    maker.die()
    assert stage.ask(f"{PREFIX}/grow") == [(f"{PREFIX}/grow",)]


def test_a_new_conductor_goes_on_growing(encoder, stage, maker):
    """Under its feet the process is at the order that the one before has given."""
    for tag in ("drone", "bells"):
        stage.send(f"{PREFIX}/grow", tag, True)
    stage.send(f"{PREFIX}/grow/minutes", 5.0)
    maker.order()
    maker.say(grown_seconds=60.0)
    session = stage.performance.snapshot()["values"]
    session[f"{PREFIX}/generator"] = ["gone"]
    next_stage = Stage(encoder=encoder, generator="generator", session=session)
    next_stage.orders.write_order(stage.orders.read_order())
    next_maker = Maker(next_stage)
    next_maker.status = maker.status
    next_maker.say()
    assert next_stage.ask(f"{PREFIX}/grow") == [(f"{PREFIX}/grow", "drone", "bells")]
    assert next_stage.ask(f"{PREFIX}/grow/minutes") == [(f"{PREFIX}/grow/minutes", 5.0)]
    assert told(next_stage) == ("ready", "generator", "", 0.0, 0, 1.0)
    next_maker.done()
    assert next_maker.obey().kind == "load"
    assert next_maker.obey().text == "drone"
