"""What two runs of the same figures have made, compared: tables, and the outputs of the notebooks."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import nbformat

from helpers.core.files import ROOT

TIMES = re.compile("second|minute|speed|time|cost")
"""Columns of times: no two runs take the same."""

IGNORED = {"nbval-ignore-output", "nbval-skip"}
"""Tags of cells whose outputs show times or the machine, as for the second run of every page in `make test-all`."""

Kind = Literal["table", "notebook"]


@dataclass(frozen=True)
class Comparison:
    """One file of both runs.

    Attributes:
        kind: `table` or `notebook`.
        name: the table's, or the figure's.
        values: how many numbers and words of a table, or outputs of a notebook, were compared.
        pictures: how many pictures were compared, byte by byte.
        times: how many columns, or cells, were left out, since they hold times.
        same: whether all that was compared is the same.
    """

    kind: Kind
    name: str
    values: int
    pictures: int
    times: int
    same: bool


def compare_runs(here: Path, there: Path, figures: list[str], profile: str = "quick") -> list[Comparison]:
    """Compare the tables of a profile and the notebooks of figures in two clones.

    Args:
        here: a clone whose figures were made on this machine.
        there: one whose figures were made on a cluster.
        figures: the ids of the figures.
        profile: the profile's name.

    Returns:
        A comparison for each table that either run has written, and for each figure.

    Raises:
        FileNotFoundError: a figure has not been made in one of them.
    """
    folders = [clone / "results" / profile for clone in (here, there)]
    tables = sorted({path.stem for folder in folders for path in folder.glob("*.csv")})
    notebooks = [[clone / f"_build/figures/{profile}/{name}.ipynb" for clone in (here, there)] for name in figures]
    found = [compare_tables(profile, name, *(folder.parent for folder in folders)) for name in tables]
    return found + [compare_notebooks(name, *paths) for name, paths in zip(figures, notebooks, strict=True)]


def compare_tables(profile: str, name: str, here: Path, there: Path) -> Comparison:
    """Compare a table in two folders of results, value by value, as they stand in its CSV file."""
    paths = [folder / profile / f"{name}.csv" for folder in (here, there)]
    if not all(path.is_file() for path in paths):
        return Comparison("table", name, 0, 0, 0, same=False)
    runs = [list(csv.reader(path.read_text(encoding="utf-8").splitlines())) for path in paths]
    timed = [{index for index, head in enumerate(run[0]) if TIMES.search(head)} for run in runs]
    kept = [
        [[value for index, value in enumerate(line) if index not in left_out] for line in run]
        for run, left_out in zip(runs, timed, strict=True)
    ]
    values = sum(len(line) for line in kept[0][1:])
    return Comparison("table", name, values, 0, len(timed[0]), same=kept[0] == kept[1])


def compare_notebooks(name: str, here: Path, there: Path) -> Comparison:
    """Compare the outputs of two runs of a notebook, without times, addresses and identifiers, and without progress."""
    runs = [_outputs(path) for path in (here, there)]
    same = runs[0] == runs[1]
    values = sum(len(cell) for cell in runs[0] if cell is not None)
    pictures = sum("image" in kind for cell in runs[0] if cell is not None for kind, _ in cell)
    return Comparison("notebook", name, values, pictures, runs[0].count(None), same=same)


def _outputs(path: Path) -> list[list[tuple[str, str]] | None]:
    """The outputs of each code cell, by kind; None for a cell whose outputs are not compared."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} has not been made")
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return [None if IGNORED & set(cell.metadata.get("tags", ())) else list(_parts(cell)) for cell in cells]


def _parts(cell: Any) -> Iterator[tuple[str, str]]:
    for output in cell.outputs:
        if output.get("name") == "stdout":  # the other stream has the progress, which depends on what is stored already
            yield "stdout", _without_times(output.text)
        for kind, data in output.get("data", {}).items():
            text = data if isinstance(data, str) else json.dumps(data, sort_keys=True)
            if kind.startswith("image/"):
                yield kind, hashlib.sha256(text.encode()).hexdigest()
            else:
                yield kind, _without_times(text)


def _without_times(text: str) -> str:
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """What differs from run to run, as nbval leaves it out, but for pictures: these are compared here."""
    lines = (ROOT / "tests/sanitise.cfg").read_text(encoding="utf-8").splitlines()
    found: list[tuple[re.Pattern[str], str]] = []
    section = pattern = ""
    for line in lines:
        if line.startswith("["):
            section = line
        elif line.startswith("regex: "):
            pattern = line.removeprefix("regex: ")
        elif line.startswith("replace: ") and not section.startswith("[pictures"):
            found.append((re.compile(pattern), line.removeprefix("replace: ")))
    return found


_PATTERNS = _patterns()
