"""The Snakefile on Kubernetes: a dry run of its profile, and the command of a pod in an empty folder."""

import importlib.util
import os
import re
import subprocess
from collections import Counter
from pathlib import Path
from shlex import quote

import pytest
import yaml

from benchmarks.cluster.__main__ import clone as cloned
from helpers.core.files import ROOT
from helpers.site.registry import possible_figures
from helpers.site.workflow import shell_functions
from tests.site.test_pages import snakemake
from tests.site.test_workflow import jobs

PLUGINS = ("snakemake_executor_plugin_kubernetes", "snakemake_storage_plugin_fs")
PROFILE = ROOT / "profiles/kubernetes/config.yaml"


def why_not() -> str:
    """What this machine lacks; empty if nothing."""
    missing = [name.replace("_", "-") for name in PLUGINS if importlib.util.find_spec(name) is None]
    return f"pip install {' '.join(missing)}" if missing else ""


def test_the_profile_mounts_the_clone_where_the_storage_is():
    profile = yaml.safe_load(PROFILE.read_text())
    (volume,) = profile["kubernetes-persistent-volumes"]
    assert volume.split(":")[1] == profile["default-storage-prefix"]
    assert profile["default-storage-provider"] == "fs"


def test_the_image_has_the_locked_packages():
    lines = (ROOT / "profiles/kubernetes/Dockerfile").read_text()
    assert "requirements.txt" in lines
    assert profile_image() == f"docker://{yaml.safe_load(PROFILE.read_text())['container-image']}"


def profile_image() -> str:
    """The image of the Snakefile."""
    return (ROOT / "Snakefile").read_text().split('container: "')[1].split('"')[0]


@pytest.mark.slow  # it needs plugins that the book does not install
@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_a_dry_run_plans_the_jobs_of_all_figures(tmp_path):
    folder = cloned(tmp_path / "book")
    where = ["--profile", "profiles/kubernetes", "--default-storage-prefix", str(folder)]
    done = snakemake(folder, *where, "--dry-run", "--config", "shard=500", "gpus=1", "--", "figures")
    assert done.returncode == 0, done.stdout + done.stderr
    planned = {name.removeprefix(f"{folder}/"): job for name, job in jobs(done.stdout).items()}
    kinds = Counter(Path(name).parts[1] for name in planned)
    assert kinds["figures"] == len(possible_figures("quick", ROOT))
    assert kinds["shards"] >= 2
    assert kinds["tables"] >= 2
    for job in planned.values():
        assert {"mem_mb", "runtime", "gpu"} <= set(re.findall(r"(\w+)=\d", job)), job
        assert "gpu_manufacturer=nvidia" in job
        assert "(send to storage)" in job


@pytest.mark.parametrize("folder", ["book", "it's my {clone} $HOME"])
def test_commands_run_in_the_clone_on_the_volume(tmp_path, folder):
    """In a pod, whose working folder is empty, while the files that Snakemake asks for are below its storage."""
    volume, pod, programs = tmp_path / folder, tmp_path / "pod", tmp_path / "bin"
    for path in (volume, pod, programs):
        path.mkdir()
    python = programs / "python"
    python.write_text(
        '#!/bin/sh\necho $(basename "$PWD") "$@" > "$4"\nmkdir -p _build && echo made > _build/one.ipynb\n'
    )
    python.chmod(0o755)
    output = pod / f".snakemake/storage/fs{volume}/_build/one.ipynb"
    output.parent.mkdir(parents=True)
    prefix = shell_functions("never", str(volume)).replace("{{", "{").replace("}}", "}")
    command = f'{prefix} helpers one.log page "a b" && kept {quote(str(output.relative_to(pod)))}'
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-c", command], cwd=pod, env=environment, check=True)
    assert (pod / "one.log").read_text() == f"{folder} -m helpers --log {pod}/one.log page a b\n"
    assert output.read_text() == "made\n"


@pytest.mark.parametrize("clone", [None, ""])  # Snakemake's storage has an empty prefix where there is none
def test_elsewhere_commands_run_where_they_are(clone):
    prefix = shell_functions("echo", clone).replace("{{", "{").replace("}}", "}")
    done = subprocess.run(["bash", "-c", f"{prefix} helpers a.log page x && kept y"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "--log a.log page x\n")
