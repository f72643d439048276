"""Commands that several processes may run at once: which of them writes the files, and how errors are reported."""

from __future__ import annotations

import os
import time
from pathlib import Path

from lightning.pytorch.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
from lightning.pytorch.utilities.rank_zero import rank_zero_only


def first_process() -> bool:
    """Whether this process is the only one, or the first of all that run the same command."""
    node = os.environ.get("NODE_RANK", os.environ.get("GROUP_RANK", "0"))
    return rank_zero_only.rank == 0 and int(node) == 0  # type: ignore[attr-defined]


def started_together() -> bool:
    """Whether SLURM or torchrun started the processes; else Lightning starts the others when the first one trains."""
    return SLURMEnvironment.detect() or TorchElasticEnvironment.detect()


def check_first_process_alone(again: bool) -> None:
    """Raise a ValueError if weights are to be trained again by processes that were started together."""
    if again and started_together():
        raise ValueError("--again needs a single first process: the others would not know new weights from old ones")


def wait_for(path: Path, *, every: float = 1.0) -> None:
    """Wait until another process has written a file, which may take hours."""
    while not path.is_file():
        time.sleep(every)
