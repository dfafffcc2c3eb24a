"""`liveseq generate --seed-file`: a recording is heard and gone on from, and what cannot be is refused."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, checker, helper, numpy_helper, save

from liveseq.cli import main
from liveseq.dsp.files import load_audio
from liveseq.dsp.saving import save_audio
from liveseq.runtime.folders import GENERATOR
from liveseq.runtime.hearing import HEARING
from liveseq.runtime.manifest import Manifest, sha256_of
from tests.support.tiny_generator import STEP, make_generator
from tests.support.tiny_set import SAMPLE_RATE, make_set


def listening(folder):
    """The phase of its tone becomes that of the last sample that it hears, in radians."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["audio", "last"], ["sample"]),
            helper.make_node("Unsqueeze", ["sample", "axis"], ["phase_next"]),
        ],
        "hearing",
        [value("audio", TensorProto.FLOAT, (STEP,)), value("phase", TensorProto.FLOAT, (1, 1))],
        [value("phase_next", TensorProto.FLOAT, (1, 1))],
        [numpy_helper.from_array(np.array(v, np.int64), n) for n, v in (("last", [STEP - 1]), ("axis", [0]))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    checker.check_model(model)
    save(model, folder / HEARING)
    manifest = Manifest.load(folder)
    manifest.settings["hearing"] = {"graph": HEARING}
    manifest.files[HEARING] = sha256_of(folder / HEARING)
    manifest.save(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("listening")
    make_set(folder)
    listening(make_generator(folder / "ear"))
    listening(make_generator(folder / "later", latency_samples=STEP))
    make_generator(folder / GENERATOR)
    return folder


@pytest.fixture(autouse=True)
def here(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("liveseq.runtime.folders.MODELS", folder)
    monkeypatch.chdir(tmp_path)


def recording(name, seconds, *, level=0.1, hz=200.0):
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    y = (level * np.sin(2 * np.pi * hz * t)).astype(np.float32)
    save_audio(Path(name), np.repeat(y[:, None], 2, axis=1), sample_rate=SAMPLE_RATE)


def generate(out, *more, model="ear"):
    return main(["generate", out, "--tag", "bells", "--model", model, "--seconds", "2", *more])


def test_its_beginning_is_heard_and_the_generator_goes_on_from_it(capsys):
    recording("loop.wav", 3.0)
    assert generate("a.wav", "--seed-file", "loop.wav") == 0
    heard = 3 * SAMPLE_RATE // STEP * STEP
    assert f"2 s of bells (bells 100%) by ear, seed 1, after {heard / SAMPLE_RATE:.1f} s of loop.wav" in (
        capsys.readouterr().out
    )
    y = load_audio(Path("a.wav"), sample_rate=SAMPLE_RATE)
    assert len(y) == heard + 2 * SAMPLE_RATE - round(0.02 * SAMPLE_RATE), "one gives way to the other in 20 ms"
    spectrum = np.abs(np.fft.rfft(y[:SAMPLE_RATE, 0]))
    assert np.argmax(spectrum) == 200, "the recording itself is at the beginning"
    assert float(np.abs(np.diff(y[:, 0])).max()) < 0.2, "and there is no click where it ends"


def test_a_step_of_latency_is_no_hole_behind_a_recording():
    recording("loop.wav", 3.0)
    for model in ("ear", "later"):
        assert generate(f"{model}.wav", "--seed-file", "loop.wav", model=model) == 0
    takes = [load_audio(Path(f"{model}.wav"), sample_rate=SAMPLE_RATE) for model in ("ear", "later")]
    np.testing.assert_array_equal(*takes)


def test_another_recording_is_gone_on_with_in_another_way():
    takes = []
    for name, hz in (("a.wav", 200.0), ("b.wav", 333.0)):
        recording(name, 2.0, hz=hz)
        assert generate(f"of-{name}", "--seed-file", name) == 0
        takes.append(load_audio(Path(f"of-{name}"), sample_rate=SAMPLE_RATE)[-SAMPLE_RATE:])
    assert not np.allclose(*takes, atol=1e-3)


def test_a_long_recording_is_heard_for_ten_seconds(capsys):
    recording("long.wav", 14.0)
    assert generate("a.wav", "--seed-file", "long.wav") == 0
    assert "after 9.9 s of long.wav" in capsys.readouterr().out


def _short():
    recording("short.wav", 0.4)


def _silent_first():
    y = np.zeros((12 * SAMPLE_RATE, 2), np.float32)
    y[-SAMPLE_RATE:] = 0.5
    save_audio(Path("late.wav"), y, sample_rate=SAMPLE_RATE)


def _silent():
    save_audio(Path("silent.wav"), np.zeros((SAMPLE_RATE * 2, 2), np.float32), sample_rate=SAMPLE_RATE)


@pytest.mark.parametrize(
    ("make", "name", "told"),
    [
        (_short, "short.wav", "short.wav: is 0.40 s long; to go on from it takes 1.00 s or more"),
        (_silent_first, "late.wav", "late.wav: is silent for its first 9.9 s, which are heard; cut the silence off"),
        (_silent, "silent.wav", "silent.wav: is silent"),
        (lambda: None, "nowhere.wav", "nowhere.wav: does not exist; check the name"),
        (lambda: Path("words.wav").write_text("not a sound"), "words.wav", "words.wav: "),
        (lambda: None, "song.xyz", "song.xyz: has the unknown suffix"),
    ],
)
def test_a_recording_that_nothing_can_follow_is_refused(make, name, told, capsys):
    make()
    assert generate("a.wav", "--seed-file", name) == 2
    assert told in capsys.readouterr().err
    assert not Path("a.wav").exists()


def test_a_generator_that_does_not_listen_says_so(capsys):
    recording("loop.wav", 2.0)
    assert generate("a.wav", "--seed-file", "loop.wav", model=GENERATOR) == 2
    told = capsys.readouterr().err
    assert f"{GENERATOR} listens to no recording; take one that does (liveseq train recurrent)" in told


def test_a_corpus_is_filled_without_recordings(capsys):
    assert main(["generate", "--into", "x.corpus", "--tag", "bells", "--seed-file", "loop.wav"]) == 2
    assert "--seed-file: is for a file; a corpus takes --into with --tag alone" in capsys.readouterr().err
