"""Committed tables about class masks from larger runs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.reporting.committed import committed_table
from helpers.results.registry import find_table


def committed_tables(profile: str, name: str, *, root: Path | None = None) -> pd.DataFrame | None:
    """A table of all pairs in `results/<profile>/`, in the form of `table_of_pairs`; None if there are none.

    Args:
        profile: the profile of the larger run, such as "scenes".
        name: the table's name, such as "explainer-segmentation".
        root: another folder than the project's `results/`.
    """
    table = find_table(name)
    stored = {
        (dataset, classifier): committed_table(profile, f"{name}-{dataset}-{classifier}", root=root)
        for dataset in table.datasets
        for classifier in table.classifiers
    }
    tables = [
        pair.assign(dataset=dataset, classifier=classifier)
        for (dataset, classifier), pair in stored.items()
        if pair is not None
    ]
    return pd.concat(tables, ignore_index=True) if tables else None


def committed_opening(table: pd.DataFrame, profile: str) -> str:
    """The sentence before a larger run's results: their origin, and the number of images per pair."""
    pairs = table.groupby(["dataset", "classifier"])
    images = pairs["image"].nunique() if "image" in table else pairs["images"].max()
    fewest, most = int(images.min()), int(images.max())
    count = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    return (
        f"The profile `{profile}` runs every method with its published settings. From `results/{profile}/`, "
        f"over {count} images for each dataset and classifier:"
    )
