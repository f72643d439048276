"""The Snakefile on a cluster: SLURM runs its rules with the same results."""

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import nbformat
import pytest

from tests.site.test_pages import project, snakemake  # noqa: F401

ROOT = Path(__file__).parents[2]
CONFIGURATION = Path("/etc/slurm/slurm.conf")


def why_not() -> str:
    """What this machine lacks for a cluster of one node; empty if nothing."""
    missing = [name for name in ("slurmctld", "slurmd", "munged") if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} are missing: apt-get install slurm-wlm"
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        return "pip install snakemake-executor-plugin-slurm"
    if os.geteuid() or CONFIGURATION.exists():
        return f"it takes root, and a machine without {CONFIGURATION}"
    return ""


@pytest.fixture
def slurm(tmp_path):
    """SLURM on this machine, with one node of two cores; stopped afterwards."""
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
SelectTypeParameters=CR_Core_Memory
NodeName={host} CPUs=2 RealMemory=8000
PartitionName=one Nodes={host} Default=YES MaxTime=INFINITE State=UP
""")
    CONFIGURATION.parent.mkdir(exist_ok=True)
    CONFIGURATION.symlink_to(folder / "slurm.conf")
    munged = ["munged", "--force", f"--key-file={key}", f"--log-file={folder}/log/munged.log"]
    munged += [f"--{name}={folder}/munge.{name.split('-')[0]}" for name in ("socket", "pid-file", "seed-file")]
    try:
        for command in (munged, ["slurmctld"], ["slurmd"]):
            subprocess.run(command, check=True)
        deadline = time.time() + 30
        while b"idle" not in subprocess.run(["sinfo"], capture_output=True).stdout:
            assert time.time() < deadline, (folder / "log/slurmctld.log").read_text()
            time.sleep(0.5)
        yield folder
    finally:
        for pid in folder.glob("*.pid*"):
            subprocess.run(["kill", pid.read_text().strip()], check=False)
        CONFIGURATION.unlink()


def printed(folder: Path) -> list:
    """What the cells of the two pages print."""
    pages = [nbformat.read(folder / f"_build/pages/book/{name}.ipynb", as_version=4) for name in ("one", "two")]
    return [output.get("text") for page in pages for cell in page.cells for output in cell.get("outputs", ())]


@pytest.mark.slow  # it starts the daemons of SLURM; `make test` builds the same pages on this machine
@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_jobs_of_slurm_give_the_same_pages(project, slurm, tmp_path):  # noqa: F811
    plain = tmp_path / "plain"  # SLURM's logs do not bear the names with which the other tests torment shells
    shutil.copytree(project, plain)
    shutil.copytree(ROOT / "profiles/slurm", plain / "profiles/slurm")
    pages = [f"_build/pages/book/{name}.ipynb" for name in ("one", "two")]
    quick = ["--latency-wait", "5", "--slurm-status-command", "squeue"]
    quick += ["--slurm-init-seconds-before-status-checks", "5", "--config", "threads=1", "--"]
    done = snakemake(plain, "--profile", "profiles/slurm", *quick, *pages)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("has been submitted with SLURM jobid") == 2
    on_the_cluster = printed(plain)
    shutil.rmtree(plain / "_build")
    assert snakemake(plain, *pages).returncode == 0
    assert [text for text in on_the_cluster if text and "time" not in text] == [
        text for text in printed(plain) if text and "time" not in text
    ]
