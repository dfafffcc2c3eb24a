import pytest

from liveseq.corpus.tagging import tags_of
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


def test_a_table_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(TagError, match=r"nothing.csv: no table of tags"):
        tags_of(["a.wav"], tags_from=tmp_path / "nothing.csv")
    (tmp_path / "latin.csv").write_bytes(b"a.wav,caf\xe9\n")
    with pytest.raises(TagError, match=r"latin.csv: no table of tags.*UTF-8"):
        tags_of(["a.wav"], tags_from=tmp_path / "latin.csv")
