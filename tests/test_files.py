"""A file is replaced whole, or stays what it was."""

import pytest

from liveseq.files import replace_file


def test_a_file_is_made_and_replaced_whole(tmp_path):
    path = tmp_path / "session.json"
    for data in (b"first", b"second"):
        replace_file(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_where_it_cannot_be_it_stays_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "model.yaml"
    path.mkdir()
    (path / "kept").touch()
    with pytest.raises(OSError, match="directory"):
        replace_file(path, b"new")
    assert [one.name for one in tmp_path.iterdir()] == ["model.yaml"]
    assert (path / "kept").exists()
