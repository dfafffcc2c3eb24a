"""The shipped patches for Max and Max for Live: that they fit the server's table. No Max runs here."""

import json
import struct

import pytest

from benchmarks.paths import ROOT
from liveseq.errors import OscError
from liveseq.osc.checks import check
from liveseq.osc.parameter import Kind
from liveseq.osc.table import addresses
from patches import build as patches

TABLE = addresses(2)


def read_amxd(data):
    """The chunks of a device: name -> content."""
    chunks, place = {}, 0
    while place < len(data):
        [size] = struct.unpack_from("<I", data, place + 4)
        chunks[data[place : place + 4]] = data[place + 8 : place + 8 + size]
        place += 8 + size
    return chunks


def read(name):
    data = (ROOT / "patches" / name).read_bytes()
    if name.endswith(".amxd"):
        data = read_amxd(data)[b"ptch"].removesuffix(b"\0")
    return json.loads(data)["patcher"]


@pytest.fixture(params=["liveseq.maxpat", "liveseq.amxd"])
def patcher(request):
    return read(request.param)


def boxes(patcher):
    return {box["box"]["id"]: box["box"] for box in patcher["boxes"]}


def sent(patcher):
    """Address and arguments of each message; a dial, a text or a number that is filled in is None."""
    for box in boxes(patcher).values():
        words = box.get("text", "").removeprefix("prepend ").split()
        if box["maxclass"] in ("message", "newobj") and words and words[0].startswith("/"):
            yield words[0], [None] if box["maxclass"] == "newobj" else words[1:]


def value(word):
    if word is None or word.startswith("$"):
        return 7710
    return float(word) if word.endswith(".") else word


def test_the_files_are_what_the_script_makes():
    again = "run: python patches/build.py"
    assert (ROOT / "patches/liveseq.maxpat").read_text() == patches.build(device=False).json(device=False), again
    device = patches.amxd(patches.build(device=True).json(device=True))
    assert (ROOT / "patches/liveseq.amxd").read_bytes() == device, again


def test_a_device_is_a_midi_effect_in_three_chunks():
    chunks = read_amxd((ROOT / "patches" / "liveseq.amxd").read_bytes())
    assert list(chunks) == [b"ampf", b"meta", b"ptch"]
    assert chunks[b"ampf"] == b"mmmm"


def test_every_message_is_one_that_the_server_takes(patcher):
    messages = list(sent(patcher))
    assert len(messages) > 20
    for address, words in messages:
        row = TABLE[address].parameter
        assert row.kind is not Kind.PUSH
        text = row.arguments and row.arguments[0].type == "s"
        arguments = ["words" if text and word is None else 0.5 if word is None else value(word) for word in words]
        try:
            check(row, arguments)
        except OscError as error:
            pytest.fail(f"{address} {words}: {error}")


def test_every_answer_that_is_waited_for_is_one_that_the_server_gives(patcher):
    [route] = [box for box in boxes(patcher).values() if box.get("text", "").startswith("route /")]
    for address in route["text"].split()[1:]:
        assert address in TABLE or address == "/liveseq/fail"


def test_cords_lead_from_outlets_that_exist_to_inlets_that_exist(patcher):
    known = boxes(patcher)
    assert len(known) == len(patcher["boxes"])
    wired = set()
    for line in patcher["lines"]:
        (source, outlet), (destination, inlet) = line["patchline"]["source"], line["patchline"]["destination"]
        assert outlet < known[source]["numoutlets"]
        assert inlet < known[destination]["numinlets"]
        wired |= {source, destination}
    alone = [box for name, box in known.items() if name not in wired]
    assert [box["maxclass"] for box in alone] == ["comment"]  # the caption of the port


def test_dials_are_parameters_of_live_with_the_range_of_the_table(patcher):
    dials = [box for box in boxes(patcher).values() if box["maxclass"] == "live.dial"]
    assert len(dials) == 9
    for dial in dials:
        values = dial["saved_attribute_attributes"]["valueof"]
        path = "gain" if dial["varname"] == "gain" else f"steer/{dial['varname']}"
        [argument] = TABLE[f"/liveseq/{path}"].parameter.arguments
        assert values["parameter_mmax"] == argument.high
        assert values["parameter_initial"] == list(TABLE[f"/liveseq/{path}"].parameter.default)


def test_what_is_shown_lies_on_the_face_and_nothing_on_top_of_another(patcher):
    faces = [box["presentation_rect"] for box in boxes(patcher).values() if box.get("presentation")]
    for x, y, width, height in faces:
        assert 0 <= x < x + width <= patches.WIDTH
        assert 0 <= y < y + height <= 169
    for i, (x, y, width, height) in enumerate(faces):
        for u, v, w, h in faces[:i]:
            assert x >= u + w or u >= x + width or y >= v + h or v >= y + height
