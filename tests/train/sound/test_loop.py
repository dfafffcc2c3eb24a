"""Training sound models: it can be killed at any moment, runs on several processes, and its mistakes cost nothing."""

import contextlib
import dataclasses
import errno
import itertools
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from liveseq.errors import TrainingError
from liveseq.train import checkpoint
from liveseq.train.sound import loop
from liveseq.train.sound.loop import TrainingStoppedError
from tests.support.waiting import wait_for
from tests.train.sound import processes
from tests.train.sound.tiny import CONFIG, Tiny, run


def state(out: Path) -> dict[str, torch.Tensor]:
    return checkpoint.load_tensors(out / checkpoint.RESUME)[0]


def assert_same(a: Path, b: Path) -> None:
    for name in (checkpoint.RESUME, checkpoint.CHECKPOINT):
        one, two = (checkpoint.load_tensors(out / name)[0] for out in (a, b))
        assert one.keys() == two.keys()
        for key, tensor in one.items():
            torch.testing.assert_close(tensor, two[key], rtol=0, atol=0, msg=key)


def test_it_learns_and_keeps_what_is_best(tmp_path):
    out = tmp_path / "model"
    metrics = run(out, config=dataclasses.replace(CONFIG, steps=200, save_every=20))
    first = run(tmp_path / "other", config=dataclasses.replace(CONFIG, steps=1))
    assert metrics["score"] < 0.5 * first["score"]
    kept, about = checkpoint.load_tensors(out / checkpoint.CHECKPOINT)
    assert sorted(kept) == ["generator.bias", "generator.weight"]
    assert about["number"] == metrics["batch"]
    assert about["score"] == pytest.approx(metrics["score"], abs=1e-6)
    assert checkpoint.load_yaml(out / checkpoint.METRICS) == metrics
    assert checkpoint.load_yaml(out / checkpoint.CONFIG)["train"]["steps"] == 200
    assert not list(out.glob(".*"))


def test_losses_may_come_and_go_within_what_is_averaged(tmp_path):
    class Staged(Tiny):
        def train_step(self, fabric, batch, number):
            losses = super().train_step(fabric, batch, number)
            early = losses | {"first": 1.0}
            return early if number < 5 else losses | {"second": 3.0 + number % 2}

    out = tmp_path / "staged"
    run(out, recipe=Staged(), config=dataclasses.replace(CONFIG, steps=10, save_every=10))
    curves = EventAccumulator(str(out / "tensorboard"))
    curves.Reload()
    told = {tag.split("/")[-1]: curves.Scalars(tag)[-1].value for tag in curves.Tags()["scalars"]}
    assert told["first"] == pytest.approx(1.0)
    assert told["second"] == pytest.approx(3.6)


def test_the_average_is_what_is_kept_and_the_weights_go_on(tmp_path):
    out, config = tmp_path / "model", dataclasses.replace(CONFIG, steps=4)
    run(out, config=config)
    tensors, kept = state(out), checkpoint.load_tensors(out / checkpoint.CHECKPOINT)[0]
    torch.testing.assert_close(kept["generator.weight"], tensors["average.generator.weight"], rtol=0, atol=0)
    assert not torch.equal(kept["generator.weight"], tensors["recipe.generator.weight"])


def test_stopped_and_resumed_is_the_same_as_never_stopped(tmp_path):
    run(tmp_path / "whole")
    run(tmp_path / "parts", config=dataclasses.replace(CONFIG, steps=8))
    recipe = Tiny()
    run(tmp_path / "parts", resume=True, recipe=recipe)
    assert_same(tmp_path / "whole", tmp_path / "parts")
    assert [number for number, _, _ in recipe.seen] == [8, 9, 10, 11]
    assert [progress for _, _, progress in recipe.seen] == [8 / 12, 9 / 12, 10 / 12, 11 / 12]


def test_killed_and_resumed_is_the_same_as_never_killed(tmp_path):
    out = tmp_path / "killed"
    process = processes.start(processes.endless, out)
    try:
        wait_for(lambda: (out / checkpoint.RESUME).exists() or not process.is_alive(), seconds=240.0, what="a save")
        assert process.is_alive(), "it ended before it was killed"
    finally:
        process.kill()
        process.join()
    number = checkpoint.load_tensors(out / checkpoint.RESUME)[1]["number"]
    config = dataclasses.replace(CONFIG, steps=number + 10, save_every=5)
    run(out, config=config, resume=True)
    run(tmp_path / "whole", config=config)
    assert_same(out, tmp_path / "whole")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_ends_after_the_batch_with_its_state(tmp_path, how):
    class Stopped(Tiny):
        def train_step(self, fabric, batch, number):
            if number == 6:
                signal.raise_signal(how)
            return super().train_step(fabric, batch, number)

    out, handler = tmp_path / "stopped", signal.getsignal(how)
    with pytest.raises(TrainingStoppedError, match="stopped at batch 7; go on with --resume"):
        run(out, recipe=Stopped())
    assert not (out / checkpoint.METRICS).exists(), "those are of a training that is over"
    assert signal.getsignal(how) is handler
    assert checkpoint.load_tensors(out / checkpoint.RESUME)[1]["number"] == 7
    run(out, resume=True)
    run(tmp_path / "whole")
    assert_same(out, tmp_path / "whole")


