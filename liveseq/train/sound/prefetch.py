"""Batches prepared ahead by threads, while the networks learn from the ones before."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self

import torch

from liveseq.train.sound.recipe import Batch


class Batches(Protocol):
    """A source of batches: a function of number and rank, called from several threads at once."""

    def batch(self, number: int, *, rank: int = 0) -> Batch: ...


class Prefetch:
    """The batches from a number on, in order, on a device."""

    def __init__(self, make: Callable[[int], Batch], *, first: int, depth: int, device: torch.device) -> None:
        """make: batch of a number; depth: batches that are prepared ahead, by as many threads."""
        self._make = make
        self._next = first
        self._device = device
        self._pool = ThreadPoolExecutor(depth, thread_name_prefix="crops")
        self._waiting: deque[Future[Batch]] = deque()
        for _ in range(depth):
            self._order()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def next(self) -> Batch:
        """The next batch, on the device. Waits until it is there."""
        batch = self._waiting.popleft().result()
        self._order()
        return tuple(tensor.to(self._device, non_blocking=True) for tensor in batch)

    def _order(self) -> None:
        self._waiting.append(self._pool.submit(self._load, self._next))
        self._next += 1

    def _load(self, number: int) -> Batch:
        batch = self._make(number)
        return tuple(t.pin_memory() for t in batch) if self._device.type == "cuda" else batch
