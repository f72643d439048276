"""Timing: medians of compared functions that take turns, on a given number of threads."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

THREADS = 2
REPEATS = 5


@contextmanager
def threads(count: int = THREADS) -> Iterator[None]:
    """Use this number of threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def medians(functions: list[Callable[[], object]], repeats: int = REPEATS) -> list[float]:
    """The median seconds of each function; they take turns, so that a busy machine slows them all alike."""
    seconds: list[list[float]] = [[] for _ in functions]
    for turn in range(repeats + 1):
        for function, times in zip(functions, seconds, strict=True):
            start = time.perf_counter()
            function()
            if turn:  # the first turn warms up
                times.append(time.perf_counter() - start)
    return [statistics.median(times) for times in seconds]
