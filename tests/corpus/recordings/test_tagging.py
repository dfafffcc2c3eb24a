import pytest

from liveseq.corpus.recordings.tagging import origin_of_tags, tags_of
from liveseq.errors import TagError


def test_tags_from_the_folders():
    names = ["Dark_Drone/a.wav", "drums/kicks/b.wav", "loop_1.wav"]
    tags, useless = tags_of(names, tags_from="folder")
    assert tags == {names[0]: ("dark drone",), names[1]: ("drums", "kicks"), names[2]: ("loop",)}
    assert useless == []
    assert tags_of(names) == (tags, [])  # there are sub-folders


def test_tags_from_the_file_names():
    names = ["ambi_choir.flac", "bass-hit.wav", "snare01.wav", "01 - Kick_b.wav", "Café 2.ogg", "007.wav", "___.wav"]
    tags, _ = tags_of(names)
    assert list(tags.values()) == [("ambi",), ("bass",), ("snare",), ("kick",), ("café",), (), ()]


def test_where_tags_are_taken_from_is_said(tmp_path):
    assert origin_of_tags(["a_1.wav"]) == "the file names"
    assert origin_of_tags(["samples/a_1.wav"]) == "the names of the sub-folders"
    assert origin_of_tags(["a.wav", "b/c.wav"]) == "the names of the sub-folders, and of the files beside them"
    assert origin_of_tags(["b/c.wav"], tags_from=tmp_path / "x.csv") == str(tmp_path / "x.csv")


def test_prefix_can_be_asked_for_where_there_are_folders():
    assert tags_of(["drums/kick_1.wav"], tags_from="prefix")[0] == {"drums/kick_1.wav": ("kick",)}


def test_tags_from_a_table(tmp_path):
    table = tmp_path / "tags.csv"
    table.write_text(
        "\ufefffile,tags\na.wav,Dark Drone,night\nsub\\b.wav,techno\na.wav,slow\nc.wav,x\nb.wav\n,\n", "utf-8"
    )
    tags, useless = tags_of(["a.wav", "b.wav", "sub/b.wav"], tags_from=table)
    assert tags == {"a.wav": ("dark drone", "night", "slow"), "b.wav": (), "sub/b.wav": ("techno",)}
    assert [line.split(": ", 1)[1] for line in useless] == [
        "no sound file 'c.wav'; write its path from the folder on",
        "no tag for 'b.wav'; expected file,tag,tag ...",
    ]
    assert "line 5" in useless[0]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_table_is_read_as_any_spreadsheet_saves_it(tmp_path, delimiter, encoding):
    rows = [["File", "Tag"], ["./a.wav", "Dark Drone", "night"], ["cafe\u0301.wav", "Café"], ['"b, c; d.wav"', "x"]]
    text = "\r\n".join(["sep=" + delimiter, *(delimiter.join(row) for row in rows), ""])
    (tmp_path / "tags.csv").write_bytes(text.encode(encoding))
    tags, useless = tags_of(["a.wav", "caf\u00e9.wav", "b, c; d.wav"], tags_from=tmp_path / "tags.csv")
    assert list(tags.values()) == [("dark drone", "night"), ("café",), ("x",)]
    assert useless == []


def test_a_comma_in_a_name_is_none_between_cells(tmp_path):
    (tmp_path / "tags.csv").write_text("Bass, deep.wav;bass\nKick, dry.wav;kick\n")
    tags, _ = tags_of(["Bass, deep.wav", "Kick, dry.wav"], tags_from=tmp_path / "tags.csv")
    assert list(tags.values()) == [("bass",), ("kick",)]


def test_a_table_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(TagError, match=r"nothing.csv: no table of tags"):
        tags_of(["a.wav"], tags_from=tmp_path / "nothing.csv")
    (tmp_path / "latin.csv").write_bytes(b"a.wav,caf\xe9\n")
    with pytest.raises(TagError, match=r"latin.csv: no table of tags.*UTF-8"):
        tags_of(["a.wav"], tags_from=tmp_path / "latin.csv")
