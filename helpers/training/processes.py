"""Commands run by several processes at once: the one that writes files, and waiting for it."""

from __future__ import annotations

import os
import time
import warnings
from pathlib import Path

from lightning.pytorch.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
from lightning.pytorch.utilities.rank_zero import rank_zero_only


def is_first_process() -> bool:
    """Whether this process is the only one, or the first of those that run the same command."""
    node = os.environ.get("NODE_RANK", os.environ.get("GROUP_RANK", "0"))
    return rank_zero_only.rank == 0 and int(node) == 0  # type: ignore[attr-defined]


def launched_externally() -> bool:
    """Whether SLURM or torchrun launched several processes; else Lightning launches them when the first one trains.

    A job of one task, such as those of a workflow on a cluster, is a process of its own.
    """
    with warnings.catch_warnings():
        ignore_unused_srun()
        tasks = int(os.environ.get("SLURM_NTASKS", 1)) if SLURMEnvironment.detect() else 1
    return tasks > 1 or TorchElasticEnvironment.detect()


def ignore_unused_srun() -> None:
    """Ignore Lightning's warning on machines with SLURM, where most trainings need one process and no `srun`."""
    warnings.filterwarnings("ignore", "The `srun` command is available on your system but is not used")


def check_first_process_alone(again: bool) -> None:
    """Raise a ValueError if externally launched processes are to train existing weights again."""
    if again and launched_externally():
        raise ValueError("--again needs a single first process: the others could not tell new weights from old ones")


def wait_for(path: Path, *, every: float = 1.0) -> None:
    """Wait, possibly for hours, until another process has written a file."""
    while not path.is_file():
        time.sleep(every)
