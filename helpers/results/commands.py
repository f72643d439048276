"""The commands on tables: compute them, list them with their freshness, and accept stale ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from helpers.core.files import atomic_write
from helpers.core.names import known_names
from helpers.core.strict_yaml import read_strict_yaml
from helpers.profiles import known_profiles, load_profile, profile_path
from helpers.results.code import code_digest
from helpers.results.freshness import Freshness, compare, format_duration
from helpers.results.item_archive import archives_in
from helpers.results.item_store import archive_store
from helpers.results.registry import TABLES, Table, find_table
from helpers.results.shards import BY_IMAGE, computing_shard
from helpers.results.study import NoSuchTableError, ProfileStudy, open_studies
from helpers.results.tables import archives_folder, read_provenance, results_folder

SECTIONS = {"recartoonx": {"images"}, "explainer": {"explainer"}, "spacevae": {"space_vae"}}
"""The section of a profile that each paper's tables require."""

OPTIONS: dict[str, set[str]] = {"recartoonx": set(), "explainer": {"dataset", "classifier"}, "spacevae": {"models"}}
"""The options of each paper's studies."""


def make_tables(name: str, profile: str, *, root: Path | None = None, **options: Any) -> None:
    """Compute one table of a profile, or all that it can have except those on request, and print their paths.

    Args:
        name: name of the table, or "all".
        profile: name of the profile, or the path of its file.
        root: another folder than the project's `results/`.
        options: options of the studies: `dataset` and `classifier` of class masks, `models` of SpaCE-VAE.

    Raises:
        ValueError: there is no such table or profile, or the profile cannot have this table.
        FileNotFoundError: images or weights are not on this machine.
    """
    if name != "all":
        _make(find_table(name), profile, root, options)
        return
    sections = read_strict_yaml(profile_path(profile)).keys()
    papers = {paper for paper, names in OPTIONS.items() if options.keys() <= names and SECTIONS[paper] & sections}
    if not papers:
        flags = f" with --{' and --'.join(options)}" if options else ""
        raise ValueError(f"profile {profile!r} can have no table{flags}")
    for table in TABLES.values():
        if table.paper in papers and not table.on_request:
            try:
                _make(table, profile, root, options)
            except NoSuchTableError as error:
                print(f"left out: {error}", flush=True)


def make_shard(name: str, profile: str, part: int, parts: int, *, root: Path | None = None, **options: Any) -> None:
    """Compute the stored results of a table as one of several processes; the table is made from them later.

    Args:
        name: name of the table.
        profile: name of the profile, or the path of its file.
        part, parts: the number of this process, from 1, and the number of all.
        root: another folder than the project's `results/`.
        options: as for `make_tables`.

    Raises:
        ValueError: there is no such table, profile or shard, or the table has no results that are stored by image.
        FileNotFoundError: images or weights are not on this machine.
    """
    table = find_table(name)
    if name not in BY_IMAGE:
        others = known_names(name, sorted(BY_IMAGE), "these have")
        raise ValueError(f"table {name!r} has no results stored by image{others}")
    with computing_shard(part, parts):
        for study in _studies(table, profile, root, options):
            study.fill(name)


def list_tables(profile: str | None = None, *, root: Path | None = None) -> None:
    """Print a line for each table that exists or that a profile can have: its state, the reasons, and its time."""
    profiles = known_profiles() if profile is None else [profile]
    for name in profiles:
        for path, table in table_states(name, root=root):
            reasons = f": {'; '.join(table.reasons)}" if table.reasons else ""
            unchecked = f" ({', '.join(table.unchecked)} not on this machine)" if table.unchecked else ""
            time = format_duration(table.seconds) if table.seconds else "-"
            print(f"{table.state:9}  {path:55}  {time:13}{reasons}{unchecked}")


def table_states(profile: str, *, root: Path | None = None) -> Iterator[tuple[str, Freshness]]:
    """The path below `results/` and the freshness of each table that exists or that a profile can have."""
    folder = results_folder(profile, root)
    for table, study, file_name in _table_files(profile, root):
        path = f"{folder.name}/{file_name}"
        if study is None:
            yield path, Freshness("stale", ("the profile that computed it cannot have it any more",))
        elif study.profile.name == folder.name:
            yield path, study.freshness(table.name)
        else:
            provenance = read_provenance(folder.name, file_name, root=root)
            stored, seconds = provenance.get("depends"), provenance.get("wall_seconds")
            yield path, compare(stored, study.dependencies(table.name), study.profile, seconds)


def possible_tables(profile: str, names: Sequence[str] = (), *, root: Path | None = None) -> list[str]:
    """The names of the tables that a profile can have, those on request included.

    Args:
        profile: its name, or the path of its file.
        names: only these tables; none for all.
        root: another folder than the project's `results/`.

    Raises:
        ValueError: there is no such table or profile.
    """
    tables = [find_table(name) for name in names] or TABLES.values()
    return [table.name for table in tables if _possible_studies(table, profile, root)]