@pytest.mark.parametrize(("number", "times"), [(2, 0), (6, 1), (None, 1)])
def test_what_is_learned_last_is_learned_where_it_is_stopped_too_once_there_is_something(tmp_path, number, times):
    class Stopped(Tiny):
        def train_step(self, fabric, batch, at):
            if at == number:
                signal.raise_signal(signal.SIGINT)
            return super().train_step(fabric, batch, at)

    found = []

    def finish():
        found.append(checkpoint.load_tensors(tmp_path / checkpoint.CHECKPOINT))
        assert not (tmp_path / checkpoint.METRICS).exists(), "it is not over yet"

    with contextlib.nullcontext() if number is None else pytest.raises(TrainingStoppedError):
        run(tmp_path, recipe=Stopped(), finish=finish)
    assert len(found) == times


def test_the_state_is_saved_between_scores_too_where_they_are_far_apart(tmp_path, monkeypatch):
    class Killed(Tiny):
        def train_step(self, fabric, batch, number):
            if number == 6:
                raise KeyboardInterrupt
            return super().train_step(fabric, batch, number)

    monkeypatch.setattr(loop, "_SAFE_SECONDS", -1.0)
    out, config = tmp_path / "model", dataclasses.replace(CONFIG, save_every=100)
    with pytest.raises(KeyboardInterrupt):
        run(out, config=config, recipe=Killed())
    assert checkpoint.load_tensors(out / checkpoint.RESUME)[1]["number"] == 6
    run(out, config=config, resume=True)
    run(tmp_path / "whole", config=config)
    assert_same(out, tmp_path / "whole")


def test_minutes_end_it_and_what_was_spent_is_remembered(tmp_path):
    out = tmp_path / "model"
    config = dataclasses.replace(CONFIG, steps=10_000_000, minutes=0.002)
    run(out, config=config)
    number = checkpoint.load_tensors(out / checkpoint.RESUME)[1]["number"]
    assert 0 < number < 10_000_000
    recipe = Tiny()
    run(out, config=config, resume=True, recipe=recipe)
    assert recipe.seen == []
    assert recipe.progress == 1.0


def test_a_loss_that_is_no_number_ends_it_and_costs_nothing(tmp_path):
    out = tmp_path / "model"
    expected = r"the loss generator became nan at batch 6; the weights of batch \d are kept .* --resume goes on"
    with pytest.raises(TrainingError, match=expected):
        run(out, recipe=Tiny(fail_at=6))
    assert checkpoint.load_tensors(out / checkpoint.RESUME)[1]["number"] == 4
    assert all(tensor.isfinite().all() for tensor in state(out).values())
    recipe = Tiny()
    run(out, resume=True, recipe=recipe)
    again = Tiny()
    run(tmp_path / "whole", recipe=again)
    assert [number for number, _, _ in recipe.seen] == list(range(4, 12))
    assert [tags for _, tags, _ in recipe.seen] != [tags for _, tags, _ in again.seen[4:]], "it hears other crops"


def test_before_anything_is_kept_it_says_so_and_goes_on_with_other_crops_too(tmp_path):
    out = tmp_path / "model"
    for resume in (False, True):
        with pytest.raises(TrainingError, match="at batch 0; none are kept yet"):
            run(out, recipe=Tiny(fail_at=0), resume=resume)
    recipe, again = Tiny(), Tiny()
    run(out, resume=True, recipe=recipe)
    assert checkpoint.load_yaml(out / checkpoint.CONFIG)["stumbles"] == 2
    run(tmp_path / "whole", recipe=again)
    assert [tags for _, tags, _ in recipe.seen] != [tags for _, tags, _ in again.seen]


