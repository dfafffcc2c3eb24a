"""A folder of what recorders, pipes, crashes and downloads leave, built into a corpus by the command."""

import argparse

import pytest

from liveseq.corpus.cli import add_commands
from liveseq.corpus.store import Corpus
from liveseq.corpus.verify import verify
from tests.support import odd_recordings


def test_a_folder_of_odd_recordings_is_built_with_every_one_read_or_named(tmp_path, capfd):
    whole, told, refused = odd_recordings.whole(), odd_recordings.told(), odd_recordings.refused()
    folder = tmp_path / "in"
    for kind, odd in (("whole", whole), ("told", told), ("refused", refused)):
        (folder / kind).mkdir(parents=True)
        for name, one in odd.items():
            (folder / kind / name).write_bytes(one.content)
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    arguments = (
        "build",
        folder,
        "--out",
        tmp_path / "c",
        "--sample-rate",
        "44100",
        "--jobs",
        "1",
        "--tags-from",
        "folder",
    )
    parsed = parser.parse_args(["corpus", *map(str, arguments)])
    assert parsed.run(parsed) == 0
    said = capfd.readouterr()
    assert (len(whole), len(told), len(refused)) == (20, 25, 11)
    assert "45 added (1 min 18 s), 11 left out\n" in said.out
    lines = said.err.splitlines()
    [unknown] = [line for line in lines if "no facts know" in line]
    assert unknown.startswith('liveseq: no facts know "told": give it a reading or synonyms in ')
    assert len(lines) == len(told) + len(refused) + 1
    for kind, odd, begin in (("told", told, "liveseq: "), ("refused", refused, "liveseq: left out: ")):
        for name, one in odd.items():
            [line] = [line for line in lines if line.startswith(f"{begin}{folder / kind / name}: ")]
            assert one.said in line
    with Corpus.open(tmp_path / "c") as corpus:
        held = {source.name: source.n_samples / 44_100 for source in corpus.sources()}
    for kind, odd in (("whole", whole), ("told", told)):
        for name, one in odd.items():
            assert held[f"{kind}/{name}"] == pytest.approx(len(one.sound) / 44_100, abs=0.25), name
    assert verify(tmp_path / "c") == []
