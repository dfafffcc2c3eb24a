"""The table: every row can be set and read, and refuses what it must; docs/osc.md is made from it."""

import math
from pathlib import Path

import pytest

from liveseq.errors import OscError
from liveseq.osc.buttons import pressed
from liveseq.osc.checks import check, suggestion
from liveseq.osc.packets import FAIL_CODES, PREFIX
from liveseq.osc.parameter import Kind, Scope
from liveseq.osc.reference import reference
from liveseq.osc.table import PARAMETERS, addresses

TABLE = addresses(2)
SETS = [row for row in TABLE.values() if row.parameter.kind is Kind.SET and row.parameter.merges]


def example(argument):
    """A value within the range that is not the default of anything."""
    if argument.choices:
        return argument.choices[-1]
    if argument.type == "b":
        return True
    if argument.type == "i":
        return int(argument.low) + (1 if argument.high > argument.low else 0)
    if argument.type == "f":
        return argument.low + 0.25 * (argument.high - argument.low)
    return "text"


@pytest.mark.parametrize("row", SETS, ids=lambda row: row.address)
def test_every_value_is_set_and_read_back(stage, row):
    values = tuple(example(argument) for argument in row.parameter.arguments)
    assert stage.ask(row.address, *values) == []
    assert stage.ask(row.address) == [(row.address, *values)]


@pytest.mark.parametrize("row", SETS, ids=lambda row: row.address)
def test_every_value_refuses_the_wrong_type_and_count(stage, row):
    before = stage.ask(row.address)
    wrong = 1.5 if row.parameter.arguments[0].type == "s" else "text"
    for arguments in ((wrong,), (math.nan,), (math.inf,), (b"x",), (1, 2, 3)):
        [(address, about, code, _)] = stage.ask(row.address, *arguments)
        assert (address, about, code) == (f"{PREFIX}/fail", row.address, "bad_args")
        stage.pass_time(1.0)
    assert stage.ask(row.address) == before


@pytest.mark.parametrize(
    "row", [row for row in SETS if row.parameter.arguments[0].type in "if"], ids=lambda row: row.address
)
def test_every_number_out_of_range_is_clipped_and_said_back_or_refused(stage, row):
    [argument] = row.parameter.arguments
    answer = stage.ask(row.address, int(min(argument.high + 1, 2**40)))
    if row.parameter.clip:
        assert answer == [(row.address, argument.high)]
    else:
        assert answer[0][:3] == (f"{PREFIX}/fail", row.address, "out_of_range")
        assert f"expected {argument.range}, found" in answer[0][3]


def test_every_row_is_obeyed_by_somebody(stage):
    for row in TABLE.values():
        path = row.parameter.path
        if row.parameter.kind is not Kind.PUSH:
            assert stage.performance.handles(row) or path in stage.desk.handlers, path


def test_senders_differ_in_their_numbers():
    gain, mute, k = (TABLE[f"{PREFIX}/{path}"].parameter for path in ("gain", "mute", "query/k"))
    assert check(gain, (-6,)) == ((-6.0,), False)
    assert check(mute, (1,)) == ((True,), False)
    assert check(mute, (0.0,)) == ((False,), False)
    assert check(k, (16.0,)) == ((16,), False)
    for parameter, value in ((gain, True), (mute, 2), (k, 16.5), (mute, None)):
        with pytest.raises(OscError, match="expected"):
            check(parameter, (value,))


def test_tags_may_come_with_or_without_weights():
    tags = TABLE[f"{PREFIX}/tags"].parameter
    assert check(tags, ("a", "b"))[0] == ("a", 1.0, "b", 1.0)
    assert check(tags, ("a", 0.5, "b"))[0] == ("a", 0.5, "b", 1.0)
    with pytest.raises(OscError, match="expected s:tag"):
        check(tags, ("a", 0.5, True))


def test_a_layer_or_a_port_that_is_out_of_range_is_no_part_of_a_name():
    for path, sent in (("seed/file", ("loop.wav", 17)), ("hello", ("tablet", 70_000))):
        with pytest.raises(OscError, match=r"found (17|70000)") as raised:
            check(TABLE[f"{PREFIX}/{path}"].parameter, sent)
        assert raised.value.code == "out_of_range"


NUMBERS = {"808", "909", "303", "tr 707"}
"""Tags of a corpus."""


