import argparse

import pytest

from liveseq.corpus.cli import add_commands
from liveseq.errors import CorpusError


def run(*arguments):
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    parsed = parser.parse_args(["corpus", *map(str, arguments)])
    return parsed.run(parsed)


@pytest.fixture
def built(tmp_path, write_sound, capsys):
    write_sound(tmp_path / "in" / "bass_1.wav", seed=1)
    write_sound(tmp_path / "in" / "drum_1.wav", seed=2, n_samples=96_000)
    (tmp_path / "in" / "text.wav").write_text("no sound")
    assert run("build", tmp_path / "in", "--out", tmp_path / "c", "--jobs", "1") == 0
    return tmp_path / "c"


def test_build_says_what_it_did(built, tmp_path, capsys):
    run("build", tmp_path / "in", "--out", built, "--jobs", "1")
    (tmp_path / "in" / "bass_1.wav").unlink()
    capsys.readouterr()
    assert run("build", tmp_path / "in", "--out", built, "--jobs", "1") == 0
    said = capsys.readouterr()
    assert said.out == f"{built}: 0 added, 0 replaced by a newer version (0 min 00 s), 1 known, 1 left out\n"
    assert "text.wav: is not a sound file" in said.err
    assert "bass_1.wav: no longer in the folder, kept in the corpus" in said.err


def test_info_shows_tags_with_units_and_seconds(built, capsys):
    capsys.readouterr()
    assert run("info", built) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{built}: corpus format 1, 48000 Hz, hop 1024"
    assert lines[1].startswith("2 sources (file), 0 min 02 s, 13 units (fixed), ")
    assert [line.split() for line in lines[2:]] == [
        ["bass", "2", "units", "0.4", "s"],
        ["drum", "11", "units", "2.0", "s"],
    ]


def test_verify_tells_sound_from_damaged(built, capsys):
    assert run("verify", built) == 0
    (built / "frames.f32").unlink()
    assert run("verify", built) == 1
    assert "bass_1.wav: " in capsys.readouterr().err


def test_a_folder_of_nothing_usable_is_an_error(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "text.wav").write_text("no sound")
    assert run("build", tmp_path / "in", "--out", tmp_path / "c", "--jobs", "1") == 2
    assert "nothing to play" in capsys.readouterr().err


def test_demiurge_there_and_back(built, tmp_path, capsys):
    assert run("export-demiurge", built, tmp_path / "d") == 0
    json_file = tmp_path / "d" / "AUDIOS_database.json"
    assert run("import-demiurge", json_file, "--out", tmp_path / "e", "--sample-rate", "48000") == 0
    assert f"{tmp_path / 'e'}: 2 added, 0 left out" in capsys.readouterr().out


def test_errors_reach_the_caller_as_one_line(tmp_path, capsys):
    with pytest.raises(CorpusError, match="no corpus there") as caught:
        run("info", tmp_path / "nothing")
    assert "\n" not in str(caught.value)
    for arguments in (["--tags-from", "nonsense"], ["--jobs", "0"], ["--segmentation", "beats"]):
        with pytest.raises(SystemExit) as stopped:
            run("build", tmp_path, "--out", tmp_path / "c", *arguments)
        assert stopped.value.code == 2
    assert "expected folder, prefix or the name of a .csv file, got 'nonsense'" in capsys.readouterr().err
