"""Mel frames to sound, with a graph or without one."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import ModelError
from liveseq.runtime.manifest import Manifest, StateTensor, Tensor, Training, sha256_of
from liveseq.runtime.vocoder import OnnxVocoder, RtisiVocoder

END = MelFrontEnd(sample_rate=24_000, n_fft=1024, hop_length=256, n_mels=64, f_max=12_000.0)
STEP = 4
"""Frames."""


@pytest.fixture
def make(tmp_path):
    """make(<manifest field>=...) -> a vocoder whose sound is its frames' bands, a step late."""

    def write(**changes: object) -> object:
        value = helper.make_tensor_value_info
        shape, n = [STEP, 64], STEP * 64
        nodes = [
            helper.make_node("Identity", ["before"], ["told"]),
            helper.make_node("Identity", ["mel"], ["after"]),
            helper.make_node("Reshape", ["told", "flat"], ["audio"]),
        ]
        graph = helper.make_graph(
            nodes,
            "late",
            [value("mel", TensorProto.FLOAT, shape), value("before", TensorProto.FLOAT, shape)],
            [value("audio", TensorProto.FLOAT, [1, n]), value("after", TensorProto.FLOAT, shape)],
            [helper.make_tensor("flat", TensorProto.INT64, [2], [1, n])],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
        onnx.save(model, tmp_path / "step.onnx")
        fields = {
            "role": "vocoder",
            "family": "late",
            "model": "step.onnx",
            "inputs": (Tensor(name="mel", shape=(STEP, 64), dtype="float32"),),
            "outputs": (Tensor(name="audio", shape=(1, n), dtype="float32"),),
            "states": (StateTensor(input="before", output="after", shape=(STEP, 64), dtype="float32"),),
            "sample_rate": 24_000,
            "hop_length": 64,
            "samples_per_step": n,
            "latency_samples": 2 * n,
            "settings": {"front_end": dict(END.as_dict(), hop_length=64)},
            "training": Training(data="none", licence="MIT", command="none"),
            "files": {"step.onnx": sha256_of(tmp_path / "step.onnx")},
        }
        Manifest(**(fields | changes)).save(tmp_path)
        return tmp_path

    return write


@pytest.mark.parametrize("n_frames", [1, STEP, 11])
def test_steps_are_put_together_and_the_delay_is_taken_off(make, n_frames):
    vocoder = OnnxVocoder(make())
    assert vocoder.look_ahead == STEP * 64
    mel = np.random.default_rng(0).standard_normal((n_frames, 64)).astype(np.float32)
    np.testing.assert_array_equal(vocoder.sound(mel), mel.reshape(-1))


def test_a_vocoder_must_tell_its_frames(make):
    with pytest.raises(ModelError, match="expected front_end, the mel frames that it takes, found none"):
        OnnxVocoder(make(settings={}))
    other = dict(END.as_dict(), hop_length=64, n_mels=80)
    with pytest.raises(ModelError, match=r"expected one input mel \[4, 80\], found \[\(4, 64\)\]"):
        OnnxVocoder(make(settings={"front_end": other}))
    with pytest.raises(ModelError, match="a vocoder needs samples_per_step"):
        make(samples_per_step=None)


@pytest.mark.parametrize("padding", ["causal", "reflect"])
def test_without_a_model_a_click_comes_where_it_was_and_a_tone_as_high(padding):
    end = MelFrontEnd(**(END.as_dict() | {"padding": padding}))
    t = np.arange(24_000) / 24_000
    y = (0.3 * np.sin(2 * np.pi * 440 * t) * (t > 0.5)).astype(np.float32)
    made = RtisiVocoder(end).sound(end.log_mel(y))
    assert len(made) == len(y) // 256 * 256
    loud = np.flatnonzero(np.abs(made) > 0.1)
    assert abs(loud[0] - 12_000) < 512
    spectrum = np.abs(np.fft.rfft(made[14_000:22_000] * np.hanning(8000)))
    assert abs(spectrum.argmax() * 3 - 440) <= 25, "a band is 40 Hz wide there"
