"""The vectors that a model was taught: they are kept, checked, and blended, whatever text encoder is in use."""

import dataclasses
import logging
import re
from pathlib import Path

import numpy as np
import pytest

from liveseq.errors import ModelError
from liveseq.runtime.interpreter import Interpreter
from liveseq.runtime.manifest import Manifest, Tensor, sha256_of
from liveseq.runtime.tag_table import TAGS, TagTable
from liveseq.runtime.text import TextEncoder
from tests.runtime.conftest import tiny_manifest, write_graph
from tests.support.other_encoder import SHIPPED, make_other_encoder

NAMES = ("bells", "drone", "techno")


@pytest.fixture(scope="module")
def shipped() -> TextEncoder:
    return TextEncoder(SHIPPED / "text-encoder")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    return TextEncoder(make_other_encoder(tmp_path_factory.mktemp("other") / "text-encoder"))


def make_model(folder: Path, table: TagTable | None, *, size: int = 256, tags: tuple[str, ...] = NAMES) -> Manifest:
    """The manifest of a model that takes a tag, in its folder."""
    folder.mkdir()
    write_graph(folder / "step.onnx", n_features=2)
    if table is not None:
        (folder / TAGS).write_bytes(table.as_bytes())
    files = {name: sha256_of(folder / name) for name in ("step.onnx", TAGS) if (folder / name).is_file()}
    inputs = tuple(Tensor(name=name, shape=(n,), dtype="float32") for name, n in (("features", 2), ("tag", size)))
    manifest = tiny_manifest(folder, features=("a", "b"), inputs=inputs, tags=tags, files=files)
    manifest.save(folder)
    return Manifest.load(folder)


def test_a_table_is_what_was_saved(tmp_path, shipped):
    table = shipped.table(NAMES)
    (tmp_path / TAGS).write_bytes(table.as_bytes())
    found = TagTable.load(tmp_path / TAGS)
    assert (found.names, found.encoder) == (NAMES, shipped.digest)
    np.testing.assert_array_equal(found.vectors, shipped.embed(NAMES))
    assert shipped.table(NAMES).as_bytes() == table.as_bytes(), "the same bytes, and so the same hash"


def test_the_encoder_of_the_training_gives_any_word_its_own_vector(tmp_path, shipped):
    interpreter = Interpreter(tmp_path / "m", make_model(tmp_path / "m", shipped.table(NAMES)), shipped)
    vectors = {"drone": shipped.embed(["drone"])[0], "harp": shipped.embed(["harp"])[0]}
    assert interpreter.of_tags(vectors) is vectors
    expected = 0.5 * vectors["drone"] + 0.5 * vectors["harp"]
    blend = interpreter.blend({"drone": 0.5, "harp": 0.5})
    np.testing.assert_allclose(blend, expected / np.linalg.norm(expected), atol=1e-6)


def test_by_another_encoder_a_model_is_told_its_own_tags(tmp_path, shipped, other):
    table = shipped.table(NAMES)
    interpreter = Interpreter(tmp_path / "m", make_model(tmp_path / "m", table), other)
    told = interpreter.of_tags(dict.fromkeys(("drone", "church bells", "qwfpgj"), np.zeros(64, np.float32)))
    assert set(told) == {"drone", "church bells"}, "what means nothing is no tag"
    np.testing.assert_array_equal(told["drone"], table.vectors[1])
    np.testing.assert_array_equal(told["church bells"], table.vectors[0])
    blend = interpreter.blend({"drone": 3.0, "techno": 1.0})
    expected = 3.0 * table.vectors[1] + table.vectors[2]
    np.testing.assert_allclose(blend, expected / np.linalg.norm(expected), atol=1e-6)
    np.testing.assert_array_equal(interpreter.blend({"bright": 1.0}), np.zeros(256))


def test_another_encoder_of_the_same_size_is_another(tmp_path, shipped):
    again = TextEncoder(make_other_encoder(tmp_path / "text-encoder", size=256))
    table = shipped.table(NAMES)
    interpreter = Interpreter(tmp_path / "m", make_model(tmp_path / "m", table), again)
    told = interpreter.of_tags({"drone": again.embed(["drone"])[0]})
    np.testing.assert_array_equal(told["drone"], table.vectors[1])