def accept_tables(names: Sequence[str], profile: str, because: str, *, root: Path | None = None) -> None:
    """Declare stale tables to be fresh, and record the reason and the changes in their provenance.

    Args:
        names: names of tables; none for all tables of the profile that exist, and its archives of items.
        profile: name of the profile.
        because: the reason why the numbers are still right.
        root: another folder than the project's `results/`.

    Raises:
        ValueError: there is no such table or profile, or no reason is given.
    """
    if not because.strip():
        raise ValueError("accepting a table needs a reason: --because 'only names have changed'")
    folder, chosen = results_folder(profile, root), {find_table(name).name for name in names}
    states = dict(table_states(profile, root=root))
    for table, study, file_name in _table_files(profile, root):
        freshness, path = states[f"{folder.name}/{file_name}"], folder / f"{file_name}.json"
        if (table.name in chosen or not chosen) and study is not None and path.is_file() and freshness.state == "stale":
            _accept(path, study.dependencies(table.name), freshness, because)
            print(path)
    for archive in [] if chosen else archives_in(archives_folder(profile, root)):
        if (code := code_digest(*archive.made_by)) not in archive.codes:
            archive.accept(code, because)
            print(archive.path)


def archive_items(profile: str, *, root: Path | None = None) -> None:
    """Archive the finished items of a profile that the present code made, and print the archives.

    Args:
        profile: name of the profile, or the path of its file.
        root: another folder than the project's `results/`.

    Raises:
        ValueError: there is no such profile, or it has no finished item.
    """
    name = load_profile(profile).name
    folders = sorted(path.parent for path in (results_folder(name, root) / "work").glob("*/*/depends.json"))
    archives = [archive_store(folder, archives_folder(name, root)) for folder in folders if _is_present(folder)]
    if not any(archives):
        raise ValueError(
            f"profile {name!r} has no finished item that the present code made: compute one of its tables first, such "
            f"as python -m helpers table explanations --profile {name}"
        )
    for archive in filter(None, archives):
        size = archive.path.with_suffix(".zip").stat().st_size
        time = format_duration(archive.seconds)
        print(f"{archive.path.with_suffix('.zip')}: {len(archive.names())} items, {size / 1e6:.2f} MB, {time}")


def _is_present(folder: Path) -> bool:
    """Whether a store can be archived, and the present code made its items."""
    depends = json.loads((folder / "depends.json").read_text(encoding="utf-8"))
    made_by = depends.get("made_by") or ()
    return bool(made_by) and code_digest(*made_by) == depends["inputs"]["code"]


def _accept(path: Path, current: dict[str, Any], freshness: Freshness, because: str) -> None:
    """Store the current dependencies of a table; those that are not known on this machine stay as stored."""
    provenance = json.loads(path.read_text(encoding="utf-8"))
    stored = provenance.get("depends") or {}
    depends = {name: value if value is not None else stored.get(name) for name, value in current.items()}
    date = datetime.now(timezone.utc).isoformat(timespec="seconds")
    accepted = [*provenance.get("accepted", []), {"date": date, "because": because, "changed": list(freshness.reasons)}]
    atomic_write(path, (json.dumps({**provenance, "depends": depends, "accepted": accepted}, indent=2) + "\n").encode())


def _make(table: Table, profile: str, root: Path | None, options: dict[str, Any]) -> None:
    for study in _studies(table, profile, root, options):
        rows = len(study.table(table.name))
        print(f"{results_folder(study.profile, root) / study.file_name(table)}.csv: {rows} rows", flush=True)


def _studies(
    table: Table, profile: str, root: Path | None, options: dict[str, Any], *, show: bool = True
) -> list[ProfileStudy]:
    unknown = sorted(options.keys() - OPTIONS[table.paper])
    if unknown:
        raise ValueError(f"table {table.name!r} has no --{' and no --'.join(unknown)}")
    studies = open_studies(table.paper, profile, table.name, root=root, show_progress=show, **options)
    for study in studies:
        study.require(table)
    return studies


def _possible_studies(table: Table, profile: str, root: Path | None) -> list[ProfileStudy]:
    """The studies of a profile that can have a table; none if it lacks the sections for it."""
    if not SECTIONS[table.paper] & read_strict_yaml(profile_path(profile)).keys():
        return []
    try:
        return _studies(table, profile, root, {}, show=False)
    except NoSuchTableError:
        return []


def _table_files(profile: str, root: Path | None) -> Iterator[tuple[Table, ProfileStudy | None, str]]:
    """Each table that a profile can have or that exists in its folder, its study, and the name of its files."""
    names: set[str] = set()
    for table in TABLES.values():
        for study in _possible_studies(table, profile, root):
            names.add(study.file_name(table))
            yield table, study, study.file_name(table)
    for path in sorted(results_folder(profile, root).glob("*.json")):  # computed with another profile, and kept here
        other = None if path.stem in names else _table_of_file(path.stem)
        if other is not None:
            studies = _possible_studies(other, read_provenance(profile, path.stem, root=root)["profile"], root)
            yield other, next((s for s in studies if s.file_name(other) == path.stem), None), path.stem


def _table_of_file(stem: str) -> Table | None:
    """The table whose name, name and pair, or figure is the stem of a file; None if there is none."""
    for table in TABLES.values():
        if stem in {figure for _, _, figure in table.figures}:
            return table
    names = sorted((name for name in TABLES if stem == name or stem.startswith(f"{name}-")), key=len)
    return TABLES[names[-1]] if names else None
