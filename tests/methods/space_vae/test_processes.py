"""A training of a SpaCE-VAE is interrupted, shared by two processes, and compiled: it stays the same training."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest
import safetensors.torch
import torch
from interrupted_training import stopped_in_epoch
from space_vae_runs import EVERYTHING, NETWORK, STILL, coloured, follow, same, state, train

from helpers.methods.space_vae import SpaceVAENetwork
from helpers.methods.space_vae.training import SpaceVAEModule


def run(root, *arguments):
    command = [sys.executable, str(root / "tests" / "support" / "space_vae_runs.py"), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=root, env=environment, check=False, capture_output=True, text=True, timeout=240)


def test_an_interrupted_training_resumes_to_the_same_weights(tmp_path):
    with stopped_in_epoch(SpaceVAEModule, 2):
        train(EVERYTHING, tmp_path / "parts")
    resumed, whole = train(EVERYTHING, tmp_path / "parts"), train(EVERYTHING, tmp_path / "whole")
    assert resumed.best == whole.best
    assert same(state(resumed), state(whole))
    last = [torch.load(tmp_path / n / "last.ckpt", weights_only=True)["state_dict"] for n in ("parts", "whole")]
    assert any(name.startswith("loss.palette") for name in last[0])
    assert same(*last)


# --- several processes --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two(tmp_path_factory, root):
    """What two processes made together: each one's state by the name of what was done."""
    folder = tmp_path_factory.mktemp("two")
    done = run(root, folder)
    assert done.returncode == 0, done.stderr
    names = ("still", "everything", "follows", "restarts")
    states = {n: [safetensors.torch.load_file(folder / f"{n}-{rank}.safetensors") for rank in (0, 1)] for n in names}
    return states, folder


@pytest.mark.parametrize("name", ["still", "everything", "follows", "restarts"])
def test_two_processes_have_one_codebook(two, name):
    assert same(*two[0][name])


def test_the_statistics_of_two_processes_are_those_of_one_that_sees_everything(two):
    alone = follow(slice(None), 0.0).state_dict()
    for name, value in two[0]["follows"][0].items():
        torch.testing.assert_close(value, alone[name], msg=name)
    assert float(two[0]["restarts"][0]["counts"].sum()) > float(two[0]["follows"][0]["counts"].sum())


def test_two_processes_train_as_one(two, tmp_path):
    alone = train(STILL, tmp_path)
    for name, value in two[0]["still"][0].items():
        torch.testing.assert_close(value, state(alone)[name], rtol=1e-3, atol=1e-5, msg=name)
    assert torch.load(two[1] / "still" / "last.ckpt", weights_only=True)["global_step"] == 3 * 4  # no step more


# --- compiled ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("options", [NETWORK, replace(NETWORK, conditioned=True), replace(NETWORK, dead_below=0.0)])
def test_a_training_step_compiles_into_one_graph(backend, options, unchecked):
    plain, other = SpaceVAENetwork(options).train(), SpaceVAENetwork(options).train()
    compiled = torch.compile(other, fullgraph=True, backend=backend)
    for step in range(3):
        images = coloured(6, seed=step).floats()
        beta = torch.full((6,), 3.0) if options.conditioned else None
        one, two = plain(images, beta), compiled(images, beta)
        assert torch.equal(one.codes, two.codes)
        torch.testing.assert_close(one.raw, two.raw)
        torch.testing.assert_close(one.commitment, two.commitment)
        for each in (one, two):
            (each.raw.square().mean() + each.commitment).backward()
        gradients = [[p.grad for p in network.parameters()] for network in (plain, other)]
        torch.testing.assert_close(*gradients)
        torch.testing.assert_close(dict(plain.named_buffers()), dict(other.named_buffers()))
    assert int(plain.quantiser.steps) == 3
    torch._dynamo.reset()
