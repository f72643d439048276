"""Commands run by several processes at once: the one that writes files, and waiting for it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from lightning.pytorch.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
from lightning.pytorch.utilities.rank_zero import rank_zero_only


def is_first_process() -> bool:
    """Whether this process is the only one, or the first of those that run the same command."""
    node = os.environ.get("NODE_RANK", os.environ.get("GROUP_RANK", "0"))
    return rank_zero_only.rank == 0 and int(node) == 0  # type: ignore[attr-defined]


def launched_externally() -> bool:
    """Whether SLURM or torchrun launched the processes; else Lightning launches them when the first one trains."""
    return SLURMEnvironment.detect() or TorchElasticEnvironment.detect()


def check_first_process_alone(again: bool) -> None:
    """Raise a ValueError if externally launched processes are to train existing weights again."""
    if again and launched_externally():
        raise ValueError("--again needs a single first process: the others could not tell new weights from old ones")


def wait_for(path: Path, *, every: float = 1.0) -> None:
    """Wait, possibly for hours, until another process has written a file."""
    while not path.is_file():
        time.sleep(every)
