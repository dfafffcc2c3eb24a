"""A JACK client that plays recordings into whoever connects to its port, as a musician at the input would.

Run as a process: `python jack_feed.py NAME one.npy two.npy ...`; a line with a number on stdin plays that recording, in
a circle, from its begin; -1 is silence.
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
_AUDIO = b"32 bit float mono audio"
_IS_OUTPUT = 0x2


class Feed:
    """The process, as a test sees it. recordings: float32 (n_samples,) each."""

    def __init__(self, name, folder, recordings):
        paths = [folder / f"{name}-{number}.npy" for number in range(len(recordings))]
        for path, y in zip(paths, recordings, strict=True):
            np.save(path, y.astype(np.float32))
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, __file__, name, *map(str, paths)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout.readline() == "up\n"

    def play(self, number):
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == f"{number}\n"

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def main() -> None:
    from benchmarks.rigs.jack_dummy import library, open_client
    from liveseq.engine.realtime import prepare_process

    prepare_process()  # what makes JACK wait must not be the test itself
    jack = library()
    recordings = [np.load(path) for path in sys.argv[2:]]
    client = open_client(sys.argv[1])
    port = jack.jack_port_register(client, b"out", _AUDIO, _IS_OUTPUT, 0)
    playing, place = -1, 0

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint32, ctypes.c_void_p)
    def process(n: int, _: object) -> int:
        nonlocal place
        out = np.frombuffer((ctypes.c_float * n).from_address(jack.jack_port_get_buffer(port, n)), dtype=np.float32)
        if playing < 0:
            out[:] = 0.0
            return 0
        y = recordings[playing]
        first = y[place : place + n]
        out[: len(first)] = first
        out[len(first) :] = y[: n - len(first)]
        place = (place + n) % len(y)
        return 0

    jack.jack_set_process_callback(ctypes.c_void_p(client), process, None)
    jack.jack_activate(client)
    print("up", flush=True)
    for line in sys.stdin:
        playing, place = int(line), 0
        print(playing, flush=True)


if __name__ == "__main__":
    main()
