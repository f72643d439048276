"""Tables of numbers on disk: a tidy CSV, and beside it a JSON that says where it comes from.

The JSON holds the CSV's SHA-256. Two files cannot be replaced in one step, so the new JSON is first written under a
name that holds the new CSV's digest, then the CSV is replaced, then the JSON takes its place. Whoever finds a new CSV
beside an old JSON finds the right JSON too, and finishes the exchange.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.core.files import ROOT, atomic_write, remove_stale_parts, sync_folder
from helpers.profiles import Profile

RESULTS_FOLDER = ROOT / "results"


def results_folder(profile: Profile | str, root: Path | None = None) -> Path:
    """The folder `results/<profile>/` (not made); `work/` in it is for what a run keeps while it goes.

    Args:
        profile: a profile, or its name.
        root: another folder than the project's `results/`.
    """
    return (root or RESULTS_FOLDER) / (profile.name if isinstance(profile, Profile) else profile)


def write_table(
    frame: pd.DataFrame,
    profile: Profile | str,
    name: str,
    provenance: Mapping[str, Any],
    *,
    root: Path | None = None,
) -> Path:
    """Write `results/<profile>/<name>.csv` and `<name>.json`; a kill at any moment leaves the old pair or the new.

    Args:
        frame: one observation a row, one variable a column; the index is not written.
        profile: the profile of the run, or its name.
        name: the table's name: small letters, digits and hyphens.
        provenance: what `collect_provenance` returns.
        root: another folder than the project's `results/`.

    Returns:
        The path of the CSV.

    Raises:
        ValueError: the name, the columns' names or the provenance cannot be written.
    """
    csv, final = _paths(profile, name, root)
    if not all(isinstance(column, str) and column for column in frame.columns) or not frame.columns.is_unique:
        raise ValueError(f"the columns of {name!r} must have different names, each a text: {list(frame.columns)}")
    content = frame.to_csv(index=False, lineterminator="\n").encode()
    columns = {column: str(kind) for column, kind in frame.dtypes.items()}
    table = {"file": csv.name, "sha256": _digest(content), "rows": len(frame), "columns": columns}
    try:
        text = json.dumps({"table": table, **provenance}, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the provenance of {name!r} must be plain values that JSON knows: {error}") from error
    pending = _pending(final, content)
    atomic_write(pending, f"{text}\n".encode())
    atomic_write(csv, content)
    _publish(pending, final)
    for stale in final.parent.glob(f".{name}.*.pending"):  # of runs that were killed before their CSV was there
        stale.unlink(missing_ok=True)
    remove_stale_parts(final.parent)
    return csv


def read_table(profile: Profile | str, name: str, *, root: Path | None = None) -> pd.DataFrame:
    """Read a table that `write_table` wrote, with its columns' types.

    Raises:
        ValueError: it is not there, or the CSV is not the one that the JSON belongs to; the message says what to do.
    """
    content, about = _read_pair(profile, name, root)
    # read as texts, so that "01" and "NA" stay what they are; only an empty cell is a missing value
    frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, na_values=[""])
    for column, kind in about["table"]["columns"].items():
        if kind.startswith(("int", "uint", "float")):
            frame[column] = frame[column].astype(object).astype(kind)  # by Python's exact reading of each number
        elif kind == "bool":
            frame[column] = frame[column] == "True"
    return frame


def read_provenance(profile: Profile | str, name: str, *, root: Path | None = None) -> dict[str, Any]:
    """Read what is known about a table: what was given to `write_table`, and the entry `table`.

    Raises:
        ValueError: as for `read_table`.
    """
    return _read_pair(profile, name, root)[1]


def recorded_seconds(name: str, profile: Profile | str, *, root: Path | None = None) -> float | None:
    """How long making a table took, as its provenance says; None where there is no record of it."""
    path = results_folder(profile, root) / f"{name}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8")).get("wall_seconds")
    except (OSError, ValueError):
        return None


def _read_pair(profile: Profile | str, name: str, root: Path | None) -> tuple[bytes, dict[str, Any]]:
    csv, final = _paths(profile, name, root)
    again = f"run the notebook that makes {name!r} again with the profile {csv.parent.name!r}"
    if not csv.is_file():
        raise ValueError(f"{csv} is not there; {again}")
    content = csv.read_bytes()
    pending = _pending(final, content)
    if pending.is_file():
        _publish(pending, final)
    try:
        about = json.loads(final.read_text(encoding="utf-8"))
        expected = about["table"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{final} does not say where {csv.name} comes from ({error!r}); {again}") from error
    if expected != _digest(content):
        raise ValueError(f"{csv} was changed after {final.name} was written, so its origin is not known; {again}")
    return content, about


def _paths(profile: Profile | str, name: str, root: Path | None) -> tuple[Path, Path]:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise ValueError(f"a table's name is made of small letters, digits and hyphens, not {name!r}")
    folder = results_folder(profile, root)
    return folder / f"{name}.csv", folder / f"{name}.json"


def _pending(final: Path, content: bytes) -> Path:
    return final.with_name(f".{final.stem}.{_digest(content)[:16]}.pending")


def _publish(pending: Path, final: Path) -> None:
    with suppress(FileNotFoundError):  # another process has done it
        os.replace(pending, final)
    sync_folder(final.parent)


def _digest(content: bytes) -> str:
    """SHA-256 that does not care whether git changed the line ends."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()
