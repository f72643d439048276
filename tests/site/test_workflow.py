"""The Snakefile: free of lint, with jobs for networks, shards and the benchmark, and their resources."""

import re
import subprocess
import sys

import pytest

from helpers.core.files import ROOT
from helpers.results.registry import TABLES
from helpers.site.workflow import BENCHMARK, benchmark_tables, trainings, untrained
from tests.site.test_pages import snakemake


def jobs(printed: str) -> dict[str, str]:
    """The jobs of a dry run: what Snakemake prints of each, by the job's output."""
    found = {}
    for job in re.split(r"\n(?=rule |localrule )", printed):
        output = re.search(r"^ +output: (\S+)", job, re.MULTILINE)
        if output:
            found[output[1]] = job
    return found


def test_the_snakefile_has_no_lint():
    done = subprocess.run([sys.executable, "-m", "snakemake", "--lint"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "your workflow is in a good condition" in done.stdout + done.stderr


def test_networks_and_shards_are_jobs_with_their_resources():
    shared, photographs = "_build/tables/quick/explanations.done", "_build/tables/voc2007/explainer-segmentation.done"
    done = snakemake(
        ROOT, "--dry-run", "--forceall", "--config", "shard=8", "gpus=2", "--", shared, photographs, "models"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    planned = jobs(done.stdout)
    shards = [f"_build/shards/quick/explanations/{part}-of-2.done" for part in (1, 2)]
    networks = [f"_build/networks/voc2007/{name}.done" for name in ("vgg16", "resnet50")]
    models = [f"_build/models/{name}.done" for name in ("scenes-cnn", "scenes-vit", "scenes-cnn-cartoonx-mask")]
    assert {shared, photographs, *shards, *networks, *models} <= planned.keys()
    assert all(shard in planned[shared] for shard in shards), "the table is made when all images are there"
    assert all(network in planned[photographs] for network in networks)
    for name in (*shards, *networks):
        assert {"mem_mb", "runtime", "gpu"} <= set(re.findall(r"(\w+)=\d", planned[name])), planned[name]
        assert "log: _build/logs/" in planned[name]


@pytest.mark.slow  # a dry run takes seconds; the one above is of the same kind
def test_pages_ask_for_no_gpu():
    """Nor for none: the plugin of Kubernetes takes a resource `gpu` of 0 for a request."""
    done = snakemake(ROOT, "--dry-run", "--force", "--config", "gpus=0", "--", "_build/pages/book/wavelets.ipynb")
    assert done.returncode == 0, done.stdout + done.stderr
    (page,) = jobs(done.stdout).values()
    assert "mem_mb=4000" in page
    assert "gpu" not in page


def test_trainings_of_a_profile():
    assert trainings("voc2007") == {name: ["--classifier", name] for name in ("vgg16", "resnet50")}
    assert trainings("paper") == {}
    assert trainings("study")["space-vae"][:2] == ["--only", "vq-vae"]


@pytest.mark.parametrize(
    ("profile", "paper", "expected"),
    [
        ("quick", "explainer", []),  # their weights are in models/
        ("quick", "spacevae", []),
        ("voc2007", "explainer", ["vgg16", "resnet50"]),
        ("cifar10", "spacevae", ["space-vae"]),
        ("paper", "recartoonx", []),
    ],
)
def test_tables_of_photographs_wait_for_their_networks(profile, paper, expected):
    assert untrained(profile, paper) == expected


@pytest.mark.slow  # it opens the study of each table and profile
def test_the_benchmark_is_all_tables_that_its_profiles_can_have():
    tables = benchmark_tables()
    assert ("benchmark", "metric-examination") in tables
    assert {name for _, name in tables} == {n for n, table in TABLES.items() if table.make.startswith(BENCHMARK)}
