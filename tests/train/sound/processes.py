"""Trainings in processes of their own, forked by a server that has torch loaded: that is most of what they would do."""

import dataclasses
import multiprocessing
import os
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch

from liveseq.errors import TrainingError
from tests.train.sound.tiny import CONFIG, Tiny, run


def start(target, *given) -> BaseProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=target, args=given, daemon=True)
    process.start()
    return process


def endless(out: Path) -> None:
    torch.set_num_threads(1)
    run(out, config=dataclasses.replace(CONFIG, steps=10_000_000, save_every=5))


def one_of_two(out: Path, rank: int, port: int) -> None:
    """Two trainings, one after the other in the same processes, as a family does that trains in two stages.

    What lightning's launcher tells those that it starts is told here; that it starts them, `test_commands.py` sees.
    """
    torch.set_num_threads(1)
    os.environ |= {"LOCAL_RANK": str(rank), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    config, recipe = dataclasses.replace(CONFIG, devices=2), Tiny()
    run(out, config=config, recipe=recipe)
    assert torch.distributed.get_rank() == rank
    torch.save((recipe.state_dict(), [tags for _, tags, _ in recipe.seen]), out / f"rank{rank}.pt")
    try:
        run(out / "second", config=config, recipe=Tiny(fail_at=6 if rank else None))
    except TrainingError as error:
        (out / f"refused{rank}").write_text(str(error))
