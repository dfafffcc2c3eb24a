"""SuperCollider's server beside liveseq's: one synth of noise, on and off by OSC."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.rigs.started import started
from liveseq.osc.packets import Value, build

PORT = "SuperCollider:out_1"
"""Name of its left output at a JACK server, as a regular expression."""
UDP_PORT = 57_321


class Synth:
    """The link to a scsynth that knows the noise."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link

    def on(self) -> None:
        self.send("/s_new", "probe", 1000, 0, 0)

    def off(self) -> None:
        self.send("/n_free", 1000)

    def send(self, address: str, *values: Value) -> None:
        self._link.sendto(build(address, *values), ("127.0.0.1", UDP_PORT))


@contextmanager
def running_scsynth() -> Iterator[Synth]:
    """A scsynth at the JACK server that the environment names."""
    command = ["scsynth", "-u", UDP_PORT, "-i", 0, "-o", 2, "-R", 0]
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link,
        started(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL),
    ):
        time.sleep(2.0)
        synth = Synth(link)
        synth.send("/d_recv", noise_synth("probe"))
        synth.send("/error", 0)
        time.sleep(0.5)
        yield synth


def noise_synth(name: str) -> bytes:
    """A compiled SynthDef: white noise to bus 0."""

    def text(value: str) -> bytes:
        return bytes([len(value)]) + value.encode()

    def integers(*values: int) -> bytes:
        return b"".join(value.to_bytes(4, "big", signed=True) for value in values)

    audio_rate, no_special = b"\x02", b"\0\0"
    noise = text("WhiteNoise") + audio_rate + integers(0, 1) + no_special + audio_rate
    out = text("Out") + audio_rate + integers(2, 0) + no_special + integers(-1, 0, 0, 0)
    constants, parameters = integers(1) + b"\0\0\0\0", integers(0, 0)
    return b"SCgf" + integers(2) + b"\0\x01" + text(name) + constants + parameters + integers(2) + noise + out + b"\0\0"
