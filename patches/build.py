"""Writes liveseq.maxpat (Max) and liveseq.amxd (Max for Live) from the server's own parameter table.

    python patches/build.py

Run it after a change of the table: ranges and defaults of the dials come from there, and a test compares.

An .amxd that is not frozen is a header and the patcher as JSON: "ampf", version 4, kind of device ("mmmm" is a MIDI
effect), "meta" with one empty word, "ptch" with the length of what follows (little-endian); the text ends in a zero.
"""

import itertools
import json
import struct
from pathlib import Path
from typing import Any

from liveseq.osc.table import PARAMETERS
from liveseq.sequencer.settings import Mode

FOLDER = Path(__file__).parent
SERVER_PORT = 7700
REPLY_PORT = 7710
MACROS = ("loudness", "brightness", "noisiness", "pitch", "density", "movement", "surprise", "memory")
UNITS = {"dB": 4, "semitones": 7}
"""Live's numbers for how a value is shown; 1 is a plain number."""
WIDTH = 452
"""Of the device, pixels; its height is Live's own 169."""


class Patch:
    """Boxes and cords."""

    def __init__(self) -> None:
        self.boxes: list[dict[str, Any]] = []
        self.lines: list[dict[str, Any]] = []
        self._row = 0

    def add(self, kind: str, text: str = "", *, inlets: int = 1, outlets: int = 1, **fields: Any) -> str:
        """A box; returns its name."""
        name = f"obj-{len(self.boxes) + 1}"
        column, row = divmod(len(self.boxes), 22)
        width = max(44.0, 7.0 * len(text) + 12.0)
        box = {
            "id": name,
            "maxclass": kind,
            "numinlets": inlets,
            "numoutlets": outlets,
            "outlettype": [""] * outlets,
            "patching_rect": [20.0 + 330.0 * column, 20.0 + 34.0 * row, width, 22.0],
        }
        self.boxes.append({"box": box | ({"text": text} if text else {}) | fields})
        return name

    def object(self, text: str, *, inlets: int = 1, outlets: int = 1) -> str:
        return self.add("newobj", text, inlets=inlets, outlets=outlets)

    def message(self, text: str) -> str:
        return self.add("message", text, inlets=2)

    def wire(self, *boxes: str, outlet: int = 0) -> None:
        """One after the other, from the first one's outlet and then from first outlets to first inlets."""
        for source, destination in itertools.pairwise(boxes):
            line = {"source": [source, outlet], "destination": [destination, 0]}
            self.lines.append({"patchline": line})
            outlet = 0

    def json(self, *, device: bool) -> str:
        patcher = {
            "fileversion": 1,
            "appversion": {"major": 8, "minor": 5, "revision": 0, "architecture": "x64", "modernui": 1},
            "classnamespace": "box",
            "rect": [80.0, 80.0, 1080.0, 800.0],
            "openinpresentation": 1,
            "default_fontsize": 12.0,
            "default_fontname": "Arial",
            "gridsize": [8.0, 8.0],
            "boxes": self.boxes,
            "lines": self.lines,
        }
        return json.dumps({"patcher": patcher | ({"devicewidth": float(WIDTH)} if device else {})}, indent=1) + "\n"


def shown(x: float, y: float, width: float, height: float) -> dict[str, Any]:
    """Where a box lies on the face of the device."""
    return {"presentation": 1, "presentation_rect": [float(x), float(y), float(width), float(height)]}


def parameter(name: str, **fields: Any) -> dict[str, Any]:
    """What makes a box a parameter of Live: automated, mapped, saved with the set."""
    values = {f"parameter_{key}": value for key, value in fields.items()}
    known = {"parameter_longname": name, "parameter_shortname": name}
    return {"parameter_enable": 1, "varname": name, "saved_attribute_attributes": {"valueof": known | values}}


def build(*, device: bool) -> Patch:
    """The patch. device: for Live, where MIDI passes through and loading is told by live.thisdevice."""
    patch = Patch()
    send = patch.object(f"udpsend 127.0.0.1 {SERVER_PORT}", outlets=0)
    receive = patch.object(f"udpreceive {REPLY_PORT}")
    begin = patch.object("live.thisdevice", outlets=3) if device else patch.object("loadbang")
    if device:
        patch.wire(patch.object("midiin"), patch.object("midiout", outlets=0))
    state = patch.add("comment", "no server yet", outlets=0, **shown(30, 8, 250, 20))
    lamp = patch.add("led", oncolor=[0.2, 0.85, 0.35, 1.0], **shown(8, 8, 18, 18))
    heard = _connection(patch, send, receive, begin, state=state, lamp=lamp)
    _controls(patch, send)
    _answers(patch, receive, _dials(patch, send), state=state, lamp=lamp, heard=heard)
    return patch


