"""What the commands on tables do: make them, list them with their freshness, and accept them as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from helpers.core.files import atomic_write
from helpers.profiles import known_profiles, profile_path
from helpers.profiles.strict_yaml import read_strict_yaml
from helpers.results.freshness import Freshness, compare, duration
from helpers.results.registry import TABLES, Table, find_table
from helpers.results.study import NoSuchTableError, ProfileStudy, open_studies
from helpers.results.tables import read_provenance, results_folder

SECTIONS = {"recartoonx": {"images"}, "explainer": {"explainer"}, "spacevae": {"space_vae"}}
"""What a profile must have for the tables of a paper."""

OPTIONS: dict[str, set[str]] = {"recartoonx": set(), "explainer": {"dataset", "classifier"}, "spacevae": {"models"}}
"""The options of the studies of a paper."""


def make_tables(name: str, profile: str, *, root: Path | None = None, **options: Any) -> None:
    """Make one table of a profile, or all that it can have but for those that are made on request; say where they are.

    Args:
        name: of the table, or "all".
        profile: its name, or the path of its file.
        root: another folder than the project's `results/`.
        options: of the studies: `dataset` and `classifier` of class masks, `models` of SpaCE-VAE.

    Raises:
        ValueError: there is no such table or profile, or the profile cannot have this table.
        FileNotFoundError: images or weights are not on this machine.
    """
    if name != "all":
        _make(find_table(name), profile, root, options)
        return
    sections = read_strict_yaml(profile_path(profile)).keys()
    papers = {paper for paper, known in OPTIONS.items() if options.keys() <= known and SECTIONS[paper] & sections}
    if not papers:
        asked = f" with --{' and --'.join(options)}" if options else ""
        raise ValueError(f"profile {profile!r} can have no table{asked}")
    for table in TABLES.values():
        if table.paper in papers and not table.on_request:
            try:
                _make(table, profile, root, options)
            except NoSuchTableError as error:
                print(f"left out: {error}", flush=True)


def list_tables(profile: str | None = None, *, root: Path | None = None) -> None:
    """Print a line for each table that is committed or that a profile can have: its state, why, and its cost."""
    profiles = known_profiles() if profile is None else [profile]
    for name in profiles:
        for place, state in table_states(name, root=root):
            why = f": {'; '.join(state.reasons)}" if state.reasons else ""
            blind = f" ({', '.join(state.unchecked)} not on this machine)" if state.unchecked else ""
            print(f"{state.state:9}  {place:55}  {duration(state.seconds) if state.seconds else '-':13}{why}{blind}")


def table_states(profile: str, *, root: Path | None = None) -> Iterator[tuple[str, Freshness]]:
    """The path below `results/` and the freshness of each table that lies there or that a profile can have."""
    folder = results_folder(profile, root)
    for table, study, name in _places(profile, root):
        place = f"{folder.name}/{name}"
        if study is None:
            yield place, Freshness("stale", ("the profile that made it cannot have it any more",))
        elif study.profile.name == folder.name:
            yield place, study.freshness(table.name)
        else:
            about = read_provenance(folder.name, name, root=root)
            then, seconds = about.get("depends"), about.get("wall_seconds")
            yield place, compare(then, study.depends(table.name), study.profile, seconds)


def accept_tables(names: Sequence[str], profile: str, because: str, *, root: Path | None = None) -> None:
    """Write beside stale tables that they are right as they are, with the reason and what had changed.

    Args:
        names: of tables; none for all of the profile that are there.
        profile: its name.
        because: why the numbers are still right.
        root: another folder than the project's `results/`.

    Raises:
        ValueError: there is no such table or profile, or no reason is given.
    """
    if not because.strip():
        raise ValueError("accepting a table needs a reason: --because 'only names have changed'")
    folder, chosen = results_folder(profile, root), {find_table(name).name for name in names}
    states = dict(table_states(profile, root=root))
    for table, study, name in _places(profile, root):
        state, path = states[f"{folder.name}/{name}"], folder / f"{name}.json"
        if (table.name in chosen or not chosen) and study is not None and path.is_file() and state.state == "stale":
            _accept(path, study.depends(table.name), state, because)
            print(path)


def _accept(path: Path, depends: dict[str, Any], state: Freshness, because: str) -> None:
    about = json.loads(path.read_text(encoding="utf-8"))
    then = about.get("depends") or {}
    kept = {part: value if value is not None else then.get(part) for part, value in depends.items()}
    date = datetime.now(timezone.utc).isoformat(timespec="seconds")
    accepted = [*about.get("accepted", []), {"date": date, "because": because, "changed": list(state.reasons)}]
    atomic_write(path, (json.dumps({**about, "depends": kept, "accepted": accepted}, indent=2) + "\n").encode())


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
    """The studies of a profile that can have a table; none where it has not the sections for it."""
    if not SECTIONS[table.paper] & read_strict_yaml(profile_path(profile)).keys():
        return []
    try:
        return _studies(table, profile, root, {}, show=False)
    except NoSuchTableError:
        return []


def _places(profile: str, root: Path | None) -> Iterator[tuple[Table, ProfileStudy | None, str]]:
    """Each table that a profile can have or that lies in its folder, its study there, and the name of its file."""
    names: set[str] = set()
    for table in TABLES.values():
        for study in _possible_studies(table, profile, root):
            names.add(study.file_name(table))
            yield table, study, study.file_name(table)
    for path in sorted(results_folder(profile, root).glob("*.json")):  # made at another profile, and kept here
        known = None if path.stem in names else _by_file_name(path.stem)
        if known is not None:
            studies = _possible_studies(known, read_provenance(profile, path.stem, root=root)["profile"], root)
            yield known, next((s for s in studies if s.file_name(known) == path.stem), None), path.stem


def _by_file_name(stem: str) -> Table | None:
    names = sorted((name for name in TABLES if stem == name or stem.startswith(f"{name}-")), key=len)
    return TABLES[names[-1]] if names else None
