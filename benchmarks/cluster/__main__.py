"""Make figures by jobs of SLURM and on this machine, and compare all their numbers and pictures, bit for bit.

`python -m benchmarks.cluster --work FOLDER` makes all figures of the profile quick twice, in two new clones in FOLDER.
It takes about an hour of two cores; interrupted, it goes on where it stopped. `--figures` chooses some. `--output
results/cluster` adds what was compared to a table there. The exit status is 1 if anything differs.

It starts SLURM with one node of two slots, for which it takes root, Debian's `slurm-wlm` and the package
`snakemake-executor-plugin-slurm`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.cluster.compare import Comparison, compare_runs
from benchmarks.cluster.slurm import QUICKLY, one_node
from helpers.core.files import ROOT, atomic_write
from helpers.site.registry import possible_figures

PROFILE = "quick"
SHARDS = {"recartoonx": 8, "explainer": 3, "spacevae": 500}
"""The images of a job, by the beginning of a figure's id: two jobs share a table of quick (16, 6, 1,000 images)."""

SUBMITTED = "has been submitted with SLURM jobid"


def clone(folder: Path) -> Path:
    """A copy of the files that git tracks, as a new clone has them; nothing is copied where there is one already."""
    if (folder / ".complete").is_file():
        return folder
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, path)
    (folder / ".complete").write_text(_commit())
    return folder


def make_here(folder: Path, targets: list[str]) -> str:
    """Make targets of a clone on this machine, as `make figures` does; returns what Snakemake printed.

    Raises:
        RuntimeError: a job failed.
    """
    return _snakemake(folder, "--", *targets)


def make_by_slurm(folder: Path, targets: list[str], shard: int) -> str:
    """Make targets of a clone by jobs of SLURM, with so many images each; returns what Snakemake printed.

    Raises:
        RuntimeError: a job failed.
    """
    quickly = [part for name, value in QUICKLY.items() for part in (f"--{name}", value)]
    config = ["--config", "threads=1", f"shard={shard}"]
    return _snakemake(folder, "--profile", "profiles/slurm", *quickly, *config, "--", *targets)


def main(arguments: list[str] | None = None) -> int:
    """Make the figures twice, compare, print, write; 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="a folder for two clones, which are kept")
    parser.add_argument("--figures", nargs="+", help="such as recartoonx-fig1; default: all")
    parser.add_argument("--output", type=Path, help="a folder for cluster.json")
    chosen = parser.parse_args(arguments)
    here, there = (clone(chosen.work.resolve() / name) for name in ("here", "there"))
    figures = _with_earlier(chosen.figures, here, there) if chosen.figures else possible_figures(PROFILE, ROOT)
    targets = {name: f"_build/figures/{PROFILE}/{name}.ipynb" for name in figures}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the daemons end with this process
    with one_node(chosen.work.resolve() / "slurm"):
        jobs = 0
        for paper, shard in SHARDS.items():
            if some := [target for name, target in targets.items() if name.startswith(f"{paper}-")]:
                jobs += make_by_slurm(there, some, shard).count(SUBMITTED)
    make_here(here, list(targets.values()))
    found = compare_runs(here, there, figures, PROFILE)
    for row in found:
        print(f"{row.kind:<9}{row.name:<32}{'the same' if row.same else 'DIFFERS'}", flush=True)
    if chosen.output:
        write(chosen.output / "cluster.json", found, jobs, (here / ".complete").read_text(), _machine())
    return int(not all(row.same for row in found))


def write(path: Path, found: list[Comparison], jobs: int, commit: str, machine: dict[str, str]) -> None:
    """Write what was compared; to the jobs, those of earlier runs with the same clones are added.

    Args:
        path: the file.
        found: what was compared.
        jobs: the number of jobs that SLURM was given in this run.
        commit: the commit of the clones.
        machine: what ran them.
    """
    before: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    earlier = before["jobs"] if before.get("commit") == commit else 0
    about = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": commit,
        "profile": PROFILE,
        "figures": len(possible_figures(PROFILE, ROOT)),
        "jobs": earlier + jobs,
        **machine,
        "compared": [asdict(row) for row in found],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, (json.dumps(about, indent=1) + "\n").encode())


def _with_earlier(figures: list[str], *clones: Path) -> list[str]:
    """Figures, and those that an earlier run has made in a clone, whose tables are there too."""
    made = {path.stem for folder in clones for path in (folder / f"_build/figures/{PROFILE}").glob("*.ipynb")}
    return [name for name in possible_figures(PROFILE, ROOT) if name in made | set(figures)]


def _machine() -> dict[str, str]:
    slurm = subprocess.run(["slurmd", "-V"], capture_output=True, check=True, text=True).stdout.split()[-1]
    packages = ("snakemake", "snakemake-executor-plugin-slurm")
    return {"machine": platform.platform(), "slurm": slurm} | {name: version(name) for name in packages}


def _snakemake(folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "BOOK_MANIFESTS_WRITTEN_BY"}
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--nolock", "--rerun-incomplete", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout + done.stderr


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, check=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
