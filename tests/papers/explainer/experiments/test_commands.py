"""The commands of the paper's scale in processes of their own: several at one training, and what a terminal shows."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from paper_scale import write_profile, write_trees

from helpers.__main__ import main
from helpers.classifiers import load_classifier
from helpers.methods.explainer import read_explainer
from helpers.site import load_registry
from helpers.site.registry import possible_figures

PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder as XAIBOOK_DATA names it, with voc2007/ and coco2014/."""
    return write_trees(tmp_path_factory.mktemp("data"))


def environment(root, **more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "XAIBOOK"))}
    return {**kept, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", **{k: str(v) for k, v in more.items()}}


def train_command(profile, results, *more):
    command = [sys.executable, "-m", "helpers", "train", "--device", "cpu"]
    return [*command, "--profile", str(profile), "--results", str(results), *more]


def check_shared_training(results):
    """Everything is there, and no step was done by each process for itself."""
    models = results / "voc2007" / "work" / "models"
    for ending in ("-explainer", "-rtis"):
        _, about, _ = read_explainer(models / f"voc2007-vgg16{ending}.safetensors")
        assert about.classifier_digest == load_classifier(str(models / "voc2007-vgg16.safetensors")).digest
        last = results / "voc2007" / "work" / f"training-voc2007-vgg16{ending}" / "last.ckpt"
        assert torch.load(last, weights_only=True)["global_step"] == 2  # 8 images in batches of 4, together


@pytest.mark.slow  # `fit` is tested with two processes in every `make test`
def test_two_processes_train_the_classifier_once_and_the_networks_together(data, tmp_path, root):
    profile, results = write_profile("voc2007", tmp_path, classifiers=["vgg16"]), tmp_path / "results"
    command = train_command(profile, results, "--devices", "2", "--strategy", "ddp")
    done = subprocess.run(
        command, env=environment(root, XAIBOOK_DATA=data), check=False, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("voc2007-vgg16.safetensors:") == 1
    assert "already exists" not in done.stdout
    check_shared_training(results)


@pytest.mark.slow  # `fit` is tested under SLURM's variables in every `make test`
def test_the_processes_that_slurm_starts_share_the_work_too(data, tmp_path, root):
    profile, results = write_profile("voc2007", tmp_path, classifiers=["vgg16"]), tmp_path / "results"
    command = train_command(profile, results, "--devices", "2", "--strategy", "ddp")
    slurm = {"SLURM_NTASKS": 2, "SLURM_NNODES": 1, "SLURM_JOB_ID": 7, "SLURM_JOB_NAME": "paper", "SLURM_NODEID": 0}
    slurm |= {"SLURM_NTASKS_PER_NODE": 2, "SLURM_NODELIST": "localhost", "MASTER_ADDR": "127.0.0.1"}
    ranks = [{**slurm, "SLURM_PROCID": rank, "SLURM_LOCALID": rank} for rank in range(2)]
    running = [subprocess.Popen(command, env=environment(root, XAIBOOK_DATA=data, **rank), **PIPES) for rank in ranks]
    try:
        outputs = [process.communicate(timeout=240) for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0, 0], outputs
    assert "voc2007-vgg16.safetensors: 2 epochs" in outputs[0][0]
    assert outputs[1][0] == ""
    check_shared_training(results)


def test_missing_data_leaves_no_traceback_on_the_terminal(root):
    """The only command in a process of its own; the others raise SystemExit with the message, as tested beside them."""
    command = [sys.executable, "-m", "helpers", "table", "all", "--profile", "voc2007"]
    done = subprocess.run(command, cwd=root, env=environment(root), check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: PASCAL VOC-2007 is needed")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("identifier", ["explainer-tab1", "explainer-fig1"])
def test_a_figure_is_not_begun_without_its_data(identifier, tmp_path, monkeypatch):
    monkeypatch.setenv("XAIBOOK_DATA", str(tmp_path))
    for arguments in (["--id", identifier], []):
        with pytest.raises(SystemExit, match=r"^error: PASCAL VOC-2007 is missing") as end:
            main(["check", *arguments, "--profile", "voc2007"])
        assert all(f"({size}): put it into {tmp_path}/voc2007" in str(end.value) for size in ("460 MB", "451 MB"))
    main(["check", "--id", identifier, "--profile", "quick"])


def test_a_profile_has_the_figures_that_it_has_settings_for():
    both, voc, coco, photographs = map(possible_figures, ("quick", "voc2007", "coco2014", "paper"))
    assert both == list(load_registry())
    assert {"explainer-fig1", "explainer-tab1", "explainer-tab2"} < set(voc)
    assert not {"explainer-shortcut", "explainer-fig7", "recartoonx-fig1"} & set(voc)
    assert {"explainer-fig7", "explainer-tab2"} < set(coco)
    assert not {"explainer-tab1", "explainer-tab3", "explainer-fig1"} & set(coco)
    assert photographs == [name for name in both if name.startswith("recartoonx-")]