def test_a_disk_that_fills_up_in_the_middle_of_a_checkpoint_leaves_the_one_before(tmp_path, monkeypatch):
    out, synced = tmp_path / "model", os.fsync
    run(out, config=dataclasses.replace(CONFIG, steps=8))
    before = {path: path.read_bytes() for path in out.glob("*.safetensors")}
    writes = itertools.count()

    def full(descriptor: int) -> None:
        if next(writes) > 0:  # config.yaml still fits
            os.truncate(descriptor, 100)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        synced(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        TrainingError, match=r"not written: No space left on device; the one before it is kept; make room"
    ):
        run(out, resume=True)
    assert {path: path.read_bytes() for path in out.glob("*.safetensors")} == before
    assert not list(out.glob(".*"))
    monkeypatch.undo()
    run(out, resume=True)
    run(tmp_path / "whole")
    assert_same(out, tmp_path / "whole")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # tensorboard's writer
def test_a_disk_that_is_really_full(tmp_path):
    disk, threads = tmp_path / "disk", threading.enumerate()
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk can only be mounted by root")
    try:
        with pytest.raises(TrainingError, match=r"not written: No space left on device"):
            run(disk / "model", config=dataclasses.replace(CONFIG, steps=10_000, save_every=1))
        checkpoint.load_tensors(disk / "model" / checkpoint.RESUME)
        assert set(threading.enumerate()) <= set(threads), "that writer would raise in a later test"
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_the_curves_can_be_looked_at_and_the_sounds_heard(tmp_path):
    run(tmp_path / "model")
    events = EventAccumulator(str(tmp_path / "model" / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) >= {"loss/generator", "loss/critic", "held out/score", "batches per second"}
    assert [event.step for event in events.Scalars("loss/critic")] == [4, 8, 12]
    (heard, *_), (seen, *_) = events.Audio("noise"), events.Images("noise")
    assert (heard.sample_rate, heard.content_type, heard.encoded_audio_string[:4]) == (48_000, "audio/wav", b"RIFF")
    assert (seen.width, seen.height) == (4800 // 512, 128)


def test_wandb_is_asked_for_before_anything_is_trained(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(TrainingError, match="pip install wandb"):
        run(tmp_path / "model", wandb=True)
    assert not (tmp_path / "model").exists()


def test_what_goes_on_must_be_what_began(tmp_path):
    out = tmp_path / "model"
    run(out)
    with pytest.raises(TrainingError, match="holds a trained model already; go on with --resume"):
        run(out)
    with pytest.raises(TrainingError, match="began on other recordings"):
        run(out, resume=True, about={"family": "tiny", "model": {"size": 4}, "fingerprint": "other"})
    with pytest.raises(TrainingError, match=r"began with model {'size': 4}"):
        run(out, resume=True, about={"family": "tiny", "model": {"size": 5}, "fingerprint": "abc"})
    with pytest.raises(TrainingError, match=r"no such file; train first"):
        run(tmp_path / "nothing", resume=True)


def test_a_state_of_another_network_is_refused(tmp_path):
    out = tmp_path / "model"
    run(out)
    recipe = Tiny()
    recipe.critic = torch.nn.Linear(8, 2)
    with pytest.raises(TrainingError, match="does not fit this model"):
        run(out, resume=True, recipe=recipe)


def test_a_device_that_is_not_there(tmp_path):
    with pytest.raises(TrainingError, match="cannot train on 1 x cuda"):
        run(tmp_path / "model", config=dataclasses.replace(CONFIG, accelerator="cuda"))


@pytest.mark.parametrize("name", ["steps", "save_every", "n_held_out", "devices"])
def test_settings_below_one_are_refused(name):
    with pytest.raises(TrainingError, match=f"{name}: expected 1 or more, found 0"):
        dataclasses.replace(CONFIG, **{name: 0})


def test_mixed_precision_learns_in_fewer_digits(tmp_path):
    metrics = run(tmp_path / "model", config=dataclasses.replace(CONFIG, precision="bf16-mixed"))
    assert np.isfinite(metrics["score"])
    full = run(tmp_path / "full")
    assert metrics["score"] != full["score"]


def test_two_processes_stay_one_model_and_none_waits_for_one_that_met_a_nan(tmp_path):
    out = tmp_path / "model"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    both = [processes.start(processes.one_of_two, out, rank, port) for rank in (0, 1)]
    for process in both:
        process.join(timeout=240)
        process.kill()
    assert [process.exitcode for process in both] == [0, 0]
    (one, heard), (two, heard_too) = (torch.load(out / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    for name in ("generator.weight", "critic.weight"):
        torch.testing.assert_close(one[name], two[name], rtol=0, atol=0)
    assert heard != heard_too
    assert not torch.equal(one["k"], two["k"])
    assert (out / checkpoint.METRICS).exists()
    for rank in (0, 1):
        assert "became nan at batch 6" in (out / f"refused{rank}").read_text()
