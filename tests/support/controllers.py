"""Packets as controllers really send them: TouchOSC's, and everything odd that one finds in the wild."""

import struct

from liveseq.osc.packets import build

DONE, FAIL = "/liveseq/done", "/liveseq/fail"
NOW = 1


def message(address, types="", data=b""):
    """A message of any types, also of those that `build` does not have."""
    return padded(address.encode()) + padded(f",{types}".encode()) + data


def padded(text):
    return text + bytes(4 - len(text) % 4)


def bundle(*elements, timetag=NOW):
    return b"#bundle\0" + struct.pack(">Q", timetag) + b"".join(struct.pack(">i", len(one)) + one for one in elements)


class TouchOsc:
    """A page of buttons and faders, with the touch messages and pings that TouchOSC can be told to send."""

    def __init__(self, controller):
        self._controller = controller

    def show(self, page):
        self._controller.send(f"/{page}")
        self._controller.send("/ping")

    def press(self, address):
        self._controller.send(f"{address}/z", 1.0)
        self._controller.send(address, 1.0)

    def let_go(self, address):
        self._controller.send(address, 0.0)
        self._controller.send(f"{address}/z", 0.0)
        self._controller.send("/ping")

    def push(self, address):
        self.press(address)
        self.let_go(address)

    def slide(self, address, *values):
        self._controller.send(f"{address}/z", 1.0)
        for value in values:
            self._controller.send(address, value)
        self._controller.send(f"{address}/z", 0.0)


GAIN = build("/liveseq/gain", -6.0, "id:1")
PANIC = build("/liveseq/panic", 1.0)
FLOAT = struct.Struct(">f").pack
ODD = (
    # Buttons, pressed and let go
    (build("/liveseq/play", 1.0), [(DONE, "/liveseq/play")]),
    (build("/liveseq/play", 0.0), []),
    (build("/liveseq/layer/1/stop", 127), [(DONE, "/liveseq/layer/1/stop")]),
    (build("/liveseq/layer/1/stop", 0), []),
    (message("/liveseq/layer/1/play", "T"), [(DONE, "/liveseq/layer/1/play")]),
    (message("/liveseq/layer/1/play", "F"), []),
    (message("/liveseq/query/filter/clear", "I"), [(DONE, "/liveseq/query/filter/clear")]),
    (message("/liveseq/generate/cancel", "N"), [(DONE, "/liveseq/generate/cancel")]),
    (build("/liveseq/sched/clear", "bang"), [(DONE, "/liveseq/sched/clear")]),
    (build("/liveseq/status", 1.0), [("/liveseq/status",)]),
    (build("/liveseq/status", 0.0), []),
    (build("/liveseq/stop", "later"), [(FAIL, "/liveseq/stop")]),
    (build("/liveseq/stop", 1.0, 1.0), [(FAIL, "/liveseq/stop")]),
    # What is sent besides
    (build("/ping"), []),
    (build("/2"), []),
    (build("/liveseq/gain/z", 1.0), []),
    (build("/1/fader1", 0.5), [(FAIL, "/1/fader1")]),
    # Foreign types: what can be left out is, and the rest of the bundle is heard
    (message("/liveseq/gain", "rfs", b"\1\2\3\4" + FLOAT(-3.0) + b"id:2\0\0\0\0"), [(DONE, "/liveseq/gain")]),
    (message("/liveseq/gain", "r", b"\1\2\3\4"), [(FAIL, "/liveseq/gain")]),
    (message("/liveseq/tags", "[sf]", b"hum\0" + FLOAT(0.5)), [(DONE, "/liveseq/tags")]),
    (message("/liveseq/tag", "S", b"drone\0\0\0"), [(DONE, "/liveseq/tag")]),
    (message("/liveseq/tag", "c", b"\0\0\0x"), [(FAIL, "/liveseq/tag")]),
    (
        bundle(message("/liveseq/pan", "q"), b"", GAIN),
        [(FAIL, "/liveseq/pan"), (FAIL, "#bundle"), (DONE, "/liveseq/gain")],
    ),
    (bundle(b"panic\0\0\0,\0\0\0", PANIC), [(DONE, "/liveseq/panic"), (FAIL, "panic")]),
    (bundle(PANIC) + struct.pack(">i", 400), [(DONE, "/liveseq/panic"), (FAIL, "#bundle")]),
    # Numbers and words as tags
    (build("/liveseq/tag", 808), [(DONE, "/liveseq/tag", "808", 1.0)]),
    (build("/liveseq/tag", 808.0), [(DONE, "/liveseq/tag", "808", 1.0)]),
    (build("/liveseq/tag", "church", "bells"), [(DONE, "/liveseq/tag", "bells", 1.0)]),
    (build("/liveseq/tags", "bells", 808), [(DONE, "/liveseq/tags", "bells", 1.0, "808", 1.0)]),
    (build("/liveseq/tags", "bells", 7), [(DONE, "/liveseq/tags", "bells", 7.0)]),
    (build("/liveseq/tag", 909), [(FAIL, "/liveseq/tag", "not_found")]),
    # Times of other epochs, and of a clock that is an hour slow
    (bundle(GAIN, timetag=0), [(DONE, "/liveseq/gain")]),
    (bundle(GAIN, timetag=3 << 32), [(DONE, "/liveseq/gain")]),
    (bundle(GAIN, timetag=1_800_000_000 << 32), [(DONE, "/liveseq/gain")]),
    (bundle(GAIN, timetag=821_692_800 << 32), [(DONE, "/liveseq/gain")]),
    (bundle(PANIC, timetag=2**64 - 1), [(DONE, "/liveseq/panic")]),
)
"""Packets, and what is answered: address and the beginning of the arguments. In order: one follows the other."""
