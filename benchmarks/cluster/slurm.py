"""SLURM on this machine: its daemons, for one node of two slots, as long as a block lasts."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("munged", "sinfo", "slurmctld", "slurmd", "slurmstepd")
CONFIGURATION = Path("/etc/slurm/slurm.conf")  # SLURM_CONF would not do: Snakemake's plugin clears SLURM's variables
PATIENCE = 120  # seconds until the node must be idle, on a busy machine

QUICKLY = {"latency-wait": "5", "slurm-status-command": "squeue", "slurm-init-seconds-before-status-checks": "5"}
"""Settings of Snakemake for a cluster whose files are here, and which keeps no accounts of its jobs."""


def why_not(folder: Path | None = None) -> str:
    """What this machine lacks for a cluster of one node; empty if nothing.

    Args:
        folder: that of a run that was killed, whose daemons may still be there.
    """
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} are missing: apt-get install slurm-wlm"
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        return "pip install snakemake-executor-plugin-slurm"
    if os.geteuid() or (CONFIGURATION.exists() and CONFIGURATION.resolve().parent != folder):
        return f"it takes root, and a machine without {CONFIGURATION}"
    return ""


@contextmanager
def one_node(folder: Path) -> Iterator[None]:
    """Run SLURM with one node of two slots on this machine, and stop it afterwards.

    Args:
        folder: for the key, the logs and the state of the daemons; it is made anew. Its path has 80 characters at
            most, as it holds a socket.

    Raises:
        RuntimeError: the machine lacks something, or the node does not become idle.
    """
    if lacks := why_not(folder.resolve()):
        raise RuntimeError(lacks)
    _stop(folder)
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("state", "spool", "log"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o700)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    (folder / "slurm.conf").write_text(_configuration(folder))
    CONFIGURATION.parent.mkdir(exist_ok=True)
    CONFIGURATION.symlink_to(folder / "slurm.conf")
    munged = ["munged", "--force", f"--key-file={key}", f"--log-file={folder}/log/munged.log"]
    munged += [f"--{name}={folder}/munge.{name.split('-')[0]}" for name in ("socket", "pid-file", "seed-file")]
    try:
        for command in (munged, ["slurmctld"], ["slurmd", "-d", str(shutil.which("slurmstepd"))]):
            subprocess.run(command, check=True)
        _wait(folder / "log/slurmctld.log")
        yield
    finally:
        subprocess.run(["scancel", "--user=root"], check=False, capture_output=True)  # of a run that is interrupted
        _stop(folder)


def _stop(folder: Path) -> None:
    """End the daemons of a folder, if there are any."""
    for pid in folder.glob("*.pid*"):
        subprocess.run(["kill", pid.read_text().strip()], check=False, capture_output=True)
    CONFIGURATION.unlink(missing_ok=True)


def _wait(log: Path) -> None:
    """Wait until the node can take jobs."""
    deadline = time.time() + PATIENCE
    while b"idle" not in subprocess.run(["sinfo"], capture_output=True, check=False).stdout:
        if time.time() > deadline:
            raise RuntimeError(f"SLURM's node is not idle after {PATIENCE} s:\n{log.read_text()}")
        time.sleep(0.5)


def _configuration(folder: Path) -> str:
    host = socket.gethostname()
    return f"""ClusterName=book
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
{_plugins()}NodeName={host} CPUs=2 Sockets=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=64000
PartitionName=one Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def _plugins() -> str:
    """The line that says where SLURM's plugins are, for Debian's packages unpacked elsewhere."""
    folder = Path(str(shutil.which("slurmctld"))).resolve().parents[1] / "lib/x86_64-linux-gnu/slurm-wlm"
    return "" if folder.is_relative_to("/usr") else f"PluginDir={folder}\n"
