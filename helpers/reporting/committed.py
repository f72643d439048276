"""Committed tables of larger runs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.results import read_table, results_folder


def committed_table(profile: str, name: str, *, root: Path | None = None) -> pd.DataFrame | None:
    """The table `results/<profile>/<name>.csv`, or None if it does not exist.

    Raises:
        ValueError: the table does not match its provenance.
    """
    if not (results_folder(profile, root) / f"{name}.csv").is_file():
        return None
    return read_table(profile, name, root=root)
