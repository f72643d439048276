"""Numbers of larger runs that lie in the repository."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.results import read_table, results_folder


def committed_table(profile: str, name: str, *, root: Path | None = None) -> pd.DataFrame | None:
    """The table `results/<profile>/<name>.csv`, or None where that run has not been made yet.

    Raises:
        ValueError: the table is there, but is not the one that its provenance belongs to.
    """
    if not (results_folder(profile, root) / f"{name}.csv").is_file():
        return None
    return read_table(profile, name, root=root)
