"""The one training: it survives a kill, stops early for good, and is shared by the processes that run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
import torch
from fit_runs import Line, train
from lightning.pytorch.plugins.environments import SLURMEnvironment

from helpers.training.fit import Fitted
from helpers.training.processes import launched_externally

# falls, and has not fallen further for two epochs at the fifth
LOSSES = (3.0, 2.0, 1.0, 1.5, 1.2, 0.5, 0.4, 0.3)
SHARED = {"devices": 2, "strategy": "ddp"}


def start(root, folder, options, **variables):
    """A training in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    environment = {**kept, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", **{k: str(v) for k, v in variables.items()}}
    command = [sys.executable, str(root / "tests" / "support" / "fit_runs.py"), str(folder), json.dumps(options)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def outputs(*processes):
    """What the processes printed, once all have ended well."""
    try:
        printed = [process.communicate(timeout=240) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0] * len(processes), printed
    return [out for out, _ in printed]


def test_a_killed_training_resumes_bit_for_bit(tmp_path, root):
    killed = start(root, tmp_path / "killed", {}, KILL=1)
    killed.communicate(timeout=240)
    assert killed.returncode == -signal.SIGKILL
    assert torch.load(tmp_path / "killed" / "last.ckpt", weights_only=True)["epoch"] == 1  # two whole epochs were kept
    resumed, whole = train(tmp_path / "killed"), train(tmp_path / "whole")
    assert torch.equal(resumed.module.weight, whole.module.weight)
    assert (resumed.best, resumed.last, resumed.epochs) == (whole.best, whole.last, 4)


@pytest.mark.parametrize(("keep", "epoch"), [("best", 2), ("last", 4)])
def test_a_training_that_stopped_early_trains_no_further_epoch(tmp_path, monkeypatch, keep, epoch):
    weights = []
    monkeypatch.setattr(Line, "on_train_epoch_end", lambda self: weights.append(self.weight.detach().clone()))
    options = {"epochs": 8, "losses": LOSSES, "patience": 2, "keep": keep}
    done = train(tmp_path, **options)
    again = train(tmp_path, **options)
    assert len(weights) == 5
    for fitted in (done, again):
        assert (fitted.epochs, fitted.best) == (5, 1.0)
        assert fitted.last == pytest.approx(1.2)
        assert torch.equal(fitted.module.weight, weights[epoch])
        assert not fitted.module.training
    assert again.seconds == done.seconds


def test_improvements_smaller_than_min_delta_do_not_count(tmp_path):
    losses = tuple(1 - 0.01 * epoch for epoch in range(8))
    assert train(tmp_path / "all", epochs=8, losses=losses, patience=2).epochs == 8
    assert train(tmp_path / "few", epochs=8, losses=losses, patience=2, min_delta=0.1).epochs == 3


def test_the_highest_value_may_be_the_best(tmp_path):
    assert train(tmp_path, losses=(1.0, 4.0, 2.0, 3.0), mode="max", keep="best").best == 4.0


def test_a_finished_training_asks_for_no_data(tmp_path):
    done = train(tmp_path, monitor=None)
    assert isinstance(done, Fitted)
    assert done.best != done.best  # nothing was watched
    assert torch.equal(train(tmp_path, monitor=None, rate=0.1).module.weight, done.module.weight)
    with pytest.raises(ValueError, match=r"last\.ckpt was made with another value of rate; delete it to start over"):
        train(tmp_path, monitor=None, rate=0.2)


def check_shared(printed, folder, tmp_path):
    """The weights are those of one process that sees the whole batches."""
    alone = train(tmp_path / "alone")
    assert json.loads(printed) == pytest.approx(alone.module.weight.tolist(), abs=1e-5)
    assert torch.load(folder / "last.ckpt", weights_only=True)["global_step"] == 4 * 4  # no step more


def test_two_processes_that_lightning_starts_train_as_one(tmp_path, root):
    (printed,) = outputs(start(root, tmp_path / "two", SHARED))
    check_shared(printed, tmp_path / "two", tmp_path)


def test_two_processes_that_slurm_starts_train_as_one(tmp_path, root):
    slurm = {"SLURM_NTASKS": 2, "SLURM_NNODES": 1, "SLURM_JOB_ID": 7, "SLURM_JOB_NAME": "fit", "SLURM_NODEID": 0}
    slurm |= {"SLURM_NTASKS_PER_NODE": 2, "SLURM_NODELIST": "localhost", "MASTER_ADDR": "127.0.0.1"}
    ranks = [{**slurm, "SLURM_PROCID": rank, "SLURM_LOCALID": rank} for rank in range(2)]
    first, second = outputs(*(start(root, tmp_path / "two", SHARED, **rank) for rank in ranks))
    assert second == ""
    check_shared(first, tmp_path / "two", tmp_path)


def test_one_process_trains_on_machines_with_slurm(tmp_path, monkeypatch):
    # without a word: warnings are errors in tests
    fake = tmp_path / "bin" / "srun"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent), prepend=os.pathsep)
    for name in [name for name in os.environ if name.startswith("SLURM")]:
        monkeypatch.delenv(name)
    assert not launched_externally()
    with pytest.warns(UserWarning, match="The `srun` command is available"):
        SLURMEnvironment.detect()  # Lightning sees it
    plain = train(tmp_path / "plain").module.weight
    monkeypatch.setenv("SLURM_NTASKS", "1")  # a job of a workflow
    monkeypatch.setenv("SLURM_JOB_NAME", "model")
    assert SLURMEnvironment.detect()
    assert not launched_externally()
    assert torch.equal(train(tmp_path / "job").module.weight, plain)
    monkeypatch.setenv("SLURM_NTASKS", "2")
    assert launched_externally()