def _connection(patch: Patch, send: str, receive: str, begin: str, *, state: str, lamp: str) -> str:
    """Hello with the port that answers go to, again whenever nothing has been heard for three seconds.

    Returns the box that is to be told when something was heard.
    """
    fields = parameter("reply port", type=1, mmin=7701, mmax=7799, initial_enable=1, initial=[REPLY_PORT], invisible=1)
    number = patch.add("live.numbox", outlets=2, **fields, **shown(WIDTH - 62, 8, 54, 18))
    patch.add("comment", "answers to port", outlets=0, **shown(WIDTH - 160, 8, 96, 20))
    both, port = patch.object("t i i", outlets=2), patch.object(f"i {REPLY_PORT}", inlets=2)
    patch.wire(number, both, port, patch.message("/liveseq/hello max $1"), send)
    patch.wire(both, patch.message("port $1"), receive, outlet=1)
    patch.wire(begin, port)
    follow = patch.object("delay 200", inlets=2)
    patch.wire(begin, follow)
    for pattern in ("/liveseq/segment", "/liveseq/gain", "/liveseq/steer"):
        patch.wire(follow, patch.message(f"/liveseq/subscribe {pattern} 15."), send)
    patch.wire(patch.object("metro 1000 @active 1", inlets=2), patch.message("/liveseq/status"), send)
    late = patch.object("delay 3000", inlets=2)
    again = patch.object("t b b b b b", outlets=5)
    patch.wire(begin, late, again)
    patch.wire(again, patch.message("0"), lamp, outlet=4)
    patch.wire(again, patch.message("set no server at port 7700: make play"), state, outlet=3)
    patch.wire(again, port, outlet=2)
    patch.wire(again, follow, outlet=1)
    patch.wire(again, late, outlet=0)
    return late


def _controls(patch: Patch, send: str) -> None:
    """Tag, transport, mode."""
    tag = patch.add("textedit", "dark drone", outlets=4, keymode=1, lines=1, **shown(8, 34, 250, 24))
    words, symbol = patch.object("route text", inlets=2, outlets=2), patch.object("tosymbol")
    patch.wire(tag, words, symbol, patch.object("prepend /liveseq/tag"), send)
    for number, name in enumerate(("play", "stop", "panic")):
        fields = parameter(name, type=2, enum=["off", "on"], mmax=1, invisible=2)
        button = patch.add("live.text", name, outlets=2, mode=0, **fields, **shown(266 + 60 * number, 34, 56, 24))
        patch.wire(button, patch.message(f"/liveseq/{name}"), send)
    modes = [str(mode) for mode in Mode]
    fields = parameter("mode", type=2, enum=modes, mmax=len(modes) - 1)
    tab = patch.add("live.tab", outlets=3, num_lines_presentation=1, **fields, **shown(8, 64, WIDTH - 16, 20))
    number = patch.object(
        "sel " + " ".join(str(place) for place in range(len(modes))), inlets=2, outlets=len(modes) + 1
    )
    patch.wire(tab, number)
    for place, mode in enumerate(modes):
        patch.wire(number, patch.message(f"/liveseq/mode {mode}"), send, outlet=place)


def _dials(patch: Patch, send: str) -> dict[str, str]:
    """Gain and macros. Returns the dial of each address, to be set when the value comes back."""
    dials = {}
    for place, path in enumerate(("gain", *(f"steer/{name}" for name in MACROS))):
        row = next(one for one in PARAMETERS if one.path == path)
        [argument] = row.arguments
        name = path.rpartition("/")[2]
        fields = parameter(
            name,
            type=0,
            mmin=max(argument.low, -60.0),
            mmax=argument.high,
            initial_enable=1,
            initial=[row.default[0]],
            unitstyle=UNITS.get(argument.unit, 1),
        )
        dial = patch.add("live.dial", outlets=2, **fields, **shown(8 + 48 * place, 90, 46, 48))
        patch.wire(dial, patch.object(f"prepend /liveseq/{path}"), send)
        dials[f"/liveseq/{path}"] = dial
    return dials


def _answers(patch: Patch, receive: str, dials: dict[str, str], *, state: str, lamp: str, heard: str) -> None:
    """What comes back: state and lamp, what sounds, what was refused, values that others have set."""
    addresses = ["/liveseq/status", "/liveseq/segment", "/liveseq/fail", *dials]
    route = patch.object("route " + " ".join(addresses), inlets=len(addresses) + 1, outlets=len(addresses) + 1)
    patch.wire(receive, route)
    status = patch.object("t b l", outlets=2)
    patch.wire(route, status, heard)
    word, name = patch.object("unpack s"), patch.object("t s s", outlets=2)
    patch.wire(status, word, outlet=1)
    patch.wire(word, name, patch.object("prepend set"), state)
    plays = patch.object("sel playing degraded", inlets=2, outlets=3)
    patch.wire(name, plays, outlet=1)
    on, off = patch.message("1"), patch.object("t 0")
    for outlet, lit in enumerate((on, on, off)):
        patch.wire(plays, lit, outlet=outlet)
    patch.wire(on, lamp)
    patch.wire(off, lamp)
    sounding = patch.add("comment", "nothing sounds yet", outlets=0, **shown(8, 144, WIDTH - 16, 20))
    segment = patch.object("unpack i i s", outlets=3)
    patch.wire(route, segment, outlet=1)
    patch.wire(segment, patch.object("prepend set"), sounding, outlet=2)
    refused = patch.object("unpack s s s", outlets=3)
    patch.wire(route, refused, outlet=2)
    patch.wire(refused, patch.object("prepend set refused:"), sounding, outlet=2)
    for place, dial in enumerate(dials.values()):
        patch.wire(route, patch.object("prepend set"), dial, outlet=3 + place)


def amxd(text: str) -> bytes:
    """A patcher as a Max for Live device."""
    body = text.encode() + b"\0"
    return (
        b"ampf"
        + struct.pack("<I", 4)
        + b"mmmm"
        + b"meta"
        + struct.pack("<II", 4, 0)
        + b"ptch"
        + struct.pack("<I", len(body))
        + body
    )


def main() -> None:
    (FOLDER / "liveseq.maxpat").write_text(build(device=False).json(device=False))
    (FOLDER / "liveseq.amxd").write_bytes(amxd(build(device=True).json(device=True)))


if __name__ == "__main__":
    main()
