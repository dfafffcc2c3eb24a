"""A writer is killed while it adds sources. Whatever it had reported as added must be there, whole."""

import hashlib
import random
import subprocess
import sys

from liveseq.corpus.store import Corpus
from liveseq.corpus.verify import verify

WRITER = """
import hashlib, sys
from pathlib import Path
import numpy as np
from liveseq.corpus.segmentation import fixed
from liveseq.corpus.store import Corpus, NewSource
rng = np.random.default_rng(int(sys.argv[2]))
with Corpus.open(Path(sys.argv[1]), writable=True) as corpus:
    print("ready", flush=True)
    while True:
        n = int(rng.integers(20_000, 200_000))
        audio = rng.standard_normal((n, 2), dtype=np.float32)
        frames = rng.standard_normal((1 + n // 1024, 43), dtype=np.float32)
        bounds = fixed(n, hop_length=1024)
        source = NewSource(name="a", audio=audio, frames=frames, bounds=bounds, tags=("x",))
        new = [(source, None)] * int(rng.integers(1, 3))
        for source_id in corpus.add_many(new):
            print(source_id, hashlib.sha256(audio.tobytes()).hexdigest(), flush=True)
"""
N_KILLS = 12


def test_nothing_committed_is_lost_when_the_writer_is_killed(tmp_path):
    path = tmp_path / "c"
    Corpus.create(path, sample_rate=48_000).close()
    random.seed(7)
    reported: dict[int, str] = {}
    number = 0
    while number < N_KILLS or not reported:  # on a busy machine not every writer comes to say something
        number += 1
        assert number < 20 * N_KILLS
        reported |= _write_until_killed(path, seed=number, seconds=random.uniform(0.0, 0.15))
        with Corpus.open(path, writable=number % 2 == 0) as corpus:  # either kind of opening has to cope
            there = {source.id: source for source in corpus.sources()}
            for source_id, sha256 in reported.items():
                assert hashlib.sha256(corpus.audio(source_id).tobytes()).hexdigest() == sha256
                assert there[source_id].tags == ("x",)
            assert corpus.units().n_units == sum(source.n_units for source in there.values())
            assert len(there) - len(reported) <= 2 * number  # committed, but killed before it could say so
        assert verify(path) == []


def _write_until_killed(path, *, seed, seconds):
    """Sources that the writer reported: SHA-256 of their audio by id."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(seed)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout.readline() == "ready\n"
    try:
        writer.wait(timeout=seconds)  # a moment anywhere in its work; it never ends by itself
    except subprocess.TimeoutExpired:
        writer.kill()
    out, _ = writer.communicate()
    lines = [line.split() for line in out.splitlines(keepends=True) if line.endswith("\n")]
    return {int(source_id): sha256 for source_id, sha256 in lines}
