"""Jobs of the Snakefile that follow from a profile: its trainings, the shards of its tables, the benchmark's tables."""

from __future__ import annotations

import math
from pathlib import Path
from shlex import quote
from typing import Any

from helpers.core.files import ROOT
from helpers.core.strict_yaml import read_strict_yaml
from helpers.results.registry import TABLES, Paper, Table
from helpers.results.shards import BY_IMAGE
from helpers.site.registry import find_profile

BENCHMARK = "helpers.benchmark."
"""The package whose tables the target `benchmark` makes."""


def shell_functions(command: str, clone: str | None = None) -> str:
    """What stands before the shell command of each rule: the functions `helpers` and `kept`, as Snakemake's prefix.

    `helpers LOG ARGUMENT...` runs a command of `python -m helpers` with a log. The command writes the log: behind a
    pipe to `tee`, terminals would lose their progress bars.

    Where jobs share no working folder with Snakemake, its storage is a clone on a volume that all of them mount (see
    profiles/kubernetes). The commands run in this clone, as they write more files than Snakemake knows, and `kept FILE`
    copies an output to where Snakemake looks for it: below `fs/`, by its absolute path. Elsewhere it does nothing.

    Args:
        command: `python -m helpers`, or what replaces it.
        clone: the path of the clone on the volume; none, or an empty one, if jobs share the working folder.

    Returns:
        The prefix, with doubled braces.
    """
    functions = f'helpers() {{ local log="$1"; shift; {command} --log "$log" "$@"; }}; kept() {{ :; }}; '
    if clone:
        functions = (
            f'helpers() {{ local log="$PWD/$1"; shift; (cd {quote(clone)} && python -m helpers --log "$log" "$@"); }}; '
        )
        functions += 'kept() { cp "/${1#*/fs/}" "$1"; }; '
    return f"set -euo pipefail; {functions}".replace("{", "{{").replace("}", "}}")


def trainings(profile: str, root: Path = ROOT) -> dict[str, list[str]]:
    """The trainings of a profile that are jobs: one per classifier of class masks, and that of all SpaCE-VAEs.

    Args:
        profile: the profile's name.
        root: the project's root.

    Returns:
        By the name of the job, the arguments of `python -m helpers train --profile …`; empty if it trains nothing.

    Raises:
        ValueError: there is no such profile.
    """
    sections = _sections(profile, root)
    jobs = {name: ["--classifier", name] for name in sections.get("explainer", {}).get("classifiers", {})}
    if "space_vae" in sections:
        jobs["space-vae"] = ["--only", *sections["space_vae"].get("models", {})]
    return jobs


def untrained(profile: str, paper: Paper, root: Path = ROOT) -> list[str]:
    """The jobs of `trainings` that a paper's tables of a profile wait for.

    The weights of networks for scenes are in models/; those for photographs are trained by whoever has the data.

    Raises:
        ValueError: there is no such profile.
    """
    sections = _sections(profile, root)
    if paper == "explainer":
        sources = {data.get("source") for data in sections.get("explainer", {}).get("datasets", {}).values()}
        return [] if sources <= {"scenes"} else [name for name in trainings(profile, root) if name != "space-vae"]
    if paper == "spacevae":
        source = sections.get("space_vae", {}).get("data", {}).get("source", "scenes")
        return [] if source == "scenes" else ["space-vae"]
    return []


def shard_count(profile: str, table: Table, size: int | None = None, root: Path = ROOT) -> int:
    """The number of jobs that share a table of a profile, each with its images; 1 where it is not divided.

    Args:
        profile: the profile's name; its `shard` is the number of images per job.
        table: the table.
        size: another number of images per job; 0: one job for all.
        root: the project's root.

    Raises:
        ValueError: there is no such profile; or it has `shard`, and does not say how many images it has.
    """
    sections = _sections(profile, root)
    size = sections.get("shard", 0) if size is None else size
    if table.name not in BY_IMAGE or not size:
        return 1
    count = _images(sections, table.paper)
    if count is None:
        raise ValueError(f"profile {profile!r} has `shard`, and so needs the number of images (images.count)")
    return math.ceil(count / size)


def benchmark_tables(root: Path = ROOT) -> list[tuple[str, str]]:
    """The profile and the name of each table of the benchmark.

    A profile `benchmark`, or one whose name begins with `benchmark-`, has those tables of it for which it has settings.
    """
    from helpers.results.commands import possible_tables

    profiles = sorted(path.stem for path in (root / "profiles").glob("benchmark*.yaml"))
    names = [name for name, table in TABLES.items() if table.make.startswith(BENCHMARK)]
    return [(profile, name) for profile in profiles for name in possible_tables(profile, names)]


def _sections(profile: str, root: Path) -> dict[str, Any]:
    return read_strict_yaml(find_profile(profile, root))


def _images(sections: dict[str, Any], paper: Paper) -> int | None:
    """The number of images of a paper's tables; None if the profile takes all that it finds."""
    if paper == "recartoonx":
        return sections.get("images", {}).get("count")
    name = {"explainer": "explainer", "spacevae": "space_vae"}[paper]
    return sections.get(name, {}).get("evaluation", {}).get("images")
