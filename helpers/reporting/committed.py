"""Stored tables of runs, as evidence for claims and for pages that show larger runs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.results import TABLES, read_table, results_folder


def committed_table(profile: str, name: str, *, root: Path | None = None) -> pd.DataFrame | None:
    """The table `results/<profile>/<name>.csv`, or None if it does not exist.

    Raises:
        ValueError: the table does not match its provenance.
    """
    if not (results_folder(profile, root) / f"{name}.csv").is_file():
        return None
    return read_table(profile, name, root=root)


def evidence_table(profile: str, name: str, *, root: Path | None = None) -> pd.DataFrame | None:
    """A stored table of a profile; for a table with one file per dataset and classifier, all of them together.

    Args:
        profile: the profile's name.
        name: the table's name, or a figure's id for the table that its page writes.
        root: another folder than the project's `results/`.

    Returns:
        The rows, with columns dataset and classifier for such tables; None if there is no file.
    """
    table = TABLES.get(name)
    if table is None or not table.datasets:
        return committed_table(profile, name, root=root)
    stored = {
        (dataset, classifier): committed_table(profile, f"{name}-{dataset}-{classifier}", root=root)
        for dataset in table.datasets
        for classifier in table.classifiers
    }
    parts = [
        part.assign(dataset=dataset, classifier=classifier)
        for (dataset, classifier), part in stored.items()
        if part is not None
    ]
    return pd.concat(parts, ignore_index=True) if parts else committed_table(profile, name, root=root)
