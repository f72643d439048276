"""SpaCE-VAE's training command with several processes, as Lightning and as SLURM start them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
import yaml
from space_vae_miniature import miniature_profile

from helpers.methods.space_vae import read_space_vae

PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
ENTRIES = ("name", "description", "seed", "device", "batch_size", "space_vae")


@pytest.fixture
def command(tmp_path):
    models = {"vq-vae": {"loss": {"alpha": 0, "beta": 0}}, "beta-10": {"init_from": "vq-vae"}}
    plain = miniature_profile(models=models).model_dump(mode="json")
    profile = tmp_path / "mini.yaml"
    profile.write_text(yaml.safe_dump({name: plain[name] for name in ENTRIES}, sort_keys=False))
    arguments = ["--profile", profile, "--results", tmp_path / "results", "--output", tmp_path / "models"]
    more = ["--device", "cpu", "--devices", "2", "--strategy", "ddp"]
    return [sys.executable, "-m", "helpers", "train", *map(str, arguments), *more]


def environment(root, **more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "XAIBOOK"))}
    return {**kept, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", **{k: str(v) for k, v in more.items()}}


def check_shared_training(folder):
    """Both networks are there, and no step was done by each process for itself."""
    for name in ("vq-vae", "beta-10"):
        read_space_vae(folder / "models" / f"mini-{name}.safetensors")
        last = folder / "results" / "mini" / "work" / f"training-space-vae-{name}" / "last.ckpt"
        assert torch.load(last, weights_only=True)["global_step"] == 4  # 64 images, batches of 32 together, two epochs


@pytest.mark.slow  # `fit` is tested with two processes in every `make test`
def test_two_processes_train_the_networks_together(command, tmp_path, root):
    done = subprocess.run(command, env=environment(root), check=False, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("mini.safetensors:") == 1
    assert "already exists" not in done.stdout
    check_shared_training(tmp_path)


@pytest.mark.slow  # `fit` is tested under SLURM's variables in every `make test`
def test_the_processes_that_slurm_starts_wait_for_the_first_one(command, tmp_path, root):
    slurm = {"SLURM_NTASKS": 2, "SLURM_NNODES": 1, "SLURM_JOB_ID": 7, "SLURM_JOB_NAME": "paper", "SLURM_NODEID": 0}
    slurm |= {"SLURM_NTASKS_PER_NODE": 2, "SLURM_NODELIST": "localhost", "MASTER_ADDR": "127.0.0.1"}
    running = [
        subprocess.Popen(command, env=environment(root, **slurm, SLURM_PROCID=rank, SLURM_LOCALID=rank), **PIPES)
        for rank in range(2)
    ]
    try:
        outputs = [process.communicate(timeout=240) for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0, 0], outputs
    assert "mini-beta-10.safetensors: 2 epochs" in outputs[0][0]
    assert outputs[1][0] == ""
    check_shared_training(tmp_path)
