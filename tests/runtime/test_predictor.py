"""Loading, stepping and sampling a predictor, with a graph made by the tests."""

from pathlib import Path

import numpy as np
import pytest

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.errors import ModelError, ModelSignatureError
from liveseq.runtime.manifest import Manifest, StateTensor, Tensor, Training
from liveseq.runtime.predictor import Condition, Mixture, OnnxPredictor, _check_role, load_predictor, sample
from liveseq.runtime.session import PROVIDERS, open_session

TWO = Mixture(
    logits=np.log(np.array([0.8, 0.2], dtype=np.float32)),
    means=np.array([[[0.0, 10.0], [100.0, -10.0]], [[1.0, 11.0], [101.0, -9.0]]], dtype=np.float32),
    scales=np.array([[[1.0, 2.0], [0.5, 0.5]], [[2.0, 2.0], [0.5, 0.5]]], dtype=np.float32),
)
"""Two courses of two steps of two features."""
NOTHING = Condition(tag=np.zeros(0, dtype=np.float32), phase=np.zeros(3, dtype=np.float32))


def draw(mixture, *, n, temperature, seed=1):
    rng = np.random.default_rng(seed)
    return np.stack([sample(mixture, rng, temperature) for _ in range(n)])


def test_samples_have_the_weights_means_and_scales_of_the_mixture():
    drawn = draw(TWO, n=20_000, temperature=1.0)  # (n, F, D)
    first = drawn[drawn[:, 0, 0] < 50.0]
    assert len(first) / len(drawn) == pytest.approx(0.8, abs=0.01)
    np.testing.assert_allclose(first.mean(axis=0), [[0.0, 10.0], [1.0, 11.0]], atol=0.06)
    np.testing.assert_allclose(first.std(axis=0), [[1.0, 2.0], [2.0, 2.0]], rtol=0.03)
    np.testing.assert_allclose(TWO.mean(), [[20.0, 6.0], [21.0, 7.0]], rtol=1e-5)


def test_a_course_is_drawn_as_a_whole():
    drawn = draw(TWO, n=2000, temperature=1.0)
    np.testing.assert_array_equal(drawn[:, 0, 0] > 50.0, drawn[:, 1, 0] > 50.0)


def test_temperature_zero_is_the_likeliest_course_and_draws_nothing():
    rng = np.random.default_rng(1)
    before = rng.bit_generator.state
    np.testing.assert_array_equal(sample(TWO, rng, 0.0), [[0.0, 10.0], [1.0, 11.0]])
    assert rng.bit_generator.state == before


def test_temperature_sharpens_the_weights_and_scales_the_variance():
    drawn = draw(TWO, n=20_000, temperature=0.5)
    first = drawn[drawn[:, 0, 0] < 50.0]
    assert len(first) / len(drawn) == pytest.approx(0.8**2 / (0.8**2 + 0.2**2), abs=0.01)
    np.testing.assert_allclose(first[:, 0].std(axis=0), np.sqrt(0.5) * np.array([1.0, 2.0]), rtol=0.03)


def test_a_basis_makes_features_move_together():
    together = np.array([[0.6, 0.8], [-0.8, 0.6]], dtype=np.float32)
    mixture = Mixture(
        logits=np.zeros(1, dtype=np.float32),
        means=np.zeros((1, 1, 2), dtype=np.float32),
        scales=np.array([[[3.0, 0.5]]], dtype=np.float32),
        basis=together,
    )
    found = np.cov(draw(mixture, n=20_000, temperature=1.0)[:, 0].T)
    np.testing.assert_allclose(found, together.T @ np.diag([9.0, 0.25]) @ together, atol=0.15)


def test_the_same_seed_gives_the_same_samples():
    np.testing.assert_array_equal(draw(TWO, n=50, temperature=1.0), draw(TWO, n=50, temperature=1.0))
    assert draw(TWO, n=1, temperature=1.0).dtype == np.float32


