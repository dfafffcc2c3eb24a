"""A step of sound, exported: equal to torch, equal to one piece, timed; refused where it is not what it says."""

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import yaml
from torch import Tensor, nn

from liveseq.errors import ModelError
from liveseq.runtime import session
from liveseq.runtime.generator import OnnxGenerator
from liveseq.runtime.manifest import Manifest, sha256_of
from liveseq.train import report as reports
from liveseq.train.graph import OPSET, write_step
from liveseq.train.sound import export
from liveseq.train.sound.streaming import Tape
from tests.train.sound.tiny_graphs import CONFIG, END, HOP, N_FRAMES, Tiny, TinyVocoder


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(reports, "BENCHMARK_RUNS", 100)
    monkeypatch.setattr(reports, "BENCHMARK_ROUNDS", 2)


def rewrite(folder: Path, **changes: object) -> None:
    manifest = yaml.safe_load((folder / "model.yaml").read_text())
    manifest |= {"files": {"step.onnx": sha256_of(folder / "step.onnx")}} | changes
    (folder / "model.yaml").write_text(yaml.safe_dump(manifest))


def test_a_thousand_steps_equal_torch_and_one_piece_and_hold_the_deadline(exported):
    folder, report = exported
    assert report.parity is not None
    assert report.whole is not None
    assert report.parity <= 1e-5
    assert report.whole <= reports.WHOLE_BOUND
    assert report.deadline_ms == pytest.approx(0.6 * 1e3 * N_FRAMES * HOP / 48_000, abs=0.06)
    assert report.failures == []
    manifest = Manifest.load(folder, role="generator")
    assert [str(t) for t in manifest.graph_inputs()] == [
        "z float32[4, 16]",
        "tag float32[6]",
        f"memory float32[{8 + 8 * 4}]",
        "birth float32[3]",
    ]
    assert [state.start for state in manifest.states] == ["zeros", "normal"]
    assert manifest.settings == {"width": 8}
    assert 0 < manifest.metrics["parity_rms"] < manifest.metrics["parity_max_abs"] <= 1e-5
    assert manifest.metrics["whole_max_abs"] == pytest.approx(report.whole, rel=0.01)
    model = onnx.load(folder / "step.onnx")
    onnx.checker.check_model(model)
    assert model.opset_import[0].version == OPSET
    assert not any(node.metadata_props for node in model.graph.node), "they name folders of this machine"


def test_a_server_plays_it_and_a_seed_repeats(exported):
    generator = OnnxGenerator(exported[0])
    tag = np.ones(6, dtype=np.float32)

    def play(seed: int) -> np.ndarray:
        states, pieces = generator.start(seed), []
        for number in range(4):
            audio, states = generator.step(number, seed=seed, tag=tag, states=states)
            pieces.append(audio)
        return np.concatenate(pieces)

    np.testing.assert_array_equal(play(3), play(3))
    assert np.abs(play(3) - play(4)).max() > 0.01


def test_a_mel_makes_it_a_vocoder_that_tells_its_front_end_and_latency(tmp_path):
    report = export.export_graph(TinyVocoder(), tmp_path, CONFIG | {"tags": []})
    manifest = Manifest.load(tmp_path, role="vocoder")
    assert report.whole is None
    assert "whole_max_abs" not in manifest.metrics
    assert manifest.settings == {"front_end": END.as_dict()}
    assert manifest.hop_length == HOP
    assert manifest.latency_samples == N_FRAMES * HOP + 7


