import argparse
import os
import re
import subprocess
import sys

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
    assert said.out == f"{built}: nothing new, 1 known, 1 left out\n"
    assert "text.wav: is not a sound file" in said.err
    gone = "liveseq: bass_1.wav is no longer in the folder, kept in the corpus; to be rid of what is gone build a new"
    assert gone in said.err


def test_a_build_counts_what_is_added_replaced_and_tagged_anew(built, tmp_path, write_sound, capsys):
    capsys.readouterr()
    run("build", tmp_path / "in", "--out", tmp_path / "d", "--jobs", "1")
    assert capsys.readouterr().out == f"{tmp_path / 'd'}: 2 added (0 min 02 s), 1 left out\n"
    write_sound(tmp_path / "in" / "bass_1.wav", seed=3)
    (tmp_path / "in" / "text.wav").unlink()
    (tmp_path / "tags.csv").write_text("bass_1.wav,bass\ndrum_1.wav,hits\nlost.wav,x\n")
    run("build", tmp_path / "in", "--out", built, "--jobs", "1", "--tags-from", tmp_path / "tags.csv")
    said = capsys.readouterr()
    assert said.out == f"{built}: 1 replaced by a newer version, 1 known (1 with other tags now), 1 left out\n"
    assert "tags.csv, line 3: no sound file 'lost.wav'" in said.err


def test_a_build_says_where_the_tags_come_from_and_what_was_skipped(tmp_path, write_sound, capsys):
    for number in range(2):
        write_sound(tmp_path / "in" / "samples" / f"kick_{number}.wav", seed=number)
    (tmp_path / "in" / "samples" / "bass.m4a").write_bytes(b"x")
    (tmp_path / "in" / "cover.jpg").write_bytes(b"x")
    (tmp_path / "in" / "broken.wav").write_bytes(b"x")
    build = ("build", tmp_path / "in", "--out", tmp_path / "c", "--jobs", "1")
    run(*build)
    said = capsys.readouterr()
    origin = "one tag comes from the names of the sub-folders, and of the files beside them: samples"
    lines = said.err.splitlines()
    assert lines[1:] == [f"liveseq: {origin}; to take them from elsewhere give --tags-from"]
    skipped = "skipped: .m4a 1 (convert to wav or flac), other files 1"
    assert said.out == f"{tmp_path / 'c'}: 2 added (0 min 01 s), 1 left out; {skipped}\n"
    run(*build)
    assert "from the names" not in capsys.readouterr().err, "nothing is new"
    run(*build, "--tags-from", "prefix")
    said = capsys.readouterr()
    assert "from the names" not in said.err, "it was asked for"
    assert "2 known (2 with other tags now), 1 left out; skipped" in said.out


def test_tags_that_an_earlier_build_gave_are_not_lost_without_a_word(built, tmp_path, capsys):
    build = ("build", tmp_path / "in", "--out", built, "--jobs", "1")
    for table, said in (
        ("bass_1.wav,sub,bass\n", "bass_1.wav loses a tag of an earlier build (sub)"),
        (
            "bass_1.wav,sub\ndrum_1.wav,hits\n",
            "2 files lose 2 tags of an earlier build (sub, hits): bass_1.wav, drum_1.wav",
        ),
    ):
        (tmp_path / "tags.csv").write_text(table)
        run(*build, "--tags-from", tmp_path / "tags.csv")
        assert "lose" not in capsys.readouterr().err
        run(*build)
        assert (
            f"liveseq: {said}; to have them back build again with the --tags-from of then\n" in capsys.readouterr().err
        )


def test_many_files_without_a_tag_are_one_line(tmp_path, write_sound, capsys):
    for number in range(7):
        write_sound(tmp_path / "in" / f"{number}.wav", seed=number, n_samples=9_000)
    assert run("build", tmp_path / "in", "--out", tmp_path / "c", "--jobs", "1", "--tags-from", "prefix") == 0
    [line] = capsys.readouterr().err.splitlines()
    assert line == "liveseq: 7 files have no tag, so no tag finds them: 0.wav, 1.wav, 2.wav, 3.wav, 4.wav, ..."


def test_a_bar_shows_the_time_left_also_where_a_terminal_does_not_know_its_width(tmp_path, write_sound):
    pty = pytest.importorskip("pty", reason="a terminal as Linux and macOS have them")
    for number in range(3):
        write_sound(tmp_path / "in" / f"a_{number}.wav", seed=number)
    leader, follower = pty.openpty()  # of 0 columns
    command = [sys.executable, "-m", "liveseq.cli", "corpus", "build", str(tmp_path / "in"), "--jobs", "1", "--out"]
    subprocess.run([*command, str(tmp_path / "c")], check=True, stderr=follower, timeout=60)
    os.set_blocking(leader, False)
    shown = os.read(leader, 65_536).decode()
    os.close(follower)
    os.close(leader)
    assert "corpus:   0%" in shown
    assert re.search(r"\[00:\d\d<", shown)


def test_info_shows_tags_with_units_and_seconds(built, capsys):
    capsys.readouterr()
    assert run("info", built) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{built}: corpus format 2, 48000 Hz, hop 1024"
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


def test_removed_recordings_are_gone_from_info_and_from_a_copy(built, tmp_path, capsys):
    capsys.readouterr()
    run("info", built, "--sources")
    name = capsys.readouterr().out.splitlines()[-1].split("  ")[0]
    assert run("remove", built, name) == 0
    assert f"{built}: 1 removed; to give back their room build it anew: liveseq corpus build" in capsys.readouterr().out
    run("info", built, "--sources")
    assert name not in capsys.readouterr().out
    assert run("build", built, "--out", tmp_path / "copy", "--jobs", "1") == 0
    assert f"{tmp_path / 'copy'}: 1 added" in capsys.readouterr().out
    with pytest.raises(CorpusError, match="no source"):
        run("remove", built, name)


def test_errors_reach_the_caller_as_one_line(tmp_path, capsys):
    with pytest.raises(CorpusError, match="no corpus there") as caught:
        run("info", tmp_path / "nothing")
    assert "\n" not in str(caught.value)
    for arguments in (["--tags-from", "nonsense"], ["--jobs", "0"], ["--segmentation", "bars"]):
        with pytest.raises(SystemExit) as stopped:
            run("build", tmp_path, "--out", tmp_path / "c", *arguments)
        assert stopped.value.code == 2
    assert "expected folder, prefix or the name of a .csv file, got 'nonsense'" in capsys.readouterr().err


def test_who_reads_only_the_beginning_is_no_error(built):
    command = [sys.executable, "-m", "liveseq.cli", "corpus", "info", "--sources", built]
    listing = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    listing.stdout.close()
    assert listing.communicate()[1] == b""
    assert listing.returncode == 141