def test_far_apart_weights_give_no_nan():
    mixture = Mixture(np.array([5000.0, -5000.0], dtype=np.float32), TWO.means, TWO.scales)
    assert np.isfinite(draw(mixture, n=10, temperature=0.01)).all()


def test_steps_carry_the_state_and_leave_the_old_one_alone(make_model):
    predictor = load_predictor(make_model(), sample_rate=48_000, hop_length=1024)
    assert predictor.feature_names == FEATURE_NAMES
    assert predictor.samples_per_step == 8192
    assert (predictor.n_steps, predictor.tag_size) == (2, None)
    features = np.arange(34, dtype=np.float32)
    first, state = predictor.step(features, predictor.start(), NOTHING)
    np.testing.assert_array_equal(first.means[:, 0], [features, 2 * features])
    assert first.basis is None
    second, after = predictor.step(features, state, NOTHING)
    np.testing.assert_array_equal(second.means[0, 0], features + 1.0)
    again, _ = predictor.step(features, state, NOTHING)  # branching from a kept state
    np.testing.assert_array_equal(again.means, second.means)
    assert [s.tolist() for s in (predictor.start()[0], state[0], after[0])] == [[0.0], [1.0], [2.0]]


def test_a_model_that_takes_tag_and_beat_is_told_them(conditioned_model):
    predictor = load_predictor(conditioned_model, sample_rate=48_000, hop_length=1024)
    assert (predictor.n_steps, predictor.tag_size) == (1, 4)
    features = np.arange(34, dtype=np.float32)
    condition = Condition(tag=np.array([1, 0, 2, 0], dtype=np.float32), phase=np.array([0, 1, 1], dtype=np.float32))
    mixture, state = predictor.step(features, predictor.start(), condition)
    np.testing.assert_array_equal(mixture.means[0, 0], features + 5.0)
    np.testing.assert_array_equal(mixture.basis, np.eye(34)[::-1])
    assert state == ()


def test_without_a_tag_it_is_told_zeros(conditioned_model):
    predictor = load_predictor(conditioned_model, sample_rate=48_000, hop_length=1024)
    assert predictor.tag_vectors({"drone": np.ones(4, dtype=np.float32)}) == {}, "nobody knows what they mean to it"
    features = np.arange(34, dtype=np.float32)
    mixture, _ = predictor.step(features, (), Condition(tag=None, phase=np.zeros(3, dtype=np.float32)))
    np.testing.assert_array_equal(mixture.means[0, 0], features)


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ({"features": (34,), "tempo": (1,)}, "tempo"),
        ({"features": (34,), "phase": (2,)}, r"phase float32\[2\]"),
        ({"features": (34,), "phase": (3,), "tag": (4,)}, "phase float32.*, tag"),
        ({"features": (1, 34)}, r"features float32\[1, 34\]"),
    ],
)
def test_other_conditions_are_refused(inputs, found):
    with pytest.raises(ModelSignatureError, match=rf"expected inputs features float32\[34\], .* found .*{found}"):
        _check_role(manifest_with(inputs=inputs), Path("step.onnx"))


@pytest.mark.parametrize(
    "outputs",
    [
        {"logits": (8,), "means": (8, 34), "scales": (8, 34)},
        {"logits": (8,), "means": (1, 8, 34)},
        {"logits": (4,), "means": (1, 8, 34), "scales": (1, 8, 34)},
        {"logits": (8,), "means": (1, 8, 34), "scales": (1, 8, 34), "basis": (34, 33)},
        {"logits": (8,), "means": (1, 8, 34), "scales": (1, 8, 34), "mood": (2,)},
    ],
)
def test_other_outputs_are_refused(outputs):
    with pytest.raises(ModelSignatureError, match=r"expected outputs logits \[K\], means \[F, K, 34\]"):
        _check_role(manifest_with(outputs=outputs), Path("step.onnx"))


