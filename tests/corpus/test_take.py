import subprocess
import sys

import numpy as np
import pytest

from liveseq.corpus.store import Corpus
from liveseq.corpus.take import add_take
from liveseq.corpus.verify import verify
from liveseq.errors import CorpusError


def take(n_samples=60_000, level=0.1):
    return (level * np.random.default_rng(5).standard_normal((n_samples, 2))).astype(np.float32)


def test_a_take_is_found_by_a_reader_that_was_there_before(small):
    with Corpus.open(small) as reader:
        before, version = reader.units(), reader.version()
        added = add_take(small, take(), name="take 1", tags=("input",), sample_rate=48_000)
        assert reader.version() != version
        units = reader.units()
        np.testing.assert_array_equal(reader.audio(added.id), take())
    assert (added.name, added.tags, added.provenance.kind) == ("take 1", ("input",), "input")
    assert units.n_units == before.n_units + 7
    np.testing.assert_array_equal(units.tag_units["input"], np.arange(9, 16))
    np.testing.assert_array_equal(units.features[:9], before.features)
    assert verify(small) == []


def test_two_takes_may_have_one_name(small):
    assert add_take(small, take(), name="take", tags=(), sample_rate=48_000).name == "take"
    assert add_take(small, take(), name="take", tags=(), sample_rate=48_000).name == "take (2)"


def test_a_take_is_cut_at_its_beats_where_the_corpus_is(tmp_path):
    Corpus.create(tmp_path / "c", sample_rate=48_000, segmentation="beats").close()
    y = take(384_000, level=1e-3)
    for start in range(0, 384_000, 24_000):
        y[start : start + 4_000] += np.exp(-np.arange(4_000) / 800, dtype=np.float32)[:, None] * take(4_000)
    added = add_take(tmp_path / "c", y, name="beat", tags=(), sample_rate=48_000)
    assert added.beats is not None
    with Corpus.open(tmp_path / "c") as corpus:
        np.testing.assert_allclose(np.diff(corpus.bounds(added.id))[1:-1], 24_000, atol=100)


def test_a_mono_take_sounds_on_both_sides(small):
    added = add_take(small, take()[:, :1], name="mono", tags=(), sample_rate=48_000)
    with Corpus.open(small) as corpus:
        np.testing.assert_array_equal(corpus.audio(added.id), take()[:, [0, 0]])


def test_a_take_at_another_rate_is_refused(small):
    with pytest.raises(CorpusError, match="has 48000 Hz, expected 44100 Hz"):
        add_take(small, take(), name="take", tags=(), sample_rate=44_100)


def spoilt():
    audio = take()
    audio[7, 1] = np.nan
    return audio


@pytest.mark.parametrize(
    ("audio", "tags", "expected"),
    [
        (spoilt(), (), r"take: has samples that are no numbers.*not added"),
        (np.zeros((60_000, 2), dtype=np.float32), (), r"take: is silent.*input connected"),
        (take(level=1e-5), (), r"take: is silent"),
        (take(8_191), (), r"take: expected 0.17 s or more of sound, found 0.17 s; record longer"),
        (take(0), (), r"found 0.00 s"),
        (take()[:, 0], (), r"take: expected float32 \(n_samples, 1 or 2\), found float32 \(60000,\)"),
        (take().astype(np.float64), (), r"found float64"),
        (take(), ("",), r"tag '': expected 1 to 200 characters"),
    ],
)
def test_what_is_no_take_changes_nothing(small, audio, tags, expected):
    with pytest.raises(CorpusError, match=expected):
        add_take(small, audio, name="take", tags=tags, sample_rate=48_000)
    with Corpus.open(small) as corpus:
        assert len(corpus.sources()) == 3
    assert verify(small) == []


def test_a_take_needs_no_librosa(small):
    code = """
import sys
from pathlib import Path
import numpy as np
from liveseq.corpus.take import add_take
add_take(Path(sys.argv[1]), np.full((9_000, 2), 0.1, dtype=np.float32), name="take", tags=(), sample_rate=48_000)
sys.exit(bool({"librosa", "torch", "faiss"} & set(sys.modules)))
"""
    subprocess.run([sys.executable, "-c", code, str(small)], check=True)


def test_a_corpus_of_one_unit_is_a_corpus(tmp_path):
    Corpus.create(tmp_path / "c", sample_rate=48_000).close()
    add_take(tmp_path / "c", take(8_192), name="one", tags=("one",), sample_rate=48_000)
    with Corpus.open(tmp_path / "c") as corpus:
        units = corpus.units()
    assert (units.n_units, units.tags, units.successor.tolist()) == (1, ("one",), [-1])
