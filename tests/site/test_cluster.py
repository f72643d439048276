"""The Snakefile on a cluster: SLURM runs its rules with the same results."""

import hashlib
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import nbformat
import pytest

from helpers.results.tables import read_table
from tests.site.test_pages import snakemake

ROOT = Path(__file__).parents[2]
PROGRAMS = ("munged", "sinfo", "slurmctld", "slurmd", "slurmstepd")
CONFIGURATION = Path("/etc/slurm/slurm.conf")  # SLURM_CONF would not do: Snakemake's plugin clears SLURM's variables


def why_not() -> str:
    """What this machine lacks for a cluster of one node; empty if nothing."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} are missing: apt-get install slurm-wlm"
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        return "pip install snakemake-executor-plugin-slurm"
    if os.geteuid() or CONFIGURATION.exists():
        return f"it takes root, and a machine without {CONFIGURATION}"
    return ""


def plugins() -> str:
    """The line of the configuration that says where SLURM's plugins are, for Debian's packages unpacked elsewhere."""
    folder = Path(shutil.which("slurmctld")).resolve().parents[1] / "lib/x86_64-linux-gnu/slurm-wlm"
    return "" if folder.is_relative_to("/usr") else f"PluginDir={folder}\n"


@pytest.fixture
def slurm(tmp_path):
    """SLURM on this machine, with one node of two slots; stopped afterwards."""
    folder, host = tmp_path / "slurm", socket.gethostname()
    for name in ("state", "spool", "log"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o700)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    (folder / "slurm.conf").write_text(f"""ClusterName=book
SlurmctldHost={host}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.log
SlurmctldPort=26817
SlurmdPort=26818
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
{plugins()}NodeName={host} CPUs=2 Sockets=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=64000
PartitionName=one Nodes={host} Default=YES MaxTime=INFINITE State=UP
""")
    CONFIGURATION.parent.mkdir(exist_ok=True)
    CONFIGURATION.symlink_to(folder / "slurm.conf")
    munged = ["munged", "--force", f"--key-file={key}", f"--log-file={folder}/log/munged.log"]
    munged += [f"--{name}={folder}/munge.{name.split('-')[0]}" for name in ("socket", "pid-file", "seed-file")]
    try:
        for command in (munged, ["slurmctld"], ["slurmd", "-d", shutil.which("slurmstepd")]):
            subprocess.run(command, check=True)
        deadline = time.time() + 60
        while b"idle" not in subprocess.run(["sinfo"], capture_output=True).stdout:
            assert time.time() < deadline, (folder / "log/slurmctld.log").read_text()
            time.sleep(0.5)
        yield folder
    finally:
        for pid in folder.glob("*.pid*"):
            subprocess.run(["kill", pid.read_text().strip()], check=False)
        CONFIGURATION.unlink()


def clone(folder: Path) -> Path:
    """A copy of the files that git tracks, as a new clone has them."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, path)
    return folder


def run_on_slurm(folder: Path, *targets: str, **config: object) -> str:
    """Make targets of a clone by jobs of SLURM; returns what Snakemake printed."""
    quick = [
        "--latency-wait",
        "5",
        "--slurm-status-command",
        "squeue",
        "--slurm-init-seconds-before-status-checks",
        "5",
    ]
    settings = [f"{name}={value}" for name, value in {"threads": 1, **config}.items()]
    done = snakemake(folder, "--profile", "profiles/slurm", *quick, "--config", *settings, "--", *targets)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def numbers(folder: Path) -> dict[str, str]:
    """The tables of the profile quick without columns of times, and those of times only left out."""
    found = {}
    for path in sorted((folder / "results/quick").glob("*.csv")):
        table = read_table("quick", path.stem, root=folder / "results")
        kept = [name for name in table if not re.search("second|minute|speed", name)]
        found[path.stem] = table[kept].to_csv(index=False)
    return {name: text for name, text in found.items() if "time" not in name and "cost" not in name}


def pictures(folder: Path) -> dict[str, set[str]]:
    """The digests of the pictures of each figure's notebook."""
    found = {}
    for path in sorted((folder / "_build/figures/quick").glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        shown = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
        drawn = [data[kind] for data in shown for kind in ("image/png", "image/svg+xml") if kind in data]
        found[path.stem] = {hashlib.sha256(str(data).encode()).hexdigest() for data in drawn}
    return found


@pytest.mark.slow  # it starts the daemons of SLURM; `make test` makes the same figures on this machine
@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_jobs_of_slurm_give_the_same_figure(slurm, tmp_path):
    """A table whose images two jobs share, and the figure that shows it."""
    figure = "_build/figures/quick/recartoonx-runtime.ipynb"
    here, there = clone(tmp_path / "here"), clone(tmp_path / "there")
    printed = run_on_slurm(there, figure, shard=8)
    assert printed.count("has been submitted with SLURM jobid") == 4, "two shards, their table, the figure"
    assert (there / "_build/logs/shards/quick/explanations/1-of-2.log").is_file()
    done = snakemake(here, "--config", "threads=1", "--", figure)
    assert done.returncode == 0, done.stdout + done.stderr
    assert numbers(there) == numbers(here) != {}
    assert pictures(there) == pictures(here) != {}


@pytest.mark.soak  # about 20 minutes on two idle cores, and as long again for the local run
@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_all_quick_figures_are_the_same(slurm, tmp_path):
    here, there = clone(tmp_path / "here"), clone(tmp_path / "there")
    run_on_slurm(there, "figures", shard=8)
    done = snakemake(here, "--", "figures")
    assert done.returncode == 0, done.stdout + done.stderr
    assert numbers(there) == numbers(here) != {}
    assert pictures(there) == pictures(here) != {}