class Forgetful(Tiny):
    """One state of a stream is lost from step to step."""

    def step(self, tape: Tape | None, birth: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        audio, after = super().step(tape, birth, *inputs)
        if tape is not None:
            tape._left[0] = tape._left[0] * 0.0
        return audio, after


def test_another_network_fails_parity_and_a_forgetful_one_the_whole(exported):
    folder, _ = exported
    manifest, opened = export._open(folder, provider="cpu", allow_cpu=False)
    other = Tiny().eval()
    with torch.no_grad():
        other.conv.bias += 0.01
    found = export.parity(other, manifest, opened, n_steps=10)
    assert found.worst > reports.SOUND_WORST
    assert found.rms > reports.SOUND_RMS
    assert export.parity(Forgetful().eval(), manifest, opened, n_steps=10).worst > reports.SOUND_WORST
    difference = export.difference_from_whole(Forgetful().eval())
    assert difference is not None
    assert difference > reports.WHOLE_BOUND


@pytest.mark.parametrize(("off", "passes"), [(2e-4, True), (9e-4, True), (2e-3, False)])
def test_one_loud_stream_is_not_held_against_the_seams_but_one_that_clicks_is(off, passes):
    class Loud(Tiny):
        """Off where it was born loud, as float32 is now and then: one stream of five."""

        def whole(self, birth: Tensor, *inputs: Tensor) -> Tensor:
            return super().whole(birth, *inputs) + off * (birth == births[3]).all()

    births = [torch.randn(3, generator=torch.Generator().manual_seed(seed)) for seed in range(export.WHOLE_STREAMS)]
    found = export.difference_from_whole(Loud().eval())
    assert found is not None
    assert (found <= reports.WHOLE_BOUND) == passes
    assert export._seams(Loud().eval(), n_steps=2, seed=3) == pytest.approx(off, rel=0.01)


@pytest.mark.parametrize("name", ["vocoder", "unagan", "musika"])
def test_shipped_models_are_within_the_bounds(name):
    metrics = Manifest.load(Path(__file__).resolve().parents[3] / "models" / name).metrics
    assert metrics["parity_max_abs"] <= reports.SOUND_WORST
    assert metrics["parity_rms"] <= reports.SOUND_RMS
    assert metrics.get("whole_max_abs", 0.0) <= reports.WHOLE_BOUND


def test_what_torch_cannot_export_is_one_sentence(tmp_path):
    class Unexportable(TinyVocoder):
        def step(self, tape: Tape, birth: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
            audio, birth = super().step(tape, birth, *inputs)
            return (audio if float(inputs[0].sum()) > 0 else -audio), birth

    with pytest.raises(ModelError, match="cannot be exported"):
        export.export_graph(Unexportable(), tmp_path, CONFIG)


def test_a_config_without_training_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"config\.yaml: not the config of a trained model: 'training'"):
        export.export_graph(Tiny(), tmp_path, {"family": "tiny"})


def test_a_model_that_came_without_a_checkpoint_is_checked_and_timed(folder):
    report = export.check_sound(folder)
    assert (report.parity, report.whole, report.role) == (None, None, "generator")
    assert report.p99_ms > 0
    table = reports.format_reports([report])
    assert table.splitlines()[-1].startswith("tiny ")
    assert table.endswith(" (no checkpoint: not compared with torch)")


def test_how_far_from_torch_sound_may_be(exported):
    heard = dataclasses.replace(exported[1], p99_ms=0.0, real_time_factor=0.1, parity=9e-4, parity_rms=3e-5, whole=9e-6)
    assert heard.verdict == "ok"  # -60 dBFS now and then, -90 on average, -100 where steps meet
    for wrong, told in (
        ({"parity": 1.1e-3}, "differs from torch by 1.1e-03 > 1e-03"),
        ({"parity_rms": 3.3e-5}, "differs from torch by 3.3e-05 RMS > 3.2e-05"),
        ({"parity": float("inf"), "parity_rms": 0.0}, "differs from torch by inf > 1e-03"),
        ({"whole": 1.1e-5}, "steps differ from one piece by 1.1e-05 > 1e-05"),
        ({"role": "predictor", "parity_rms": None}, "differs from torch by 9.0e-04 > 1e-04"),
    ):
        assert dataclasses.replace(heard, **wrong).verdict == told


@pytest.mark.parametrize(("weight", "told"), [(0.0, "expected sound, found silence"), (float("nan"), "makes NaN")])
def test_silence_and_nan_are_refused(tmp_path, weight, told):
    graph = TinyVocoder()
    nn.init.constant_(graph.conv.weight, weight)
    nn.init.zeros_(graph.conv.bias)
    write_step(graph, tmp_path / "step.onnx")
    export._manifest(graph, tmp_path, CONFIG | {"tags": []}, {}).save(tmp_path)
    with pytest.raises(ModelError, match=told):
        export.check_sound(tmp_path)


def test_a_missing_state_tensor_is_named(folder):
    manifest = yaml.safe_load((folder / "model.yaml").read_text())
    rewrite(folder, states=manifest["states"][:1])
    with pytest.raises(ModelError, match=r"step\.onnx: expected no inputs but z, tag, memory, found birth; export it"):
        export.check_sound(folder)
    more = {"input": "h", "output": "h_next", "shape": [8], "dtype": "float32"}
    rewrite(folder, states=[*manifest["states"], more])
    with pytest.raises(ModelError, match=r"expected input h float32\[8\], found only z, tag, memory, birth"):
        export.check_sound(folder)


def test_a_graph_that_gives_no_state_back_is_named(folder):
    model = onnx.load(folder / "step.onnx")
    del model.graph.output[1:]
    onnx.save(model, folder / "step.onnx")
    rewrite(folder)
    expected = (
        r"step\.onnx: expected output memory_next float32\[40\], found only audio; export it again, or correct its"
    )
    with pytest.raises(ModelError, match=expected):
        export.check_sound(folder)


def test_a_changed_file_is_refused_by_its_hash(folder):
    with (folder / "step.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelError, match=r"step\.onnx: expected SHA-256 .* found"):
        export.check_sound(folder)


def test_an_opset_of_the_future_is_refused_with_what_to_do(folder):
    model = onnx.load(folder / "step.onnx")
    model.opset_import[0].version = 99
    onnx.save(model, folder / "step.onnx")
    rewrite(folder)
    with pytest.raises(
        ModelError, match=r"opset 99, .* export it again with opset \d+ or below, or update onnxruntime"
    ):
        export.check_sound(folder)


def test_a_provider_that_is_not_there_is_no_silent_cpu(folder):
    with pytest.raises(ModelError, match="expected CUDAExecutionProvider, found CPUExecutionProvider; install"):
        session.open_session(folder / "step.onnx", provider="cuda")
    assert export.check_sound(folder, provider="cuda", allow_cpu=True).provider == "CPUExecutionProvider"


def test_engines_of_other_weights_are_not_found(folder):
    before = session._engine_cache(folder / "step.onnx")
    (folder / "step.onnx").write_bytes(b"other weights")
    after = session._engine_cache(folder / "step.onnx")
    assert before.keys() == after.keys()
    assert Path(before["trt_engine_cache_path"]).parent == folder / session.ENGINES
    assert before["trt_engine_cache_path"] != after["trt_engine_cache_path"]


def test_the_prebuild_checks_it_and_says_what_it_refuses(folder, capsys):
    spec = importlib.util.spec_from_file_location("export_onnx", Path(__file__).resolve().parents[3] / "export_onnx.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.main([str(folder)]) in (0, 1)  # 1: the machine is busy just now
    assert "tiny" in capsys.readouterr().out
    rewrite(folder, states=[])
    assert script.main([str(folder)]) == 2
    assert "expected no inputs but z, tag, found" in capsys.readouterr().err
