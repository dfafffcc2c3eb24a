"""From a word to sound in a corpus: meaning, pieces, loudness, rate, provenance."""

import subprocess
import sys

import numpy as np
import pytest

from liveseq.corpus.level import USUAL_LUFS, corpus_level, normalised
from liveseq.corpus.store import Corpus
from liveseq.corpus.verify import verify
from liveseq.dsp.loudness import integrated_loudness
from liveseq.errors import ModelError, TagError
from liveseq.generation.job import Committer, Job, JobRun
from liveseq.generation.meaning import Vocabulary
from liveseq.generation.models import Models
from liveseq.runtime.text import TextEncoder
from tests.support.tiny_generator import BROKEN, SILENT, make_generator
from tests.support.tiny_set import SAMPLE_RATE, TAGS, make_set


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("making")
    make_set(folder)
    make_generator(folder / "tones")
    make_generator(folder / "odd", odd=True)
    make_generator(folder / "plain", tags=())
    make_generator(folder / "slow", sample_rate=22_050, level=0.01)
    make_generator(folder / "late", latency_samples=10_000)
    return folder


@pytest.fixture(scope="module")
def encoder(folder):
    return TextEncoder(folder / "text-encoder")


@pytest.fixture
def corpus(tmp_path):
    Corpus.create(tmp_path / "c", sample_rate=SAMPLE_RATE).close()
    return tmp_path / "c"


def job(folder, encoder, *, text="drone", seconds=1.0, seed=7):
    meaning = Vocabulary(folder, encoder).meaning(text)
    return Job(
        folder=folder, text=meaning.text, tags=meaning.tags, vector=meaning.vector, seconds=seconds, seed=seed
    )  # fmt: skip


def make(wanted, generator=None):
    run = JobRun(generator or Models().get(wanted.folder), wanted)
    pieces = []
    while not run.done:
        piece = run.step()
        pieces += [] if piece is None else [piece]
    return pieces


def pitch(y, *, sample_rate=SAMPLE_RATE):
    spectrum = np.abs(np.fft.rfft(y[:, 0] * np.hanning(len(y))))
    return np.argmax(spectrum) * sample_rate / len(y)


# Meaning


def test_a_word_is_the_tags_that_it_means_and_their_vector(folder, encoder):
    words = Vocabulary(folder / "tones", encoder)
    drone = words.meaning(" Drone ")
    assert (drone.text, drone.weights, drone.main, drone.tags) == ("drone", {"drone": 1.0}, "", ("drone",))
    np.testing.assert_allclose(drone.vector, encoder.embed(["drone"])[0])
    both = words.meaning("drone bells")
    assert both.weights == {"drone": pytest.approx(0.5), "bells": pytest.approx(0.5)}
    np.testing.assert_allclose(both.vector, encoder.embed(["drone bells"])[0], atol=1e-6)
    assert np.linalg.norm(both.vector) == pytest.approx(1.0)


def test_words_are_blended_by_their_weights(folder, encoder):
    blend = Vocabulary(folder / "tones", encoder).blend({"drone": 3.0, "hum": 1.0})
    assert blend.weights == {"drone": 0.75, "hum": 0.25}
    assert (blend.text, blend.main) == ("drone + hum", "drone")
    assert blend.vector @ encoder.embed(["drone"])[0] == pytest.approx(3 / 10**0.5)


def test_a_word_that_the_generator_does_not_know_is_refused_with_those_it_knows(folder, encoder):
    words = Vocabulary(folder / "tones", encoder)
    with pytest.raises(TagError, match=r"tones does not know 'tuba': it knows: drone, bells, hum$"):
        words.meaning("tuba")
    for text in ("", " ", "x" * 201):
        with pytest.raises(TagError, match="expected 1 to 200 characters"):
            words.meaning(text)


def test_a_generator_without_tags_takes_any_word(folder, encoder):
    meaning = Vocabulary(folder / "plain", encoder).meaning("whatever")
    assert (meaning.tags, meaning.vector.shape) == (("whatever",), (0,))


def test_a_generator_beside_another_text_encoder_plays_without_a_tag_and_that_is_said(
    tmp_path, encoder, monkeypatch, caplog
):
    make_generator(tmp_path / "tones")
    monkeypatch.setattr(encoder, "n_dimensions", 256)
    words = Vocabulary(tmp_path / "tones", encoder)
    assert "a tag is 4 numbers, but the text encoder gives 256, and there is no tags.npz" in caplog.text
    meaning = words.meaning("drone")
    assert meaning.weights == {"drone": 1.0}
    np.testing.assert_array_equal(meaning.vector, np.zeros(4))


# Sound


def test_sound_has_the_length_that_was_asked_for_and_the_pitch_of_its_tag(folder, encoder):
    [piece] = make(job(folder / "tones", encoder, text="bells", seconds=1.37))
    assert piece.shape == (round(1.37 * SAMPLE_RATE), 2)
    assert pitch(piece) == pytest.approx(TAGS["bells"], abs=1.0)