def test_an_old_model_beside_an_encoder_of_its_size_plays_as_it_did(tmp_path, shipped):
    interpreter = Interpreter(tmp_path / "m", make_model(tmp_path / "m", None), shipped)
    np.testing.assert_allclose(interpreter.blend({"drone": 1.0}), shipped.embed(["drone"])[0], atol=1e-6)


def test_an_old_model_beside_another_encoder_plays_without_a_tag_and_that_is_said_once(tmp_path, other, caplog):
    manifest = make_model(tmp_path / "m", None)
    with caplog.at_level(logging.WARNING):
        both = [Interpreter(tmp_path / "m", manifest, other) for _ in range(2)]
    assert both[1].of_tags({"drone": np.zeros(64, np.float32)}) == {}
    np.testing.assert_array_equal(both[1].blend({"drone": 1.0}), np.zeros(256))
    [said] = [record.message for record in caplog.records]
    assert "model.yaml: a tag is 256 numbers, but the text encoder gives 64" in said
    assert "plays without a tag; export it again" in said


BAD = {
    "a name twice": ({"names": ("drone", "drone", "bells")}, "expected each tag once"),
    "NaN": ({"vectors": np.full((3, 4), np.nan, np.float32)}, "the vector of 'bells' is no finite numbers"),
    "too few": ({"vectors": np.ones((2, 4), np.float32)}, r"expected vectors float32 \[tags, numbers\], found float32"),
    "doubles": ({"vectors": np.ones((3, 4))}, r"found float64 \[3, 4\] for 3 tags"),
    "no matrix": ({"vectors": np.ones(3, np.float32)}, r"found float32 \[3\] for 3 tags"),
    "another size": ({"vectors": np.ones((3, 5), np.float32)}, "expected vectors of 4 numbers, as the graph takes a"),
    "another tag": ({"names": ("bells", "drone", "house")}, "has no vector for 'techno' of model.yaml"),
}


@pytest.mark.parametrize("kind", BAD)
def test_vectors_that_do_not_fit_are_refused_by_name(tmp_path, shipped, kind):
    changes, words = BAD[kind]
    table = dataclasses.replace(TagTable(NAMES, np.ones((3, 4), np.float32), shipped.digest), **changes)
    manifest = make_model(tmp_path / "m", table, size=4)
    with pytest.raises(ModelError, match=rf"m/tags\.npz: .*{words}.*; export .* again"):
        Interpreter(tmp_path / "m", manifest, shipped)


def _pickled(path: Path) -> None:
    np.savez(path, names=np.array(["a", {}], dtype=object), vectors=np.ones((2, 4)), encoder="")


def _single(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.ones((3, 4), np.float32))


@pytest.mark.parametrize(
    ("write", "found"),
    [
        (_pickled, "Object arrays cannot be loaded"),
        (_single, "not a zip"),
        (lambda path: np.savez(path, names=np.array(["a"])), "vectors"),
        (lambda path: path.write_bytes(b""), "not a zip"),
        (lambda path: path.write_bytes(b"no such thing"), "not a zip"),
        (lambda path: path.write_bytes(TagTable(("a",), np.ones((1, 4), np.float32), "").as_bytes()[:200]), "zip"),
        (lambda path: np.savez_compressed(path, names=np.zeros(1 << 27, np.int8)), "bytes, at most"),
    ],
)
def test_a_file_that_is_no_table_is_refused_and_nothing_in_it_is_run(tmp_path, write, found):
    write(tmp_path / TAGS)
    words = rf"tags\.npz: expected arrays names, vectors and encoder \(\.npz, no pickle\), found .*{found}"
    with pytest.raises(ModelError, match=words):
        TagTable.load(tmp_path / TAGS)


def test_a_table_that_was_changed_or_is_not_there_is_refused_as_any_other_file(tmp_path, shipped):
    make_model(tmp_path / "m", shipped.table(NAMES))
    (tmp_path / "m" / TAGS).write_bytes(TagTable(NAMES, np.ones((3, 256), np.float32), "").as_bytes())
    with pytest.raises(ModelError, match=r"tags\.npz: expected SHA-256 "):
        Manifest.load(tmp_path / "m")
    (tmp_path / "m" / TAGS).unlink()
    with pytest.raises(ModelError, match=re.escape("tags.npz: listed in model.yaml, but not there")):
        Manifest.load(tmp_path / "m")