@pytest.mark.parametrize(
    ("path", "sent", "taken"),
    [
        ("tags", ("bells", 808), ("bells", 1.0, "808", 1.0)),
        ("tags", (808, 909.0, 303), ("808", 1.0, "909", 1.0, "303", 1.0)),
        ("tags", (808, 909, 0.5), ("808", 1.0, "909", 0.5)),
        ("tags", (808.0, 1, 303.0, 0.25), ("808", 1.0, "303", 0.25)),
        ("tags", ("bells", 101), ("bells", 101.0)),
        ("tags", ("bells", 2020), ("bells", 1.0, "2020", 1.0)),  # can be no weight
        ("tag", (808,), ("808",)),
        ("tag", (808.0, 0.5), ("808", 0.5)),
        ("tag", (0.10000000149011612,), ("0.1",)),
        ("tag", ("dark", "drone"), ("dark drone",)),
        ("tag", ("dark", "drone", 0.5, 2), ("dark drone", 0.5, 2)),
        ("tag", ("drum", 808, "bass"), ("drum 808 bass",)),
        ("tag", ("tr", 707), ("tr 707",)),
        ("tag", ("bells", 808.0), ("bells 808",)),
        ("tag", ("bells", 7), ("bells", 7.0)),
        ("seed/file", ("my", "loop.wav", 2), ("my loop.wav", 2)),
        ("generate", ("dark", "drone", 20), ("dark drone", 20.0)),
        ("generate", (808, 20.0), ("808", 20.0)),
        ("grow", ("dark", "drone", True), ("dark drone", True)),
        ("grow", (808, 1), ("808", True)),
        ("corpus/record", (1.0, "my", "violin"), (True, "my violin")),
        ("corpus/record", (True, 808), (True, "808")),
        ("corpus/remove", ("techno", "unagan", 1), ("techno unagan 1",)),
        ("query/filter/tags", (808, 909), ("808", 1.0, "909", 1.0)),
        ("query/filter/sources", (808, 0.0, "vinyl"), ("808", 0.0, "vinyl", 1.0)),
    ],
)
def test_numbers_and_words_are_the_tags_that_they_mean(path, sent, taken):
    assert check(TABLE[f"{PREFIX}/{path}"].parameter, sent, is_tag=NUMBERS.__contains__) == (taken, False)


PRESSES = (1, 1.0, 0.5, 127, -1, True, None, "bang", "1")
RELEASES = (0, 0.0, -0.0, False, "0")
PLAIN = [row for row in TABLE.values() if not row.parameter.arguments and row.parameter.kind is not Kind.PUSH]


@pytest.mark.parametrize("row", PLAIN, ids=lambda row: row.address)
def test_every_address_without_arguments_takes_a_button(row):
    for value in PRESSES:
        assert pressed(row.parameter, (value,)) is True, value
        assert check(row.parameter, (value,)) == ((), False)
    assert [pressed(row.parameter, (value,)) for value in RELEASES] == [False] * len(RELEASES)
    for wrong in (("bells",), (math.nan,), (b"x",), (1.0, 1.0)):
        with pytest.raises(OscError, match="expected no argument, or a button's"):
            check(row.parameter, wrong)


def test_a_button_for_what_takes_an_argument_or_none_is_one_unless_it_is_the_argument():
    dump, ping, time = (TABLE[f"{PREFIX}/{path}"].parameter for path in ("state/dump", "ping", "time"))
    assert (pressed(dump, (1.0,)), pressed(dump, (0.0,)), pressed(dump, ("/liveseq/layer",))) == (True, False, None)
    assert (pressed(ping, (True,)), pressed(time, (0.0,))) == (True, None)
    assert pressed(TABLE[f"{PREFIX}/mute"].parameter, (0.0,)) is None


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("/liveseq/gian", "did you mean /liveseq/gain?"),
        ("/liveseq/layer/1/pna", "did you mean /liveseq/layer/1/pan?"),
        ("/tag", "did you mean /liveseq/tag?"),
        ("/liveseq/gain -6", "/liveseq/gain takes its arguments after the address"),
        ("/liveseq/gain/-6", "did you mean /liveseq/gain with '-6' as an argument?"),
        ("/zzz", "see docs/osc.md"),
        ("/liveseq/tga", "did you mean /liveseq/tag?"),
        ("/liveseq/layer/9/tag", "this server has 2 layers (--layers)"),
    ],
)
def test_an_unknown_address_is_answered_with_what_may_be_meant(stage, address, hint):
    [(fail, about, code, message)] = stage.ask(address, 1)
    assert (fail, about, code) == (f"{PREFIX}/fail", address, "unknown_address")
    assert hint in message
    assert hint in suggestion(address, TABLE)


def test_the_reference_has_every_row_and_every_code_and_is_up_to_date():
    text = reference()
    for parameter in PARAMETERS:
        if parameter.scope is not Scope.LAYER:
            assert f"`{PREFIX}/{parameter.path}`" in text
        if parameter.scope is not Scope.GLOBAL:
            assert f"`{PREFIX}/layer/<n>/{parameter.path}`" in text
    assert all(f"`{code}`" in text for code in FAIL_CODES)
    written = (Path(__file__).resolve().parents[2] / "docs" / "osc.md").read_text(encoding="utf-8")
    assert written == text, "run: liveseq osc table --out docs/osc.md"
