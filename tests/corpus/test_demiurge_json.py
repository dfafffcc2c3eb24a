import json

import numpy as np
import pytest
import soundfile

from liveseq.corpus.demiurge_json import COLUMNS, export_demiurge, import_demiurge
from liveseq.corpus.store import Corpus
from liveseq.corpus.verify import verify
from liveseq.dsp.descriptors import MFCC_NAMES, describe
from liveseq.errors import CorpusError


@pytest.fixture
def exported(small, tmp_path):
    with Corpus.open(small) as corpus:
        return export_demiurge(corpus, tmp_path / "export")


def test_columns_are_in_demiurges_order(exported):
    content = json.loads(exported.read_text())
    assert list(content) == ["_id", "_sample", *COLUMNS]
    assert COLUMNS[:4] == ("mfcc0", "mfcc1", "mfcc10", "mfcc11")
    assert {len(column) for column in content.values()} == {3 * 30}
    assert content["_sample"][:3] == [0, 1024, 2048]
    assert content["_sample"][30] == 0
    # Demiurge tells metadata from features by the underscore.
    assert [name for name in content if "_" not in name] == list(COLUMNS)


def test_export_and_import_give_the_same_frames(small, exported, tmp_path):
    added, refused, _ = import_demiurge(exported, tmp_path / "back", sample_rate=48_000)
    assert (len(added), refused) == (3, [])
    with Corpus.open(small) as one, Corpus.open(tmp_path / "back") as two:
        np.testing.assert_array_equal(one.frames(2)[:, :39], two.frames(2)[:, :39])
        np.testing.assert_allclose(one.frames(2)[:, 39:42], two.frames(2)[:, 39:42], rtol=1e-3)
        np.testing.assert_allclose(one.audio(2), two.audio(2), atol=2.0**-23)
        np.testing.assert_array_equal(one.units().position, two.units().position)
        np.testing.assert_allclose(one.units().features[:, :13], two.units().features[:, :13], rtol=1e-4)
    assert verify(tmp_path / "back") == []


def write_demiurge(path, sounds, **changes):
    """As Demiurge writes it: paths of its own machine, 44.1 kHz, mfcc with top_db 80; sounds: y by _id."""
    content = {"_id": [], "_sample": []} | {name: [] for name in MFCC_NAMES}
    for name, y in sounds.items():
        frames = describe(y, sample_rate=44_100, top_db=80.0)
        content["_id"] += [name] * len(frames)
        content["_sample"] += [1024 * i for i in range(len(frames))]
        for i, column in enumerate(MFCC_NAMES):
            content[column] += frames[:, i].tolist()
    path.write_text(json.dumps(content | changes, indent=2))
    return content


@pytest.fixture
def colab(tmp_path):
    """A JSON file of another machine, with its sound files."""
    rng = np.random.default_rng(5)
    sounds = {name: (0.1 * rng.standard_normal(50_000)).astype(np.float32) for name in ("Drone/a.wav", "Bells/a.wav")}
    for name, y in sounds.items():
        (tmp_path / "wav" / name).parent.mkdir(parents=True)
        soundfile.write(tmp_path / "wav" / name, y, 44_100, subtype="FLOAT")
    path = tmp_path / "AUDIOS_database.json"
    content = write_demiurge(path, {f"/content/drive/My Drive/AUDIOS/{name}": y for name, y in sounds.items()})
    return path, content


def test_a_file_of_demiurge_becomes_a_corpus_of_its_frames(colab, tmp_path):
    path, content = colab
    added, refused, _ = import_demiurge(path, tmp_path / "c", audio=tmp_path / "wav")
    assert (added, refused) == (["Drone/a.wav", "Bells/a.wav"], [])
    with Corpus.open(tmp_path / "c", sample_rate=44_100) as corpus:
        assert [source.tags for source in corpus.sources()] == [("drone",), ("bells",)]
        np.testing.assert_allclose(corpus.frames(1)[:, 17], content["mfcc17"][:49], rtol=1e-6)
        y, _ = soundfile.read(tmp_path / "wav" / "Drone" / "a.wav", dtype="float32")
        np.testing.assert_allclose(corpus.frames(1)[:, 39:], describe(y, sample_rate=44_100)[:, 39:], rtol=1e-5)
        assert corpus.units().n_units == 12


def test_sound_files_that_are_missing_are_named(colab, tmp_path):
    path, _ = colab
    (tmp_path / "wav" / "Drone" / "a.wav").unlink()
    added, refused, _ = import_demiurge(path, tmp_path / "c", audio=tmp_path / "wav")
    assert added == ["Bells/a.wav"]
    assert "/content/drive/My Drive/AUDIOS/Drone/a.wav: not found under" in refused[0]


def test_a_path_never_leaves_the_folder_of_the_sound_files(tmp_path):
    y = (0.1 * np.random.default_rng(1).standard_normal(20_000)).astype(np.float32)
    (tmp_path / "inside").mkdir()
    soundfile.write(tmp_path / "secret.wav", y, 44_100)
    (tmp_path / "inside" / "link.wav").symlink_to(tmp_path / "secret.wav")
    names = ["../secret.wav", str(tmp_path / "secret.wav"), "x/../../secret.wav", "link.wav", "..\\secret.wav"]
    write_demiurge(tmp_path / "db.json", dict.fromkeys(names, y))
    added, refused, _ = import_demiurge(tmp_path / "db.json", tmp_path / "c", audio=tmp_path / "inside")
    assert added == []
    assert len(refused) == len(names)


def test_the_wrong_rate_is_refused_as_a_whole(colab, tmp_path):
    with pytest.raises(CorpusError, match=r"expected 49 frames.*has 54 at 48000 Hz.*--sample-rate"):
        import_demiurge(colab[0], tmp_path / "c", audio=tmp_path / "wav", sample_rate=48_000)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"mfcc7": ["a"] * 98}, "column mfcc7: expected numbers"),
        ({"mfcc7": [1.0]}, "column mfcc7: expected numbers, as many as in _id"),
        ({"mfcc7": [[1.0], [2.0, 3.0]]}, "no Demiurge database"),
        ({"mfcc7": [float("nan")] * 98}, "frame 0 has NaN or infinity"),
        ({"_sample": [0.5] * 98}, "column _sample: expected whole numbers"),
        ({"_sample": [0] * 98}, "expected _sample 0, 1024, 2048"),
        ({"_id": [1] * 98}, "column _id: expected text"),
    ],
)
def test_a_spoilt_file_is_refused(colab, tmp_path, changes, expected):
    path, content = colab
    path.write_text(json.dumps(content | changes))
    with pytest.raises(CorpusError, match=expected):
        import_demiurge(path, tmp_path / "c", audio=tmp_path / "wav")


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"_id": [], "_sample": []}', "{" * 100_000, "\x00", '{"_id": 1}'])
def test_a_foreign_file_is_refused(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(CorpusError, match=r"x.json: "):
        import_demiurge(tmp_path / "x.json", tmp_path / "c")
