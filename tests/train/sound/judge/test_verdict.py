"""A judge tells the same sound from another, and a label from a wrong one."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

from liveseq.dsp.mel import PRESETS
from liveseq.runtime.generator import Stream
from liveseq.runtime.latent import START
from liveseq.train.sound.judge import anchors
from liveseq.train.sound.judge.gate import EarGate
from liveseq.train.sound.judge.hearing import Heard
from liveseq.train.sound.judge.takes import common, generated_takes, real_takes
from liveseq.train.sound.judge.verdict import Judge

FRONT_END = PRESETS["music48"]
RATE = FRONT_END.sample_rate
TAGS = ("low", "high", "hiss")


@dataclass
class Take:
    tag: str
    audio: np.ndarray


def sound(tag: str, *, seed: int, seconds: float = 8.0) -> np.ndarray:
    """A wandering tone, or noise, whose level wanders too."""
    rng = np.random.default_rng(seed)
    n = int(seconds * RATE)
    level = 0.1 + 0.1 * np.interp(np.arange(n), np.arange(0, n, RATE // 4), rng.random(-(-n // (RATE // 4))))
    if tag == "hiss":
        y = 0.3 * rng.standard_normal(n)
    else:
        pitch = {"low": 200.0, "high": 1500.0}[tag] * (1.0 + 0.1 * rng.standard_normal())
        y = np.sin(2 * np.pi * pitch * np.arange(n) / RATE) + 0.01 * rng.standard_normal(n)
    return np.repeat((level * y).astype(np.float32)[:, None], 2, axis=1)


def takes(seed: int) -> dict[str, np.ndarray]:
    return {tag: np.concatenate([sound(tag, seed=100 * seed + 10 * i + j, seconds=4.0) for j in range(3)])
            for i, tag in enumerate(TAGS)}  # fmt: skip


@pytest.fixture(scope="module")
def judge():
    return Judge(takes(1), takes(2), front_end=FRONT_END)


def test_the_same_kind_of_sound_passes(judge):
    found = judge.judge(takes(3))
    assert found["accuracy"] > 0.9
    assert found["accuracy_by_tag"].keys() == set(TAGS)
    assert judge.passes({**found, "ratio": dict.fromkeys(found["ratio"], 1.0)}) == []


def test_a_verdict_has_the_ears_part_where_they_have_heard(judge, monkeypatch):
    real = Heard(clear=0.9, onsets=2.0, onset_range=(1.5, 2.5), tags={"piano": 0.5}, steady=0.0, bpm=None)
    monkeypatch.setattr(judge, "_gate", EarGate({"low": real, "high": real}))
    found = judge.judge(takes(3))
    heard = {"low": dataclasses.replace(real, clear=0.2), "high": real}
    assert judge.passes(found, heard)[-2:] == ["by ear 1 of 2 tonal tags", "notes missed: low"]
    assert judge.passes(found, {"low": real, "high": real}) == judge.passes(found)
    assert "notes 0.22" in judge.weak(found, heard)["low"]
    assert "notes 0.22" not in judge.weak(found).get("low", [])


def test_noise_is_far_and_has_no_label(judge):
    noise = judge.judge(anchors.white_noise(takes(2)))
    assert all(noise["distance"][space]["mmd"] > judge.floor[space]["mmd"] for space in noise["distance"])
    assert noise["accuracy"] < 0.5
    assert any("tag accuracy" in why for why in judge.passes(noise))


def test_shuffled_sound_has_the_right_seconds_under_no_label(judge):
    found = judge.judge(anchors.shuffled(takes(1), sample_rate=RATE))
    assert found["accuracy"] < 0.7


def test_the_training_set_itself_is_found_to_be_copied(judge):
    assert judge.judge(takes(1))["copied"] == 1.0


def test_griffin_lim_gives_the_mel_back():
    y = sound("low", seed=5, seconds=1.0)[:, 0]
    again = anchors.invert(FRONT_END.log_mel(y), front_end=FRONT_END)
    assert np.abs(np.std(again) / np.std(y) - 1.0) < 0.3


def test_real_takes_share_the_time_and_repeat_nothing():
    parts = [Take("a", np.full((n, 2), value, dtype=np.float32)) for n, value in ((100, 1), (1000, 2), (1000, 3))]
    found = real_takes(parts, seconds=0.9, sample_rate=1000)["a"]
    assert len(found) == 900
    assert [(np.round(found[:, 0]) == value).sum() > 0 for value in (1, 2, 3)] == [True] * 3
    assert common({"a": found}, {"a": found[:10]}, shortest=100) == []
    assert common({"a": found}, {"a": found}, shortest=100) == ["a"]


def test_generated_takes_are_as_long_as_asked():
    class Tone:
        sample_rate, samples_per_step, tags = RATE, 100, ("a",)

        def start(self, seed):
            return ()

        def step(self, number, *, seed, tag, states, tempo=0.0, place=START):
            return np.full((100, 2), 0.01 * number, dtype=np.float32), states

    made = generated_takes(Tone(), {}, {"a": 250, "b": 50}, seed=1)
    assert [len(take) for take in made.values()] == [250, 50]
    assert Stream(Tone(), seed=0).next(None)[0, 0] == 0.0
    assert made["a"][-1, 0] == pytest.approx(0.02)
    later = generated_takes(Tone(), {}, {"a": 250}, seed=1, late=120)["a"]
    assert len(later) == 250
    assert (later[0, 0], later[-1, 0]) == (pytest.approx(0.01), pytest.approx(0.03))