def test_pieces_joined_are_the_sound_at_once(folder, encoder, monkeypatch):
    wanted = job(folder / "tones", encoder, seconds=5.0)
    [whole] = make(wanted)
    monkeypatch.setattr("liveseq.runtime.limits.PIECE_SECONDS", 1.3)
    pieces = make(wanted)
    assert [len(piece) for piece in pieces] == [60_000] * 4
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_the_same_seed_is_the_same_sound_and_another_is_not(folder, encoder):
    models = Models()
    generator = models.get(folder / "tones")
    assert models.get(folder / "tones") is generator
    one, again = (make(job(folder / "tones", encoder), generator)[0] for _ in range(2))
    np.testing.assert_array_equal(one, again)
    [other] = make(job(folder / "tones", encoder, seed=8), generator)
    assert np.abs(other - one).max() > 1e-3


def test_where_a_provider_is_not_there_the_cpu_plays_the_same_and_that_is_told(folder, encoder, caplog):
    generator = Models("cuda").get(folder / "tones")
    if generator.session.provider != "CPUExecutionProvider":
        pytest.skip("there is a GPU here")
    assert "tones runs on CPU: provider cuda is not there; install what it needs" in caplog.text
    one, again = (make(job(folder / "tones", encoder), g)[0] for g in (generator, Models().get(folder / "tones")))
    np.testing.assert_array_equal(one, again)


def test_what_a_model_delays_by_is_left_out(folder, encoder):
    [late] = make(job(folder / "late", encoder))
    [whole] = make(job(folder / "tones", encoder, seconds=2.0))
    np.testing.assert_array_equal(late, whole[10_000 : 10_000 + SAMPLE_RATE])


def test_no_number_is_no_sound(folder, encoder):
    with pytest.raises(ModelError, match=r"step 0 of seed 7 is no sound \(NaN or infinity\)"):
        make(job(folder / "odd", encoder, text=BROKEN))


# Into a corpus


def test_a_piece_is_in_the_corpus_with_where_it_comes_from(folder, encoder, corpus):
    wanted = job(folder / "tones", encoder, seconds=2.0)
    generator = Models().get(folder / "tones")
    added = Committer(corpus).commit(make(wanted, generator)[0], wanted, generator)
    made = added.provenance
    assert (added.name, added.tags, added.n_units) == ("drone tones 7", ("drone",), 11)
    assert (made.kind, made.model, made.seed) == ("generator", "tones", 7)
    assert made.model_sha256 == generator.manifest.files["model.onnx"]
    assert verify(corpus) == []


def test_what_is_made_comes_at_the_corpus_s_rate_and_loudness(folder, encoder, tmp_path):
    corpus = make_set(tmp_path)
    with Corpus.open(corpus) as opened:
        level = corpus_level(opened)
        levels = [integrated_loudness(np.asarray(opened.audio(number)), sample_rate=48_000) for number in (1, 2, 3)]
        assert level == pytest.approx(np.median(levels), abs=0.3)
    wanted = job(folder / "slow", encoder, seconds=3.0)
    generator = Models().get(folder / "slow")
    added = Committer(corpus).commit(make(wanted, generator)[0], wanted, generator)
    with Corpus.open(corpus) as opened:
        y = np.asarray(opened.audio(added.id))
        assert corpus_level(opened) == pytest.approx(level)  # what was generated does not move it
    assert len(y) == 3 * SAMPLE_RATE
    assert pitch(y) == pytest.approx(TAGS["drone"], abs=1.0)
    assert integrated_loudness(y, sample_rate=SAMPLE_RATE) == pytest.approx(level, abs=0.2)


def test_an_empty_corpus_gets_the_usual_loudness_and_nothing_is_raised_beyond_its_peak(corpus, rng):
    with Corpus.open(corpus) as opened:
        assert corpus_level(opened) == USUAL_LUFS
    y = np.zeros((SAMPLE_RATE, 2), np.float32)
    y[::4800] = 0.5  # soft for its peaks
    assert np.abs(normalised(y, 0.0, sample_rate=SAMPLE_RATE)).max() == pytest.approx(10 ** (-1 / 20))
    hiss = (1e-4 * rng.standard_normal((SAMPLE_RATE, 2))).astype(np.float32)
    gain = np.abs(normalised(hiss, -10.0, sample_rate=SAMPLE_RATE)).max() / np.abs(hiss).max()
    assert 20 * np.log10(gain) == pytest.approx(30.0, abs=0.01)


def test_silence_is_not_added(folder, encoder, corpus):
    wanted = job(folder / "odd", encoder, text=SILENT)
    generator = Models().get(folder / "odd")
    with pytest.raises(ModelError, match=r"odd makes nothing but silence of 'bells', seed 7; not added"):
        Committer(corpus).commit(make(wanted, generator)[0], wanted, generator)
    with Corpus.open(corpus) as opened:
        assert opened.sources() == []


def test_generating_needs_no_search_library_and_none_to_train(folder, corpus):
    code = """
import sys
import liveseq.generation.work, liveseq.generation.process
sys.exit(bool({"librosa", "torch", "faiss", "tokenizers"} & set(sys.modules)))
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_idle_process_has_no_model_runtime():
    code = "import sys, liveseq.generation.process; sys.exit('onnxruntime' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
