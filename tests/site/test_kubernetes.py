"""The Snakefile on Kubernetes: a dry run of its profile, and the command of a pod in an empty folder."""

import importlib.util
import os
import subprocess
from shlex import quote

import pytest
import yaml

from helpers.core.files import ROOT
from helpers.site.workflow import shell_functions
from tests.site.test_cluster import clone as cloned
from tests.site.test_pages import snakemake

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
    done = snakemake(folder, *where, "--dry-run", "--config", "shard=8", "gpus=1", "--", "figures")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("rule shard:") >= 2
    assert done.stdout.count("rule figure:") >= 30
    assert "gpu=1, gpu_manufacturer=nvidia" in done.stdout
    assert "(send to storage)" in done.stdout


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
