"""Tables of numbers on disk: a tidy CSV, and a JSON file with its provenance.

The JSON holds the CSV's SHA-256. Two files cannot be replaced in one step, so the new JSON is first written as a
pending file whose name contains the new CSV's digest, then the CSV is replaced, then the pending file is renamed. A
reader that meets a new CSV with an old JSON finds the pending file, and completes the exchange.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from csv import reader
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.core.files import ROOT, atomic_write, remove_stale_parts, sync_folder
from helpers.profiles import Profile

if TYPE_CHECKING:
    import pandas as pd  # not at run time: commands that need no table would import it for a second

RESULTS_FOLDER = ROOT / "results"


def results_folder(profile: Profile | str, root: Path | None = None) -> Path:
    """The folder `results/<profile>/` (not created); its `work/` holds the intermediate results of runs.

    Args:
        profile: a profile, or its name.
        root: another folder than the project's `results/`.
    """
    return (root or RESULTS_FOLDER) / (profile.name if isinstance(profile, Profile) else profile)


def archives_folder(profile: Profile | str, root: Path | None = None) -> Path:
    """The folder of a profile's archived items (not created): see `helpers.results.item_archive`."""
    return results_folder(profile, root) / "items"


def write_table(
    frame: pd.DataFrame,
    profile: Profile | str,
    name: str,
    provenance: Mapping[str, Any],
    *,
    root: Path | None = None,
) -> Path:
    """Write `results/<profile>/<name>.csv` and `<name>.json`; if the process is killed, the old or the new pair stays.

    Args:
        frame: one observation per row, one variable per column; the index is not written.
        profile: the profile of the run, or its name.
        name: the table's name: small letters, digits and hyphens.
        provenance: the result of `collect_provenance`.
        root: another folder than the project's `results/`.

    Returns:
        The path of the CSV.

    Raises:
        ValueError: the name, the columns' names or the provenance cannot be written.
    """
    csv, final = _paths(profile, name, root)
    if not all(isinstance(column, str) and column for column in frame.columns) or not frame.columns.is_unique:
        raise ValueError(f"the column names of {name!r} must be different strings: {list(frame.columns)}")
    content = frame.to_csv(index=False, lineterminator="\n").encode()
    columns = {column: str(dtype) for column, dtype in frame.dtypes.items()}
    table = {"file": csv.name, "sha256": _digest(content), "rows": len(frame), "columns": columns}
    try:
        text = json.dumps({"table": table, **provenance}, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the provenance of {name!r} must consist of JSON values: {error}") from error
    pending = _pending(final, content)
    atomic_write(pending, f"{text}\n".encode())
    atomic_write(csv, content)
    _publish(pending, final)
    for stale in final.parent.glob(f".{name}.*.pending"):  # left by runs killed before they wrote their CSV
        stale.unlink(missing_ok=True)
    remove_stale_parts(final.parent)
    return csv


def read_table(profile: Profile | str, name: str, *, root: Path | None = None) -> pd.DataFrame:
    """Read a table that `write_table` wrote, with its columns' types.

    Raises:
        ValueError: there is no such table, or the JSON does not belong to the CSV; the message says what to do.
    """
    import pandas as pd

    content, provenance = _read_pair(profile, name, root)
    # read as strings, so that "01" and "NA" are preserved; only an empty cell is a missing value
    frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, na_values=[""])
    for column, dtype in provenance["table"]["columns"].items():
        if dtype.startswith(("int", "uint", "float")):
            frame[column] = frame[column].astype(object).astype(dtype)  # Python parses each number exactly
        elif dtype == "bool":
            frame[column] = frame[column] == "True"
    return frame


def read_provenance(profile: Profile | str, name: str, *, root: Path | None = None) -> dict[str, Any]:
    """The provenance of a table, as passed to `write_table`, with the additional entry `table`.

    Raises:
        ValueError: as for `read_table`.
    """
    return _read_pair(profile, name, root)[1]


def recorded_seconds(name: str, profile: Profile | str, *, root: Path | None = None) -> float | None:
    """The seconds of computation in a table's provenance; None without a record."""
    path = results_folder(profile, root) / f"{name}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8")).get("wall_seconds")
    except (OSError, ValueError, AttributeError):  # missing, or damaged
        return None


def table_exists(profile: Profile | str, name: str, *, root: Path | None = None) -> bool:
    """Whether a table was written at all, be its files damaged or not."""
    return any(path.is_file() for path in _paths(profile, name, root))


def _read_pair(profile: Profile | str, name: str, root: Path | None) -> tuple[bytes, dict[str, Any]]:
    csv, final = _paths(profile, name, root)
    again = f"run the notebook that makes {name!r} again with the profile {csv.parent.name!r}"
    if not csv.is_file():
        raise ValueError(f"{csv} does not exist; {again}")
    content = csv.read_bytes()
    pending = _pending(final, content)
    if pending.is_file():
        _publish(pending, final)
    try:
        provenance = json.loads(final.read_text(encoding="utf-8"))
        expected = provenance["table"]["sha256"]
        _check_columns(provenance["table"]["columns"], content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{final} does not hold the provenance of {csv.name} ({error!r}); {again}") from error
    if expected != _digest(content):
        raise ValueError(f"{csv} was changed after {final.name} was written, so its origin is not known; {again}")
    return content, provenance


def _check_columns(columns: Mapping[str, str], content: bytes) -> None:
    """Raise a ValueError or TypeError if a provenance's columns are not those of the CSV, or have no known type."""
    header = next(reader(io.StringIO(content.decode(), newline="")), [])
    if list(columns) != header:
        raise ValueError(f"its columns are {', '.join(columns)}, those of the CSV {', '.join(header)}")
    for dtype in columns.values():
        if dtype.startswith(("int", "uint", "float")):
            np.dtype(dtype)


def _paths(profile: Profile | str, name: str, root: Path | None) -> tuple[Path, Path]:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise ValueError(f"a table's name consists of small letters, digits and hyphens; got {name!r}")
    folder = results_folder(profile, root)
    return folder / f"{name}.csv", folder / f"{name}.json"


def _pending(final: Path, content: bytes) -> Path:
    return final.with_name(f".{final.stem}.{_digest(content)[:16]}.pending")


def _publish(pending: Path, final: Path) -> None:
    with suppress(FileNotFoundError):  # another process has done it
        os.replace(pending, final)
    sync_folder(final.parent)


def _digest(content: bytes) -> str:
    """SHA-256 that ignores differences in line ends, which git may change."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()