def manifest_with(*, inputs=None, outputs=None) -> Manifest:
    mixture = {"logits": (8,), "means": (1, 8, 34), "scales": (1, 8, 34)}
    return Manifest(
        role="predictor",
        family="tiny",
        model="step.onnx",
        inputs=tuple(Tensor(name=n, shape=s, dtype="float32") for n, s in (inputs or {"features": (34,)}).items()),
        outputs=tuple(Tensor(name=n, shape=s, dtype="float32") for n, s in (outputs or mixture).items()),
        features=FEATURE_NAMES,
        training=Training(data="none", licence="MIT", command="none"),
        files={},
    )


def test_other_features_rate_or_hop_are_refused_by_name(make_model):
    folder = make_model()
    with pytest.raises(ModelError, match=r"corpus has 44100; convert that \(.* --sample-rate 48000\)"):
        load_predictor(folder, sample_rate=44_100, hop_length=1024)
    with pytest.raises(ModelError, match="hop_length is 1024, but the corpus has 512; train a predictor"):
        load_predictor(folder, sample_rate=48_000, hop_length=512)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ((*FEATURE_NAMES[:-1], "sparkle_std"), "lacks features .*_std and has unknown features sparkle_std"),
        ((FEATURE_NAMES[1], FEATURE_NAMES[0], *FEATURE_NAMES[2:]), "feature 0 is mfcc1_mean, expected mfcc0_mean"),
        (FEATURE_NAMES[:-1], "lacks features"),
    ],
)
def test_other_features_are_named(make_model, features, message):
    folder = make_model(features=features)
    with pytest.raises(ModelError, match=message):
        load_predictor(folder, sample_rate=48_000, hop_length=1024)


def test_a_graph_that_does_not_fit_its_manifest_is_refused(make_model):
    folder = make_model(n_features=33)
    with pytest.raises(ModelSignatureError, match=r"input features float32\[34\], found features float32\[33\]"):
        OnnxPredictor(folder)


def test_a_state_that_the_graph_lacks_is_refused(make_model):
    states = (StateTensor(input="h", output="h_next", shape=(1,), dtype="float32"),)
    with pytest.raises(ModelSignatureError, match=r"input h float32\[1\], found only features, count"):
        OnnxPredictor(make_model(states=states))


def test_an_input_that_the_manifest_hides_is_refused(make_model):
    with pytest.raises(ModelSignatureError, match="expected no inputs but features, found count"):
        OnnxPredictor(make_model(states=()))


def test_a_file_that_is_no_graph_is_one_line(tmp_path):
    path = tmp_path / "step.onnx"
    path.write_text("hello")
    with pytest.raises(ModelError, match=r"step\.onnx: cannot be loaded") as caught:
        open_session(path)
    assert "\n" not in str(caught.value)


def test_features_of_a_wrong_shape_are_one_line(make_model):
    predictor = OnnxPredictor(make_model())
    with pytest.raises(ModelError, match=r"step\.onnx: .*features"):
        predictor.step(np.zeros(33, dtype=np.float32), predictor.start(), NOTHING)


@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_a_provider_that_does_not_run_is_no_silent_fall_to_the_cpu(make_model, capfd, provider):
    path = make_model() / "step.onnx"
    fallen = open_session(path, provider=provider, allow_cpu=True)
    if fallen.provider != "CPUExecutionProvider":
        pytest.skip(f"{fallen.provider} runs here, so nothing falls back")
    with pytest.raises(
        ModelError, match=f"expected {PROVIDERS[provider]}, found CPUExecutionProvider; install .*, or allow"
    ):
        open_session(path, provider=provider)
    said = capfd.readouterr()
    assert said.out + said.err == "", "it is said once, by us, in one line"


def test_an_unknown_provider_is_named(make_model):
    with pytest.raises(ModelError, match="provider must be one of cpu, cuda, tensorrt, found 'gpu'"):
        open_session(make_model() / "step.onnx", provider="gpu")
