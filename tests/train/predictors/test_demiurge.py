"""Demiurge's JSON as something to learn from."""

import json

import numpy as np
import pytest

from liveseq.dsp.descriptors import BASE_NAMES, MFCC_NAMES, N_MFCC, base_descriptors, describe
from liveseq.errors import CorpusError, TrainingError
from liveseq.train.predictors.demiurge import with_estimates
from liveseq.train.predictors.reading import read_material

RATE = 44_100
LOUDNESS, CENTROID, FLATNESS, F0 = range(N_MFCC, len(BASE_NAMES))


@pytest.fixture
def sounds(rng):
    """Noise through one-pole filters, at levels 40 dB apart: float32 (n_samples,) each."""
    found = []
    for pole in (0.0, 0.6, 0.95):
        noise = rng.standard_normal(2 * RATE)
        for i in range(1, len(noise)):
            noise[i] += pole * noise[i - 1]
        level = np.repeat(10.0 ** (np.array([-10.0, -50.0]) / 20.0), RATE)
        found.append((level * noise / noise.std()).astype(np.float32))
    return found


def write(path, mfcc, *, names=None):
    columns = {
        "_id": [name for name, rows in zip(names, mfcc, strict=True) for _ in rows],
        "_sample": [1024 * i for rows in mfcc for i in range(len(rows))],
    }
    table = np.concatenate(mfcc)
    columns |= {name: table[:, i].tolist() for i, name in enumerate(MFCC_NAMES)}
    path.write_text(json.dumps(columns))


@pytest.fixture
def database(tmp_path, sounds):
    mfcc = [describe(y, sample_rate=RATE)[:, : len(MFCC_NAMES)] for y in sounds]
    path = tmp_path / "AUDIOS_database.json"
    write(path, mfcc, names=[f"/drive/noise/{i}.wav" for i in range(len(mfcc))])
    return path


def test_what_the_mfcc_leave_out_is_estimated_from_their_smooth_spectrum(sounds):
    truth = [describe(y, sample_rate=RATE) for y in sounds]
    found = np.concatenate([with_estimates(t[:, :39], sample_rate=RATE) for t in truth])
    wanted = np.concatenate([base_descriptors(t) for t in truth])
    np.testing.assert_allclose(found[:, :N_MFCC], wanted[:, :N_MFCC], rtol=1e-5)
    difference = found - wanted
    assert np.abs(difference[:, LOUDNESS].mean()) < 6.0  # dB: known to be too soft, but alike everywhere
    assert difference[:, LOUDNESS].std() < 3.0  # of 20
    assert np.abs(difference[:, CENTROID]).max() < 0.5  # octaves
    assert np.corrcoef(found[:, FLATNESS], wanted[:, FLATNESS])[0, 1] > 0.9
    np.testing.assert_array_equal(found[:, F0], base_descriptors(np.zeros((1, 43), dtype=np.float32))[0, F0])


def test_a_database_is_read_by_recording_and_says_what_it_lacks(database):
    material = read_material([database])
    assert (material.sample_rate, material.hop_length) == (RATE, 1024)
    assert [(r.name, r.group, len(r.frames)) for r in material.recordings] == [
        (f"/drive/noise/{i}.wav", "noise", 1 + 2 * RATE // 1024) for i in range(3)
    ]
    assert "AUDIOS_database.json: holds MFCC alone; loudness, centroid and flatness are estimated" in material.notes[0]


def test_a_folder_of_databases_is_read_whole(database):
    folder = database.parent / "processed_descriptors"
    folder.mkdir()
    database.rename(folder / "one.json")
    assert len(read_material([folder]).recordings) == 3


def test_silence_is_finite():
    silent = describe(np.zeros(RATE, dtype=np.float32), sample_rate=RATE)
    assert np.isfinite(with_estimates(silent[:, :39], sample_rate=RATE)).all()


def test_nan_gaps_and_other_rates_are_refused(tmp_path, sounds):
    mfcc = describe(sounds[0], sample_rate=RATE)[:, :39]
    broken = mfcc.copy()
    broken[3, 5] = np.nan
    write(tmp_path / "nan.json", [broken], names=["a.wav"])
    with pytest.raises(CorpusError, match="frame 3 has NaN"):
        read_material([tmp_path / "nan.json"])
    (tmp_path / "text.json").write_text("[]")
    with pytest.raises(CorpusError, match="expected columns _id, _sample, mfcc0"):
        read_material([tmp_path / "text.json"])
    write(tmp_path / "a.json", [mfcc], names=["a.wav"])
    with pytest.raises(TrainingError, match="differ in rate or hop"):
        read_material([tmp_path / "a.json", corpus_at_48_khz(tmp_path)])


def corpus_at_48_khz(tmp_path):
    from liveseq.corpus.store import Corpus

    path = tmp_path / "my.corpus"
    Corpus.create(path, sample_rate=48_000).close()
    return path
